"""One client of Eclipse Paho: subscribes, publishes at each QoS, and prints what comes back; leaves a will behind."""

import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, level = int(sys.argv[1]), int(sys.argv[2])
topic = f"paho/{level}"
done = threading.Event()
lines = []


def on_connect(client, userdata, flags, code, properties=None):
    client.subscribe([(f"{topic}/#", 2)] if level < 5 else f"{topic}/#", options=None if level < 5 else mqtt.SubscribeOptions(qos=2))


def on_subscribe(client, userdata, identifier, granted, properties=None):
    for qos in (0, 1, 2):
        sent = None
        if level == 5:
            sent = Properties(PacketTypes.PUBLISH)
            sent.ContentType = "text/plain"
            sent.UserProperty = ("name", "value")
        client.publish(f"{topic}/{qos}", f"payload {qos}", qos=qos, properties=sent)
    client.publish(f"{topic}/retained", "kept", qos=1, retain=True)


def on_message(client, userdata, message):
    extra = ""
    if level == 5 and hasattr(message.properties, "ContentType"):
        extra = f" {message.properties.ContentType} {message.properties.UserProperty}"
    lines.append(f"{message.qos} {message.topic} {message.payload.decode()}{extra}")
    if len(lines) == 4:
        done.set()


client = mqtt.Client(f"paho-{level}", protocol={3: mqtt.MQTTv31, 4: mqtt.MQTTv311, 5: mqtt.MQTTv5}[level])
client.will_set(f"paho-will/{level}", "gone", qos=1)
client.on_connect = on_connect
client.on_subscribe = on_subscribe
client.on_message = on_message
client.connect("127.0.0.1", port, keepalive=30)
client.loop_start()
if not done.wait(15):
    sys.exit(f"only {lines} came")
print("\n".join(sorted(lines)), flush=True)
# The connection breaks without a DISCONNECT, so the will goes out.
client._sock_close()
