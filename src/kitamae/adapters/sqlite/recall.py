"""Where a question about history looks: in `instance`, or, where closed months are concerned, in a table of this question.

Rows of the files are brought back beside those that SQLite still holds of the same time (late ones, edited ones), so that
every statement sees one table and means the same, whatever has been compacted.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kitamae.adapters.parquet import month
from kitamae.adapters.parquet.month import Wanted
from kitamae.adapters.sqlite.many import Many
from kitamae.adapters.sqlite.named import queries

if TYPE_CHECKING:
    import apsw

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


def table(db: apsw.Connection, wanted: Wanted) -> str:
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
    rows = month.read([folder(db) / file for file, _, _ in files], replace(wanted, most=most))
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
