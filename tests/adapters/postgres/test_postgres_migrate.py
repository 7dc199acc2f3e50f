"""Versions of the schema, a city that comes to a younger server, and what a statement may cost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
import pytest_asyncio

import postgres_server
from kitamae.adapters import postgres
from kitamae.adapters.postgres import connect, migrate
from kitamae.kernel.context.operations.command import Command
from kitamae.kernel.context.operations.create import Create, Upsert
from kitamae.kernel.context.query.tree import EntityQuery
from kitamae.kernel.context.store import InstanceQuery
from kitamae.kernel.context.temporal.period import Period
from kitamae.kernel.context.temporal.query import Aggregation
from kitamae.kernel.problems import StoreTooNew, TooComplex

E = "urn:ngsi-ld:T:1"
MADE: Any = {
    "id": E,
    "type": ["https://example.org/T"],
    "attrs": {"https://example.org/v": [{"kind": "Property", "v": 1}]},
}


@pytest.fixture
def dsn(tmp_path: Path) -> str:
    return postgres_server.dsn("m" + tmp_path.name.replace("-", "_"))


@pytest_asyncio.fixture
async def db(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect.connect(dsn, "test")
    yield opened
    await opened.close()


async def described(db: asyncpg.Connection) -> list[Any]:
    """Tables, columns and indexes, without the table of the version itself."""
    columns = await db.fetch(
        "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name <> 'kitamae_version' ORDER BY 1, 2"
    )
    indexes = await db.fetch(
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
        " AND tablename <> 'kitamae_version' ORDER BY 1, 2"
    )
    return [tuple(row) for row in (*columns, *indexes)]


async def test_each_step_goes_back_to_exactly_where_it_came_from(db: asyncpg.Connection) -> None:
    newest = len(migrate.steps())
    shapes: list[Any] = []
    for version in range(newest + 1):
        await migrate.migrate_to(db, version)
        shapes.append(await described(db))
    assert shapes[0] == []
    for version in reversed(range(newest + 1)):
        await migrate.migrate_to(db, version)
        assert await migrate.version(db) == version
        assert await described(db) == shapes[version]


async def test_a_city_with_history_goes_back_and_forth_and_keeps_it(dsn: str, db: asyncpg.Connection) -> None:
    store = await postgres.open(dsn)
    await store.apply([Command("", E, Create(MADE))])
    asked = InstanceQuery("", (E,)), Aggregation(("max",), Period()), 0
    before = await store.aggregate(*asked)
    await store.close()
    await migrate.migrate_to(db, 1)
    await migrate.migrate_to(db)
    store = await postgres.open(dsn)
    assert await store.aggregate(*asked) == before
    assert len(await store.changes(0, 10)) == 1
    await store.close()


async def test_a_schema_of_a_newer_kitamae_is_left_alone(dsn: str, db: asyncpg.Connection) -> None:
    await migrate.migrate_to(db)
    await db.execute("UPDATE kitamae_version SET version = version + 1")
    shape = await described(db)
    with pytest.raises(StoreTooNew, match="newer Kitamae"):
        await postgres.open(dsn)
    assert await described(db) == shape


async def test_on_a_server_that_counts_transactions_lower_the_order_of_changes_goes_on(
    dsn: str, db: asyncpg.Connection
) -> None:
    store = await postgres.open(dsn)
    await store.apply([Command("", E, Create(MADE))])
    await store.close()
    # as if restored from a dump of a server that had run for years
    await db.execute("UPDATE change SET seq = seq + (5000000::bigint << 20)")
    await db.execute("UPDATE entity SET version = version + (5000000::bigint << 20)")
    for turn in range(2):
        store = await postgres.open(dsn)
        await store.apply([Command("", E, Upsert({**MADE, "scope": [f"/{turn}"]}))])
        told = await store.changes(0, 10)
        assert [one.verb for one in told] == ["created", *["updated"] * (turn + 1)]
        assert [one.seq for one in told] == sorted({one.seq for one in told})
        row = await store.row("", E)
        assert row
        assert (row.version, orjson.loads(row.doc)["scope"]) == (told[-1].seq, [f"/{turn}"])
        await store.close()


async def test_a_statement_that_takes_longer_than_it_may_is_refused_and_the_next_one_answered(
    dsn: str, db: asyncpg.Connection
) -> None:
    store = await postgres.open(dsn, time_limit=0.2)
    await store.apply([Command("", E, Create(MADE))])
    async with db.transaction():
        await db.execute("LOCK TABLE entity IN ACCESS EXCLUSIVE MODE")  # a statement that waits takes as long
        with pytest.raises(TooComplex, match="narrow it"):
            await store.find(EntityQuery("", limit=1))
    assert len((await store.find(EntityQuery("", limit=1))).rows) == 1
    await store.close()
