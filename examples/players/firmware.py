"""What the ESP32 example of the connection document does, with paho: MQTT 3.1.1, QoS 0, mutual TLS. It also asks for
artworks and reports a view, on the topics of the document.

    python3 examples/players/firmware.py PLAYER_KEY CA CERTIFICATE KEY [HOST [PORT]]
"""

import datetime
import json
import sys
import time
import uuid

import paho.mqtt.client as mqtt

player_key, ca_pem, cert_pem, key_pem = sys.argv[1:5]
host = sys.argv[5] if len(sys.argv) > 5 else "localhost"
port = int(sys.argv[6]) if len(sys.argv) > 6 else 8883
topic = f"makapix/player/{player_key}"

client = mqtt.Client(client_id=player_key, protocol=mqtt.MQTTv311)
client.tls_set(ca_certs=ca_pem, certfile=cert_pem, keyfile=key_pem)
client.username_pw_set(player_key, "")


def message_callback(client, userdata, message):
    print(f"{message.topic} {message.payload.decode()}", flush=True)
    received = json.loads(message.payload)
    if received.get("command") == "show_artwork":
        viewed_at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        view = {"view_id": str(uuid.uuid4()), "artwork_id": received["artwork_id"], "viewed_at": viewed_at}
        client.publish(f"{topic}/view", json.dumps(view))


def connected_callback(client, userdata, flags, rc):
    if rc != 0:
        return
    client.subscribe(f"{topic}/command")
    client.subscribe(f"{topic}/response/+")
    client.publish(f"{topic}/status", json.dumps({"player_key": player_key, "status": "online"}))
    client.publish(f"{topic}/request/1", json.dumps({"request_type": "query_posts", "limit": 2}))


client.on_message = message_callback
client.on_connect = connected_callback
while True:
    try:
        client.connect(host, port)
        print(f"Ended with code {client.loop_forever(retry_first_connection=False)}", flush=True)
    except OSError as error:
        print(error, flush=True)
    time.sleep(5)  # Retry after 5 seconds
