"""The program of the connection document, as it stands there but for:

- host, port, files and `player_key`, which are arguments;
- `on_disconnect`, which paho 1.x calls without `flags`;
- its parts are in the order in which they run, and it prints what it receives, at once.

    python3 examples/players/player.py PLAYER_KEY CA CERTIFICATE KEY [HOST [PORT [PATH]]]

With PATH, such as /mqtt, it comes as a WebSocket.
"""

import json
import ssl
import sys
import time

import paho.mqtt.client as mqtt

player_key, ca_file, certificate_file, key_file = sys.argv[1:5]
host = sys.argv[5] if len(sys.argv) > 5 else "localhost"
port = int(sys.argv[6]) if len(sys.argv) > 6 else 8883
path = sys.argv[7] if len(sys.argv) > 7 else None

client = mqtt.Client(
    client_id=player_key,
    protocol=mqtt.MQTTv5,
    transport="tcp" if path is None else "websockets"
)
if path is not None:
    client.ws_set_options(path=path)

# Configure TLS with mTLS
client.tls_set(
    ca_certs=ca_file,
    certfile=certificate_file,
    keyfile=key_file,
    cert_reqs=ssl.CERT_REQUIRED,
    tls_version=ssl.PROTOCOL_TLS
)

# Set username (password can be empty)
client.username_pw_set(username=player_key, password="")

reconnect_delay = 1  # Initial delay in seconds
max_delay = 300      # Maximum delay (5 minutes)


def on_connect(client, userdata, flags, rc, properties):
    global reconnect_delay
    if rc == 0:
        reconnect_delay = 1  # Reset on successful connection
        print("Connected successfully", flush=True)
        # Subscribe to receive commands
        client.subscribe(f"makapix/player/{player_key}/command", qos=1)
        # Subscribe to receive request responses
        client.subscribe(f"makapix/player/{player_key}/response/+", qos=1)
        # Publish online status
        client.publish(
            f"makapix/player/{player_key}/status",
            json.dumps({
                "player_key": player_key,
                "status": "online",
                "firmware_version": "2.1.0"
            }),
            qos=1
        )
    else:
        print(f"Connection failed with code {rc}", flush=True)


def on_disconnect(client, userdata, rc, properties):
    global reconnect_delay
    if rc != 0:
        print(f"Unexpected disconnect, reconnecting in {reconnect_delay}s...", flush=True)
        time.sleep(reconnect_delay)
        reconnect_delay = min(reconnect_delay * 2, max_delay)
        client.reconnect()


def on_message(client, userdata, message):
    print(f"{message.topic} {message.payload.decode()}", flush=True)


client.on_connect = on_connect
client.on_disconnect = on_disconnect
client.on_message = on_message

client.connect(host, port, keepalive=60)
client.loop_forever()
