"""One connection, one thread at a time, whoever goes away meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Turns:
    """Work in threads, one after the other. A caller that is cancelled leaves at once; its work keeps the turn until it is done."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def run(self, work: Callable[[], T]) -> T:
        """`work` in a thread. Raises what it raises."""
        return await asyncio.shield(asyncio.ensure_future(self._run(work)))

    async def _run(self, work: Callable[[], T]) -> T:
        async with self._turn:
            return await asyncio.to_thread(work)

    async def here(self, work: Callable[[], T]) -> T:
        """`work` on the event loop: for what is shorter than a thread's switch. Raises what it raises."""
        async with self._turn:
            return work()
