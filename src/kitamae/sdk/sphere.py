"""Distances, for services."""

from kitamae.kernel.sphere import metres

__all__ = ["metres"]
