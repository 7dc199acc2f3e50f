"""The embedded store as one that is copied: see `kernel.context.moving`. A connection of its own, in threads."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import apsw
import orjson

from kitamae.adapters.sqlite import carried, database, tables
from kitamae.adapters.sqlite.named import queries
from kitamae.adapters.sqlite.turns import Turns
from kitamae.kernel.context.moving.carried import (
    MOVED,
    Document,
    Standing,
    Stretch,
    Told,
    Whole,
)
from kitamae.kernel.context.store import Leaf, Owed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from kitamae.kernel.context.moving.carried import Id
    from kitamae.kernel.context.moving.tables import Row, Table

_SQL = queries("change", "entity", "ledger", "moving")
_EVER: Final = (1 << 63) - 1

T = TypeVar("T")


class SqliteLeaving:
    """See `Leaving`. `path`: a state that is served meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with database.problems():
            self._db = self._open(path)
        self._turns = Turns()
        self._filed: dict[
            int, tuple[Any, tuple[int, int, int]]
        ] = {}  # what was read from files of closed months

    def _open(self, path: Path) -> apsw.Connection:
        return database.reader(path)

    async def _run(self, work: Callable[[apsw.Connection], T], begin: str = "BEGIN") -> T:
        """In a thread, in one transaction."""
        return await self._turns.run(lambda: self._do(work, begin))

    def _do(self, work: Callable[[apsw.Connection], T], begin: str) -> T:
        with database.problems(), transaction(self._db, begin):
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
                known = self._filed[key] = (state, carried.sums(carried.rows(db, key)))
            here = known[1]
        return Standing((id[0], id[1], id[2]), version, *here)

    async def whole(self, asked: Sequence[tuple[Id, Standing | None]], most: int) -> list[Whole]:
        """See `Leaving.whole`."""
        return await self._run(
            lambda db: [found for id, there in asked if (found := carried.whole(db, id, there, most))]
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
                carried.told(db, row) for row in db.execute(_SQL["changes_between"], (after, upto)).fetchall()
            ]
        )

    async def changes_of(self, seqs: Sequence[int]) -> list[Told]:
        """See `Leaving.changes_of`."""

        def read(db: apsw.Connection) -> list[Told]:
            rows = (db.execute(_SQL["change_read"], (seq,)).fetchone() for seq in seqs)
            return [carried.told(db, row) for row in rows if row is not None]

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

    async def rows(self, table: Table, after: Row, upto: Row, most: int) -> list[Row]:
        """See `Rows.rows`."""
        return await self._run(lambda db: tables.between(db, table, after, upto, most))

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
        await self._turns.run(self._db.close)


@contextmanager
def transaction(db: apsw.Connection, begin: str = "BEGIN") -> Iterator[None]:
    """All of it, or nothing."""
    db.execute(begin)
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
