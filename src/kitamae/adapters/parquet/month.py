"""One month of history in one file: `instance` rows sorted by series and time, so that a series lies in few row groups.

Columns as in the table `instance`; `num` is a double and `whole` says that it was an integer, `doc` is text. DuckDB works in
the memory of this process, bounded, on one core, with nothing but the files that it is given.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.problems import StoreDamaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

MEMORY: Final = "96MB"
GROUP: Final = 20_480  # rows of a row group: what is read at least
PIECE: Final = 2_000  # numbers that are told at a time
CHUNK: Final = 5_000  # rows that are handed over at a time

_TYPES: Final = {
    "number": "BIGINT",
    "entity": "BIGINT",
    "attribute": "BIGINT",
    "t": "BIGINT",
    "observed": "BOOLEAN",
    "seq": "BIGINT",
    "created_at": "BIGINT",
    "modified_at": "BIGINT",
    "deleted_at": "BIGINT",
    "num": "DOUBLE",
    "whole": "BOOLEAN",
    "doc": "VARCHAR",
}
_COLUMNS: Final = ", ".join(f"{name} {type}" for name, type in _TYPES.items())
_GIVEN: Final = ", ".join(f"unnest(?::{type}[])" for type in _TYPES.values())

_OLD: Final = """
INSERT INTO fresh SELECT * FROM read_parquet($old) AS was
WHERE NOT EXISTS (FROM gone WHERE gone.number = was.number)
    AND NOT EXISTS (FROM forgotten WHERE forgotten.entity = was.entity AND forgotten.upto >= was.number)
    AND NOT EXISTS (FROM fresh WHERE fresh.number = was.number)
"""

_COPY: Final = """
COPY (SELECT * FROM fresh ORDER BY entity, attribute, t, number) TO {file}
(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {rows})
"""

Row = tuple[Any, ...]
"""As in the table `instance`: number, entity, attribute, t, observed, seq, created_at, modified_at, deleted_at, num, doc."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of one series: `low` <= t < `high` (microseconds UTC), `most` of the earliest, or of the latest."""

    entity: int
    attribute: int
    low: int
    high: int
    observed: bool = False  # only those that were
    latest: bool = False
    most: int | None = None
    number: int | None = None  # only this one
    holding: str | None = None  # only those whose document holds this text


@lru_cache(1)
def _duckdb() -> DuckDBPyConnection:
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={
            "memory_limit": MEMORY,
            "threads": 1,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )


@contextmanager
def asking() -> Iterator[DuckDBPyConnection]:
    """A connection of its own. Raises StoreDamaged for a file that cannot be read."""
    import duckdb

    try:
        with _duckdb().cursor() as db:
            yield db
    except duckdb.Error as error:
        raise StoreDamaged(
            f"a file of closed months cannot be read; restore the last backup: {error}"
        ) from error


def read(files: Sequence[Path], wanted: Wanted) -> list[Row]:
    """By time. Raises StoreDamaged for a file that is damaged or missing."""
    sql = ["entity = $entity", "attribute = $attribute", "t >= $low", "t < $high"]
    bound: dict[str, Any] = {
        "files": [str(file) for file in files],
        "entity": wanted.entity,
        "attribute": wanted.attribute,
        "low": wanted.low,
        "high": wanted.high,
    }
    if wanted.observed:
        sql.append("observed")
    if wanted.number is not None:
        sql.append("number = $number")
        bound["number"] = wanted.number
    if wanted.holding is not None:
        sql.append("contains(doc, $holding)")
        bound["holding"] = wanted.holding
    way = "DESC" if wanted.latest else "ASC"
    query = f"SELECT * FROM read_parquet($files) WHERE {' AND '.join(sql)} ORDER BY t {way}, number {way}"  # noqa: S608  # our own words
    if wanted.most is not None:
        query += " LIMIT $most"
        bound["most"] = wanted.most
    with asking() as db:
        return [_back(row) for row in db.execute(query, bound).fetchall()]


def _back(row: Row) -> Row:
    *head, num, whole, doc = row
    return (*head, int(num) if whole else num, doc.encode())


def numbers(file: Path) -> Iterator[list[tuple[int, int]]]:
    """(number, seq) of everything in a file, some at a time."""
    with asking() as db:
        found = db.execute("SELECT number, seq FROM read_parquet($file)", {"file": str(file)})
        while some := found.fetchmany(PIECE):
            yield some


def series(file: Path) -> list[tuple[int, int, int]]:
    """(entity, attribute, how many rows) of everything in a file."""
    sql = "SELECT entity, attribute, count(*) FROM read_parquet($file) GROUP BY ALL"
    with asking() as db:
        return db.execute(sql, {"file": str(file)}).fetchall()


def last(file: Path) -> int:
    """The highest number in a file."""
    with asking() as db:
        found = db.execute("SELECT max(number) FROM read_parquet($file)", {"file": str(file)}).fetchone()
        return int(found[0] or 0) if found else 0


def write(
    to: Path,
    work: Path,
    rows: Iterable[Row],
    old: Path | None,
    gone: Iterable[int],
    forgotten: Iterable[tuple[int, int]],
) -> int:
    """`rows` and what stands in `old`, without `gone` (numbers) and `forgotten` (entity, highest number that is meant), as
    a file that is on disk when this returns; how many rows it has. The folder `work` takes what is not finished.
    """
    with asking() as db:
        part = work / f"{to.name}.part"
        db.execute(f"SET temp_directory = {_quoted(work / 'spill')}")
        try:
            db.execute(f"CREATE OR REPLACE TEMP TABLE fresh ({_COLUMNS})")
            db.execute("CREATE OR REPLACE TEMP TABLE gone (number BIGINT)")
            db.execute("CREATE OR REPLACE TEMP TABLE forgotten (entity BIGINT, upto BIGINT)")
            for some in _chunks(map(_stored, rows)):
                db.execute(f"INSERT INTO fresh SELECT {_GIVEN}", some)  # our own words
            for some in _chunks((number,) for number in gone):
                db.execute("INSERT INTO gone SELECT unnest(?::BIGINT[])", some)
            for some in _chunks(forgotten):
                db.execute("INSERT INTO forgotten SELECT unnest(?::BIGINT[]), unnest(?::BIGINT[])", some)
            if old is not None:
                db.execute(_OLD, {"old": str(old)})
            db.execute(_COPY.format(file=_quoted(part), rows=GROUP))
            found = db.execute("SELECT count(*) FROM read_parquet($file)", {"file": str(part)}).fetchone()
            part.chmod(0o600)
            _sync(part)
            part.rename(to)
        finally:
            part.unlink(missing_ok=True)
            for table in ("fresh", "gone", "forgotten"):
                db.execute(f"DROP TABLE IF EXISTS {table}")
    _sync(to.parent)
    return int(found[0]) if found else 0


def _quoted(path: Path) -> str:
    """As SQL writes it, where nothing can be bound."""
    return "'" + str(path).replace("'", "''") + "'"


def _stored(row: Row) -> Row:
    *head, num, doc = row
    whole = isinstance(num, int)
    head[4] = bool(head[4])
    return (*head, None if num is None else float(num), whole, doc.decode())


def _chunks(rows: Iterable[Row]) -> Iterator[list[list[Any]]]:
    """Column by column."""
    some: list[Row] = []
    for row in rows:
        some.append(row)
        if len(some) == CHUNK:
            yield [list(column) for column in zip(*some, strict=True)]
            some = []
    if some:
        yield [list(column) for column in zip(*some, strict=True)]


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
