"""The program of the camera document, with what its SDK says as arguments; it ends when a wake-up command has come.

One line of the document cannot run anywhere: `client._sock.settimeout(10)` before `connect`, when paho has no socket yet
(AttributeError). The time-out that it means is given to `connect` instead.
"""

import json
import sys
import threading

import paho.mqtt.client as mqtt

broker_port, partnerID, clientid, spaceid, device_id, thing_name, mcu_access_token = sys.argv[1:8]
broker_url = "127.0.0.1"

client_id = f"{partnerID}-{clientid}-{spaceid}-{device_id}"

# Create a new MQTT client instance with the custom client ID
client = mqtt.Client(client_id=client_id)

# Set the device_id and mcu_access_token for authentication
client.username_pw_set(username=device_id, password=mcu_access_token)

# Set the keep-alive time and ping timeout
client.keep_alive = 60
client._transport = "tcp"
client._connect_timeout = 10
done = threading.Event()


def on_connect(client, userdata, flags, rc):
    print(f"rc {rc}", flush=True)
    if rc != 0:
        done.set()


# Define the on_message callback
def on_message(client, userdata, message):
    payload = json.loads(message.payload.decode())
    # Extract details from the payload
    if payload.get("type") == "WakeUP":
        print(f"Wake-up command for device: {payload.get('body', {}).get('deviceId')}", flush=True)
        done.set()


def on_subscribe(client, userdata, mid, granted):
    print(f"granted {granted}", flush=True)


client.on_connect = on_connect
client.on_message = on_message
client.on_subscribe = on_subscribe

# Connect to the broker
client.connect(broker_url, int(broker_port))

# Start the loop to process network traffic and dispatch callbacks
client.loop_start()

# Subscribe to the wake-up command topic; and, which the document does not, to another one
client.subscribe(f"device/things/{thing_name}/message")
client.subscribe("device/things/+/message")

done.wait(15)

# Disconnect from the broker
client.loop_stop()
client.disconnect()
