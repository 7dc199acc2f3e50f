"""From counts to hours and days in the city's time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from kitamae.services.congestion.outlook.usual import Slot

HOUR: Final = 60
DAY: Final = 1440
_HALF: Final = 30
"""Minutes of an hour that must have been counted for it to count; the rest is taken for as busy."""


def slot(at: datetime, period: int, zone: ZoneInfo) -> Slot:
    """The hour, or the day, to which a count of that moment belongs. `period`: minutes that it covers, until `at`; 0: it says how many
    are there at `at`.
    """
    local = (at - timedelta(minutes=period)).astimezone(zone)
    return local.date(), 0 if period >= DAY else local.hour


def slots(counts: Iterable[tuple[datetime, float]], period: int, zone: ZoneInfo) -> dict[Slot, float]:
    """People by slot: the mean of those who were there, or the sum of those who were counted. An hour of which less than half was
    counted is left out: it is not known, and no zero.
    """
    found: dict[Slot, list[float]] = {}
    for at, people in counts:
        found.setdefault(slot(at, period, zone), []).append(people)
    if not period:
        return {one: sum(values) / len(values) for one, values in found.items()}
    if period >= DAY:
        return {one: values[-1] for one, values in found.items()}
    return {
        one: sum(values) * max(1.0, HOUR / (len(values) * period))
        for one, values in found.items()
        if len(values) * period >= _HALF
    }
