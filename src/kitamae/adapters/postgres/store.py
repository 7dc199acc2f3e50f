"""The store on PostgreSQL: see `kernel.context.store.Store`. Any number of processes, each with a writer and readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from kitamae.adapters.postgres import connect, migrate, numbers
from kitamae.adapters.postgres.following import Following
from kitamae.adapters.postgres.heard import Documents
from kitamae.adapters.postgres.hot import declare
from kitamae.adapters.postgres.known import Known
from kitamae.adapters.postgres.named import queries
from kitamae.adapters.postgres.reading import Reading
from kitamae.adapters.postgres.writer import Writer
from kitamae.kernel.context import clock
from kitamae.kernel.context.first import asked_first
from kitamae.kernel.context.telling import Telling
from kitamae.kernel.problems import Unprocessable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence

    from asyncpg import Connection, Pool

    from kitamae.adapters.postgres.group import Group
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.operations.command import Command, Effect
    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.store import (
        Change,
        Figures,
        Found,
        Instance,
        InstanceQuery,
        Kept,
        Leaf,
        Owed,
        Placed,
        Readings,
        Row,
        Transaction,
    )
    from kitamae.kernel.context.telling import Own
    from kitamae.kernel.context.temporal.query import Aggregation
    from kitamae.kernel.problems import Problem

T = TypeVar("T")

_SQL = queries("change", "document", "history", "ledger")

READERS: Final = 6
FORGET: Final = 2_000  # changes that are forgotten in one transaction


async def open(
    dsn: str,
    *,
    hot: Sequence[str] = (),
    now: Callable[[], int] = clock.now,
    time_limit: float = 5.0,
) -> PostgresStore:
    """Open the city's state, or begin it. `dsn`: postgresql://user@host/database; its search_path says which schema.

    `hot`: expanded names of the attributes that are indexed. `time_limit`: seconds that one query may take.
    Raises StoreTooNew, StoreUnknown, Unavailable.
    """
    db = await connect.writer(dsn)
    try:
        with connect.problems():
            await connect.check(db)
            await migrate.migrate_to(db)
            known = Known()
            known.hot = await declare(db, hot)
            base = await numbers.base(db)
            schema = int(await db.fetchval("SELECT hashtext(current_schema())"))
            last = int(await db.fetchval(_SQL["last_at"]) or 0)
            epoch = int(await db.fetchval(_SQL["epoch"]))
            commit = str(await db.fetchval("SELECT current_setting('synchronous_commit')"))
            pool = await connect.pool(dsn, READERS, time_limit, commit)
    except BaseException:
        await db.close()
        raise
    return PostgresStore(dsn, db, pool, known, now, base, schema, last, epoch, time_limit)


class PostgresStore:
    """See `open`."""

    def __init__(
        self,
        dsn: str,
        db: Connection,
        pool: Pool,
        known: Known,
        now: Callable[[], int],
        base: int,
        schema: int,
        last: int,
        epoch: int,
        time_limit: float,
    ) -> None:
        self._pool = pool
        self._telling = Telling()
        self._documents = Documents(pool, epoch, known.hot)
        self._following = Following(dsn, schema, base, self._documents)
        self._reading = Reading(pool, known.hot, base, time_limit)
        self._following.begin()
        refresh = self._documents.upto
        self._writer = Writer(dsn, db, known, now, base, schema, last, refresh, self._committed)

    def _committed(self, group: Group) -> None:
        """On the event loop, after the commit and before its answers."""
        if group.epoch is not None:
            self._documents.own(group.epoch)
        if group.changes or group.owed:
            self._reading.written = group.numbers.first
        self._following.committed(group)
        if group.changes:
            for heard in self._following.on_commit:
                heard(group.changes)

    # --- writing
    async def apply(self, commands: Sequence[Command]) -> list[Effect | Problem]:
        """See `Store.apply`."""
        if not commands:
            return []
        answers: list[Effect | Problem] = await self._writer.submit(commands)
        return answers

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """See `Store.transact`."""
        return await self._telling.through(self._transact, work)

    async def _transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        result: T = await self._writer.submit(work=asked_first(work))
        return result

    def on_change(self, watch: Callable[[Transaction, Change, Effect], Awaitable[None]]) -> None:
        """See `Store.on_change`."""
        self._writer.watch(watch)

    def on_commit(self, heard: Callable[[Sequence[Change]], None]) -> None:
        """See `Store.on_commit`. This worker's own changes at once, those of others within moments."""
        self._following.on_commit.append(heard)

    # --- other workers
    def on_owed(self, heard: Callable[[Sequence[Owed]], None]) -> None:
        """See `Store.on_owed`."""
        self._following.on_owed.append(heard)

    def on_documents(self, heard: Callable[[Sequence[Kept]], Awaitable[None]]) -> None:
        """See `Store.on_documents`."""
        self._documents.on_documents(heard)

    def on_kept(self, kinds: Collection[str], heard: Callable[[Sequence[Own]], Awaitable[None]]) -> None:
        """See `Store.on_kept`."""
        self._telling.on_kept(kinds, heard)

    async def catch_up(self) -> None:
        """See `Store.catch_up`."""
        await self._documents.catch_up()

    def on_serving(self, changed: Callable[[], Awaitable[None]]) -> None:
        """See `Store.on_serving`."""
        self._following.on_serving.append(changed)

    def serves(self, name: str) -> bool:
        """See `Store.serves`. Nothing, before somebody asked to be told by `on_serving`."""
        return self._following.serves(name)

    # --- reading
    async def expired(self, at: int, most: int) -> list[tuple[str, str, str]]:
        """See `Store.expired`."""
        return await self._reading.expired(at, most)

    async def row(self, tenant: str, id: str, variant: str = "") -> Row | None:
        """See `Store.row`."""
        return await self._reading.row((tenant, id, variant))

    async def find(self, query: EntityQuery) -> Found:
        """See `Store.find`."""
        return await self._reading.find(query)

    def stream(self, query: EntityQuery) -> AsyncIterator[Row]:
        """See `Store.stream`. In the order of creation; what changes meanwhile may be seen either way."""
        return self._reading.stream(query)

    async def types(self, tenant: str) -> dict[str, int]:
        """See `Store.types`."""
        return await self._reading.types(tenant)

    async def attributes(self, tenant: str, type: str | None = None) -> dict[str, dict[str, Any]]:
        """See `Store.attributes`."""
        return await self._reading.attributes(tenant, type)

    async def tenants(self) -> list[str]:
        """See `Store.tenants`."""
        return await self._reading.tenants()

    async def instances(self, query: InstanceQuery) -> list[Instance]:
        """See `Store.instances`."""
        return await self._reading.instances(query)

    async def readings(self, query: InstanceQuery) -> list[Readings]:
        """See `Store.readings`."""
        return await self._reading.readings(query)

    async def aggregate(self, query: InstanceQuery, aggregation: Aggregation, now: int) -> list[Figures]:
        """See `Store.aggregate`."""
        return await self._reading.aggregate(query, aggregation, now)

    async def remembered(self, query: EntityQuery, history: InstanceQuery, after: str | None = None) -> Found:
        """See `Store.remembered`."""
        return await self._reading.remembered(query, history, after)

    async def changes(self, after: int, most: int) -> list[Change]:
        """See `Store.changes`."""
        return await self._reading.changes(after, most)

    async def get(self, tenant: str, kind: str, id: str) -> Json | None:
        """See `Store.get`."""
        return await self._reading.get(tenant, kind, id)

    async def documents(self, tenant: str | None, kind: str) -> list[tuple[str, str, Json]]:
        """See `Store.documents`."""
        return await self._reading.documents(tenant, kind)

    async def owed(self, queue: str, after: int, most: int) -> list[Owed]:
        """See `Store.owed`."""
        return await self._reading.owed(queue, after, most)

    async def queues(self) -> list[tuple[str, str, int]]:
        """See `Store.queues`."""
        return await self._reading.queues()

    async def owing(self) -> list[tuple[str, int, int]]:
        """See `Store.owing`."""
        return await self._reading.owing()

    async def settle(self, numbers: Sequence[int]) -> None:
        """See `Store.settle`. One that is lost in a crash is delivered again."""
        await self._execute("owed_settle", list(numbers))

    # --- the ledger
    async def leaves(self, after: int, most: int) -> list[Leaf]:
        """See `Store.leaves`."""
        return await self._reading.leaves(after, most)

    async def placed(self) -> Placed:
        """See `Store.placed`."""
        return await self._reading.placed()

    async def place(self, placed: Sequence[Placed]) -> None:
        """See `Store.place`."""
        await self._execute("placed_insert", [one.size for one in placed], [one.number for one in placed])

    async def index(self, number: int) -> int | None:
        """See `Store.index`."""
        return await self._reading.index(number)

    # --- keeping
    async def forget(self, upto: int) -> None:
        """See `Store.forget`. A few thousand at a time, so that no write waits long."""
        after = 0
        while True:
            with connect.problems():
                async with self._pool.acquire() as db:
                    done = await db.fetch(_SQL["change_expire"], after, upto, FORGET)
            if len(done) < FORGET:
                return
            after = max(row["seq"] for row in done)

    async def retire(self, key: int, before: int, most: int) -> int:
        """See `Store.retire`."""
        with connect.problems():
            async with self._pool.acquire() as db, db.transaction():
                gone = int(await db.fetchval(_SQL["retire"], key, before, most))
                if gone:
                    await db.execute(_SQL["past_empty"], key)
                return gone

    async def erase(self, tenant: str, entity: str) -> None:
        """See `Store.erase`."""
        await self._execute("change_erase", tenant, entity)

    async def _execute(self, name: str, *given: Any) -> None:
        """One statement of its own, durable when it returns."""
        with connect.problems():
            async with self._pool.acquire() as db:
                await db.execute(_SQL[name], *given)

    async def backup(self, to: str) -> None:
        """See `Store.backup`. Raises Unprocessable: PostgreSQL has better ways of its own."""
        raise Unprocessable(
            "this city is kept on PostgreSQL: back it up there (pg_dump, pg_basebackup, pgBackRest);"
            " docs/operate/backup.md says how"
        )

    async def close(self) -> None:
        """See `Store.close`."""
        await self._following.close()
        await self._writer.close()
        await self._reading.close()
