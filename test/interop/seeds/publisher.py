import paho.mqtt.client as mqtt

# MQTT broker configuration
broker = '127.0.0.1'
port = 1883
topic = 'test/topic'
message = 'Hello, MQTT!'

# Create a new MQTT client instance
client = mqtt.Client()

# Connect to the broker
client.connect(broker, port)

# Publish a message to the topic
client.publish(topic, message)

# Disconnect from the broker
client.disconnect()
