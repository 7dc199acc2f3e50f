"""The embedded store as one that is copied or filled: see `kernel.context.moving`. A connection of its own, in threads."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import apsw
import orjson

from kitamae.adapters.parquet.month import Wanted
from kitamae.adapters.sql import columns
from kitamae.adapters.sqlite import database, migrate, recall, series
from kitamae.adapters.sqlite.census import Census
from kitamae.adapters.sqlite.many import Many
from kitamae.adapters.sqlite.named import queries
from kitamae.adapters.sqlite.reading import touched
from kitamae.kernel.context.moving.carried import (
    ALIAS,
    MOVED,
    MOVING,
    PRIME,
    Document,
    Remembered,
    Standing,
    Stretch,
    Told,
    Whole,
)
from kitamae.kernel.context.store import Leaf, Owed
from kitamae.kernel.problems import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.moving.carried import Id

_SQL = queries("entity", "change", "history", "ledger", "moving")
_LEAVES: Final = Many(_SQL["leaf_insert"])
_EVER: Final = (1 << 63) - 1

T = TypeVar("T")


class SqliteLeaving:
    """See `Leaving`. `path`: a state that is served meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with database.problems():
            self._db = self._open(path)
        self._one = asyncio.Lock()
        self._filed: dict[
            int, tuple[Any, tuple[int, int, int]]
        ] = {}  # what was read from files of closed months

    def _open(self, path: Path) -> apsw.Connection:
        return database.reader(path)

    async def _run(self, work: Callable[[apsw.Connection], T], begin: str = "BEGIN") -> T:
        """In a thread, in one transaction."""
        async with self._one:
            return await asyncio.to_thread(self._do, work, begin)

    def _do(self, work: Callable[[apsw.Connection], T], begin: str) -> T:
        with database.problems(), _transaction(self._db, begin):
            return work(self._db)

    async def standing(self, after: Id, upto: Id, most: int) -> list[Standing]:
        """See `Leaving.standing`."""
        names = "tenant", "id", "variant", "tenant2", "id2", "variant2", "most"
        bound = dict(zip(names, (*after, *upto, most), strict=True))
        return await self._run(
            lambda db: [self._standing(db, *row) for row in db.execute(_SQL["standing"], bound).fetchall()]
        )

    def _standing(self, db: apsw.Connection, *row: Any) -> Standing:
        *id, version, instances, total, last, key, filed = row
        here = (instances, total, last)
        if filed:
            state = (db.execute(_SQL["filed"], (key,)).get, *here)
            known = self._filed.get(key)
            if known is None or known[0] != state:
                known = self._filed[key] = (state, _sums(_rows(db, key)))
            here = known[1]
        return Standing((id[0], id[1], id[2]), version, *here)

    async def whole(self, asked: Sequence[tuple[Id, Standing | None]], most: int) -> list[Whole]:
        """See `Leaving.whole`."""
        return await self._run(
            lambda db: [found for id, there in asked if (found := _whole(db, id, there, most))]
        )

    async def committed(self) -> int:
        """See `Leaving.committed`."""
        return await self._run(lambda db: int(db.execute(_SQL["last_seq"]).get))

    async def stretch(self, after: int, upto: int | None, most: int) -> Stretch:
        """See `Leaving.stretch`."""
        bound = (after, _EVER if upto is None else upto, most)
        return await self._run(lambda db: Stretch(*db.execute(_SQL["stretch"], bound).get))

    async def changes(self, after: int, upto: int) -> list[Told]:
        """See `Leaving.changes`."""
        return await self._run(
            lambda db: [
                _told(db, row) for row in db.execute(_SQL["changes_between"], (after, upto)).fetchall()
            ]
        )

    async def changes_of(self, seqs: Sequence[int]) -> list[Told]:
        """See `Leaving.changes_of`."""

        def read(db: apsw.Connection) -> list[Told]:
            rows = (db.execute(_SQL["change_read"], (seq,)).fetchone() for seq in seqs)
            return [_told(db, row) for row in rows if row is not None]

        return await self._run(read)

    async def documents(self) -> list[Document]:
        """See `Leaving.documents`."""
        return await self._run(lambda db: [Document(*row) for row in db.execute(_SQL["documents_carried"])])

    async def tenants(self) -> list[str]:
        """See `Leaving.tenants`."""
        return await self._run(lambda db: [str(row[0]) for row in db.execute(_SQL["tenants"])])

    async def owed(self) -> list[int]:
        """See `Leaving.owed`."""
        return await self._run(lambda db: [int(row[0]) for row in db.execute(_SQL["owed_numbers"])])

    async def owed_rows(self, numbers: Sequence[int]) -> list[Owed]:
        """See `Leaving.owed_rows`."""

        def read(db: apsw.Connection) -> list[Owed]:
            rows = (db.execute(_SQL["owed_read"], (number,)).fetchone() for number in numbers)
            return [Owed(*row) for row in rows if row is not None]

        return await self._run(read)

    async def leaves(self, after: int, upto: int | None, most: int) -> list[Leaf]:
        """See `Leaving.leaves`."""
        bound = (after, _EVER if upto is None else upto, most)
        return await self._run(lambda db: [Leaf(*row) for row in db.execute(_SQL["leaves_between"], bound)])

    async def last_leaf(self) -> int:
        """See `Leaving.last_leaf`."""
        return await self._run(lambda db: int(db.execute(_SQL["leaf_last"]).get))

    async def high(self) -> int:
        """See `Leaving.high`."""
        return await self._run(lambda db: int(db.execute(_SQL["high"]).get))

    async def workers(self) -> int:
        """See `Leaving.workers`."""
        return 0

    async def leave(self, to: str | None) -> None:
        """See `Leaving.leave`."""

        def write() -> None:
            with database.problems():
                db = apsw.Connection(str(self._path))
                try:
                    database.durable(db)
                    if to is None:
                        db.execute(_SQL["document_drop"], (MOVED[0], "", MOVED[1])).fetchall()
                    else:
                        db.execute(_SQL["document_put"], ("", *MOVED, orjson.dumps(to)))
                finally:
                    db.close()

        await asyncio.to_thread(write)

    async def close(self) -> None:
        """See `Leaving.close`."""
        async with self._one:
            await asyncio.to_thread(self._db.close)


