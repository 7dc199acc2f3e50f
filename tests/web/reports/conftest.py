"""The city in which something is reported."""

from reporting import kaga

__all__ = ["kaga"]
