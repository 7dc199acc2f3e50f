"""Opening the file: who may (one process), how (WAL, durable), and what its errors mean to a caller."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING, Final

import apsw

from kitamae.adapters.sqlite import functions, recall
from kitamae.adapters.sqlite.named import queries
from kitamae.kernel.problems import Problem, StoreDamaged, StoreFull, StoreInUse, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SQL = queries("history")
APPLICATION_ID: Final = 0x4B544D45  # "KTME", so that nobody opens another program's file
FOLD_WAIT: Final = 50  # milliseconds that writers may have to wait while the WAL is emptied
CHECKPOINT_PAGES: Final = 4_000  # 16 MB of WAL before it is folded back


class Lock:
    """A directory's lock: the file names the process that serves it, the kernel's flock says whether it lives."""

    def __init__(self, database: Path) -> None:
        """Raises StoreInUse naming the process that has it."""
        self.path = database.with_suffix(".lock")
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.read(self._fd, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise StoreInUse(
                f"{database.parent} is served by process {pid} already; stop it, or talk to it"
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next process have it. The file stays: removing it would race with whoever waits for it."""
        os.ftruncate(self._fd, 0)
        os.close(self._fd)


def private(path: Path) -> None:
    """Make a file before SQLite does, readable for its owner alone; its WAL gets the same mode.

    One that others may read (an older Kitamae made it, or a copy did) is closed to them. Where it cannot be made,
    SQLite will say so.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        with contextlib.suppress(OSError):
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)


def durable(db: apsw.Connection, most_bytes: int | None = None) -> None:
    """Make it the one connection that writes: what it commits is on disk when COMMIT returns.

    `most_bytes`: what the file may grow to; beyond it the disk counts as full.
    """
    db.set_busy_timeout(5_000)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    db.execute(f"PRAGMA journal_size_limit = {CHECKPOINT_PAGES * 4096 * 2}")
    db.execute("PRAGMA secure_delete = ON")  # what is deleted is written over, not only given free
    db.execute("PRAGMA cache_size = -24000")
    db.execute("PRAGMA temp_store = MEMORY")
    recall.prepare(db)
    if most_bytes is not None:
        db.execute(f"PRAGMA max_page_count = {max(1, most_bytes // 4096):d}")


def fold(path: Path) -> bool:
    """Fold the WAL back into the file and empty it: until then it holds what was deleted since. False where somebody reads
    or writes just then: it is tried again later. Raises apsw.Error.
    """
    db = apsw.Connection(str(path))
    try:
        db.execute("PRAGMA wal_checkpoint(PASSIVE)")  # most of the work, while others go on
        db.set_busy_timeout(FOLD_WAIT)
        busy, *_ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() or (1,)
        return not busy
    finally:
        db.close()


def reader(path: Path, cache_kb: int = 2_000) -> apsw.Connection:
    """A connection that cannot write. One thread at a time may use it."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    db.set_busy_timeout(5_000)
    functions.declare(db)
    db.execute(f"PRAGMA cache_size = -{cache_kb}")
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute(_SQL["period_table"])
    recall.prepare(db)
    return db


def problem(error: apsw.Error) -> Problem:
    """What SQLite's error means to somebody who asked the city for something."""
    if isinstance(error, apsw.FullError):
        return StoreFull("the disk is full: nothing was written, what is stored can be read")
    if isinstance(error, apsw.IOError):
        return StoreFull(f"the disk does not take writes: {error}")
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return StoreDamaged(f"the database is damaged: {error}; restore the last backup")
    if isinstance(
        error, apsw.BusyError | apsw.LockedError | apsw.ProtocolError
    ):  # the last: a race for the WAL's index
        return Unavailable("the store is busy; try again")
    return Problem(f"the store failed: {error}")


@contextlib.contextmanager
def problems() -> Iterator[None]:
    """SQLite's errors as problems."""
    try:
        yield
    except apsw.Error as error:
        raise problem(error) from error


def check(db: apsw.Connection, thorough: bool = False) -> None:
    """Raises StoreDamaged with what SQLite's own check says. `thorough` also compares indexes with tables."""
    with problems():
        said = [str(row[0]) for row in db.execute(f"PRAGMA {'integrity' if thorough else 'quick'}_check(5)")]
    if said != ["ok"]:
        raise StoreDamaged(f"the database is damaged ({'; '.join(said)}); restore the last backup")
