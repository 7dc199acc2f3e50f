"""A replica takes over while the city is written: what docs/operate/scale.md says of synchronous standbys."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

import postgres_server
from kitamae.adapters import postgres
from kitamae.kernel.context.operations.command import Command, Effect
from kitamae.kernel.context.operations.create import Upsert
from kitamae.kernel.context.store import Change, InstanceQuery, Transaction
from kitamae.kernel.problems import Problem, Unavailable

V = "https://example.org/v"
WRITERS, BEFORE, AFTER = 8, 25, 10
"""Writers, each of an entity of its own, and acknowledged writes of each before and after the replica took over."""

Pair = tuple[postgres_server.Cluster, postgres_server.Cluster]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A leader that acknowledges nothing which its standby has not on its disk, and that standby."""
    leader = postgres_server.Cluster(
        postgres_server.folder(), synchronous_standby_names="*", wal_level="replica", max_wal_senders="4"
    )
    try:
        standby = postgres_server.Standby(leader, postgres_server.folder())
        try:
            yield leader, standby
        finally:
            standby.remove()
    finally:
        leader.remove()


def address(*servers: postgres_server.Cluster) -> str:
    """Of all of them; which one is written is found out."""
    hosts, ports = ",".join(str(one.folder) for one in servers), ",".join(str(one.port) for one in servers)
    return f"postgresql://kitamae@/postgres?host={hosts}&port={ports}&search_path=city,public"


def upsert(writer: int, value: int) -> Command:
    id = f"urn:ngsi-ld:T:{writer}"
    made: Any = {
        "id": id,
        "type": ["https://example.org/T"],
        "attrs": {V: [{"kind": "Property", "v": value}]},
    }
    return Command("", id, Upsert(made))


async def owe(tx: Transaction, change: Change, effect: Effect) -> None:
    await tx.owe(change.tenant, change.entity, change.seq, b"")


async def test_a_standby_alone_is_no_home_for_a_city(pair: Pair) -> None:
    with pytest.raises(Unavailable, match="standby"):
        await postgres.open(address(pair[1]))


async def test_nothing_that_was_acknowledged_is_missing_after_the_leader_died_and_its_standby_took_over(
    pair: Pair,
) -> None:
    leader, standby = pair
    postgres_server.dsn("city", leader)  # the schema
    workers = [await postgres.open(address(standby, leader)) for _ in range(2)]
    for worker in workers:
        worker.on_change(owe)
    acknowledged: list[list[int]] = [[] for _ in range(WRITERS)]
    enough = asyncio.Semaphore(0)

    async def write(writer: int, upto: int) -> None:
        """An unanswered write is tried again with the same value, as a client does that got 503."""
        done = acknowledged[writer]
        for value in range(len(done), upto):
            while True:
                (told,) = await tried(workers[writer % 2], upsert(writer, value))
                if not isinstance(told, Problem):
                    break
                await asyncio.sleep(0.05)
            done.append(value)
            enough.release()

    async def tried(store: postgres.PostgresStore, command: Command) -> list[Effect | Problem]:
        try:
            return await store.apply([command])
        except Unavailable as problem:
            return [problem]

    async def fall() -> None:
        for _ in range(WRITERS * BEFORE // 2):
            await enough.acquire()  # in the midst of it
        await asyncio.to_thread(leader.stop, signal.SIGQUIT)
        await asyncio.to_thread(standby.promote)

    async with asyncio.timeout(120):
        await asyncio.gather(fall(), *(write(writer, BEFORE + AFTER) for writer in range(WRITERS)))
    for worker in workers:
        await worker.close()

    store = await postgres.open(address(standby))
    changes = await store.changes(0, 10_000)
    for writer in range(WRITERS):
        id = f"urn:ngsi-ld:T:{writer}"
        told = [one.touched[0].after for one in changes if one.entity == id]
        values = [one["v"] for one in told if one]
        assert set(acknowledged[writer]) <= set(values)
        assert values == sorted(values)  # an unanswered write may be there twice, never out of order
        kept = await store.instances(InstanceQuery("", (id,)))
        assert [one.attribute["v"] for one in kept] == values
        assert len(await store.owed(id, 0, 10_000)) == len(values)
    await store.close()
    db = await asyncpg.connect(address(standby))
    assert not await db.fetchval("SELECT pg_is_in_recovery()")
    await db.close()
