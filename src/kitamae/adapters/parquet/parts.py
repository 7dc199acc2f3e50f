"""What the numbers of one series in files add to figures over periods, worked out by DuckDB: no row leaves it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kitamae.adapters.parquet.month import asking
from kitamae.adapters.sql import named

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kitamae.kernel.context.temporal.query import Method

_SQL = named.queries("parts", package=__package__)
_NUMBERS: Final = _SQL["numbers"].format(rows=_SQL["rows"])
NEEDS: Final[dict[Method, tuple[str, ...]]] = {
    "totalCount": (),
    "distinctCount": ("different",),
    "sum": ("total",),
    "avg": ("total",),
    "min": ("least", "least_whole"),
    "max": ("most", "most_whole"),
    "stddev": ("off", "spread"),
    "sumsq": ("squares",),
}
"""What has to be known of the numbers of a period for each method."""


_SAID: Final = {
    "total": "fsum(num)",
    "least": "min(num)",
    "least_whole": "arg_min(whole, num)",
    "most": "max(num)",
    "most_whole": "arg_max(whole, num)",
    "squares": "fsum(num * num)",
    "off": "fsum(num - base)",
    "spread": "fsum((num - base) * (num - base))",
    "different": "count(DISTINCT num)",
}


@dataclass(slots=True)
class Part:
    """What is known of some numbers. `off` and `spread`: the sums of their differences from `base`, which is one of them,
    and of the squares of those. What was not asked for is None.
    """

    count: int
    base: float | None = None
    total: float | None = None
    least: float | None = None
    most: float | None = None
    squares: float | None = None
    off: float | None = None
    spread: float | None = None
    distinct: int | None = None

    def add(self, other: Part, distinct: int | None) -> None:
        """Others join them; `distinct`: how many different ones there are then."""
        if self.spread is not None and other.spread is not None:
            self._spread(other)
        if self.total is not None and other.total is not None:
            self.total += other.total
        if self.squares is not None and other.squares is not None:
            self.squares += other.squares
        if self.least is not None and other.least is not None:
            self.least = min(self.least, other.least)
        if self.most is not None and other.most is not None:
            self.most = max(self.most, other.most)
        self.distinct = distinct
        self.count += other.count

    def _spread(self, other: Part) -> None:
        """Around the mean of all of them (Chan, Golub, LeVeque 1979), so that nothing large is taken from something large."""
        mean, theirs = self._mean(), other._mean()
        both = self.count + other.count
        apart = theirs - mean
        self.spread = (
            self._around_mean() + other._around_mean() + apart * apart * self.count * other.count / both
        )
        self.base, self.off = mean + apart * other.count / both, 0.0

    def _mean(self) -> float:
        return (self.base or 0.0) + (self.off or 0.0) / self.count

    def _around_mean(self) -> float:
        """The sum of the squares of what each differs from the mean by."""
        off = self.off or 0.0
        return max(0.0, (self.spread or 0.0) - off * off / self.count)

    @property
    def finite(self) -> bool:
        """Whether all of it could be held by a number; where not, only the definition says which figures can."""
        sums = (self.total, self.squares, self.off, self.spread)
        return all(one is None or math.isfinite(one) for one in sums)

    def figure(self, method: Method) -> float:
        """As `temporal.aggregate` defines it, of what was asked for."""
        found: float | None
        match method:
            case "totalCount":
                found = self.count
            case "distinctCount":
                found = self.distinct
            case "sum":
                found = self.total
            case "avg":
                found = (self.total or 0.0) / self.count
            case "min":
                found = self.least
            case "max":
                found = self.most
            case "stddev":
                found = math.sqrt(self._around_mean() / self.count)
            case "sumsq":
                found = self.squares
        if found is None:
            raise ValueError(f"{method} was not asked for")
        return found


@dataclass(frozen=True, slots=True)
class Filed:
    """One series in some files: `low` <= t < `high` (microseconds UTC), without the instances of those numbers.

    `observed`: only what was. Raises StoreDamaged for a file that is damaged or missing.
    """

    files: Sequence[Path]
    entity: int
    attribute: int
    low: int
    high: int
    observed: bool
    without: Sequence[int]

    def ends(self) -> tuple[list[int], bool]:
        """When the first and the last number are (nothing where there is none), and whether the others only say that
        something was deleted.
        """
        with asking() as db:
            ((first, last, odd),) = db.execute(
                _SQL["ends"].format(rows=_SQL["rows"]), self._bound()
            ).fetchall()
        return [] if first is None else [first, last], odd == 0

    def parts(self, lows: Sequence[int], methods: Sequence[Method]) -> dict[int, Part]:
        """By the number of the period; each begins at one of `lows`, which ascend from `low` on."""
        needs = [need for method in methods for need in NEEDS[method]]
        said = ", ".join(sql if name in needs else "NULL" for name, sql in _SAID.items())
        sql = _SQL["parts_around" if "spread" in needs else "parts"].format(said=said, numbers=_NUMBERS)
        with asking() as db:
            rows = db.execute(sql, self._bound() | {"lows": lows}).fetchall()
        return {row[0]: _part(row) for row in rows}

    def values(self, lows: Sequence[int], periods: Sequence[int]) -> dict[int, set[float]]:
        """The different numbers of some periods."""
        with asking() as db:
            rows = db.execute(
                _SQL["different"].format(numbers=_NUMBERS), self._bound() | {"lows": lows, "periods": periods}
            ).fetchall()
        return {k: set(values) for k, values in rows}

    def _bound(self) -> dict[str, Any]:
        return {
            "files": [str(file) for file in self.files],
            "entity": self.entity,
            "attribute": self.attribute,
            "low": self.low,
            "high": self.high,
            "observed": self.observed,
            "without": self.without,
        }


def _part(row: tuple[Any, ...]) -> Part:
    _, count, base, total, least, least_whole, most, most_whole, *rest = row
    least = int(least) if least_whole else least
    most = int(most) if most_whole else most
    return Part(count, base, total, least, most, *rest)
