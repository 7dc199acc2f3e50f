"""The embedded store: see `kernel.context.store.Store`. One process, one file, one writer, readers beside it."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import apsw

from kitamae.adapters.sqlite import backup, compaction, database, hot, leaves, migrate, recall, series
from kitamae.adapters.sqlite.reading import Reading
from kitamae.adapters.sqlite.writer import Writer
from kitamae.kernel.context import clock
from kitamae.kernel.context.first import asked_first
from kitamae.kernel.context.telling import Telling

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence

    from kitamae.adapters.sqlite.compaction import Due
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.operations.command import Command, Effect
    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.store import (
        Change,
        Figures,
        Found,
        Instance,
        InstanceQuery,
        Kept,
        Leaf,
        Owed,
        Placed,
        Readings,
        Row,
        Transaction,
    )
    from kitamae.kernel.context.telling import Own
    from kitamae.kernel.context.temporal.query import Aggregation
    from kitamae.kernel.problems import Problem

T = TypeVar("T")

BREATH: Final = 0.02  # seconds between two commits of house-keeping, for everybody else's writes
FOLDS: Final = 20  # tries to empty the WAL between two who use it
FORGET: Final = 2_000  # changes that are forgotten in one commit


async def open(
    path: Path,
    *,
    hot: Sequence[str] = (),
    now: Callable[[], int] = clock.now,
    check: bool = False,
    time_limit: float = 5.0,
    most_bytes: int | None = None,
) -> SqliteStore:
    """Open the city's state, or begin it. `path` is the database file; its directory is locked for this process.

    `hot`: expanded names of the attributes that are indexed. `check`: read the whole file for damage first.
    `time_limit`: seconds that one query may take. `most_bytes`: what the file may grow to. Raises StoreInUse, StoreTooNew, StoreUnknown, StoreDamaged.
    """
    return SqliteStore(path, tuple(dict.fromkeys(hot)), now, check, time_limit, most_bytes)


class SqliteStore:
    """See `open`."""

    def __init__(
        self,
        path: Path,
        declared: tuple[str, ...],
        now: Callable[[], int],
        check: bool,
        time_limit: float,
        most_bytes: int | None,
    ) -> None:
        self.path = path
        self._compacting, self._stop = asyncio.Lock(), threading.Event()
        self.moving = ""  # the month that is on its way into a file
        self._hear: list[Callable[[Sequence[Change]], None]] = []
        self._owed: list[Callable[[Sequence[Owed]], None]] = []
        self._telling = Telling()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = database.Lock(path)
        try:
            with database.problems():
                database.private(path)
                db = apsw.Connection(str(path))
                migrate.version(db)  # before anything is written to a file that may not be ours
                database.durable(db, most_bytes)
                if check:
                    database.check(db)
                migrate.migrate(db, before=lambda version: backup.before_upgrade(path, version))
                hot.declare(db, declared)
            self._reading = Reading(path, declared, time_limit)
            self._writer = Writer(db, now, self._committed)
        except BaseException:
            self._lock.release()
            raise

    def _committed(self, changes: list[Change], owed: list[Owed]) -> None:
        """On the event loop, after the commit and before its answers."""
        if changes:
            self._reading.changed(changes)
            for heard in self._hear:
                heard(changes)
        if owed:
            for told in self._owed:
                told(owed)

    # --- writing
    async def apply(self, commands: Sequence[Command]) -> list[Effect | Problem]:
        """See `Store.apply`."""
        return await self._writer.apply(commands)

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """See `Store.transact`."""
        return await self._telling.through(self._transact, work)

    async def _transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """What it needs of files is read beside the writer, and then it is begun anew."""
        writer, ahead, asked = self._writer, recall.Ahead(), asked_first(work)
        while True:
            try:
                result: T = await writer.submit(lambda: writer.transact(asked, ahead))
            except recall.Unread as unread:
                await self._reading.run(partial(_read, ahead, unread))
            else:
                return result

    def on_change(self, watch: Callable[[Transaction, Change, Effect], Awaitable[None]]) -> None:
        """See `Store.on_change`."""
        self._writer.watch(watch)

    def on_commit(self, heard: Callable[[Sequence[Change]], None]) -> None:
        """See `Store.on_commit`."""
        self._hear.append(heard)

    def on_owed(self, heard: Callable[[Sequence[Owed]], None]) -> None:
        """See `Store.on_owed`."""
        self._owed.append(heard)

    # --- other workers: there are none
    def serves(self, name: str) -> bool:
        """See `Store.serves`."""
        return True

    def on_serving(self, changed: Callable[[], Awaitable[None]]) -> None:
        """See `Store.on_serving`."""

    def on_documents(self, heard: Callable[[Sequence[Kept]], Awaitable[None]]) -> None:
        """See `Store.on_documents`."""

    def on_kept(self, kinds: Collection[str], heard: Callable[[Sequence[Own]], Awaitable[None]]) -> None:
        """See `Store.on_kept`."""
        self._telling.on_kept(kinds, heard)

    async def catch_up(self) -> None:
        """See `Store.catch_up`."""

    # --- reading
    async def expired(self, at: int, most: int) -> list[tuple[str, str, str]]:
        """See `Store.expired`."""
        return self._reading.expired(at, most)

    async def row(self, tenant: str, id: str, variant: str = "") -> Row | None:
        """See `Store.row`."""
        return self._reading.row(tenant, id, variant)

    async def find(self, query: EntityQuery) -> Found:
        """See `Store.find`."""
        return await self._reading.find(query)

    def stream(self, query: EntityQuery) -> AsyncIterator[Row]:
        """See `Store.stream`. In the order of creation; what changes meanwhile may be seen either way."""
        return self._reading.stream(query)

    async def types(self, tenant: str) -> dict[str, int]:
        """See `Store.types`."""
        return await self._reading.types(tenant)

    async def attributes(self, tenant: str, type: str | None = None) -> dict[str, dict[str, Any]]:
        """See `Store.attributes`."""
        return await self._reading.attributes(tenant, type)

    async def tenants(self) -> list[str]:
        """See `Store.tenants`."""
        return self._reading.tenants()

    async def instances(self, query: InstanceQuery) -> list[Instance]:
        """See `Store.instances`."""
        return await self._reading.instances(query)

    async def readings(self, query: InstanceQuery) -> list[Readings]:
        """See `Store.readings`."""
        return await self._reading.readings(query)

    async def aggregate(self, query: InstanceQuery, aggregation: Aggregation, now: int) -> list[Figures]:
        """See `Store.aggregate`."""
        return await self._reading.aggregate(query, aggregation, now)

    async def remembered(self, query: EntityQuery, history: InstanceQuery, after: str | None = None) -> Found:
        """See `Store.remembered`."""
        return await self._reading.remembered(query, history, after)

    async def changes(self, after: int, most: int) -> list[Change]:
        """See `Store.changes`."""
        return await self._reading.changes(after, most)

    async def get(self, tenant: str, kind: str, id: str) -> Json | None:
        """See `Store.get`."""
        return self._reading.get(tenant, kind, id)

    async def documents(self, tenant: str | None, kind: str) -> list[tuple[str, str, Json]]:
        """See `Store.documents`."""
        return await self._reading.documents(tenant, kind)

    async def owed(self, queue: str, after: int, most: int) -> list[Owed]:
        """See `Store.owed`."""
        return self._reading.owed(queue, after, most)

    async def queues(self) -> list[tuple[str, str, int]]:
        """See `Store.queues`."""
        return await self._reading.queues()

    async def owing(self) -> list[tuple[str, int, int]]:
        """See `Store.owing`."""
        return await self._reading.owing()

    async def settle(self, numbers: Sequence[int]) -> None:
        """See `Store.settle`. One that is lost in a crash is delivered again."""
        writing, gone = self._writer.writing, list(numbers)
        self._writer.post(lambda: writing.settle(gone))

    # --- the ledger
    async def leaves(self, after: int, most: int) -> list[Leaf]:
        """See `Store.leaves`."""
        return await self._reading.run(lambda db: leaves.after(db, after, most))

    async def placed(self) -> Placed:
        """See `Store.placed`."""
        return await self._reading.run(leaves.placed)

    async def place(self, placed: Sequence[Placed]) -> None:
        """See `Store.place`."""
        await self._writer.submit(partial(self._writer.writing.do, partial(leaves.place, steps=placed)))

    async def index(self, number: int) -> int | None:
        """See `Store.index`."""
        return await self._reading.run(lambda db: leaves.index(db, number))

    # --- keeping
    async def forget(self, upto: int) -> None:
        """See `Store.forget`. A few thousand at a time, so that no write waits long."""
        after = 0
        while end := await self._reading.end(after, upto, FORGET):
            await self._writer.submit(partial(self._writer.writing.forget, after, end))
            after = end

    async def retire(self, key: int, before: int, most: int) -> int:
        """See `Store.retire`. Of closed months that ended before then, all at once: their files are written anew without."""

        def look(db: apsw.Connection) -> tuple[list[tuple[int, int, int]], int]:
            return series.before(db, key, before, most), recall.count(db, key, before)

        found, filed = await self._reading.run(look)
        if found or filed:
            await self._writer.submit(partial(self._writer.writing.retire, key, before, found))
        return len(found) + filed

    async def erase(self, tenant: str, entity: str) -> None:
        """See `Store.erase`."""
        writing = self._writer.writing
        await self._writer.submit(lambda: writing.erase(tenant, entity))

    async def fold(self) -> bool:
        """Empty the WAL: until then it holds what was deleted. False: somebody used it all the time, so it is tried again."""
        with database.problems():
            for _ in range(FOLDS):
                if await asyncio.to_thread(database.fold, self.path):
                    return True
                await asyncio.sleep(BREATH)
        return False

    async def closed(self) -> dict[str, Path]:
        """The months that stand in files: `2025-03` -> its file."""
        return await self._reading.run(compaction.files)

    async def due(self, before: int) -> list[Due]:
        """What `compact` would move."""
        return await asyncio.to_thread(compaction.due, self.path, before)

    async def compact(self, before: int, moved: Callable[[int], None] = lambda _: None) -> int:
        """Move months that ended by then (microseconds UTC) into files, and write those anew in which something is deleted;
        how many months. Others are served meanwhile; see `compaction.py` for what a crash leaves. `moved` is told after each
        month how many rows have left.
        """
        async with self._compacting:
            names = await self.due(before)
            try:
                for one in names:
                    self.moving = one.name
                    await self._compact(one.name)
                    moved(one.rows)
            finally:
                self.moving = ""
            await asyncio.to_thread(compaction.sweep, self.path, compaction.GRACE)
        return len(names)

    async def _compact(self, month: str) -> None:
        do, submit = self._writer.writing.do, self._writer.submit
        await submit(partial(do, partial(compaction.begin, name=month)))
        writing = asyncio.create_task(asyncio.to_thread(compaction.write, self.path, month, self._stop))
        try:
            done = await asyncio.shield(writing)
        except asyncio.CancelledError:
            self._stop.set()  # the thread ends, and with it what it has open
            await asyncio.wait([writing])
            raise
        await submit(partial(do, partial(compaction.register, done=done)))
        await asyncio.to_thread(compaction.replaced, done)
        pieces = compaction.pieces(done)
        while some := await asyncio.to_thread(next, pieces, None):
            await submit(partial(do, partial(compaction.leave, some=some)))
            await asyncio.sleep(BREATH)
        await submit(partial(do, partial(compaction.left, name=month)))

    async def backup(self, to: str) -> None:
        """See `Store.backup`. Raises StoreFull, leaving nothing at `to`."""
        await self._reading.run(lambda _: backup.copy(self.path, Path(to)))

    async def close(self) -> None:
        """See `Store.close`."""
        await self._writer.close()
        await self._reading.close()
        self._writer.release()
        self._lock.release()


def _read(ahead: recall.Ahead, unread: recall.Unread, _: apsw.Connection) -> None:
    ahead.read(unread)
