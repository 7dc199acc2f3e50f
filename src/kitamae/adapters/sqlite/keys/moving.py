"""keys.db on its way: read while it is used, or filled. See `kernel.context.moving.tables.Keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import apsw

from kitamae.adapters.sql.halves import demand_whole, half_of
from kitamae.adapters.sqlite import database, tables
from kitamae.adapters.sqlite.keys.version import migrate
from kitamae.adapters.sqlite.leaving import transaction
from kitamae.adapters.sqlite.turns import Turns
from kitamae.kernel.context.moving.tables import KEYS, MARK, MOVING, WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kitamae.kernel.context.moving.tables import Row, Table

T = TypeVar("T")


class SqliteKeysMoving:
    """A connection of its own. `filled`: it is made where it is not there, and brought to the newest version."""

    def __init__(self, path: Path, *, filled: bool) -> None:
        """Raises StoreTooNew, StoreUnknown, StoreDamaged; unless it is `filled`, Conflict for half a copy."""
        self._turns = Turns()
        with database.problems():
            if filled:
                database.private(path)
            self._db = apsw.Connection(str(path))
            try:
                self._db.set_busy_timeout(5_000)
                if filled:
                    migrate(self._db)
                    database.durable(self._db)
                    self._db.execute("PRAGMA secure_delete = ON")  # what is deleted is written over
                else:
                    self._db.execute("PRAGMA query_only = ON")
                    demand_whole(_marks(self._db))
            except BaseException:
                self._db.close()
                raise

    async def _run(self, work: Callable[[apsw.Connection], T]) -> T:
        return await self._turns.run(lambda: self._do(work))

    def _do(self, work: Callable[[apsw.Connection], T]) -> T:
        with database.problems(), transaction(self._db):
            return work(self._db)

    async def rows(self, table: Table, after: Row, upto: Row, most: int) -> list[Row]:
        """See `Rows.rows`."""
        return await self._run(lambda db: tables.between(db, table, after, upto, most))

    async def put_rows(self, table: Table, rows: Sequence[Row], gone: Sequence[Row]) -> None:
        """See `TakenRows.put_rows`."""
        await self._run(lambda db: tables.put(db, table, rows, gone))

    async def begin(self, alias: str) -> None:
        """See `Keys.begin`."""

        def work(db: apsw.Connection) -> None:
            some = [tables.between(db, one, one.first, one.last, 1) for one in KEYS if one is not MARK]
            tables.put(db, MARK, [half_of(alias, _marks(db), anything=any(some))], [(WHOLE,)])

        await self._run(work)

    async def whole(self, *, so: bool) -> None:
        """See `Keys.whole`."""
        old, new = (MOVING, WHOLE) if so else (WHOLE, MOVING)
        await self._run(lambda db: tables.put(db, MARK, [(new, _marks(db)[old])], [(old,)]))

    async def finish(self) -> None:
        """See `Keys.finish`."""
        await self.put_rows(MARK, (), [(MOVING,), (WHOLE,)])
        # Nothing of what was dropped stays in the WAL.
        await self._turns.run(lambda: self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE))

    async def close(self) -> None:
        """See `Keys.close`."""
        await self._turns.run(self._db.close)


def _marks(db: apsw.Connection) -> dict[str, int]:
    return dict(tables.between(db, MARK, MARK.first, MARK.last, 100))
