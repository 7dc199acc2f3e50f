"""Keeping: a consistent copy while everything goes on, the copy before an upgrade, and whether a copy is whole."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

import apsw

from kitamae.adapters.sqlite import database, migrate
from kitamae.kernel.problems import StoreDamaged, StoreFull, StoreUnknown

if TYPE_CHECKING:
    from pathlib import Path

PAGES: Final = 2_000  # copied between two breaths: 8 MB


def copy(source: Path, to: Path) -> None:
    """The state as it is now, in one file that appears at `to` when it is whole and on disk.

    Reads one snapshot, so writes go on and are not waited for. Raises StoreFull; then `to` is as it was.
    """
    part = to.with_name(to.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with database.problems():
            _copy(source, part)
        _sync(part)
        part.replace(to)
        _sync(to.parent)
    except OSError as error:
        raise StoreFull(f"the backup to {to} could not be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _copy(source: Path, part: Path) -> None:
    database.private(part)
    try:
        target = apsw.Connection(str(part))
    except apsw.CantOpenError as error:
        raise StoreFull(f"the backup cannot be written to {part.parent}: {error}") from error
    reader = database.reader(source)
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the snapshot begins here
        with target.backup("main", reader, "main") as run:
            while not run.done:
                run.step(PAGES)
        reader.execute("COMMIT")
        target.execute("PRAGMA journal_mode = DELETE")  # one file, no WAL beside it
    finally:
        reader.close()
        target.close()


def before_upgrade(path: Path, version: int) -> Path:
    """A copy beside the database, named after the version that can read it."""
    to = path.with_name(f"{path.stem}.v{version}.{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.backup")
    copy(path, to)
    return to


def verify(state: Path) -> None:
    """A file of the state that is whole, and of a version that this Kitamae knows.

    Raises StoreUnknown, StoreTooNew, StoreDamaged.
    """
    if not state.is_file():
        raise StoreUnknown(f"there is no state of a city at {state}")
    with database.problems():
        # a bare connection: what `reader` prepares would fail on a damaged file before anything was said about it
        db = apsw.Connection(str(state), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            if not migrate.version(db):
                raise StoreDamaged(f"{state.name} is empty: that is no city's state")
            database.check(db, thorough=True)
        finally:
            db.close()


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
