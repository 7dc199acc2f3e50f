"""Kitamae (北前): the operating system of a small city, in one process and one data directory."""

__version__ = "0.1.0"
