"""Hot attributes: declared by a service or the city, indexed; all others are found by type, id, scope or place.

`translate` and the index must spell the expression alike, or SQLite does not use the index.
"""

from __future__ import annotations

from hashlib import blake2s
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw


def value(name: str) -> str:
    """SQL for the value of attribute `name` (expanded) in `entity.kv`. Raises ValueError for a name that cannot be quoted."""
    if '"' in name or "\\" in name or "\0" in name:
        raise ValueError(f"{name!r} cannot be an attribute's expanded name: it holds a quote or backslash")
    return "kv ->> '$.\"" + name.replace("'", "''") + "\"'"


def index(name: str) -> str:
    """The index of a hot attribute."""
    return "hot_" + blake2s(name.encode(), digest_size=8).hexdigest()


def declare(db: apsw.Connection, names: Iterable[str]) -> None:
    """Make the indexes match `names`: create what is missing, drop what nobody declares any more."""
    wanted = {index(name): name for name in names}
    there = {
        row[0]
        for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'index' AND name GLOB 'hot_*'")
    }
    for gone in there - wanted.keys():
        db.execute(f'DROP INDEX "{gone}"')
    for new in wanted.keys() - there:
        db.execute(f'CREATE INDEX "{new}" ON entity (tenant, {value(wanted[new])})')
    if there != wanted.keys():
        db.execute("PRAGMA optimize")
