"""PostgreSQL as a store that is copied or filled: see `kernel.context.moving`. One connection of its own."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import orjson

from kitamae.adapters.postgres import (
    changes,
    connect,
    entities,
    history,
    hot,
    migrate,
    numbers,
    series,
    tables,
)
from kitamae.adapters.postgres.flush import columns
from kitamae.adapters.postgres.group import State, Wrote
from kitamae.adapters.postgres.known import Known
from kitamae.adapters.postgres.named import queries
from kitamae.adapters.postgres.shares import share
from kitamae.adapters.sql.columns import numeric
from kitamae.kernel.context.moving.carried import (
    ALIAS,
    MOVED,
    MOVING,
    Document,
    Remembered,
    Standing,
    Stretch,
    Told,
    Whole,
)
from kitamae.kernel.context.store import Leaf, Owed
from kitamae.kernel.problems import Conflict, StoreInUse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

    from asyncpg import Connection, Record

    from kitamae.adapters.postgres.group import Id
    from kitamae.kernel.context.moving.tables import Row, Table

_SQL = queries("entity", "change", "document", "history", "ledger", "moving")
_ARRIVING: Final = migrate.LOCK + 1
_EVER: Final = (1 << 63) - 1


class PostgresLeaving:
    """See `Leaving` and `open`."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    @classmethod
    async def open(cls, dsn: str) -> Self:
        """A city that is served meanwhile. Raises Unavailable."""
        return cls(await connect.connect(dsn, "move"))

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Connection]:
        """All statements see the same commit."""
        with connect.problems():
            async with self._db.transaction(isolation="repeatable_read", readonly=True):
                yield self._db

    async def _fetch(self, name: str, *given: Any) -> list[Record]:
        with connect.problems():
            found: list[Record] = await self._db.fetch(_SQL[name], *given)
        return found

    async def _value(self, name: str, *given: Any) -> int:
        return int((await self._fetch(name, *given))[0][0])

    async def standing(self, after: Id, upto: Id, most: int) -> list[Standing]:
        """See `Leaving.standing`."""
        rows = await self._fetch("standing", *after, *upto, most)
        return [Standing((row[0], row[1], row[2]), *row[3:]) for row in map(tuple, rows)]

    async def whole(self, asked: Sequence[tuple[Id, Standing | None]], most: int) -> list[Whole]:
        """See `Leaving.whole`."""
        bound = columns([(*id, there.last if there else 0) for id, there in asked])
        async with self._reading() as db:
            rows = await db.fetch(_SQL["carried_entities"], *bound)
            sinces: dict[int, int | None] = {}
            for n, key, *_, count, total in rows:
                there = asked[n - 1][1]
                known = there is not None and (count, total) == (there.instances, there.sum)
                sinces[key] = there.last if there is not None and known else None
            afters = [since or 0 for since in sinces.values()]
            told = await db.fetch(_SQL["carried_history"], list(sinces), afters, most)
        history: defaultdict[int, list[Record]] = defaultdict(list)
        for row in told:
            history[row["entity"]].append(row)
        found: list[Whole] = []
        for n, key, version, created, modified, gone, doc, *_ in rows:
            id, left = asked[n - 1][0], history[key]
            more = len(left) >= most
            found.append(
                Whole(
                    id, key, 0 if more else version, created, modified, gone, doc,
                    sinces[key], [_remembered(id[1], row) for row in left], more,
                )
            )  # fmt: skip
        return found

    async def committed(self) -> int:
        """See `Leaving.committed`."""
        base = await self._value("base_read")
        return ((await self._value("horizon") + base) << numbers.BITS) - 1

    async def stretch(self, after: int, upto: int | None, most: int) -> Stretch:
        """See `Leaving.stretch`."""
        return Stretch(*(await self._fetch("stretch", after, _EVER if upto is None else upto, most))[0])

    async def changes(self, after: int, upto: int) -> list[Told]:
        """See `Leaving.changes`."""
        return await self._told("changes_between", after, upto)

    async def changes_of(self, seqs: Sequence[int]) -> list[Told]:
        """See `Leaving.changes_of`."""
        return await self._told("changes_read", list(seqs))

    async def _told(self, name: str, *given: Any) -> list[Told]:
        async with self._reading() as db:
            rows = await db.fetch(_SQL[name], *given)
            found = await changes.whole(db, rows)
        return [
            Told(
                one.seq, one.tenant, one.entity, one.variant, one.verb, one.at, one.actor, row["types"],
                None if row["delta"] is None
                else orjson.dumps([[some.name, some.verb, some.after, some.before] for some in one.touched]),
            )
            for row, one in zip(rows, found, strict=True)
        ]  # fmt: skip

    async def documents(self) -> list[Document]:
        """See `Leaving.documents`."""
        return [Document(*row) for row in await self._fetch("documents_carried")]

    async def tenants(self) -> list[str]:
        """See `Leaving.tenants`."""
        return [row[0] for row in await self._fetch("tenants")]

    async def owed(self) -> list[int]:
        """See `Leaving.owed`."""
        return [row[0] for row in await self._fetch("owed_numbers")]

    async def owed_rows(self, numbers: Sequence[int]) -> list[Owed]:
        """See `Leaving.owed_rows`."""
        return [Owed(*row) for row in await self._fetch("owed_read", list(numbers))]

    async def leaves(self, after: int, upto: int | None, most: int) -> list[Leaf]:
        """See `Leaving.leaves`."""
        bound = (after, _EVER if upto is None else upto, most)
        return [Leaf(*row) for row in await self._fetch("leaves_between", *bound)]

    async def last_leaf(self) -> int:
        """See `Leaving.last_leaf`."""
        return await self._value("leaf_last")

    async def rows(self, table: Table, after: Row, upto: Row, most: int) -> list[Row]:
        """See `Rows.rows`."""
        with connect.problems():
            return await tables.between(self._db, table, after, upto, most)

    async def high(self) -> int:
        """See `Leaving.high`."""
        base = await self._value("base_read")
        return (await self._value("high") + base) << numbers.BITS

    async def leave(self, to: str | None) -> None:
        """See `Leaving.leave`."""
        ref = (MOVED[0], "", MOVED[1])
        with connect.problems():
            if to is None:
                await self._db.execute(_SQL["document_drop"], *columns([ref]))
            else:
                await self._db.execute(_SQL["document_put"], *columns([(*ref, 0, orjson.dumps(to))]))

    async def workers(self) -> int:
        """See `Leaving.workers`."""
        with connect.problems():
            schema = int(await self._db.fetchval("SELECT hashtext(current_schema())"))
        return await self._value("serving", f"kitamae follow {schema:x}")

    async def close(self) -> None:
        """See `Leaving.close`."""
        self._db.terminate()


