"""Queues in shares: each share is served by one worker at a time."""

from __future__ import annotations

import zlib
from typing import Final

SHARES: Final = 64


def share(queue: str) -> int:
    """Which share a queue belongs to; the same on every worker and for ever."""
    return zlib.crc32(queue.encode()) % SHARES
