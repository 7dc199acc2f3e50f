"""Reads, each on a connection of the pool; longer ones inside a transaction that sees one state."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.adapters.postgres import census, changes, connect, figures, find, series
from kitamae.adapters.postgres.find import Finder
from kitamae.adapters.postgres.named import queries
from kitamae.adapters.postgres.recall import Recall
from kitamae.adapters.postgres.rows import Rows
from kitamae.kernel.context.store import (
    Change,
    Figures,
    Found,
    Instance,
    InstanceQuery,
    Leaf,
    Owed,
    Placed,
    Readings,
    Row,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncpg import Connection, Pool

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.temporal.query import Aggregation

_SQL = queries("entity", "change", "document", "ledger")

CHUNK: Final = 1_000  # entities that a stream reads at a time
_MOMENT: Final = 0.002
_PATIENCE: Final = 2.0  # seconds that a reader of changes waits for older transactions to end


class Reading:
    """All of it on behalf of `PostgresStore`, whose methods say what each does. `hot` is shared with the writer."""

    def __init__(self, pool: Pool, hot: dict[str, int], base: int, seconds: float) -> None:
        self._pool, self._hot, self._base, self._seconds = pool, hot, base, seconds
        self._rows = Rows(pool)
        self.row = self._rows.row
        self.written = 0  # the highest number that was acknowledged here

    @asynccontextmanager
    async def _one(self) -> AsyncIterator[Connection]:
        """For one statement, which sees one state by itself."""
        with connect.problems():
            async with self._pool.acquire() as db:
                yield db

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[Connection]:
        """All statements inside see the same commits."""
        with connect.problems():
            async with self._pool.acquire() as db, db.transaction(isolation="repeatable_read", readonly=True):
                yield db

    # --- the present
    async def find(self, query: EntityQuery) -> Found:
        """By SQL and `match`: with one statement where that is enough."""
        async with self._one() as db:
            if soon := await Finder(db, query, self._hot, self._seconds).soon():
                return soon
        async with self._snapshot() as db:
            return await Finder(db, query, self._hot, self._seconds).found()

    async def stream(self, query: EntityQuery) -> AsyncIterator[Row]:
        """A chunk at a time, each found after the key of the last: a slow reader holds no connection and no old state."""
        after = 0
        while True:
            async with self._one() as db:
                finder = Finder(db, query, self._hot, self._seconds)
                rows, end = await find.chunk(finder, after, CHUNK)
            for row in rows:
                yield row
            if end is None:
                return
            after = end

    async def types(self, tenant: str) -> dict[str, int]:
        """Counted while written."""
        async with self._one() as db:
            return await census.types(db, tenant)

    async def attributes(self, tenant: str, type: str | None) -> dict[str, dict[str, Any]]:
        """Counted while written."""
        async with self._one() as db:
            return await census.attributes(db, tenant, type)

    async def tenants(self) -> list[str]:
        """A handful."""
        async with self._one() as db:
            return [row[0] for row in await db.fetch(_SQL["tenants"])]

    async def expired(self, at: int, most: int) -> list[tuple[str, str, str]]:
        """By the index of what expires at all."""
        async with self._one() as db:
            return [tuple(row) for row in await db.fetch(_SQL["entity_expired"], at, most)]

    # --- history and order
    async def instances(self, query: InstanceQuery) -> list[Instance]:
        """All series at once."""
        async with self._snapshot() as db:
            return await series.instances(db, query)

    async def readings(self, query: InstanceQuery) -> list[Readings]:
        """All series at once."""
        async with self._snapshot() as db:
            return await series.readings(db, query)

    async def aggregate(self, query: InstanceQuery, aggregation: Aggregation, now: int) -> list[Figures]:
        """By PostgreSQL where it can."""
        async with self._snapshot() as db:
            return await figures.figures(db, query, aggregation, now)

    async def remembered(self, query: EntityQuery, history: InstanceQuery, after: str | None) -> Found:
        """Those that live and those that are gone."""
        async with self._snapshot() as db:
            return await Recall(db, query, history, self._hot, self._seconds, after).found()

    async def changes(self, after: int, most: int) -> list[Change]:
        """Behind the horizon; what was acknowledged here is waited for."""
        await self._horizon()
        async with self._one() as db:
            return await changes.after(db, after, most, self._base)

    async def _horizon(self) -> None:
        """Until the horizon is past what was acknowledged here, or an older transaction takes too long."""
        until = asyncio.get_running_loop().time() + _PATIENCE
        written = self.written
        while written and asyncio.get_running_loop().time() < until:
            async with self._one() as db:
                horizon = await db.fetchval(_SQL["horizon"])
            if (horizon + self._base) << 20 > written:
                if self.written == written:
                    self.written = 0
                return
            await asyncio.sleep(_MOMENT)

    # --- documents and queues
    async def get(self, tenant: str, kind: str, id: str) -> Json | None:
        """One document."""
        if "\0" in id:
            return None
        async with self._one() as db:
            found = await db.fetchval(_SQL["document_read"], kind, tenant, id)
        return None if found is None else orjson.loads(found)

    async def documents(self, tenant: str | None, kind: str) -> list[tuple[str, str, Json]]:
        """There may be thousands."""
        async with self._one() as db:
            found = (
                await db.fetch(_SQL["documents_of_all"], kind)
                if tenant is None
                else await db.fetch(_SQL["documents"], kind, tenant)
            )
        return [(of, id, orjson.loads(doc)) for of, id, doc in found]

    async def owed(self, queue: str, after: int, most: int) -> list[Owed]:
        """Behind the horizon: nothing older can come any more."""
        await self._horizon()
        async with self._one() as db:
            found = await db.fetch(_SQL["owed_after"], queue, after, most, self._base)
        return [Owed(*row) for row in found]

    async def queues(self) -> list[tuple[str, str, int]]:
        """By the index of what is owed."""
        async with self._one() as db:
            return [tuple(row) for row in await db.fetch(_SQL["owed_queues"])]

    async def owing(self) -> list[tuple[str, int, int]]:
        """By the whole table."""
        async with self._one() as db:
            return [tuple(row) for row in await db.fetch(_SQL["owed_sizes"])]

    # --- the ledger
    async def leaves(self, after: int, most: int) -> list[Leaf]:
        """Behind the horizon: nothing older can come any more."""
        async with self._one() as db:
            found = await db.fetch(_SQL["leaves_after"], after, most, self._base)
        return [Leaf(*row) for row in found]

    async def placed(self) -> Placed:
        """The last step."""
        async with self._one() as db:
            row = await db.fetchrow(_SQL["placed_last"])
        return Placed(0, 0) if row is None else Placed(*row)

    async def index(self, number: int) -> int | None:
        """By the steps."""
        async with self._one() as db:
            found = await db.fetchval(_SQL["leaf_index"], number)
        return None if found is None else int(found)

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._rows.close()
        await self._pool.close()
