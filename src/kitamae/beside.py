"""What goes on beside requests, from the start of a city until it stops."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from kitamae.kernel.context.alone import Again, Alone

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from kitamae.kernel.context.store import Store


class Beside:
    """Work of one city, on its store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tasks: list[asyncio.Task[None]] = []
        self._begun: list[Alone | Again] = []

    def go(self, work: Coroutine[Any, Any, None]) -> None:
        """What looks after itself."""
        self._tasks.append(asyncio.create_task(work))

    def alone(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """In one worker at a time."""
        self._begin(Alone(self._store, name, work))

    def always(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """In every worker."""
        self._begin(Again(name, work))

    def _begin(self, what: Alone | Again) -> None:
        self._begun.append(what)
        self.go(what.run())

    def trouble(self) -> str:
        """What failed in the last minutes and begins again; "": nothing."""
        return "; ".join(f"{one.name}: {why}" for one in self._begun if (why := one.trouble()))

    async def stop(self) -> None:
        """End it all, and wait until it has ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
