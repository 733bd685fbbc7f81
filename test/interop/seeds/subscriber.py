import paho.mqtt.client as mqtt

# MQTT broker configuration
broker = '127.0.0.1'
port = 1883
topic = 'test/topic'

# Define the callback function for when a message is received
def on_message(client, userdata, msg):
    print(f"Received message: {msg.payload.decode()} on topic {msg.topic}")

# Create a new MQTT client instance
client = mqtt.Client()

# Set the on_message callback function
client.on_message = on_message

# Connect to the broker
client.connect(broker, port)

# Subscribe to the topic
client.subscribe(topic)

# Start the loop to process received messages
client.loop_forever()
