"""The program of the player document, with host, port and paths as arguments; it ends when a command has come."""

import json
import ssl
import sys

import paho.mqtt.client as mqtt

player_key, host, port, ca, cert, key = sys.argv[1:7]

client = mqtt.Client(
    client_id=player_key,
    protocol=mqtt.MQTTv5
)

# Configure TLS with mTLS
client.tls_set(
    ca_certs=ca,
    certfile=cert,
    keyfile=key,
    cert_reqs=ssl.CERT_REQUIRED,
    tls_version=ssl.PROTOCOL_TLS
)

# Set username (password can be empty)
client.username_pw_set(username=player_key, password="")


def on_connect(client, userdata, flags, rc, properties):
    if rc == 0:
        print("Connected successfully")
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
        print(f"Connection failed with code {rc}")
        client.disconnect()


def on_message(client, userdata, message):
    print(f"{message.topic} {message.payload.decode()}")
    client.disconnect()


client.on_connect = on_connect
client.on_message = on_message
client.connect(host, int(port), keepalive=60)
client.loop_forever()
