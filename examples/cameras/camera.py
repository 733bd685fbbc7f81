"""The program of the integration document, as it stands there but for:

- the host and port, which are arguments, and `sdk`, which says what the document has as literals too;
- `client._sock.settimeout(10)`: paho has no socket before `connect` and raises AttributeError; `_connect_timeout` is meant;
- its parts are in the order in which they run, it waits for SIGTERM, and prints at once.

    CAMERA=camera python3 examples/cameras/camera.py [HOST [PORT]]
"""

import json
import signal
import sys
import threading

import paho.mqtt.client as mqtt
import sdk

# Define the MQTT broker details
broker_url = sys.argv[1] if len(sys.argv) > 1 else "localhost"
broker_port = int(sys.argv[2]) if len(sys.argv) > 2 else 1883

# Define authentication credentials
device_id = sdk.get_device_id()       # Retrieved from the SDK
mcu_access_token = sdk.get_access_token()
thing_name = sdk.get_thing_name()

# Define the custom client ID
partnerID = sdk.get_partner_id()  # Retrieved from the SDK
clientid = "mcu"  # Typically defined within your application
spaceid = sdk.get_space_id()      # Retrieved from the SDK
client_id = f"{partnerID}-{clientid}-{spaceid}-{device_id}"

# Create a new MQTT client instance with the custom client ID
client = mqtt.Client(client_id=client_id)

# Set the device_id and mcu_access_token for authentication
client.username_pw_set(username=device_id, password=mcu_access_token)

# Set the keep-alive time and ping timeout
client.keep_alive = 60  # Keep alive time of 60 seconds
client._transport = "tcp"
client._connect_timeout = 10  # Ping timeout of 10 seconds


# Define the on_message callback
def on_message(client, userdata, message):
    payload = json.loads(message.payload.decode())
    print(f"Received wake-up command: {payload}", flush=True)

    # Extract details from the payload
    if payload.get("type") == "WakeUP":
        device_id = payload.get("body", {}).get("deviceId")
        print(f"Wake-up command for device: {device_id}", flush=True)


# Assign the on_message callback to the client
client.on_message = on_message

# Connect to the broker
client.connect(broker_url, broker_port)

# Start the loop to process network traffic and dispatch callbacks
client.loop_start()

# Subscribe to the wake-up command topic
topic = f"device/things/{thing_name}/message"
client.subscribe(topic)

done = threading.Event()
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: done.set())
done.wait()

# Disconnect from the broker
client.loop_stop()
client.disconnect()
