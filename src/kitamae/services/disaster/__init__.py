"""Disaster: what is happening, what to do, where it is safe."""
