"""Closed months leave the database for sorted files. Nothing is lost or doubled wherever it is cut off:

1. `month` gets a row: from now on what is deleted of that month is noted (`tombstone`, `forgotten`).
2. The file is written from one snapshot, under a name of its own, and is on disk.
3. One commit puts the file's name, its series and the highest number in it into the database, and takes out what was noted
   and is not in the file any more. Since then questions read it; a row that is still in `instance` too counts once.
4. The rows leave `instance`, a few thousand a commit, and with them what their changes wrote. `leaving` says whether that is done.
5. Files that no row of `month` names are removed, but not those that questions may still be reading.

A month whose file holds deleted rows, or to which late ones came, goes through the same again.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from kitamae.adapters.parquet import month as parquet
from kitamae.adapters.sqlite import database, recall
from kitamae.adapters.sqlite.named import queries
from kitamae.kernel.problems import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import apsw

_SQL = queries("closed", "change", "history")
ROW: Final = (
    110  # bytes of a row beside its document, with its share of the indexes and of what its change says
)
LATE: Final = 1_000  # rows that came after the file: fewer stay where they are
GRACE: Final = 600.0  # seconds for which a file that was replaced stays: longer than any question takes
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def bounds(name: str) -> tuple[int, int]:
    """From when until before when a month (`2025-03`) lasts, microseconds UTC."""
    year, number = int(name[:4]), int(name[5:7])
    ends = [
        datetime(year, number, 1, tzinfo=UTC),
        datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC),
    ]
    low, high = (int((end - _EPOCH).total_seconds()) * 1_000_000 for end in ends)
    return low, high


@dataclass(frozen=True, slots=True)
class Due:
    """A month that should move: how many rows of it the database holds, and about how many bytes it needs for them.

    `new`: it has no file yet.
    """

    name: str
    rows: int
    bytes: int
    new: bool


def files(db: apsw.Connection) -> dict[str, Path]:
    """The files that count, by their month."""
    place = recall.folder(db)
    return {name: place / file for name, file, _ in db.execute(_SQL["months"]) if file is not None}


def due(path: Path, before: int) -> list[Due]:
    """Months that ended by `before` (microseconds UTC) and whose file is missing, or should be written anew: something
    in it is deleted, it was cut off, or many late rows came since.
    """
    db = database.reader(path)
    try:
        here = {name: (rows, size) for name, rows, size in _months(db, before)}
        known = {name: (file, leaving) for name, file, leaving in db.execute(_SQL["months"])}
        unclean = {name for (name,) in db.execute(_SQL["months_unclean"])}
    finally:
        db.close()
    found = {name for name, (rows, _) in here.items() if name not in known or rows >= LATE}
    found |= {name for name, (file, leaving) in known.items() if leaving or file is None or name in unclean}
    return [
        Due(name, rows, rows * ROW + size, not known.get(name, (None,))[0])
        for name in sorted(found)
        for rows, size in (here.get(name, (0, 0)),)
    ]


def _months(db: apsw.Connection, before: int) -> Iterator[tuple[str, int, int]]:
    for name, rows, size in db.execute(_SQL["months_here"], (before,)):
        if name is not None and "0001" <= name[:4] <= "9998" and len(name) == 7 and bounds(name)[1] <= before:
            yield name, rows, size


class Written:
    """What step 2 left, for step 3."""

    def __init__(
        self, name: str, was: Path | None, file: Path | None, gone: list[Any], forgotten: list[Any]
    ) -> None:
        self.name, self.was, self.file, self.gone, self.forgotten = name, was, file, gone, forgotten
        self.series = parquet.series(file) if file else []
        self.last = parquet.last(file) if file else 0


def write(path: Path, name: str, stop: threading.Event) -> Written:
    """Step 2: in a thread of its own, on a connection of its own. Raises Unavailable when it is told to stop."""
    db = database.reader(path)
    try:
        db.execute("BEGIN")
        folder = recall.folder(db)
        folder.mkdir(mode=0o700, exist_ok=True)
        work = path.parent / "derived"
        work.mkdir(mode=0o700, exist_ok=True)
        named = db.execute(_SQL["month_file"], (name,)).get
        was = folder / str(named) if named else None
        gone: list[Any] = db.execute(_SQL["month_tombstones"], (name,)).fetchall()
        forgotten: list[Any] = db.execute(_SQL["month_forgotten"], (name,)).fetchall()
        file = folder / f"{name}.{time.time_ns():x}.parquet"
        rows = parquet.write(
            file,
            work,
            _until(stop, db.execute(_SQL["month_rows"], bounds(name))),
            was,
            (number for (number,) in gone),
            forgotten,
        )
        return Written(name, was, file if rows else None, gone, forgotten)
    finally:
        db.close()


def _until(stop: threading.Event, rows: Iterable[Any]) -> Iterator[Any]:
    for row in rows:
        if stop.is_set():
            raise Unavailable("the store is closing")
        yield row


def begin(db: apsw.Connection, name: str) -> None:
    """Step 1, by the writing connection."""
    low, high = bounds(name)
    db.execute(_SQL["month_begin"], {"name": name, "low": low, "high": high})


def register(db: apsw.Connection, done: Written) -> None:
    """Step 3, by the writing connection, in one commit."""
    db.execute(_SQL["compacted_clear"], (done.name,))
    db.executemany(_SQL["tombstone_drop"], done.gone)
    db.executemany(_SQL["forgotten_drop"], [(done.name, *one) for one in done.forgotten])
    if done.file is None:
        db.execute(_SQL["month_written"], {"name": done.name, "file": None})
    else:
        db.execute(_SQL["month_written"], {"name": done.name, "file": done.file.name})
        db.executemany(_SQL["compacted_put"], [(entity, key, done.name, n) for entity, key, n in done.series])
        db.execute(_SQL["forgotten_apply"], {"month": done.name})
        db.execute(_SQL["mark_instance"], (done.last,))


def pieces(done: Written) -> Iterator[list[tuple[int, int]]]:
    """What step 4 takes away, commit by commit."""
    return parquet.numbers(done.file) if done.file else iter(())


def leave(db: apsw.Connection, some: list[tuple[int, int]]) -> None:
    """Step 4, by the writing connection: (number, seq) of rows that stand in the file."""
    db.executemany(_SQL["instance_delete"], [(number,) for number, _ in some])
    db.executemany(_SQL["change_forget"], {(seq,) for _, seq in some})


def left(db: apsw.Connection, name: str) -> None:
    """Step 4 is done."""
    db.execute(_SQL["month_left"], (name,))
    if db.execute(_SQL["month_file"], (name,)).get is None:
        db.execute(_SQL["month_drop"], (name,))


def replaced(done: Written) -> None:
    """After step 3: the time from which on the former file is not asked for by new questions."""
    if done.was is not None:
        os.utime(done.was)


def sweep(path: Path, grace: float) -> None:
    """Step 5: files that nobody names, and that nobody has named for `grace` seconds. A backup that is under way may
    have copied a state that names them: then they stay for the next time.
    """
    if any(path.parent.glob(".backup-*")):
        return
    db = database.reader(path)
    try:
        named = {file for _, file, _ in db.execute(_SQL["months"])}
        folder = recall.folder(db)
    finally:
        db.close()
    for file in folder.glob("*.parquet"):
        if file.name not in named and time.time() - file.stat().st_mtime > grace:
            file.unlink()
