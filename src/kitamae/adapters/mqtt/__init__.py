"""MQTT: devices' messages into the broker, and a publisher that speaks as devices do (aiomqtt)."""
