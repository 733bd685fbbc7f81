# mqtt_client.py
import paho.mqtt.client as mqtt
import json
import logging
from typing import Callable, Optional

class MQTTClient:
    def __init__(
        self,
        broker_host: str = 'localhost',
        broker_port: int = 1883,
        client_id: str = None,
        username: str = None,
        password: str = None
    ):
        self.broker_host = broker_host
        self.broker_port = broker_port
        self.client_id = client_id or f'mqtt_client_{id(self)}'
        
        self.client = mqtt.Client(client_id=self.client_id)
        
        if username and password:
            self.client.username_pw_set(username, password)
        
        self.setup_callbacks()
    
    def setup_callbacks(self):
        """Setup MQTT client callbacks"""
        self.client.on_connect = self.on_connect
        self.client.on_disconnect = self.on_disconnect
        self.client.on_message = self.on_message
        self.client.on_publish = self.on_publish
        self.client.on_subscribe = self.on_subscribe
        self.client.on_unsubscribe = self.on_unsubscribe
    
    def on_connect(self, client, userdata, flags, rc):
        """Callback when connected to broker"""
        if rc == 0:
            logging.info(f"Connected to {self.broker_host}:{self.broker_port}")
        else:
            logging.error(f"Connection failed with code {rc}")
    
    def on_disconnect(self, client, userdata, rc):
        """Callback when disconnected from broker"""
        if rc != 0:
            logging.warning(f"Unexpected disconnect, code: {rc}")
        else:
            logging.info("Disconnected from broker")
    
    def on_message(self, client, userdata, msg):
        """Callback when message received"""
        logging.info(f"Received on {msg.topic}: {msg.payload.decode()}")
    
    def on_publish(self, client, userdata, mid):
        """Callback when message published"""
        logging.info(f"Message {mid} published successfully")
    
    def on_subscribe(self, client, userdata, mid, granted_qos):
        """Callback when subscribed to topic"""
        logging.info(f"Subscribed with QoS {granted_qos}")
    
    def on_unsubscribe(self, client, userdata, mid):
        """Callback when unsubscribed"""
        logging.info(f"Unsubscribed successfully")
    
    def connect(self) -> None:
        """Connect to MQTT broker"""
        try:
            self.client.connect(self.broker_host, self.broker_port, 60)
            self.client.loop_start()
        except Exception as e:
            logging.error(f"Connection error: {e}")
            raise
    
    def disconnect(self) -> None:
        """Disconnect from MQTT broker"""
        self.client.loop_stop()
        self.client.disconnect()
    
    def publish(
        self,
        topic: str,
        payload: any,
        qos: int = 0,
        retain: bool = False
    ) -> None:
        """Publish message to topic"""
        if isinstance(payload, dict):
            payload = json.dumps(payload)
        
        result = self.client.publish(topic, payload, qos=qos, retain=retain)
        result.wait_for_publish()
    
    def subscribe(
        self,
        topic: str,
        qos: int = 0,
        callback: Callable = None
    ) -> None:
        """Subscribe to topic"""
        if callback:
            self.client.message_callback_add(topic, callback)
        
        self.client.subscribe(topic, qos=qos)
    
    def unsubscribe(self, topic: str) -> None:
        """Unsubscribe from topic"""
        self.client.unsubscribe(topic)
    
    def set_last_will(
        self,
        topic: str,
        payload: str,
        qos: int = 0,
        retain: bool = False
    ) -> None:
        """Set last will and testament"""
        self.client.will_set(topic, payload, qos=qos, retain=retain)

# Usage
client = MQTTClient(
    broker_host='localhost',
    broker_port=1883,
    username='user',
    password='pass'
)

# Set last will
client.set_last_will('status/client', 'offline', retain=True)

# Connect
client.connect()

# Subscribe
client.subscribe('sensors/+/temperature', qos=1)

# Publish
client.publish('sensors/room1/temperature', {'value': 22.5, 'unit': 'C'}, qos=1)
