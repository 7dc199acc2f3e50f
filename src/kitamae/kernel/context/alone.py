"""What one worker of several does at a time: it begins where the store says that this one serves it, and ends with that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from kitamae.kernel.context.store import Store


class Alone:
    """`work` runs until it is cancelled. `name` begins with a slash, as no queue does."""

    def __init__(self, store: Store, name: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        self._store, self._name, self._work = store, name, work
        self._changed = asyncio.Event()
        store.on_serving(self._serving)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self._until(serves=True)
            task = asyncio.create_task(self._work())
            try:
                await self._until(serves=False)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _serving(self) -> None:
        self._changed.set()

    async def _until(self, *, serves: bool) -> None:
        while True:
            self._changed.clear()
            if self._store.serves(self._name) is serves:
                return
            await self._changed.wait()
