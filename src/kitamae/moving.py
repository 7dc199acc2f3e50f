"""A city on its way into another store, a PostgreSQL or another data directory, while it is served.

`kernel/context/moving` says what is copied and how; here is which stores these are, and what else lies in a data directory.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import structlog

from kitamae.adapters.sql.address import SCHEMES
from kitamae.adapters.sqlite.arriving import SqliteArriving
from kitamae.adapters.sqlite.leaving import SqliteLeaving
from kitamae.directory.layout import Layout
from kitamae.directory.lock import Lock
from kitamae.kernel.context.moving.rounds import Rounds
from kitamae.kernel.problems import BadRequest, Conflict, Problem
from kitamae.moving_keys import KeysMove

if TYPE_CHECKING:
    from kitamae.kernel.context.moving.carried import Arriving, Leaving
    from kitamae.settings import Settings

_PATIENCE: Final = 100
"""Looks, 50 ms apart, for the connections of a city that was closed to be gone."""

_ERASED: Final = "erased"
"""The list of erasures, which lies beside persons' keys."""

_FOLDERS: Final = ("ledger", "blobs")
"""What goes along into another directory. What stands in `history` is carried by the rounds."""

_log = structlog.get_logger("kitamae")


class Moving:
    """From `begin` to `close`. `where` is the target without any password, `keys_in` where persons' keys are then ("": where they were)."""

    def __init__(
        self,
        layout: Layout,
        source: Leaving,
        target: Arriving,
        where: str,
        lock: Lock | None,
        keys: KeysMove | None,
    ) -> None:
        self.where, self.keys_in = where, keys.where if keys else ""
        self.state = "copying"
        self.why = ""
        self._from, self._lock = layout, lock
        self._source, self._target = source, target
        self._keys = keys
        self._rounds = Rounds(source, target, (keys.source, keys.target) if keys else None)

    @classmethod
    async def begin(cls, settings: Settings, layout: Layout, to: str, alias: str, keys_to: str = "") -> Self:
        """`to`: postgresql://... or a directory. `keys_to`: where persons' keys go. Raises BadRequest, Conflict, and what opening a store raises."""
        source = await _source(settings, layout)
        lock: Lock | None = None
        target: Arriving | None = None
        keys: KeysMove | None = None
        try:
            if await source.workers() > 1:
                raise Conflict("other processes serve this city too: stop them first, all but one")
            if to.startswith(SCHEMES):
                from kitamae.adapters.postgres.moving import PostgresArriving  # only when a city moves

                target = await PostgresArriving.open(to)
                where = settings.model_copy(update={"store": to}).kept_in
            else:
                where, lock, target = _directory(to)
            await target.begin(alias)
            keys = await KeysMove.begin(
                settings, layout, Layout(Path(where)) if lock else None, alias, keys_to
            )
        except BaseException:
            await source.close()
            if target is not None:
                await target.close()
            if lock is not None:
                lock.release()
            raise
        return cls(layout, source, target, where, lock, keys)

    async def near(self) -> None:
        """Copy while the city is served, until little differs."""
        await self._rounds.near()
        await self._files()

    async def last(self) -> None:
        """The city is closed: copy what is left, compare everything, and say here where it has gone. Raises Conflict."""
        self.state = "closing"
        await self._demand_alone()
        await self._files()
        await self._rounds.last()
        await self._keys_whole(so=True)  # whoever is the city after this can open them
        try:
            await self._source.leave(self.where)  # first: never do two stores believe that they are the city
            await self._target.finish(await self._source.high())
        except BaseException:
            await self._source.leave(None)
            await self._keys_whole(so=False)
            raise
        self.state = "moved"  # from here on: both marks say so, whatever becomes of the copy's own mark
        if self._keys is not None:
            try:
                await self._keys.target.finish()
            except Exception:
                _log.exception(
                    "persons' keys have moved and bear the mark of a copy until they are opened",
                    keys=self.keys_in,
                )
        _log.info("the city has moved", to=self.where)

    async def _keys_whole(self, *, so: bool) -> None:
        if self._keys is not None:
            await self._keys.target.whole(so=so)

    async def _demand_alone(self) -> None:
        for _ in range(_PATIENCE):
            if not await self._source.workers():
                return
            await asyncio.sleep(0.05)
        raise Conflict("another process serves this city: stop it, and try again")

    def failed(self, error: BaseException) -> None:
        """It stays where it is."""
        self.state = "stayed"
        self.why = (error.detail or error.title) if isinstance(error, Problem) else f"it failed: {error}"
        _log.warning(
            "the city stays where it is", to=self.where, why=self.why, exc_info=not isinstance(error, Problem)
        )

    def told(self) -> dict[str, Any]:
        """For `kitamae migrate`."""
        told = {"state": self.state, "why": self.why, "to": self.where, "keys_in": self.keys_in}
        return {**told, **self._rounds.progress.told()}

    async def _files(self) -> None:
        """Into another directory goes what lies beside the state: files that never change."""
        if self._lock is not None:
            await asyncio.to_thread(_copy, self._from, Layout(Path(self.where)))

    async def close(self) -> None:
        """Let go of both."""
        if self._keys is not None:
            await self._keys.close()
        await self._source.close()
        await self._target.close()
        if self._lock is not None:
            self._lock.release()


async def _source(settings: Settings, layout: Layout) -> Leaving:
    if settings.store:
        from kitamae.adapters.postgres.moving import PostgresLeaving

        return await PostgresLeaving.open(settings.store)
    return SqliteLeaving(layout.state)


def _directory(to: str) -> tuple[str, Lock, Arriving]:
    """Raises BadRequest, Conflict, InUse and what opening a state raises."""
    if "://" in to:
        raise BadRequest(f"expected postgresql://... or a directory, got {to.partition('@')[0]!r:.40}")
    layout = Layout(Path(to).absolute())
    if layout.root.exists() and not layout.state.exists() and any(layout.root.iterdir()):
        raise Conflict(f"{layout.root} is not empty: name a directory that is, or that is not there yet")
    lock = Lock(layout.root).acquire()
    try:
        layout.make()
        return str(layout.root), lock, SqliteArriving(layout.state)
    except BaseException:
        lock.release()
        raise


def _copy(there: Layout, here: Layout) -> None:
    files = [path for folder in _FOLDERS for path in (there.root / folder).rglob("*") if path.is_file()]
    beside = (there.city, there.ledger_key, there.keys.with_name(_ERASED))
    for path in [*files, *(one for one in beside if one.exists())]:
        to = here.root / path.relative_to(there.root)
        if to.exists() and to.stat().st_size == path.stat().st_size:
            continue
        to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = to.with_name(f".{to.name}.part")
        shutil.copyfile(path, part)
        part.chmod(0o600)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.rename(to)
