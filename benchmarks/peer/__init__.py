"""What stands on the other side of the server in a benchmark: programs of their own, each in its own process."""
