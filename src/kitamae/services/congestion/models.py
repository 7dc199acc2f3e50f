"""A place where people are counted, what was counted there last, and what is to be expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime, time
    from zoneinfo import ZoneInfo

    from kitamae.services.congestion.outlook.forecast import Expected
    from kitamae.services.congestion.outlook.usual import Slot

State = Literal["counted", "few", "closed", "doubt", "old", "silent"]
"""counted: so many are there; few: fewer than the city says numbers of; closed: by the facility's own hours; doubt: the last count is not
believed; old: it says nothing of now; silent: there never was one. Of the last three nobody knows how many are there: never few.
"""
Compared = Literal["less", "usual", "more", "unknown"]


@dataclass(frozen=True, slots=True)
class Hours:
    """When the facility is open: `weekdays` from Monday 0; `opens`, `closes` in the city's time."""

    weekdays: frozenset[int]
    opens: time
    closes: time

    def on(self, day: date) -> bool:
        """By its weekday: what it does on holidays, it says in words."""
        return day.weekday() in self.weekdays

    def within(self, hour: int) -> bool:
        """Whether it is open in any part of that hour."""
        last = self.closes.hour + (self.closes.minute > 0)
        return self.opens.hour <= hour < last


@dataclass(frozen=True, slots=True)
class Place:
    """`code`: the last part of its id. `period`: minutes that one count covers; 0: a count says how many are there at its moment.

    `people` at `at` (UTC), None where nobody may say it; `verdict` of that count (`counting/quality.py`), "" where nobody looked yet.
    `outlook`: what is expected of each slot, made at the beginning of `made`; empty and None where there is none yet.
    """

    id: str
    code: str
    name: str
    reading: str
    address: str
    period: int
    zone: ZoneInfo
    hours: Hours | None
    remark: str
    people: int | None
    at: datetime | None
    verdict: str
    outlook: Mapping[Slot, Expected]
    made: date | None
    longitude: float | None = None
    latitude: float | None = None

    @property
    def daily(self) -> bool:
        """Whether whole days are counted there."""
        return self.period >= 1440

    def is_open(self, slot: Slot) -> bool | None:
        """By its own hours; None: they are not known."""
        if self.hours is None:
            return None
        day, hour = slot
        return self.hours.on(day) and (self.daily or self.hours.within(hour))
