"""Long work on the event loop: in short turns, so that whoever else asked is served in between, and with an end."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, TypeVar

from kitamae.kernel.problems import TooComplex

if TYPE_CHECKING:
    from collections.abc import Callable

TURN: Final = 0.01
"""Seconds."""


LARGE: Final = 200_000
"""Bytes of a body that is read beside the loop."""
T = TypeVar("T")


async def aside(size: int, work: Callable[[], T]) -> T:
    """What `work` makes of a body of so many bytes; of a large one in a thread, which leaves the loop its turns."""
    return work() if size < LARGE else await asyncio.to_thread(work)


class Turns:
    """`await turns.next()` after every piece of the work: it gives the loop away when this turn has lasted long enough."""

    __slots__ = ("_end", "_most", "_until")

    def __init__(self, most: float = float("inf")) -> None:
        """`most`: seconds that all of the work may take, by the clock on the wall."""
        now = time.perf_counter()
        self._until = now + TURN
        self._most, self._end = most, now + most

    async def next(self) -> None:
        """Costs next to nothing while the turn lasts. Raises TooComplex at the end."""
        now = time.perf_counter()
        if now >= self._until:
            if now >= self._end:
                raise TooComplex(
                    f"the request took longer than {self._most:g} s; narrow it by type, id, place, time or a declared attribute"
                )
            await asyncio.sleep(0)
            self._until = time.perf_counter() + TURN
