"""One statement for many rows.

Every step of SQLite gives Python's lock away, and while the event loop has work, getting it back costs more than a row:
what is written row by row in small pieces is written here a few dozen rows at a time.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

_ROW: Final = re.compile(r"\{(\([?, ]+\))\}")
_SIZES: Final = (64, 16, 4, 1)
"""Rows of one statement: few enough texts that all of them stay prepared."""


class Many:
    """SQL in which `{(?, ?)}` stands for as many rows as there are. Raises ValueError where it does not stand."""

    __slots__ = ("_sql",)

    def __init__(self, sql: str) -> None:
        row = _ROW.search(sql)
        if row is None:
            raise ValueError(f"no {{(?, ...)}} in: {sql}")
        head, tail = sql[: row.start()], sql[row.end() :]
        self._sql = {size: head + ", ".join([row[1]] * size) + tail for size in _SIZES}

    def __call__(self, db: apsw.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run it for all of them, in order."""
        at, left = 0, len(rows)
        for size in _SIZES:
            sql = self._sql[size]
            while left >= size:
                db.execute(sql, tuple(chain.from_iterable(rows[at : at + size])))
                at, left = at + size, left - size