class SqliteArriving(SqliteLeaving):
    """See `Arriving`. `path`: of a state that is not there yet, or half a copy."""

    def __init__(self, path: Path) -> None:
        """Raises StoreInUse, StoreTooNew, StoreUnknown."""
        self._lock = database.Lock(path)
        try:
            super().__init__(path)
        except BaseException:
            self._lock.release()
            raise

    def _open(self, path: Path) -> apsw.Connection:
        database.private(path)
        db = apsw.Connection(str(path))
        try:
            migrate.version(db)  # before anything is written to a file that may not be ours
            database.durable(db)
            migrate.migrate(db)
        except BaseException:
            db.close()
            raise
        return db

    async def _write(self, work: Callable[[apsw.Connection], T]) -> T:
        return await self._run(work, "BEGIN IMMEDIATE")

    async def begin(self, alias: str) -> None:
        """See `Arriving.begin`."""

        def work(db: apsw.Connection) -> None:
            half = db.execute(_SQL["document_get"], (MOVING[0], "", MOVING[1])).fetchone()
            kept = db.execute(_SQL["document_get"], (ALIAS[0], "", ALIAS[1])).fetchone()
            if half is not None:
                of = orjson.loads(half[0])
                if of != alias:
                    raise Conflict(f"there is half a copy of another city, {of}: nothing was changed there")
            elif kept is not None or db.execute(_SQL["anything"]).get:
                raise Conflict("there is a city already: nothing was changed there")
            else:
                db.execute(_SQL["document_carry"], Document("", *MOVING, 0, orjson.dumps(alias)))

        await self._write(work)

    async def adopt(self, wholes: Sequence[Whole], gone: Collection[Id]) -> list[int]:
        """See `Arriving.adopt`."""

        def work(db: apsw.Connection) -> list[int]:
            adopting = _Adopting(db)
            for id in gone:
                adopting.remove(None, id)
            for one in wholes:
                adopting.adopt(one)
            return adopting.finish()

        return await self._write(work)

    async def tell(self, changes: Sequence[Told]) -> None:
        """See `Arriving.tell`."""
        rows = [(*one[:7], one.types.decode(), one.wrote) for one in changes]
        await self._write(lambda db: db.executemany(_SQL["change_put"], rows))

    async def keep(
        self, documents: Sequence[Document], dropped: Sequence[Document], tenants: Sequence[str]
    ) -> None:
        """See `Arriving.keep`."""

        def work(db: apsw.Connection) -> None:
            db.executemany(_SQL["tenant_insert"], [(one,) for one in tenants])
            for one in dropped:
                db.execute(_SQL["document_drop"], (one.kind, one.tenant, one.id)).fetchall()
            db.executemany(_SQL["document_carry"], documents)

        await self._write(work)

    async def owe(self, rows: Sequence[Owed], settled: Sequence[int]) -> None:
        """See `Arriving.owe`."""

        def work(db: apsw.Connection) -> None:
            db.executemany(_SQL["owed_settle"], [(number,) for number in settled])
            db.executemany(
                _SQL["owed_carry"], [(o.number, o.tenant, o.queue, o.seq, o.at, o.payload) for o in rows]
            )

        await self._write(work)

    async def log(self, leaves: Sequence[Leaf]) -> None:
        """See `Arriving.log`."""
        await self._write(lambda db: _LEAVES(db, leaves))

    async def finish(self, high: int) -> None:
        """See `Arriving.finish`."""

        def work(db: apsw.Connection) -> None:
            db.execute(_SQL["mark_seq"], (high,))
            for name in ("owed", "document"):
                bound = {"name": name, "high": high}
                db.execute(_SQL["sequence_raise"], bound)
                db.execute(_SQL["sequence_begin"], bound)
            db.execute(_SQL["document_drop"], (MOVING[0], "", MOVING[1])).fetchall()

        await self._write(work)

    async def close(self) -> None:
        """See `Leaving.close`."""
        await super().close()
        self._lock.release()


