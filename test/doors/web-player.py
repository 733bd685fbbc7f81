"""A player of paho that comes as wss://…/mqtt with its certificate; says the code of CONNACK and leaves."""

import ssl
import sys

import paho.mqtt.client as mqtt

player_key, port, ca, cert, key = sys.argv[1:6]
client = mqtt.Client(client_id=player_key, protocol=mqtt.MQTTv5, transport="websockets")
client.tls_set(ca_certs=ca, certfile=cert, keyfile=key, cert_reqs=ssl.CERT_REQUIRED, tls_version=ssl.PROTOCOL_TLS)
client.username_pw_set(username=player_key, password="")
client.ws_set_options(path="/mqtt")


def on_connect(client, userdata, flags, rc, properties):
    print(rc)
    client.disconnect()


client.on_connect = on_connect
client.connect("localhost", int(port), keepalive=60)
client.loop_forever()
