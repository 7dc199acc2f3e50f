"""Two workers, one share: what is done alone is done by whoever serves it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog

from kitamae.kernel.context import alone
from kitamae.kernel.context.alone import Alone
from kitamae.kernel.problems import Unavailable


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


async def test_work_that_fails_begins_again_ever_more_seldom_says_so_and_ends_with_the_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store: Any = Worker(served=True)
    begun, slept = 0, []
    pause = asyncio.sleep

    async def sleeps(seconds: float) -> None:
        slept.append(seconds)
        await pause(0)

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise RuntimeError("of hanako@example.jp")
        if begun < 10:
            raise Unavailable("the store is away")
        await asyncio.Event().wait()

    monkeypatch.setattr(alone.asyncio, "sleep", sleeps)
    one = Alone(store, "/work", work)
    assert one.trouble() == ""
    with structlog.testing.capture_logs() as told:
        task = asyncio.create_task(one.run())
        while begun < 2:
            assert one.trouble() in ("", "RuntimeError"), (
                "whose address it is, is nobody's to read in /health"
            )
            await pause(0)
        while begun < 10:
            await pause(0)
    assert slept == [5, 10, 20, 40, 80, 160, 240, 240, 240]
    assert "the store is away" in one.trouble()
    assert [one["job"] for one in told] == ["/work", "/work"], "once a trouble, not once a try"
    await store.serve(False)
    for _ in range(10):
        await pause(0)
    await store.serve(True)
    for _ in range(10):
        await pause(0)
    assert begun == 11
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
