"""Where a question about history looks: in `instance`, or, where closed months are concerned, in a table of this question.

Rows of the files are brought back beside those that SQLite still holds of the same time (late ones, edited ones), so that
every statement sees one table and means the same, whatever has been compacted.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from kitamae.adapters.parquet import month
from kitamae.adapters.parquet.month import Wanted
from kitamae.adapters.sqlite.many import Many
from kitamae.adapters.sqlite.named import queries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import apsw

    from kitamae.adapters.parquet.month import Row

_SQL = queries("closed")
_INSERT = Many(_SQL["recalled_insert"])
HERE = "main.instance"


def prepare(db: apsw.Connection) -> None:
    """Give a connection its table for a question's rows."""
    for _ in db.execute(_SQL["recalled_table"]):
        pass


def folder(db: apsw.Connection) -> Path:
    """Where the files of a database lie."""
    return Path(db.filename).parent / "history"


Read: TypeAlias = "Callable[[Sequence[Path], Wanted], list[Row]]"
"""As `month.read`."""


class Unread(Exception):
    """A transaction needs rows of files that were not read before it began."""

    def __init__(self, files: Sequence[Path], wanted: Wanted) -> None:
        super().__init__(wanted)
        self.files, self.wanted = tuple(files), wanted


class Ahead:
    """What was read of files before a transaction began. While one goes on, all others wait: it reads none itself.

    Which files count, and what of them is deleted, is found out inside; where that is not what was read, it is read once more.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[tuple[Path, ...], Wanted], list[Row]] = {}

    def __call__(self, files: Sequence[Path], wanted: Wanted) -> list[Row]:
        """As `month.read`. Raises Unread."""
        found = self._found.get((tuple(files), wanted))
        if found is None:
            raise Unread(files, wanted)
        return found

    def read(self, what: Unread) -> None:
        """Before the next try. Raises StoreDamaged."""
        self._found[what.files, what.wanted] = month.read(what.files, what.wanted)


def table(db: apsw.Connection, wanted: Wanted, read: Read = month.read) -> str:
    """The table that holds what is wanted of a series: at least `most` rows of it, or all."""
    bound: dict[str, Any] = {
        "entity": wanted.entity,
        "attribute": wanted.attribute,
        "low": wanted.low,
        "high": wanted.high,
    }
    files: list[Any] = db.execute(_SQL["files_of"], bound).fetchall()
    if not files:
        return HERE
    most = wanted.most
    if most is not None:  # those that are deleted are read too, and then left out
        if wanted.latest and _enough(db, bound, wanted, max(end for _, _, end in files)):
            return HERE
        most += sum(dead for _, dead, _ in files)
    rows = read([folder(db) / file for file, _, _ in files], replace(wanted, most=most))
    db.execute(_SQL["recalled_clear"])
    db.execute(_SQL["recalled_here"], bound)
    _INSERT(db, rows)
    db.execute(_SQL["recalled_without_deleted"])
    return "temp.recalled"


def _enough(db: apsw.Connection, bound: dict[str, Any], wanted: Wanted, edge: int) -> bool:
    """Whether the latest ones are all younger than what stands in files."""
    told = {**bound, "low": max(wanted.low, edge), "observed": wanted.observed, "most": wanted.most}
    return bool(db.execute(_SQL["younger"], told).get == wanted.most)


def holds(db: apsw.Connection, entity: int, attribute: int) -> bool:
    """Whether a file holds something of a series."""
    return db.execute(_SQL["compacted_any"], (entity, attribute)).fetchone() is not None


def count(db: apsw.Connection, entity: int, before: int) -> int:
    """How many rows files hold of an entity in months that ended by then (microseconds UTC)."""
    return int(db.execute(_SQL["compacted_before"], (entity, before)).get)
