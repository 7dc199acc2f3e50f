"""However many workers let requests through in whatever order: together never more than the contract's minute."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.people.providers.minute import MINUTE, PARTS, Minute
from kitamae.kernel.problems import Unavailable

NOW = 1_800_000_000_000_000


class Documents:
    """What a store does for one kind of document; `full`: it takes nothing more."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.writes, self.full = 0, False

    async def get(self, _: str, __: str, id: str) -> Any:
        return self.kept.get(id)

    async def put(self, _: str, __: str, id: str, doc: Any) -> None:
        self.writes += 1
        self.kept[id] = doc

    async def transact(self, work: Any) -> Any:
        if self.full:
            raise Unavailable("the disk is full")
        return await work(self)


async def passes(store: Any, minute: Minute, most: int, now: int) -> bool:
    while not minute.ready(now):
        await minute.take(store, "c1", most, now)
    if not minute.allows():
        return False
    minute.used += 1
    return True


@given(
    most=st.integers(1, 200),
    workers=st.integers(1, 5),
    asked=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30_000_000)), max_size=300),
)
def test_no_minute_has_more_requests_than_the_contract_allows(
    most: int, workers: int, asked: list[tuple[int, int]]
) -> None:
    async def run() -> None:
        store, minutes, now = Documents(), [Minute() for _ in range(workers)], NOW
        passed: dict[int, int] = {}
        for worker, later in asked:
            now += later
            one = minutes[worker % workers]
            if await passes(store, one, most, now):
                passed[one.ends] = passed.get(one.ends, 0) + 1
        assert all(count <= most for count in passed.values())

    asyncio.run(run())


@given(most=st.integers(1, 200), workers=st.integers(1, 5))
def test_what_is_refused_unused_is_what_the_other_workers_hold_and_writes_are_few(
    most: int, workers: int
) -> None:
    async def run() -> None:
        store, minutes = Documents(), [Minute() for _ in range(workers)]
        for one in minutes[1:]:
            await passes(store, one, most, NOW)
        first = sum([await passes(store, minutes[0], most, NOW) for _ in range(2 * most)])
        part = -(-most // PARTS)
        used = first + sum(one.used for one in minutes[1:])
        assert most - (workers - 1) * (part - 1) <= used <= most
        assert store.writes <= PARTS
        assert minutes[0].left(most) == 0
        assert await passes(store, minutes[0], most, NOW + MINUTE)

    asyncio.run(run())


async def test_where_nothing_can_be_written_each_worker_counts_by_itself_and_turns_no_reader_away() -> None:
    store, one, other = Documents(), Minute(), Minute()
    assert await passes(store, one, 32, NOW)
    store.full = True
    assert sum([await passes(store, one, 32, NOW) for _ in range(50)]) == 31
    assert sum([await passes(store, other, 32, NOW) for _ in range(50)]) == 32
    store.full = False
    assert sum([await passes(store, one, 32, NOW + MINUTE) for _ in range(50)]) == 32
