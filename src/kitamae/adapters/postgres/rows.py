"""Reading single entities: those that are asked for together are read together, one question on its way at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kitamae.adapters.postgres import connect
from kitamae.adapters.postgres.named import queries
from kitamae.kernel.context.store import Row

if TYPE_CHECKING:
    from asyncpg import Pool

    from kitamae.adapters.postgres.group import Id

_SQL = queries("entity")


class Rows:
    """Nothing is kept: another worker may have written since."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: dict[Id, asyncio.Future[Row | None]] = {}
        self._running: asyncio.Task[None] | None = None

    async def row(self, id: Id) -> Row | None:
        """See `Store.row`."""
        if any("\0" in part for part in id):
            return None  # PostgreSQL's text holds no NUL, so there is no such entity
        waiting = self._waiting.get(id)
        if waiting is None:
            waiting = self._waiting[id] = asyncio.get_running_loop().create_future()
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="kitamae rows")
        return await asyncio.shield(waiting)

    async def _run(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, {}
                try:
                    found = await self._read(list(waiting))
                except Exception as error:
                    for one in waiting.values():
                        one.set_exception(error)
                else:
                    for id, one in waiting.items():
                        one.set_result(found.get(id))
        finally:
            self._running = None

    async def _read(self, ids: list[Id]) -> dict[Id, Row]:
        with connect.problems():
            async with self._pool.acquire() as db:
                if len(ids) == 1:
                    one = await db.fetchrow(_SQL["row_read"], *ids[0])
                    return {} if one is None else {ids[0]: Row(*one)}
                columns = (list(column) for column in zip(*ids, strict=True))
                rows = await db.fetch(_SQL["rows_read"], *columns)
        return {ids[n - 1]: Row(key, version, doc) for n, key, version, doc in rows}

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._running is not None:
            await self._running
