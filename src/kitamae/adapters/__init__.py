"""Drivers and wires. SQL stands in named .sql files."""
