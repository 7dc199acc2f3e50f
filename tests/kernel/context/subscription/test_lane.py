"""A lane gives every row once and in order, however offers, reads and pauses fall together."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from memory_store import MemoryStore

from kitamae.kernel.context.subscription import lane as lanes
from kitamae.kernel.context.subscription.lane import Budget, Lane

steps = st.lists(
    st.one_of(
        st.tuples(st.just("owe"), st.integers(1, 400)),
        st.tuples(st.just("late"), st.integers(1, 5)),
        st.tuples(st.just("take"), st.integers(1, 300)),
        st.tuples(st.just("let_go"), st.just(0)),
        st.tuples(st.just("owe while reading"), st.integers(1, 5)),
    ),
    max_size=30,
)


@given(steps, st.integers(1, 300))
def test_every_row_comes_once_and_in_order(script: Any, budget: int) -> None:
    async def play() -> None:
        store: Any = MemoryStore()
        shared = Budget(budget)
        lane = Lane(store, "urn:s:1", shared)
        given_out: list[int] = []

        async def owe(count: int) -> list[Any]:
            for _ in range(count):
                await store.owe("", "urn:s:1", 1, b"{}")
            return [store.owed_rows[store.number - count + 1 + n] for n in range(count)]

        async def take(most: int) -> int:
            batch = await lane.take(most)
            given_out.extend(one.number for one in batch)
            lane.took(batch)
            return len(batch)

        unannounced: list[Any] = []

        def announce() -> None:
            for one in unannounced:
                lane.offer(one)
            unannounced.clear()

        for step, count in script:
            if step == "owe":
                announce()
                for one in await owe(count):
                    lane.offer(one)
            elif step == "late":
                announce()
                unannounced.extend(await owe(count))
            elif step == "take":
                await take(count)
            elif step == "let_go":
                lane.let_go()
            else:
                announce()

                async def meanwhile(many: int) -> None:
                    for one in await owe(many):
                        lane.offer(one)

                await asyncio.gather(take(1), meanwhile(count))
        announce()
        while not lane.empty:
            await take(lanes.HELD)
        assert given_out == list(range(1, store.number + 1))
        assert shared.used == 0

    asyncio.run(play())


moves = st.lists(
    st.one_of(
        st.tuples(st.just("owe"), st.integers(0, 3)),
        st.tuples(st.just("late"), st.integers(0, 3)),
        st.tuples(st.just("take"), st.just(0)),
        st.tuples(st.just("take beside a read"), st.integers(0, 3)),
        st.tuples(st.just("took"), st.integers(0, 9)),
        st.tuples(st.just("back"), st.integers(0, 9)),
        st.tuples(st.just("settle"), st.just(0)),
        st.tuples(st.just("let_go"), st.just(0)),
    ),
    max_size=60,
)


@given(moves, st.integers(1, 20))
@example([("owe", 0), ("let_go", 0), ("take beside a read", 0)], 20)
def test_side_by_side_each_entity_has_one_message_away_and_its_own_order(script: Any, budget: int) -> None:
    async def play() -> None:
        store: Any = MemoryStore()
        lane = Lane(store, "urn:s:1", Budget(budget))
        away: list[Any] = []
        done: list[Any] = []
        settled: list[int] = []
        unannounced: list[Any] = []

        async def owe(entity: int) -> Any:
            await store.owe("", "urn:s:1", 1, b'{"id":"urn:e:%d"}' % entity)
            return store.owed_rows[store.number]

        def announce() -> None:
            for one in unannounced:
                lane.offer(one)
            unannounced.clear()

        def took(which: int) -> None:
            one = away.pop(which % len(away))
            lane.took([one])
            done.append(one)
            settled.append(one.number)

        async def take() -> int:
            found = await lane.take()
            assert not {one.payload for one in found} & {one.payload for one in away}
            away.extend(found)
            return len(found)

        for step, which in script:
            if step == "owe":
                announce()
                lane.offer(await owe(which))
            elif step == "late":
                unannounced.append(await owe(which))
            elif step == "take":
                await take()
            elif step == "take beside a read":
                announce()

                async def meanwhile(entity: int) -> None:
                    lane.offer(await owe(entity))
                    await take()

                await asyncio.gather(take(), meanwhile(which))
            elif step == "took" and away:
                took(which)
            elif step == "back" and away:
                lane.back([away.pop(which % len(away))], failed=True)
            elif step == "settle":
                await store.settle(settled)
                settled.clear()
            elif step == "let_go":
                lane.let_go()
        announce()
        while not lane.empty:
            if not await take() and away:
                took(0)
        assert sorted(one.number for one in done) == list(range(1, store.number + 1))
        for payload in {one.payload for one in done}:
            numbers = [one.number for one in done if one.payload == payload]
            assert numbers == sorted(numbers)

    asyncio.run(play())
