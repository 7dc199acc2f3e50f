"""One transaction on the writing connection: what a group needs from the database, and how it gets back there."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import orjson

from kitamae.adapters.postgres import flush, history
from kitamae.adapters.postgres.group import START, Group, Overtaken, State
from kitamae.adapters.postgres.named import queries
from kitamae.adapters.postgres.numbers import BITS, Numbers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from asyncpg import Connection

    from kitamae.adapters.postgres.group import Id, Mark, Ref
    from kitamae.adapters.postgres.known import Known
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.store import InstanceQuery

_SQL = queries("entity", "change", "document")
_LOCK, _BEGIN = _SQL["entity_lock"], _SQL["begin"]


class Session:
    """A transaction and its group. `schema` tells several cities of one database apart."""

    def __init__(self, db: Connection, group: Group, known: Known, base: int, schema: int) -> None:
        self.db, self.group, self.known = db, group, known
        self._base, self.schema = base, schema
        self._documents = False
        self._flushed = START
        self._savepoint = False
        self._direct = False
        self._work: Mark = START

    async def begin(self, ids: Iterable[Id]) -> int:
        """Lock what is known to be needed and take the transaction's number; returns the epoch of documents."""
        await self._lock(ids)
        row = await self.db.fetchrow(_BEGIN)
        self.group.numbers = Numbers(int(row["number"]) + self._base)
        self._in_order(self.group.states.values())
        return int(row["epoch"])

    async def lock(self, ids: Iterable[Id]) -> None:
        """These too, in the midst of the work."""
        wanted = list(ids)
        await self._lock(wanted)
        self._in_order(self.group.states[id] for id in wanted)

    def _in_order(self, states: Iterable[State | None]) -> None:
        first = self.group.numbers.first
        if any(state is not None and state.version >> BITS > first >> BITS for state in states):
            raise Overtaken

    async def _lock(self, ids: Iterable[Id]) -> None:
        wanted = sorted(ids)
        if not wanted:
            return
        known, states = self.known, self.group.states
        versions = [known.version(id) for id in wanted]
        columns = zip(*wanted, strict=True)
        states.update(dict.fromkeys(wanted))
        for tenant, id, variant, key, version, created, modified, gone, doc in await self.db.fetch(
            _LOCK, *map(list, columns), versions
        ):
            at = (tenant, id, variant)
            entity = known.entity(at) if doc is None else orjson.loads(doc)
            states[at] = State(key, version, created, modified, gone, entity)

    async def document(self, ref: Ref) -> None:
        """Read a document that may be written, alone among all workers from now on."""
        if not self._documents:
            await self.db.execute(_SQL["documents_lock"], self.schema)
            self._documents = True
        found = await self.db.fetchval(_SQL["document_read"], *ref)
        doc: Json | None = None if found is None else orjson.loads(found)
        self.group.documents[ref] = doc

    @asynccontextmanager
    async def whole(self) -> AsyncIterator[None]:
        """A piece of work: what it did is undone when it raises."""
        self._work = mark = self.group.mark()
        try:
            yield
        except BaseException:
            self.group.back(mark)
            if self._savepoint:
                self._savepoint = False
                self._flushed = mark
                self.known.undone()
                await self.db.execute("ROLLBACK TO SAVEPOINT work; RELEASE SAVEPOINT work")
            raise
        if self._savepoint:
            self._savepoint = False
            await self.db.execute("RELEASE SAVEPOINT work")

    @property
    def wrote(self) -> bool:
        """There is something to commit."""
        return self._direct or self.group.mark() != START

    async def written(self) -> None:
        """Everything up to here is in the database, this work's part behind a savepoint."""
        if not self._savepoint:
            await self.flush(self._work)
            await self.db.execute("SAVEPOINT work")
            self._savepoint = True
        await self.flush(self.group.mark())

    async def direct(self) -> None:
        """What follows is written by statements of its own, behind this work's savepoint."""
        await self.written()
        self._direct = True

    async def flush(self, upto: Mark) -> None:
        """Write what was decided up to there. Raises Overtaken where another worker made one of the new entities."""
        if upto != self._flushed:
            begun, self._flushed = self._flushed, upto
            await flush.write(self.db, self.group, begun, upto, self.known)

    async def drop_instances(self, query: InstanceQuery) -> int:
        """See `Transaction.drop_instances`."""
        await self.direct()
        if query.attrs or query.datasets or query.timerel or query.instance or query.last:
            return await history.drop(self.db, query)
        found: list[Any] = await self.db.fetch(_SQL["entity_variants"], query.tenant, list(query.entities))
        await self.lock((query.tenant, id, variant) for id, variant in found)
        dropped = await history.drop_all(self.db, query)
        for id, variant in found:
            self.group.forget((query.tenant, id, variant))
        return dropped