class _Adopting:
    """One transaction that adopts."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._census = Census()
        self._lost: set[int] = set()
        self._names: dict[tuple[str, str], int] = {}
        self._number = int(db.execute(_SQL["last_instance"]).get)

    def finish(self) -> list[int]:
        """The seq of what lost instances."""
        self._census.write(self._db)
        self._db.executemany(_SQL["change_forget"], [(seq,) for seq in self._lost])
        return sorted(self._lost)

    def remove(self, key: int | None, id: Id, *, history: bool = True) -> None:
        """Whoever has this key, or this id. `history` False: that of this id under this key stays."""
        db = self._db
        found: list[Any] = db.execute(_SQL["keyed"], (key, *id)).fetchall()
        for at, *of, doc in found:
            if doc is None:
                db.execute(_SQL["past_delete"], (at,))
            else:
                self._remove_living(at, of[0], orjson.loads(doc))
            if history or (at, *of) != (key, *id):
                self._lost.update(seq for seq, _ in db.execute(_SQL["seqs_of"], (at,)))
                db.execute(_SQL["history_delete"], (at,))

    def _remove_living(self, key: int, tenant: str, entity: Entity) -> None:
        db = self._db
        for type in set(entity["type"]):
            db.execute(_SQL["type_delete"], (tenant, type, key))
        for scope in set(entity.get("scope", ())):
            db.execute(_SQL["scope_delete"], (tenant, scope, key))
        db.execute(_SQL["place_box_delete"], (key,))
        db.execute(_SQL["place_delete"], (key,))
        db.execute(_SQL["entity_delete"], (key,))
        self._census.moved(tenant, columns.shape(entity), None)

    def adopt(self, one: Whole) -> None:
        """In the place of what is here."""
        db, key, tenant = self._db, one.key, one.id[0]
        self.remove(key, one.id, history=False)
        db.execute(_SQL["tenant_insert"], (tenant,))
        entity: Entity = orjson.loads(one.doc)
        if one.gone:
            db.execute(_SQL["past_insert"], (key, *one.id, one.version, one.doc))
        else:
            expires, plain, kv, doc = columns.row(entity)
            row = (key, *one.id, one.version, one.created, one.modified, expires, plain, kv, doc)
            db.execute(_SQL["carried_insert"], row)
            for type in set(entity["type"]):
                db.execute(_SQL["type_insert"], (tenant, type, key))
            for scope in set(entity.get("scope", ())):
                db.execute(_SQL["scope_insert"], (tenant, scope, key))
            for name, around in columns.places(entity):
                db.execute(_SQL["place_insert"], (key, name))
                db.execute(_SQL["place_box_insert"], around)
            self._census.moved(tenant, None, columns.shape(entity))
        self._remember(key, one)

    def _remember(self, key: int, one: Whole) -> None:
        db = self._db
        if one.since is None:
            had: list[Any] = db.execute(_SQL["seqs_of"], (key,)).fetchall()
            has = Counter(instance.seq for instance in one.history)
            self._lost.update(seq for seq, count in had if count > has[seq])
            db.execute(_SQL["history_delete"], (key,))
        rows = []
        for instance in one.history:
            self._number += 1
            attribute = orjson.loads(instance.doc)
            num = columns.numeric(attribute)
            rows.append(
                (
                    self._number, key, self._attribute(instance.name, instance.dataset), instance.t, instance.observed,
                    instance.seq, instance.created_at, instance.modified_at, instance.deleted_at, num, instance.doc,
                )
            )  # fmt: skip
        db.executemany(_SQL["instance_carry"], rows)

    def _attribute(self, name: str, dataset: str) -> int:
        key = self._names.get((name, dataset))
        if key is None:
            key = self._db.execute(_SQL["attribute_key"], (name, dataset)).get
            if key is None:
                key = self._db.execute(_SQL["attribute_insert"], (name, dataset)).get
            self._names[name, dataset] = key
        return key


@contextmanager
def _transaction(db: apsw.Connection, begin: str) -> Iterator[None]:
    db.execute(begin)
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _whole(db: apsw.Connection, id: Id, there: Standing | None, most: int) -> Whole | None:
    row = db.execute(_SQL["carried_entity"], id).fetchone()
    if row is None:
        return None
    key, version, created, modified, gone, doc = row
    if db.execute(_SQL["compacted_here"], (key,)).get:
        return _filed(db, id, there, row)
    since = None
    if there is not None and db.execute(_SQL["begins_with"], (key, there.last)).get == (
        there.instances,
        there.sum,
    ):
        since = there.last
    after = since or 0
    last = db.execute(_SQL["carried_last"], (key, after, most)).get
    bound = {"entity": key, "after": after, "upto": _EVER if last is None else last}
    history = _history(id[1], key, db.execute(_SQL["carried_history"], bound).fetchall())
    if last is not None:
        version = 0  # not yet: the next comparison finds it different
    return Whole(id, key, version, created, modified, bool(gone), doc, since, history, last is not None)


def _filed(db: apsw.Connection, id: Id, there: Standing | None, row: tuple[Any, ...]) -> Whole:
    """An entity of which closed months stand in files: all of its history is in memory, so it is told at once."""
    key, version, created, modified, gone, doc = row
    rows, since = _rows(db, key), None
    if there is not None and _sums([one for one in rows if one[4] <= there.last]) == there[2:]:
        since = there.last
        rows = [one for one in rows if one[4] > since]
    return Whole(
        id, key, version, created, modified, bool(gone), doc, since, _history(id[1], key, rows), more=False
    )


def _rows(db: apsw.Connection, key: int) -> list[Any]:
    """As `carried_history` tells them."""
    rows: list[Any] = []
    for attribute, name, dataset in series.attributes(db, key, {}):
        place = recall.table(db, Wanted(key, attribute, -_EVER, _EVER))
        rows += db.execute(_SQL["carried_series"].format(table=place), (key, attribute, name, dataset))
    rows.sort(key=lambda one: (one[4], one[6]))
    return rows


def _sums(rows: list[Any]) -> tuple[int, int, int]:
    """How many, the sum of their seq, and the last."""
    return len(rows), sum(one[4] % PRIME for one in rows), rows[-1][4] if rows else 0


def _history(id: str, key: int, rows: list[Any]) -> list[Remembered]:
    """Every instance with its id written out: where it stands will be another place."""
    parts: Counter[int] = Counter()
    found: list[Remembered] = []
    for name, dataset, t, observed, seq, attribute, number, created, modified, deleted, doc in rows:
        told = orjson.loads(doc)
        if "instanceId" not in told:
            at = series.Series(id, key, attribute, name, dataset)
            doc = orjson.dumps({**told, "instanceId": series.derived_id(at, seq, number)})  # noqa: PLW2901
        found.append(
            Remembered(name, dataset, t, bool(observed), seq, parts[seq], created, modified, deleted, doc)
        )
        parts[seq] += 1
    return found


def _told(db: apsw.Connection, row: tuple[Any, ...]) -> Told:
    seq, tenant, entity, variant, verb, at, actor, types, delta, history = row
    wrote = delta
    if delta is not None and history is not None:
        some = touched(db, seq, delta, history)
        wrote = orjson.dumps([[one.name, one.verb, one.after, one.before] for one in some])
    return Told(seq, tenant, entity, variant, verb, at, actor, types.encode(), wrote)
