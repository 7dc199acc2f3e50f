"""Which counts are believed. An outage is not a zero: where people usually are, a counter that sees nobody is broken until it sees somebody.

Of 100 people an hour a working counter does not see none. Of a run of zeros, the half of what is usual in its hours is added up; from
SURE people on, the whole run is an outage. What lies outside the facility's own hours counts for nothing: nobody is there.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final, Literal

from kitamae.services.congestion.counting.slots import slot, slots
from kitamae.services.congestion.outlook.usual import Usual

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from kitamae.sdk.congesting import Congesting
    from kitamae.sdk.context import Reading
    from kitamae.services.congestion.models import Place
    from kitamae.services.congestion.outlook.days import Days
    from kitamae.services.congestion.outlook.usual import Slot

Verdict = Literal["正常", "少数", "範囲外", "欠測"]
FINE: Final = "正常"
FEW: Final = "少数"
"""Believed, and so few that the number is not said."""
BEYOND: Final = "範囲外"
OUTAGE: Final = "欠測"
TAKEN_BACK: Final = "取消"
"""Its desk said so; no count is judged so."""
SURE: Final = 20.0
"""People: that so many came and none was seen is as likely as one in 500 million, if they come one by one."""


def judged(
    readings: Sequence[Reading], place: Place, rules: Congesting, days: Days
) -> Iterator[tuple[Reading, Verdict]]:
    """Each reading with its verdict; `readings` oldest first. A run is judged by the weeks before it, never by what came later."""
    possible = [(one, is_count(one.value, rules)) for one in readings]
    counted = [(one.at, float(one.value)) for one, fine in possible if fine]
    broken = set(_outages(counted, place, days))
    for one, fine in possible:
        if not fine:
            yield one, BEYOND
        elif one.at in broken:
            yield one, OUTAGE
        else:
            yield one, FEW if one.value < rules.hide_under else FINE


def is_count(value: object, rules: Congesting) -> bool:
    """A whole number of people that can be: whoever may write can write anything."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= rules.most and value == int(value)


def _outages(counted: Sequence[tuple[datetime, float]], place: Place, days: Days) -> Iterator[datetime]:
    """The moments of zeros that are not believed."""
    weeks: dict[date, Usual] = {}
    known: dict[Slot, float] = slots([one for one in counted if one[1]], place.period, place.zone)
    for some, run in groupby(counted, key=lambda one: one[1] > 0):
        zeros = [] if some else [at for at, _ in run]
        if not zeros:
            continue
        hours = {slot(at, place.period, place.zone) for at in zeros}
        first = min(hours)[0]
        monday = first - timedelta(days=first.weekday())
        if monday not in weeks:
            weeks[monday] = Usual(known, monday, days)
        usual = weeks[monday]
        missed = sum((usual.at(one) or 0.0) / 2 for one in hours if place.is_open(one) is not False)
        if missed >= SURE:
            yield from zeros
