"""For users: start, operate, connect, build a service."""
