"""What one worker of several does at a time: it begins where the store says that this one serves it, and ends with that."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import structlog

from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from kitamae.kernel.context.store import Store

_AGAIN_SECONDS: Final = 5.0
_SHOWN_SECONDS: Final = 300.0
_log = structlog.get_logger("kitamae")


class Again:
    """`work` that has no end of its own: where it fails it begins again, and says so for a while. `name`: in the log."""

    def __init__(self, name: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        self._name, self._work = name, work
        self._trouble, self._failed = "", 0.0

    def trouble(self) -> str:
        """What it failed of in the last minutes; "": it goes on."""
        return self._trouble if time.monotonic() - self._failed < _SHOWN_SECONDS else ""

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self._work()
            except Problem as problem:
                why = str(problem) or problem.title
                if self.trouble() != why:
                    _log.error("a job failed and begins again", job=self._name, why=why)
                self._trouble, self._failed = why, time.monotonic()
            await asyncio.sleep(_AGAIN_SECONDS)


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
