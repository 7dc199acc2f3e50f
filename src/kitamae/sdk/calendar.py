"""Japan's holidays, for services."""

from kitamae.kernel.calendar import holidays

__all__ = ["holidays"]
