"""See `kernel.people.vault.keystore.KeyStore`. Any number of workers on one schema, which is not that of the state."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from kitamae.adapters.postgres import connect, migrate
from kitamae.adapters.sql import erased
from kitamae.adapters.sql.halves import demand_whole
from kitamae.adapters.sql.named import queries
from kitamae.adapters.sql.steps import read
from kitamae.kernel.context.moving.tables import WHOLE
from kitamae.kernel.people.vault.keystore import Erasure, Over, Tag, Wrapped
from kitamae.kernel.problems import Conflict, Unprocessable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence
    from pathlib import Path

    from asyncpg import Connection, Pool

_SQL = queries("keys", package=__package__)
CONNECTIONS: Final = 4
_SECONDS: Final = 10.0  # one statement may take


async def open(dsn: str, beside: Path | None = None, *, filled: bool = False) -> PostgresKeyStore:
    """`dsn`: postgresql://user@host/database; its search_path says which schema. `beside`: a file of this worker that lists the erasures that
    it did; whoever it says was erased is so again, whatever the schema was restored from. `filled`: a move fills
    it, so that it may be half a copy; else that is refused. Raises StoreTooNew, StoreUnknown, Unavailable, Conflict.
    """
    db = await connect.writer(dsn)
    try:
        with connect.problems():
            if await db.fetchval(_SQL["state_here"]):
                raise Conflict(
                    "--keys names the schema of the city's state: keys lie apart, with backups of their own"
                )
            await migrate.migrate_to(db, known=read(__package__))
            if not filled:
                demand_whole({row[0] for row in await db.fetch(_SQL["marks"])})
                await db.execute(_SQL["mark_drop"], WHOLE)  # as the move would have in the end
            commit = str(await db.fetchval("SELECT current_setting('synchronous_commit')"))
    finally:
        await db.close()
    store = PostgresKeyStore(await connect.pool(dsn, CONNECTIONS, _SECONDS, commit), beside)
    try:
        await store.erase_again()
    except BaseException:
        await store.close()
        raise
    return store


class PostgresKeyStore:
    """See `open`."""

    def __init__(self, pool: Pool, beside: Path | None) -> None:
        self._pool, self._beside = pool, beside

    async def _read(self, name: str, *given: Any) -> list[Any]:
        with connect.problems():
            found: list[Any] = await self._pool.fetch(_SQL[name], *given)
        return found

    @asynccontextmanager
    async def _writing(self, persons: Iterable[str]) -> AsyncIterator[Connection]:
        with connect.problems():
            async with self._pool.acquire() as db, db.transaction():
                for person in sorted(set(persons)):
                    await db.execute(_SQL["person_lock"], person)
                yield db

    async def of(self, person: str) -> list[Wrapped]:
        """See `KeyStore.of`."""
        return [Wrapped(*row) for row in await self._read("keys_of", person)]

    async def add(self, keys: Sequence[Wrapped]) -> None:
        """See `KeyStore.add`."""
        async with self._writing(one.person for one in keys) as db:
            await db.executemany(_SQL["key_add"], keys)

    async def destroyed(self, person: str) -> dict[str, int]:
        """See `KeyStore.destroyed`."""
        return {row[0]: row[1] for row in await self._read("destroyed", person)}

    async def destroy(self, gone: Sequence[Erasure]) -> None:
        """See `KeyStore.destroy`. When its pages are written over is the server's business: docs/operate/keys.md."""
        if gone and self._beside is not None:
            await asyncio.to_thread(erased.add, self._beside, gone)
        await self._destroy(gone)

    async def erase_again(self) -> None:
        """What the file beside knows and the schema does not."""
        if self._beside is None:
            return
        known = {(one.person, one.klass): one for one in await self.erasures()}
        gone = [
            one
            for one in erased.listed(self._beside)
            if (there := known.get((one.person, one.klass))) is None
            or (there.upto, there.at) < (one.upto, one.at)
        ]
        if gone:
            await self._destroy(gone)

    async def _destroy(self, gone: Sequence[Erasure]) -> None:
        async with self._writing(one.person for one in gone) as db:
            await db.executemany(_SQL["erased_note"], gone)
            await db.executemany(_SQL["keys_destroy"], [one[:3] for one in gone])
            await db.executemany(_SQL["tags_destroy"], [one[:2] for one in gone])

    async def erasures(self, after: int = 0) -> list[Erasure]:
        """See `KeyStore.erasures`."""
        return [Erasure(*row) for row in await self._read("erasures", after)]

    async def wrapped_otherwise(self, city: str, most: int) -> list[Wrapped]:
        """See `KeyStore.wrapped_otherwise`."""
        return [Wrapped(*row) for row in await self._read("wrapped_otherwise", city, most)]

    async def rewrap(self, keys: Sequence[Wrapped]) -> None:
        """See `KeyStore.rewrap`."""
        async with self._writing(()) as db:
            rows = [(one.person, one.klass, one.version, one.city, one.key) for one in keys]
            await db.executemany(_SQL["rewrap"], rows)

    async def cities(self) -> list[str]:
        """See `KeyStore.cities`."""
        return [row[0] for row in await self._read("cities")]

    async def older(self, made: int, most: int) -> list[tuple[str, str]]:
        """See `KeyStore.older`."""
        return [(row[0], row[1]) for row in await self._read("older", made, most)]

    async def rotating(self, made: int | None = None) -> int:
        """See `KeyStore.rotating`."""
        if made is not None:
            await self._read("mark_set", "rotating", made)
        return int((await self._read("mark", "rotating"))[0][0])

    async def count(self) -> int:
        """See `KeyStore.count`."""
        return int((await self._read("count"))[0][0])

    async def tag(self, add: Sequence[Tag], records: Sequence[tuple[str, str]] = ()) -> None:
        """See `KeyStore.tag`."""
        async with self._writing(one.person for one in add) as db:
            await db.executemany(_SQL["tag_drop"], records)
            await db.executemany(_SQL["tag_add"], add)

    async def tagged(self, tenant: str, field: str, tag: bytes, most: int) -> list[Tag]:
        """See `KeyStore.tagged`."""
        return [Tag(*row) for row in await self._read("tagged", tenant, field, tag, most)]

    async def tags_of(self, person: str) -> list[Tag]:
        """See `KeyStore.tags_of`."""
        return [Tag(*row) for row in await self._read("tags_of", person)]

    async def latest(self, at: int = 0) -> int:
        """See `KeyStore.latest`."""
        if at:
            await self._read("mark_raise", "latest", at)
        return int((await self._read("mark", "latest"))[0][0])

    async def confirm(self, at: int) -> None:
        """See `KeyStore.confirm`."""
        await self._read("mark_set", "latest", at)

    async def ended(self) -> list[Over]:
        """See `KeyStore.ended`."""
        return [Over(*row) for row in await self._read("ended")]

    async def note_ended(self, over: Sequence[Over], gone: Sequence[tuple[str, str]] = ()) -> None:
        """See `KeyStore.note_ended`."""
        async with self._writing(()) as db:
            await db.executemany(_SQL["ended_drop"], sorted(gone))
            await db.executemany(_SQL["ended_put"], sorted(over))

    async def forget_ended(self, at: int) -> None:
        """See `KeyStore.forget_ended`."""
        await self._read("ended_past", at)

    async def backup(self, to: str) -> None:
        """See `KeyStore.backup`."""
        raise Unprocessable(
            "persons' keys are kept on PostgreSQL: back that schema up there (pg_dump), apart from the state, and keep it no"
            " longer than KITAMAE_KEYS_BACKUP_DAYS; docs/operate/keys.md says how"
        )

    async def close(self) -> None:
        """See `KeyStore.close`."""
        await self._pool.close()
