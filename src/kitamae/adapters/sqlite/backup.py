"""Keeping: a consistent copy while everything goes on, the copy before an upgrade, and the way back from a copy."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

import apsw

from kitamae.adapters.sqlite import database, migrate
from kitamae.kernel.problems import StoreFull, StoreUnknown

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


def restore(backup: Path, path: Path) -> Path | None:
    """Put a copy in the place of the database, which must not be served; returns where the old one was put.

    The copy is checked first. Raises StoreInUse, StoreTooNew, StoreUnknown, StoreDamaged, StoreFull; then nothing
    was changed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = database.Lock(path)
    try:
        _check(backup)
        new = path.with_name(path.name + ".restored")
        copy(backup, new)
        old = None
        if path.exists():
            old = path.with_name(f"{path.name}.{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.replaced")
            copy(path, old)  # takes in what its WAL holds
        for beside in ("-wal", "-shm"):
            path.with_name(path.name + beside).unlink(missing_ok=True)
        new.replace(path)
        _sync(path.parent)
        return old
    finally:
        lock.release()


def _check(backup: Path) -> None:
    if not backup.is_file():
        raise StoreUnknown(f"there is no backup at {backup}")
    with database.problems():
        db = database.reader(backup)
        try:
            if migrate.version(db) == 0:
                raise StoreUnknown(f"{backup} is empty: no backup of Kitamae's")
            database.check(db)
        finally:
            db.close()


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
