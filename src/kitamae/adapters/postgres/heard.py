"""What is known here of documents that other workers keep: heard before anything is written on it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson

from kitamae.adapters.postgres import connect, hot
from kitamae.adapters.postgres.named import queries
from kitamae.kernel.context.store import Kept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from asyncpg import Connection, Pool

_SQL = queries("document")


class Documents:
    """`epoch`: how often documents had changed when this worker last heard of it. `names`: the hot attributes it knows."""

    def __init__(self, pool: Pool, epoch: int, names: dict[str, int]) -> None:
        self._pool, self.epoch, self._names = pool, epoch, names
        self._hear: list[Callable[[Sequence[Kept]], Awaitable[None]]] = []
        self._one = asyncio.Lock()

    def on_documents(self, heard: Callable[[Sequence[Kept]], Awaitable[None]]) -> None:
        """See `Store.on_documents`."""
        self._hear.append(heard)

    def own(self, epoch: int) -> None:
        """A commit of our own made that epoch; there is nothing to hear, unless others came between."""
        if epoch == self.epoch + 1:
            self.epoch = epoch

    async def upto(self, epoch: int) -> None:
        """Hear of everything up to an epoch that somebody saw."""
        if epoch <= self.epoch:
            return
        async with self._one:
            if epoch > self.epoch:
                async with self._pool.acquire() as db:
                    await self._listen(db, epoch)

    async def catch_up(self) -> None:
        """Hear of everything that was committed before this call."""
        with connect.problems():
            async with self._pool.acquire() as db:
                epoch = int(await db.fetchval(_SQL["epoch"]))
            await self.upto(epoch)

    async def _listen(self, db: Connection, epoch: int) -> None:
        found = await db.fetch(_SQL["documents_changed"], self.epoch)
        self._names.update(await hot.read(db))
        last: dict[tuple[str, str, str], Kept] = {}
        for at, kind, tenant, id, doc in found:
            epoch = max(epoch, at)
            last[kind, tenant, id] = Kept(tenant, kind, id, None if doc is None else orjson.loads(doc))
        if last:
            for heard in self._hear:
                await heard(list(last.values()))
        self.epoch = epoch
