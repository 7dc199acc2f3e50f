"""One series as the numbers that it is, by period: what `instance` holds is counted by SQLite over the thin index alone,
what files hold by DuckDB, and the two are put together.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.adapters.parquet.parts import NEEDS, Filed, Part
from kitamae.adapters.sqlite import recall
from kitamae.adapters.sqlite.named import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from kitamae.adapters.sqlite.series import Series
    from kitamae.kernel.context.temporal.query import Method

_SQL = queries("history", "closed")
_SAID: Final = {
    "total": "total(num)",
    "least": "min(num)",
    "most": "max(num)",
    "squares": "total(num * num)",
    "off": "total(num - base)",
    "spread": "total((num - base) * (num - base))",
    "different": "count(DISTINCT num)",
}


class Numbers:
    """Of one series, `low` <= t < `high` (microseconds UTC); `observed`: only what was."""

    def __init__(self, db: apsw.Connection, one: Series, low: int, high: int, observed: bool) -> None:
        """Raises StoreDamaged for a file that is damaged or missing, as all of it does."""
        self._db = db
        self._bound: dict[str, Any] = {
            "entity": one.entity,
            "attribute": one.attribute,
            "low": low,
            "high": high,
            "observed": observed,
        }
        self._filed = self._in_files()
        self.plain = True  # as far as is known: nothing but numbers, and deletions
        self.ends = self._ends()

    def _in_files(self) -> Filed | None:
        """A row that has not left `instance` yet, or came back to it, counts there."""
        found: list[Any] = self._db.execute(_SQL["files_of"], self._bound).fetchall()
        if not found:
            return None
        edge = max(end for _, _, end in found)
        without: list[Any] = self._db.execute(_SQL["not_in_files"], self._bound | {"edge": edge}).fetchall()
        folder = recall.folder(self._db)
        return Filed(
            [folder / file for file, _, _ in found], **self._bound, without=[number for (number,) in without]
        )

    def _ends(self) -> list[int]:
        """When the first and the last number are; nothing where there is none."""
        found = [
            self._db.execute(_SQL["numbers_end"].format(direction=way), self._bound).get
            for way in ("ASC", "DESC")
        ]
        ends = [t for t in found if t is not None]
        if self._filed is not None:
            theirs, self.plain = self._filed.ends()
            ends += theirs
        return [min(ends), max(ends)] if ends else []

    def parts(self, lows: Sequence[int], methods: Sequence[Method]) -> dict[int, Part] | None:
        """By the number of the period, in order; each begins at one of `lows`, which ascend from `low` on. None where the
        series turns out to hold something else than numbers.
        """
        if not self.plain:
            return None
        found = self._counted(lows, methods)
        if found is None or self._filed is None:
            return found
        theirs = self._filed.parts(lows, methods)
        shared = sorted(found.keys() & theirs.keys())
        different = self._different(lows, shared) if "distinctCount" in methods and shared else {}
        for k, part in theirs.items():
            if k in found:
                found[k].add(part, different.get(k))
            else:
                found[k] = part
        return dict(sorted(found.items()))

    def _counted(self, lows: Sequence[int], methods: Sequence[Method]) -> dict[int, Part] | None:
        db, bound = self._db, self._bound
        db.execute(_SQL["periods_clear"])
        db.execute(_SQL["periods_put"], (orjson.dumps([*lows, bound["high"]]).decode(),))
        needs = {need for method in methods for need in NEEDS[method]}
        if "spread" in needs:
            db.execute(_SQL["bases"], bound)
        said = "".join(f", {sql} AS {name}" for name, sql in _SAID.items() if name in needs)
        columns = ", ".join(name if name in needs else "NULL" for name in _SAID)
        sql = _SQL["figures"].format(figures=said, columns=f"k, every, numbers, base, {columns}")
        rows: list[Any] = json.loads(db.execute(sql, bound).get)  # not orjson, which knows no infinite sum
        others = sum(every - numbers for _, every, numbers, *_ in rows)
        if others and others != db.execute(_SQL["deleted_between"], bound).get:
            return None
        return {k: Part(numbers, *figures) for k, _, numbers, *figures in rows if numbers}

    def _different(self, lows: Sequence[int], periods: Sequence[int]) -> dict[int, int]:
        """How many different numbers there are in those periods, of which both have some; `_counted` put the periods."""
        told = {} if self._filed is None else self._filed.values(lows, periods)
        bound = {**self._bound, "periods": orjson.dumps(periods).decode()}
        for k, number in self._db.execute(_SQL["period_numbers"], bound):
            told[k].add(number)
        return {k: len(values) for k, values in told.items()}
