"""The data directory: what lies where, who holds it, how it is backed up and restored."""
