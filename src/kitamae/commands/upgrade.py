"""`kitamae upgrade`: bring a data directory to another version, up or back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
from rich.console import Console

from kitamae.adapters.postgres import connect
from kitamae.adapters.postgres import migrate as schema
from kitamae.adapters.sqlite import migrate as steps
from kitamae.commands.speech import say
from kitamae.directory.layout import Layout
from kitamae.directory.lock import Lock
from kitamae.kernel.context import clock
from kitamae.kernel.problems import BadRequest, NotFound
from kitamae.settings import Settings


def upgrade(*, to: int | None = None, data: Path | None = None, store: str | None = None) -> None:
    """Bring the state to the newest version, or back to an older one; the server must be stopped.

    A copy of the state is kept beside it first, but not of a PostgreSQL. `kitamae up` brings it to the newest version by
    itself.

    Parameters
    ----------
    to
        The version to go to; without it the newest.
    data
        The data directory.
    store
        The PostgreSQL that keeps the state, in place of the data directory.

    """
    if to is not None and to < 1:
        raise BadRequest(
            say("--to {to}: expected a version from 1; an empty city is a new data directory", to=to)
        )
    settings = Settings.chosen(data=data, store=store)
    layout = Layout(settings.data)
    out = Console(highlight=False, soft_wrap=True)
    if settings.store:
        before, after = asyncio.run(_on_postgresql(settings.store, to))
        out.print(say("version {before} -> {after}", before=before, after=after), markup=False)
        return
    if not layout.state.exists():
        raise NotFound(say("there is no city in {root}", root=layout.root))

    with Lock(layout.root):
        db = apsw.Connection(str(layout.state))
        try:
            db.set_busy_timeout(5000)

            def copy(version: int) -> None:
                kept = layout.root / f"kitamae.v{version}.{clock.now()}.db"
                db.execute("VACUUM INTO ?", (str(kept),))
                kept.chmod(0o600)
                told = say("a copy of version {version} is kept in {kept}", version=version, kept=kept)
                out.print(told, markup=False)

            try:
                before = steps.migrate(db, to, copy)
            except ValueError as error:
                raise BadRequest(str(error)) from error
            told = say("version {before} -> {after}", before=before, after=steps.version(db))
            out.print(told, markup=False)
        finally:
            db.close()


async def _on_postgresql(dsn: str, to: int | None) -> tuple[int, int]:
    """The version that the database had, and the one that it has."""
    db = await connect.writer(dsn)
    try:
        with connect.problems():
            await connect.check(db)
            before = await schema.migrate_to(db, to)
            return before, await schema.version(db)
    except ValueError as error:
        raise BadRequest(str(error)) from error
    finally:
        await db.close()
