"""The embedded store as one that is filled: see `kernel.context.moving`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import apsw
import orjson

from kitamae.adapters.sqlite import database, migrate, tables
from kitamae.adapters.sqlite.adopting import Adopting
from kitamae.adapters.sqlite.leaving import SqliteLeaving
from kitamae.adapters.sqlite.many import Many
from kitamae.adapters.sqlite.named import queries
from kitamae.kernel.context.moving.carried import (
    ALIAS,
    MOVING,
    Document,
    Told,
    Whole,
)
from kitamae.kernel.problems import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from kitamae.kernel.context.moving.carried import Id
    from kitamae.kernel.context.moving.tables import Row, Table
    from kitamae.kernel.context.store import Leaf, Owed

_SQL = queries("change", "entity", "ledger", "moving")
_LEAVES: Final = Many(_SQL["leaf_insert"])

T = TypeVar("T")


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
            adopting = Adopting(db)
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

    async def put_rows(self, table: Table, rows: Sequence[Row], gone: Sequence[Row]) -> None:
        """See `TakenRows.put_rows`."""
        await self._write(lambda db: tables.put(db, table, rows, gone))

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
