"""Whoever asks for much waits for himself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from kitamae.kernel.fairness import ASKER, Places
from kitamae.kernel.problems import TooManyRequests


class Work:
    """Pieces of work that each last until they are let go, and in what order they began."""

    def __init__(self, places: Places) -> None:
        self.places, self.begun, self.ends = places, list[str](), dict[str, asyncio.Event]()
        self.tasks: list[asyncio.Task[None]] = []

    async def _do(self, asker: str, name: str) -> None:
        ASKER.set(asker)
        async with self.places.one():
            self.begun.append(name)
            await self.ends[name].wait()

    async def ask(self, asker: str, *names: str) -> None:
        for name in names:
            self.ends[name] = asyncio.Event()
            self.tasks.append(asyncio.create_task(self._do(asker, name)))
        await turns()

    async def end(self, *names: str) -> None:
        for name in names:
            self.ends[name].set()
            await turns()


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def work() -> AsyncIterator[Work]:
    one = Work(Places(3, 2, waiting=4))
    yield one
    for task in one.tasks:
        task.cancel()
    await asyncio.gather(*one.tasks, return_exceptions=True)


async def test_a_place_is_left_for_whoever_comes_next(work: Work) -> None:
    await work.ask("a", "a1", "a2", "a3", "a4")
    assert work.begun == ["a1", "a2"]
    await work.ask("b", "b1")
    assert work.begun == ["a1", "a2", "b1"]


async def test_those_who_wait_are_served_in_turn_however_much_one_of_them_asks_for(work: Work) -> None:
    await work.ask("a", "a1", "a2", "a3", "a4", "a5")
    await work.ask("b", "b1", "b2")
    await work.ask("c", "c1")
    await work.end("a1", "a2", "b1")
    assert work.begun[:3] == ["a1", "a2", "b1"]
    assert set(work.begun[3:]) == {"a3", "b2", "c1"}


async def test_the_house_itself_waits_for_nothing_but_a_place(work: Work) -> None:
    await work.ask("", "1", "2", "3", "4")
    assert work.begun == ["1", "2", "3"]
    await work.end("2")
    assert work.begun == ["1", "2", "3", "4"]


async def test_more_than_may_wait_are_sent_away_and_others_are_not(work: Work) -> None:
    await work.ask("a", *(f"a{n}" for n in range(7)))
    failed = [task for task in work.tasks if task.done()]
    assert len(failed) == 1
    with pytest.raises(TooManyRequests):
        await failed[0]
    work.tasks.remove(failed[0])
    await work.ask("b", "b1")
    assert "b1" in work.begun


async def test_who_leaves_while_waiting_takes_no_place(work: Work) -> None:
    await work.ask("a", "a1", "a2", "a3", "a4")
    work.tasks[2].cancel()
    work.tasks[0].cancel()
    await turns()
    assert work.begun == ["a1", "a2", "a4"]
    await work.end("a2", "a4")
    await work.ask("", "1", "2", "3")
    assert work.begun[-3:] == ["1", "2", "3"]