class PostgresArriving(PostgresLeaving):
    """See `Arriving` and `open`."""

    _known: Known

    @classmethod
    async def open(cls, dsn: str) -> Self:
        """A schema that is empty, or holds half a copy. Raises StoreInUse, StoreTooNew, StoreUnknown, Unavailable."""
        db = await connect.writer(dsn)
        try:
            with connect.problems():
                await connect.check(db)
                await migrate.migrate_to(db)
                if not await db.fetchval(_SQL["alone"], _ARRIVING):
                    raise StoreInUse("another kitamae migrate fills that database at this moment")
                arriving = cls(db)
                arriving._known = Known()
                arriving._known.hot = await hot.read(db)
        except BaseException:
            db.terminate()
            raise
        return arriving

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[Connection]:
        with connect.problems():
            async with self._db.transaction():
                yield self._db
            self._known.committed()

    async def begin(self, alias: str) -> None:
        """See `Arriving.begin`."""
        async with self._writing() as db:
            half = await db.fetchval(_SQL["document_read"], MOVING[0], "", MOVING[1])
            kept = await db.fetchval(_SQL["document_read"], ALIAS[0], "", ALIAS[1])
            if half is not None:
                of = orjson.loads(half)
                if of != alias:
                    raise Conflict(f"there is half a copy of another city, {of}: nothing was changed there")
            elif kept is not None or await db.fetchval(_SQL["anything"]):
                raise Conflict("there is a city already: nothing was changed there")
            else:
                row = (MOVING[0], "", MOVING[1], 0, orjson.dumps(alias))
                await db.execute(_SQL["document_put"], *columns([row]))

    async def adopt(self, wholes: Sequence[Whole], gone: Collection[Id]) -> list[int]:
        """See `Arriving.adopt`."""
        ids = [*(one.id for one in wholes), *gone]
        if not ids:
            return []
        async with self._writing() as db:
            keys = [one.key for one in wholes]
            here: dict[Id, State] = {}
            for *id, key, version, created, modified, past, doc in await db.fetch(
                _SQL["keyed"], *columns(ids), keys
            ):
                state = State(key, version, created, modified, past, orjson.loads(doc))
                here[id[0], id[1], id[2]] = state
            wanted = {one.id: one.key for one in wholes}
            leave = {id: state for id, state in here.items() if wanted.get(id) != state.key}
            await entities.write(db, [Wrote(id, state, None) for id, state in leave.items()], self._known)
            tenants = sorted({id[0] for id in wanted} - self._known.tenants)
            await db.execute(_SQL["tenant_insert"], tenants)
            self._known.begun.update(tenants)
            wrote = [
                Wrote(one.id, None if one.id in leave else here.get(one.id), _state(one)) for one in wholes
            ]
            await entities.write(db, wrote, self._known)
            return await self._history(db, wholes, [state.key for state in leave.values()])

    async def _history(self, db: Connection, wholes: Sequence[Whole], left: list[int]) -> list[int]:
        """Put it in the place of what is here; the seq of what lost instances."""
        anew = [one.key for one in wholes if one.since is None]
        had = Counter(map(tuple, await db.fetch(_SQL["history_take"], anew + left)))
        has = Counter((one.key, instance.seq) for one in wholes for instance in one.history)
        lost = sorted({seq for (key, seq), count in had.items() if count > has[key, seq]})
        if lost:
            await db.execute(_SQL["change_forget"], lost)
        names = await self._known.names(db, {i[:2] for one in wholes for i in one.history})
        rows = []
        for one in wholes:
            for instance in one.history:
                attribute = orjson.loads(instance.doc)
                num = numeric(attribute)
                rows.append(
                    (
                        one.id[0], one.key, names[instance.name, instance.dataset], instance.part, instance.t,
                        instance.seq, instance.created_at, instance.modified_at, instance.deleted_at, num,
                        instance.observed, type(num) is int, instance.doc,
                    )
                )  # fmt: skip
        if rows:
            await db.copy_records_to_table("instance", columns=history.INSTANCE, records=rows)
        return lost

    async def tell(self, told: Sequence[Told]) -> None:
        """See `Arriving.tell`."""
        if told:
            async with self._writing() as db:
                await db.execute(_SQL["change_put"], *columns(told))

    async def keep(
        self, documents: Sequence[Document], dropped: Sequence[Document], tenants: Sequence[str]
    ) -> None:
        """See `Arriving.keep`."""
        async with self._writing() as db:
            await db.execute(_SQL["tenant_insert"], list(tenants))
            if dropped:
                refs = [(one.kind, one.tenant, one.id) for one in dropped]
                await db.execute(_SQL["document_drop"], *columns(refs))
            if documents:
                await db.execute(_SQL["document_carry"], *columns(documents))

    async def owe(self, rows: Sequence[Owed], settled: Sequence[int]) -> None:
        """See `Arriving.owe`."""
        async with self._writing() as db:
            await db.execute(_SQL["owed_settle"], list(settled))
            if rows:
                told = [(o.number, o.tenant, o.queue, share(o.queue), o.seq, o.at, o.payload) for o in rows]
                await db.execute(_SQL["owed_insert"], *columns(told))

    async def log(self, leaves: Sequence[Leaf]) -> None:
        """See `Arriving.log`."""
        async with self._writing() as db:
            await db.execute(_SQL["leaf_insert"], *columns(leaves))

    async def put_rows(self, table: Table, rows: Sequence[Row], gone: Sequence[Row]) -> None:
        """See `TakenRows.put_rows`."""
        async with self._writing() as db:
            await tables.put(db, table, rows, gone)

    async def finish(self, high: int) -> None:
        """See `Arriving.finish`."""
        async with self._writing() as db:
            await numbers.base(db, high)
            await db.execute(_SQL["document_drop"], *columns([(MOVING[0], "", MOVING[1])]))


def _state(one: Whole) -> State:
    return State(one.key, one.version, one.created, one.modified, one.gone, orjson.loads(one.doc))


def _remembered(id: str, row: Record) -> Remembered:
    """With its id written out: where it stands will be another place."""
    entity, name, dataset, attribute, t, observed, seq, part, created, modified, deleted, doc = row
    told = orjson.loads(doc)
    if "instanceId" not in told:
        at = series.Series(id, entity, attribute, name, dataset)
        doc = orjson.dumps({**told, "instanceId": series.derived_id(at, seq, t, part)})
    return Remembered(name, dataset, t, observed, seq, part, created, modified, deleted, doc)
