"""A schema of keys on its way: read while it is used, or filled. See `kernel.context.moving.tables.Keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from kitamae.adapters.postgres import connect, tables
from kitamae.adapters.postgres.keys import store
from kitamae.adapters.sql.halves import half_of
from kitamae.kernel.context.moving.tables import KEYS, MARK, MOVING, WHOLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Connection

    from kitamae.kernel.context.moving.tables import Row, Table


class PostgresKeysMoving:
    """See `open`."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    @classmethod
    async def open(cls, dsn: str, *, filled: bool) -> Self:
        """Brought to the newest version; not `filled`: read. Raises what opening keys raises: also where it is the schema of a state, and,
        unless it is `filled`, for half a copy.
        """
        await (await store.open(dsn, filled=filled)).close()
        return cls(await connect.writer(dsn))

    async def rows(self, table: Table, after: Row, upto: Row, most: int) -> list[Row]:
        """See `Rows.rows`."""
        with connect.problems():
            return await tables.between(self._db, table, after, upto, most)

    async def put_rows(self, table: Table, rows: Sequence[Row], gone: Sequence[Row]) -> None:
        """See `TakenRows.put_rows`."""
        with connect.problems():
            async with self._db.transaction():
                await tables.put(self._db, table, rows, gone)

    async def begin(self, alias: str) -> None:
        """See `Keys.begin`."""
        some = [await self.rows(one, one.first, one.last, 1) for one in KEYS if one is not MARK]
        await self.put_rows(MARK, [half_of(alias, await self._marks(), anything=any(some))], [(WHOLE,)])

    async def _marks(self) -> dict[str, int]:
        return dict(await self.rows(MARK, MARK.first, MARK.last, 100))

    async def whole(self, *, so: bool) -> None:
        """See `Keys.whole`."""
        old, new = (MOVING, WHOLE) if so else (WHOLE, MOVING)
        await self.put_rows(MARK, [(new, (await self._marks())[old])], [(old,)])

    async def finish(self) -> None:
        """See `Keys.finish`."""
        await self.put_rows(MARK, (), [(MOVING,), (WHOLE,)])

    async def close(self) -> None:
        """See `Keys.close`."""
        self._db.terminate()
