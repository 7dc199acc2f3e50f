"""Until when something must be done: days as the Civil Code counts them, without those that a correction took.

The first day does not count (民法第140条), a period ends with the end of its last day (第141条), and where that is a day off, with
the next day that is none (第142条). Whether 第142条 moves a time limit that binds the town hall itself is not said in the Act, so
a case is worked to `safe`, which is right on either reading; `last` is what we would defend. What a person must send in time moves by
地方自治法第4条の2第4項.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.calendar import Calendar


@dataclass(frozen=True, slots=True)
class Deadline:
    """`counted`: the last day as it is counted; `last`: moved off a day off; `safe`: the last working day not after `counted`."""

    counted: date
    last: date
    safe: date

    def late(self, today: date) -> bool:
        """Is it over?"""
        return today > self.last


def ends(begun: date, days: int, calendar: Calendar, stopped: Iterable[tuple[date, date]] = ()) -> Deadline:
    """A period of `days` from the day on which it was begun. `stopped`: (a correction was asked for on, it came on): those days do
    not count (個人情報保護法第83条第1項ただし書). Raises ValueError for a stop that ends before it begins, or two that overlap.
    """
    out, before = 0, begun
    for start, end in sorted(stopped):
        if not before <= start <= end:
            raise ValueError(f"a stop from {start} to {end} does not follow {before}")
        out, before = out + (end - start).days, end
    counted = begun + timedelta(days=days + out)
    return Deadline(counted, calendar.next_open(counted), calendar.last_open(counted))


def ends_from_first(begun: date, days: int, calendar: Calendar) -> Deadline:
    """The same where the first day is the day itself, as the Commission counts breaches (知った日を1日目とする)."""
    return ends(begun, days - 1, calendar)
