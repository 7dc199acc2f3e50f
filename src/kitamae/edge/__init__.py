"""What every request passes, whatever it asks for: who asks, limits, headers, errors, measures, health. Raw ASGI."""
