"""MQTT: devices' messages into the broker, notifications out of it, and a publisher that speaks as devices do (aiomqtt)."""
