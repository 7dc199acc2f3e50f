"""A few places for work, and many who ask: whoever asks for much waits for his own, not everybody for him."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from kitamae.kernel.problems import TooManyRequests

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ASKER: Final[ContextVar[str]] = ContextVar("asker", default="")
"""The network address that the work is done for (see `edge`); "": the house itself."""


class Places:
    """`places` in all, `of_one` for one asker; of those who wait the next one is whoever was served longest ago.

    Raises TooManyRequests when more than `waiting` of one asker wait already. The house itself is limited by nothing but the places.
    """

    def __init__(self, places: int, of_one: int, waiting: int = 200) -> None:
        self._free, self._of_one, self._most = places, of_one, waiting
        self._having: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A place, for as long as the block lasts."""
        asker = ASKER.get()
        await self._enter(asker)
        try:
            yield
        finally:
            self._leave(asker)

    async def _enter(self, asker: str) -> None:
        if self._may(asker) and asker not in self._waiting:
            self._take(asker)
            return
        queue = self._waiting.setdefault(asker, deque())
        if asker and len(queue) >= self._most:
            raise TooManyRequests(
                f"{len(queue)} questions from this address are waiting already", retryAfter=1
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was given a place in the same moment
                self._leave(asker)
            raise

    def _may(self, asker: str) -> bool:
        return self._free > 0 and (not asker or self._having[asker] < self._of_one)

    def _take(self, asker: str) -> None:
        self._free -= 1
        self._having[asker] += 1

    def _leave(self, asker: str) -> None:
        self._free += 1
        self._having[asker] -= 1
        if not self._having[asker]:
            del self._having[asker]
        for other in list(self._waiting):
            if not self._free:
                break
            if self._may(other):
                self._serve(other)

    def _serve(self, asker: str) -> None:
        """The first of its own that still waits; then it goes to the end."""
        queue = self._waiting.pop(asker)
        while queue:
            turn = queue.popleft()
            if not turn.done():
                self._take(asker)
                turn.set_result(None)
                break
        if queue:
            self._waiting[asker] = queue
