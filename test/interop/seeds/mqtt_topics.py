# qos0_publisher.py
client.publish('sensors/temperature', {'value': 22.5}, qos=0)
# qos1_publisher.py
client.publish('alerts/critical', {'alert': 'High temperature'}, qos=1)
# qos2_publisher.py
client.publish('commands/valve', {'action': 'close'}, qos=2)

# Subscribe to all sensor data
client.subscribe('sensors/#')
# Subscribe to specific room data
client.subscribe('home/livingroom/+')

# lwt_monitor.py
def on_lwt_message(client, userdata, msg):
    status = msg.payload.decode()
    topic = msg.topic
    print(f"Client status: {status} on {topic}")

client.subscribe('status/+', callback=on_lwt_message)

# retained_messages.py
client.publish('config/valve', {'position': 'closed'}, retain=True)

# The threads of paho end with the program
import threading
threading.Event().wait()
