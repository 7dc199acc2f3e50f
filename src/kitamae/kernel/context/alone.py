"""What goes on beside requests, and begins again where it failed; some of it in one worker of several at a time, for as long as the store
says that this one serves it.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

import structlog

from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from kitamae.kernel.context.store import Store

_FIRST_SECONDS: Final = 5.0
_LONGEST_SECONDS: Final = 240.0
_SHOWN_SECONDS: Final = 300.0
_log = structlog.get_logger("kitamae")


class Again:
    """`work` that has no end of its own: where it ends or fails it begins again, after a pause that grows while it never goes on for
    long, and it says so for a while. `name`: in the log.
    """

    def __init__(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.name, self._work = name, work
        self._trouble, self._failed = "", 0.0

    def trouble(self) -> str:
        """What it failed of in the last minutes; "": it goes on."""
        return self._trouble if time.monotonic() - self._failed < _SHOWN_SECONDS else ""

    async def run(self) -> None:
        """Until it is cancelled."""
        pause = _FIRST_SECONDS
        while True:
            began = time.monotonic()
            try:
                await self._work()
            except Exception as error:
                self._fails(error)
            if time.monotonic() - began > _LONGEST_SECONDS:
                pause = _FIRST_SECONDS
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_SECONDS)

    def _fails(self, error: Exception) -> None:
        """What nobody foresaw is shown by its kind alone: its words may be somebody's, and `/health` is for everybody."""
        known = error if isinstance(error, Problem) else None
        why = str(known) or known.title if known else type(error).__name__
        if self.trouble() != why:
            _log.error("a job failed and begins again", job=self.name, why=why, exc_info=not known)
        self._trouble, self._failed = why, time.monotonic()


class Alone:
    """`work` runs until it is cancelled (`Again`). `name` begins with a slash, as no queue does."""

    def __init__(self, store: Store, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._store, self.name = store, name
        self._again = Again(name, work)
        self.trouble = self._again.trouble
        self._changed = asyncio.Event()
        store.on_serving(self._serving)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self._until(serves=True)
            task = asyncio.create_task(self._again.run())
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
            if self._store.serves(self.name) is serves:
                return
            await self._changed.wait()
