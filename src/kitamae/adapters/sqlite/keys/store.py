"""See `kernel.people.vault.keystore.KeyStore`. One connection writes, in turn and in a thread; what arrives together commits together."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import apsw

from kitamae.adapters.sql import erased
from kitamae.adapters.sql.halves import demand_whole
from kitamae.adapters.sql.named import queries
from kitamae.adapters.sqlite import backup, database
from kitamae.adapters.sqlite.keys.version import migrate
from kitamae.adapters.sqlite.turns import Turns
from kitamae.kernel.context.moving.tables import WHOLE
from kitamae.kernel.people.vault.keystore import Erasure, Over, Tag, Wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_SQL = queries("keys", package=__package__)
TOGETHER: Final = 1_000  # pieces of work in one commit


def open(path: Path) -> SqliteKeyStore:
    """Open keys.db, or begin it. The data directory is locked by the caller. Raises StoreTooNew, StoreUnknown, StoreDamaged, Conflict for half a copy."""
    with database.problems():
        database.private(path)
        db = apsw.Connection(str(path))
        try:
            migrate(db)
            database.durable(db)
            db.execute("PRAGMA secure_delete = ON")  # what is deleted is written over
            database.check(db)
            marks = {name for (name,) in db.execute(_SQL["marks"])}
            demand_whole(marks)
            if WHOLE in marks:
                db.execute(_SQL["mark_drop"], (WHOLE,))  # as the move would have in the end
        except BaseException:
            db.close()
            raise
    return SqliteKeyStore(path, db)


class SqliteKeyStore:
    """See `open`. `erased` beside the file lists erasures once more, so that they outlive it."""

    def __init__(self, path: Path, db: apsw.Connection) -> None:
        self.path = path
        self._db = db
        self._turns = Turns()
        self._waiting: list[tuple[Callable[[], object], asyncio.Future[None]]] = []
        self._draining: asyncio.Task[None] | None = None

    async def _write(self, work: Callable[[], object]) -> None:
        """Durable when it returns. All that waits goes into one commit."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        await done

    async def _drain(self) -> None:
        """Nobody's own task: a caller that is cancelled takes nothing away from those whose work is in the same commit."""
        try:
            while self._waiting:
                together, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
                error: Exception | None = None
                try:
                    await self._turns.run(partial(self._commit, [work for work, _ in together]))
                except Exception as raised:
                    error = raised
                for done in (one for _, one in together if not one.done()):  # else its caller went away
                    if error is None:
                        done.set_result(None)
                    else:
                        done.set_exception(error)
        finally:
            self._draining = None

    def _commit(self, works: Sequence[Callable[[], object]]) -> None:
        with database.problems():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for work in works:
                    work()
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    async def _read(self, name: str, *given: Any) -> list[Any]:
        """In turn with what is written: one thread at a time has the connection."""

        def work() -> list[Any]:
            with database.problems():
                return self._db.execute(_SQL[name], given).fetchall()

        return await self._turns.here(work)

    async def of(self, person: str) -> list[Wrapped]:
        """See `KeyStore.of`."""
        return [Wrapped(*row) for row in await self._read("keys_of", person)]

    async def add(self, keys: Sequence[Wrapped]) -> None:
        """See `KeyStore.add`."""
        await self._write(lambda: self._db.executemany(_SQL["key_add"], keys))

    async def destroyed(self, person: str) -> dict[str, int]:
        """See `KeyStore.destroyed`."""
        return dict(await self._read("destroyed", person))

    async def destroy(self, gone: Sequence[Erasure]) -> None:
        """See `KeyStore.destroy`. The list beside the file is written first: an erasure that was begun is finished by whoever opens it next."""
        if not gone:
            return
        await asyncio.to_thread(erased.add, self.path.with_name("erased"), gone)

        def work() -> None:
            for one in gone:
                destroy(self._db, one)

        await self._write(work)
        # Nothing of it stays in the WAL either.
        await self._turns.run(lambda: self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE))

    async def erasures(self, after: int = 0) -> list[Erasure]:
        """See `KeyStore.erasures`."""
        return [Erasure(*row) for row in await self._read("erasures", after)]

    async def wrapped_otherwise(self, city: str, most: int) -> list[Wrapped]:
        """See `KeyStore.wrapped_otherwise`."""
        return [Wrapped(*row) for row in await self._read("wrapped_otherwise", city, most)]

    async def rewrap(self, keys: Sequence[Wrapped]) -> None:
        """See `KeyStore.rewrap`."""
        await self._write(lambda: self._db.executemany(_SQL["rewrap"], keys))

    async def cities(self) -> list[str]:
        """See `KeyStore.cities`."""
        return [row[0] for row in await self._read("cities")]

    async def older(self, made: int, most: int) -> list[tuple[str, str]]:
        """See `KeyStore.older`."""
        return [(row[0], row[1]) for row in await self._read("older", made, most)]

    async def rotating(self, made: int | None = None) -> int:
        """See `KeyStore.rotating`."""
        if made is not None:
            await self._write(lambda: self._db.execute(_SQL["rotate"], (made,)))
        return int((await self._read("rotating"))[0][0])

    async def count(self) -> int:
        """See `KeyStore.count`."""
        return int((await self._read("count"))[0][0])

    async def tag(self, add: Sequence[Tag], records: Sequence[tuple[str, str]] = ()) -> None:
        """See `KeyStore.tag`."""

        def work() -> None:
            self._db.executemany(_SQL["tag_drop"], records)
            self._db.executemany(_SQL["tag_add"], add)

        await self._write(work)

    async def tagged(self, tenant: str, field: str, tag: bytes, most: int) -> list[Tag]:
        """See `KeyStore.tagged`."""
        return [Tag(*row) for row in await self._read("tagged", tenant, field, tag, most)]

    async def tags_of(self, person: str) -> list[Tag]:
        """See `KeyStore.tags_of`."""
        return [Tag(*row) for row in await self._read("tags_of", person)]

    async def latest(self, at: int = 0) -> int:
        """See `KeyStore.latest`."""
        known = int((await self._read("latest"))[0][0])
        if at > known:
            await self._write(lambda: self._db.execute(_SQL["latest_note"], (at,)))
        return max(known, at)

    async def confirm(self, at: int) -> None:
        """See `KeyStore.confirm`."""
        await self._write(lambda: self._db.execute(_SQL["latest_set"], (at,)))

    async def ended(self) -> list[Over]:
        """See `KeyStore.ended`."""
        return [Over(*row) for row in await self._read("ended")]

    async def note_ended(self, over: Sequence[Over], gone: Sequence[tuple[str, str]] = ()) -> None:
        """See `KeyStore.note_ended`."""

        def work() -> None:
            self._db.executemany(_SQL["ended_drop"], gone)
            self._db.executemany(_SQL["ended_put"], over)

        await self._write(work)

    async def forget_ended(self, at: int) -> None:
        """See `KeyStore.forget_ended`."""
        await self._write(lambda: self._db.execute(_SQL["ended_past"], (at,)))

    async def backup(self, to: str) -> None:
        """See `KeyStore.backup`. Raises StoreFull, leaving nothing at `to`."""
        await asyncio.to_thread(backup.copy, self.path, type(self.path)(to))

    async def close(self) -> None:
        """See `KeyStore.close`. What callers that went away had begun is kept first."""
        if self._draining is not None:
            await self._draining
        await self._turns.run(self._db.close)


def destroy(db: apsw.Connection, one: Erasure) -> None:
    """Inside a transaction."""
    db.execute(_SQL["erased_note"], one)
    db.execute(_SQL["keys_destroy"], one[:3])
    db.execute(_SQL["tags_destroy"], one[:2])
