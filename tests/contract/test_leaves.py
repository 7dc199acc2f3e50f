"""What every store does for the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kitamae.kernel.context.operations.command import Command
from kitamae.kernel.context.operations.create import Create
from kitamae.kernel.context.store import MOST_LEAF, Leaf, Placed, Store, Transaction
from kitamae.kernel.problems import Conflict, TooLarge

Opener = Callable[..., Awaitable[Store]]


async def log(store: Store, *leaves: bytes) -> list[int]:
    """In one transaction."""

    async def work(tx: Transaction) -> list[int]:
        return [await tx.log(leaf) for leaf in leaves]

    return await store.transact(work)


async def leaves(store: Store, count: int, after: int = 0) -> list[Leaf]:
    """So many, once they are told: other tests' transactions may hold PostgreSQL's horizon back for a moment."""
    for _ in range(500):
        found = await store.leaves(after, 10_000)
        if len(found) >= count:
            break
        await asyncio.sleep(0.01)
    assert len(found) == count
    return found


async def test_leaves_are_told_in_the_order_of_their_numbers(store: Store) -> None:
    first = await log(store, b"a", b"b")
    second = await log(store, b"c")
    assert await leaves(store, 3) == [
        Leaf(n, d) for n, d in zip(first + second, (b"a", b"b", b"c"), strict=True)
    ]
    assert await store.leaves(0, 1) == [Leaf(first[0], b"a")]
    assert await store.leaves(first[0], 1) == [Leaf(first[1], b"b")]
    assert await store.leaves(second[0], 1) == []


async def test_a_leaf_commits_with_the_change_that_it_attests_or_not_at_all(store: Store) -> None:
    entity = {"id": "urn:ngsi-ld:T:1", "type": ["https://example.org/T"], "attrs": {}}

    async def work(tx: Transaction) -> None:
        await tx.apply(Command("", "urn:ngsi-ld:T:1", Create(entity), "tester"))  # type: ignore[arg-type]
        await tx.log(b"created")

    await store.transact(work)

    async def refused(tx: Transaction) -> None:
        await tx.log(b"never")
        raise Conflict("no")

    with pytest.raises(Conflict):
        await store.transact(refused)
    await log(store, b"after")
    assert [one.data for one in await leaves(store, 2)] == [b"created", b"after"]


async def test_a_leaf_larger_than_an_entry_bundle_can_hold_is_refused(store: Store) -> None:
    with pytest.raises(TooLarge):
        await log(store, bytes(MOST_LEAF + 1))
    await log(store, bytes(MOST_LEAF), b"")
    assert [len(one.data) for one in await leaves(store, 2)] == [MOST_LEAF, 0]


async def test_a_leaf_has_an_index_from_the_moment_that_it_is_published(store: Store) -> None:
    assert await store.placed() == Placed(0, 0)
    numbers = await log(store, b"a", b"b", b"c", b"d", b"e")
    assert await store.index(numbers[0]) is None
    await store.place([Placed(2, numbers[1])])
    await store.place([Placed(3, numbers[2]), Placed(4, numbers[3])])
    assert await store.placed() == Placed(4, numbers[3])
    assert [await store.index(one) for one in numbers] == [0, 1, 2, 3, None]
    assert await store.index(numbers[0] - 1) is None
    assert await store.index(0) is None


async def test_leaves_are_there_after_a_restart_and_numbering_goes_on(opener: Opener, tmp_path: Path) -> None:
    store = await opener(tmp_path)
    first = await log(store, b"a")
    await store.place([Placed(1, first[0])])
    await store.close()
    store = await opener(tmp_path)
    second = await log(store, b"b")
    assert second > first
    assert [one.data for one in await leaves(store, 2)] == [b"a", b"b"]
    assert await store.placed() == Placed(1, first[0])
    await store.close()


async def test_no_leaf_appears_before_one_that_was_told(store: Store) -> None:
    """Readers follow by number while many write."""
    seen: list[Leaf] = []

    async def write(n: int) -> None:
        for i in range(10):
            await log(store, f"{n}.{i}".encode())

    writing = asyncio.gather(*(write(n) for n in range(8)))
    for _ in range(3_000):
        seen += await store.leaves(seen[-1].number if seen else 0, 7)
        if writing.done() and len(seen) == 80:
            break
        await asyncio.sleep(0.001)
    await writing
    assert seen == await store.leaves(0, 1_000)
    assert len(seen) == 80


def test_every_leaf_that_was_acknowledged_has_its_place_whatever_the_steps(
    opener: Opener, tmp_path: Path
) -> None:
    count = iter(range(1_000_000))

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        works=st.lists(st.tuples(st.lists(st.binary(max_size=8), max_size=4), st.booleans()), max_size=8),
        sizes=st.lists(st.integers(1, 5), max_size=8),
    )
    def run(works: list[tuple[list[bytes], bool]], sizes: list[int]) -> None:
        place = tmp_path / str(next(count))
        place.mkdir()
        asyncio.run(placed(opener, place, works, sizes))

    run()


async def placed(
    opener: Opener, place: Path, works: list[tuple[list[bytes], bool]], sizes: list[int]
) -> None:
    store = await opener(place)
    kept: list[Leaf] = []

    async def work(data: list[bytes], fails: bool) -> None:
        async def inside(tx: Transaction) -> list[Leaf]:
            made = [Leaf(await tx.log(one), one) for one in data]
            if fails:
                raise Conflict("no")
            return made

        kept.extend(await store.transact(inside))

    await asyncio.gather(*(work(*one) for one in works), return_exceptions=True)
    kept.sort()
    assert await leaves(store, len(kept)) == kept
    size = 0
    for step in sizes:
        if size < len(kept):
            size = min(size + step, len(kept))
            await store.place([Placed(size, kept[size - 1].number)])
    told = [await store.index(one.number) for one in kept]
    assert told == [n if n < size else None for n in range(len(kept))]
    await store.close()
