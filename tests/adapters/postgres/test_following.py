"""Two stores on one PostgreSQL, as two workers have them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

import postgres_server
from kitamae.adapters import postgres
from kitamae.adapters.postgres import following
from kitamae.kernel.context.operations.command import Command, Effect
from kitamae.kernel.context.operations.create import Upsert
from kitamae.kernel.context.store import Change, Kept, Owed, Transaction

TYPE = "https://example.org/T"
Pair = tuple[postgres.PostgresStore, postgres.PostgresStore]


def create(number: int, **attrs: int) -> Command:
    id = f"urn:ngsi-ld:T:{number}"
    made = {name: [{"kind": "Property", "v": value}] for name, value in attrs.items()}
    return Command("", id, Upsert({"id": id, "type": [TYPE], "attrs": made}))  # type: ignore[typeddict-item]


@pytest.fixture
def dsn(tmp_path: Path) -> str:
    return postgres_server.dsn("f" + hashlib.blake2s(str(tmp_path).encode(), digest_size=8).hexdigest())


@pytest_asyncio.fixture
async def pair(dsn: str) -> AsyncIterator[Pair]:
    one, two = await postgres.open(dsn), await postgres.open(dsn)
    yield one, two
    await one.close()
    await two.close()


async def until(true: object) -> None:
    """Until it is so; a test that waits in vain ends with the pytest run's own patience."""
    async with asyncio.timeout(20):
        while not true():  # type: ignore[operator]
            await asyncio.sleep(0.005)


def halved(pair: Pair) -> bool:
    """The queues are shared out."""
    return all(len(store._following.shares) == following.SHARES // 2 for store in pair)


async def test_each_change_is_heard_once_by_each_worker_in_the_order_of_each_entity(pair: Pair) -> None:
    heard: tuple[list[Change], list[Change]] = ([], [])
    for store, ears in zip(pair, heard, strict=True):
        store.on_commit(ears.extend)
    for n in range(40):
        await pair[n % 2].apply([create(n % 3, v=n)])
    await until(lambda: len(heard[0]) == len(heard[1]) == 40)
    order = [one.seq for one in await pair[0].changes(0, 100)]
    assert order == sorted(order)
    for ears in heard:
        assert sorted(one.seq for one in ears) == order
    told = await pair[1].changes(0, 100)
    assert [one.touched[0].after["v"] for one in told if one.touched[0].after] == list(range(40))


async def test_what_is_owed_is_heard_by_the_one_who_serves_the_queue_in_order(pair: Pair) -> None:
    heard: tuple[list[Owed], list[Owed]] = ([], [])

    async def nothing() -> None:
        """Whoever wants to be told serves."""

    async def owe(tx: Transaction, change: Change, effect: Effect) -> None:
        for queue in "abcdefgh":
            await tx.owe("", queue, change.seq, b"%d" % change.seq)

    for store, ears in zip(pair, heard, strict=True):
        store.on_change(owe)
        store.on_owed(ears.extend)
        store.on_serving(nothing)
    await until(lambda: halved(pair))
    for n in range(20):
        await pair[n % 2].apply([create(1, v=n)])
    await until(lambda: len(heard[0]) + len(heard[1]) == 160)
    for store, ears in zip(pair, heard, strict=True):
        assert all(store.serves(one.queue) for one in ears)
        assert [one.number for one in ears] == sorted(one.number for one in ears)


async def test_what_one_worker_kept_the_other_one_hears_before_it_decides_its_next_write(pair: Pair) -> None:
    heard: list[Kept] = []

    async def hear(kept: Sequence[Kept]) -> None:
        heard.extend(kept)

    async def at_once(tx: Transaction, change: Change, effect: Effect) -> None:
        seen.append(len(heard))

    seen: list[int] = []
    pair[1].on_documents(hear)
    pair[1].on_change(at_once)
    for n in range(20):

        async def keep(tx: Transaction, n: int = n) -> None:
            await tx.put("", "subscription", "s", {"n": n})

        await pair[0].transact(keep)
        await pair[1].apply([create(1, v=n)])
        assert heard[-1] == Kept("", "subscription", "s", {"n": n})
    assert seen == list(range(1, 21))


async def test_two_workers_that_write_one_entity_at_the_same_time_lose_nothing(pair: Pair) -> None:
    async def count(store: postgres.PostgresStore) -> None:
        for _ in range(25):

            async def more(tx: Transaction) -> None:
                entity = await tx.entity("", "urn:ngsi-ld:T:1")
                value = entity["attrs"]["v"][0]["v"] if entity else 0
                await tx.apply(create(1, v=value + 1))

            await store.transact(more)

    await asyncio.gather(count(pair[0]), count(pair[1]), count(pair[0]), count(pair[1]))
    (last,) = (await pair[0].changes(0, 1_000))[-1].touched
    assert last.after
    assert last.after["v"] == 100


async def test_counts_stay_right_when_their_rows_are_folded_together(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "FOLDED", 3)
    monkeypatch.setattr(following, "TIDY", 1)

    async def nothing() -> None:
        """Whoever wants to be told serves."""

    pair[0].on_serving(nothing)
    for n in range(8):
        assert not isinstance((await pair[0].apply([create(n, **{f"a{n % 2}": n})]))[0], Exception)

    async def rows() -> int:
        async with pair[0]._pool.acquire() as db:
            return int(await db.fetchval("SELECT count(*) FROM census"))

    async with asyncio.timeout(20):
        while await rows() > 2:
            await asyncio.sleep(0.01)
    assert await pair[1].types("") == {TYPE: 8}
    assert {name: one["count"] for name, one in (await pair[1].attributes("")).items()} == {"a0": 4, "a1": 4}


async def test_a_worker_that_does_not_serve_yet_keeps_no_queue_from_those_that_do(pair: Pair) -> None:
    told: list[int] = []

    async def serving() -> None:
        told.append(len(pair[0]._following.shares))

    pair[0].on_serving(serving)
    await until(lambda: told and told[-1] == following.SHARES)
    await asyncio.sleep(2 * following.TURN)  # it would have given half of them away
    assert told == [following.SHARES]
    pair[1].on_serving(serving)
    await until(lambda: len(pair[1]._following.shares) == following.SHARES // 2)
    assert len(pair[0]._following.shares) == following.SHARES // 2


async def test_what_a_worker_served_that_was_killed_is_served_by_the_other(pair: Pair) -> None:
    async def nothing() -> None:
        """Whoever wants to be told serves."""

    heard: list[Owed] = []

    async def owe(tx: Transaction, change: Change, effect: Effect) -> None:
        for queue in "abcdefgh":
            await tx.owe("", queue, change.seq, b"")

    for store in pair:
        store.on_serving(nothing)
    pair[0].on_owed(heard.extend)
    pair[0].on_change(owe)
    await until(lambda: halved(pair))
    task = pair[1]._following._task
    assert task
    task.cancel()  # its connection is gone at once, as after kill -9
    await asyncio.gather(task, return_exceptions=True)
    await until(lambda: all(pair[0].serves(queue) for queue in "abcdefgh"))
    await pair[0].apply([create(1, v=1)])
    await until(lambda: len(heard) == 8)
