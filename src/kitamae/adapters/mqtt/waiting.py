"""Messages that arrived and were not looked at yet, in bounded memory.

An MQTT message may have 256 MB, and of QoS 0 as many come as anybody sends. Only what is acknowledged is held back by the MQTT
broker itself, so only the others may be dropped here.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiomqtt import Message

MOST: Final = 2_000
"""Messages of QoS 0 that wait at most."""


class Waiting(asyncio.Queue[Message]):
    """`longest`: bytes of a payload that are kept; one byte more is kept of a longer one, so that its reader sees it is too long."""

    def __init__(self, longest: int) -> None:
        super().__init__()
        self.dropped = 0
        self._longest = longest

    def put_nowait(self, item: Message) -> None:
        """Never full for what must be acknowledged."""
        if not item.qos and self.qsize() >= MOST:
            self.dropped += 1
            return
        if isinstance(item.payload, bytes | bytearray) and len(item.payload) > self._longest:
            item.payload = bytes(item.payload[: self._longest + 1])
        super().put_nowait(item)
