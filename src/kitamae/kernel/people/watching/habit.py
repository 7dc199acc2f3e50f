"""What somebody usually does, as a median and a median deviation: one wild day moves neither.

Counts are compared as ln(1 + n): from 10 to 20 is as far as from 100 to 200. A habit holds counts and days, no persons.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Feature = Literal["persons", "busiest", "run", "returns"]
"""Of a day: persons looked at; persons in the busiest hour; the longest run of persons one right after another; on how
many earlier days the most revisited person had been looked at.
"""
DAYS: Final = 40
"""Days with looks that are remembered."""
ENOUGH: Final = 8
"""Days with looks from which on somebody is judged by his own; before, by his role's."""
_SCALE: Final = 1.4826  # makes the median deviation of a normal distribution its standard deviation
_LEAST: Final = {"persons": 0.2, "busiest": 0.25, "run": 0.3, "returns": 0.3}
"""Whoever does the same every day is still allowed as much more."""


class Past(NamedTuple):
    """A day that is over. `purpose`: the one that most looks were for; `off`: persons looked at off hours; `beyond`: how many
    tenths of a spread its persons were above what was usual then.
    """

    day: int
    purpose: str
    persons: int
    busiest: int
    run: int
    returns: int
    off: int
    beyond: int = 0


class Usual(NamedTuple):
    """`middle` and `spread` of ln(1 + n)."""

    middle: float
    spread: float

    def beyond(self, count: int, shift: float = 0.0) -> float:
        """How many spreads that is above the middle, when everybody is `shift` above it."""
        return (math.log1p(count) - self.middle - shift) / self.spread


def usual(feature: Feature, days: Iterable[Past]) -> Usual | None:
    """None: too few days to say."""
    values = [math.log1p(getattr(one, feature)) for one in days]
    return robust(values, _LEAST[feature]) if len(values) >= ENOUGH else None


def robust(values: Sequence[float], least: float) -> Usual:
    """Median, and median deviation as a standard deviation but at least `least`."""
    middle = median(values)
    return Usual(middle, max(least, _SCALE * median([abs(one - middle) for one in values])))


@dataclass(slots=True)
class Habit:
    """Of one member of staff, or one program. `purposes`: on how many days he looked for each."""

    days: list[Past] = field(default_factory=list)
    purposes: Counter[str] = field(default_factory=Counter)

    def add(self, past: Past, purposes: Iterable[str]) -> None:
        """A day is over."""
        self.days = [*self.days[1 - DAYS :], past]
        self.purposes.update(set(purposes))

    def of(self, purpose: str) -> list[Past]:
        """His days with mainly that purpose: after a transfer the old ones say nothing."""
        return [one for one in self.days if one.purpose == purpose]

    def nights(self, since: int) -> int:
        """On how many days since then he looked off hours."""
        return sum(one.off > 0 and one.day >= since for one in self.days)

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {"days": [list(one) for one in self.days], "purposes": dict(self.purposes)}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Habit:
        """What `as_json` made."""
        return cls([Past(*one) for one in kept["days"]], Counter(kept["purposes"]))
