"""Days and moments that somebody typed, for services."""

from kitamae.kernel.days import moment, read

__all__ = ["moment", "read"]
