"""Reads: quick ones on the event loop, the others in threads; rows lately asked for are kept until they change."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson

from kitamae.adapters.sqlite import census, figures, find, series
from kitamae.adapters.sqlite.named import queries
from kitamae.adapters.sqlite.pool import Pool, TooLong
from kitamae.kernel.context.operations.command import Touched
from kitamae.kernel.context.store import (
    Change,
    Figures,
    Found,
    Instance,
    InstanceQuery,
    Owed,
    Readings,
    Row,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

    import apsw

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.temporal.query import Aggregation

T = TypeVar("T")

_SQL = queries("entity", "change")
_READ = _SQL["entity_read"]

ROWS: Final = 4_000  # rows that are kept
ROW_BYTES: Final = 8_192  # none that is larger than this
CHUNK: Final = 200  # entities that a stream reads at a time


class Reading:
    """All of it on behalf of `SqliteStore`, whose methods say what each does."""

    def __init__(self, path: Path, hot: tuple[str, ...], time_limit: float) -> None:
        self._pool = Pool(path, time_limit)
        self._hot = hot
        self._rows: dict[tuple[str, str, str], Row] = {}

    def changed(self, changes: Iterable[Change]) -> None:
        """After a commit: what was read before it is not true any more."""
        rows = self._rows
        for change in changes:
            rows.pop((change.tenant, change.entity, change.variant), None)

    async def run(self, read: Callable[[apsw.Connection], T]) -> T:
        """Something longer, in a thread."""
        return await self._pool.run(read)

    # --- the present
    def row(self, tenant: str, id: str, variant: str) -> Row | None:
        """From memory, or read at once."""
        at = (tenant, id, variant)
        if row := self._rows.get(at):
            return row
        found = self._pool.here.execute(_READ, at).fetchone()
        if found is None:
            return None
        row = Row(*found)
        if len(row.doc) <= ROW_BYTES:
            if len(self._rows) >= ROWS:
                del self._rows[next(iter(self._rows))]
            self._rows[at] = row
        return row

    async def find(self, query: EntityQuery) -> Found:
        """On the event loop if that is quick, else in a thread."""
        try:
            with self._pool.quick() as db:
                return find.find(db, query, self._hot, quick=True)
        except TooLong:
            return await self._pool.run(lambda db: find.find(db, query, self._hot))

    async def stream(self, query: EntityQuery) -> AsyncIterator[Row]:
        """A chunk at a time, each found after the key of the last, so that no reader holds the WAL back."""
        after = 0
        while True:
            rows, end = await self._pool.run(
                partial(find.chunk, query=query, hot=self._hot, after=after, size=CHUNK)
            )
            for row in rows:
                yield row
            if end is None:
                return
            after = end

    async def types(self, tenant: str) -> dict[str, int]:
        """Counted while written."""
        return await self._pool.run(lambda db: census.types(db, tenant))

    async def attributes(self, tenant: str, type: str | None) -> dict[str, dict[str, Any]]:
        """Counted while written."""
        return await self._pool.run(lambda db: census.attributes(db, tenant, type))

    def tenants(self) -> list[str]:
        """A handful."""
        return [str(row[0]) for row in self._pool.here.execute(_SQL["tenants"])]

    def expired(self, at: int, most: int) -> list[tuple[str, str, str]]:
        """By the index of what expires at all."""
        return list(self._pool.here.execute(_SQL["entity_expired"], (at, most)))

    # --- history and order
    async def instances(self, query: InstanceQuery) -> list[Instance]:
        """In a thread."""
        return await self._pool.run(lambda db: series.instances(db, query))

    async def readings(self, query: InstanceQuery) -> list[Readings]:
        """In a thread."""
        return await self._pool.run(lambda db: series.readings(db, query))

    async def aggregate(self, query: InstanceQuery, aggregation: Aggregation, now: int) -> list[Figures]:
        """In a thread."""
        return await self._pool.run(lambda db: figures.figures(db, query, aggregation, now))

    async def remembered(self, query: EntityQuery, history: InstanceQuery, after: str | None) -> Found:
        """In a thread."""
        return await self._pool.run(lambda db: find.remembered(db, query, history, self._hot, after))

    async def changes(self, after: int, most: int) -> list[Change]:
        """In a thread."""

        def read(db: apsw.Connection) -> list[Change]:
            found: list[Any] = db.execute(_SQL["changes_after"], (after, most)).fetchall()
            return [
                Change(
                    seq,
                    tenant,
                    id,
                    variant,
                    verb,
                    at,
                    actor,
                    orjson.loads(types),
                    touched(db, seq, *written),
                )
                for seq, tenant, id, variant, verb, at, actor, types, *written in found
            ]

        return await self._pool.run(read)

    async def end(self, after: int, upto: int, most: int) -> int | None:
        """The last of at most `most` changes behind `after`, `upto` included; None: there is none."""
        bound = (after, upto, most)
        return await self._pool.run(lambda db: db.execute(_SQL["changes_end"], bound).get)

    # --- documents and queues
    def get(self, tenant: str, kind: str, id: str) -> Json | None:
        """At once."""
        row = self._pool.here.execute(_SQL["document_get"], (kind, tenant, id)).fetchone()
        return None if row is None else orjson.loads(row[0])

    async def documents(self, tenant: str | None, kind: str) -> list[tuple[str, str, Json]]:
        """In a thread: there may be thousands."""
        sql, bound = (
            (_SQL["documents_of_all"], (kind,)) if tenant is None else (_SQL["documents"], (kind, tenant))
        )
        return await self._pool.run(
            lambda db: [(of, id, orjson.loads(doc)) for of, id, doc in db.execute(sql, bound)]
        )

    def owed(self, queue: str, after: int, most: int) -> list[Owed]:
        """At once."""
        return [Owed(*row) for row in self._pool.here.execute(_SQL["owed_after"], (queue, after, most))]

    async def queues(self) -> list[tuple[str, str, int]]:
        """In a thread: it reads the whole index."""
        return await self._pool.run(lambda db: list(db.execute(_SQL["owed_queues"])))

    async def owing(self) -> list[tuple[str, int, int]]:
        """In a thread: it reads the whole table."""
        return await self._pool.run(lambda db: list(db.execute(_SQL["owed_sizes"])))

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._pool.close()


def touched(db: apsw.Connection, seq: int, delta: bytes | None, history: int | None) -> list[Touched]:
    """Nothing once the delta was forgotten, and nothing of what was deleted from history."""
    told: list[Any] = [] if delta is None else orjson.loads(delta)
    if history is None:  # a change of before: see migrations/0002
        return [Touched(*one) for one in told]
    left = db.execute(_SQL["change_instances"], {"first": history, "end": history + len(told), "seq": seq})
    touched: list[Touched] = []
    for number, name, doc in left:
        verb_or_before = told[number - history]
        if isinstance(verb_or_before, str):
            touched.append(Touched(name, verb_or_before, orjson.loads(doc), None))  # type: ignore[arg-type]  # as written
        else:
            touched.append(Touched(name, "deleted", None, verb_or_before))
    return touched
