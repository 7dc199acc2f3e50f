"""Two workers, one share: what is done alone is done by whoever serves it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from kitamae.kernel.context.alone import Alone


class Worker:
    """As much of a store as says who serves."""

    def __init__(self, served: bool) -> None:
        self.served = served
        self._told: list[Callable[[], Awaitable[None]]] = []

    def serves(self, name: str) -> bool:
        return self.served

    def on_serving(self, changed: Callable[[], Awaitable[None]]) -> None:
        self._told.append(changed)

    async def serve(self, served: bool) -> None:
        self.served = served
        for told in self._told:
            await told()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_work_begins_with_the_share_ends_with_it_and_begins_again() -> None:
    log: list[str] = []
    store: Any = Worker(served=False)

    async def work() -> None:
        log.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            log.append("ended")

    task = asyncio.create_task(Alone(store, "/work", work).run())
    await settled()
    assert log == []
    await store.serve(True)
    await settled()
    assert log == ["begun"]
    await store.serve(True)
    await settled()
    assert log == ["begun"]
    await store.serve(False)
    await settled()
    assert log == ["begun", "ended"]
    await store.serve(True)
    await settled()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert log == ["begun", "ended", "begun", "ended"]
