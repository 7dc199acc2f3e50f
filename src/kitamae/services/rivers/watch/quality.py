"""Which readings of a gauge are not believed, and why. None is thrown away: it is marked, and what people are told does not rest on it.

A reading is judged once, by those before it. Where a fault and a flood look alike, it is taken for the flood: a sudden rise counts at
once, a sudden fall only when the next reading says the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from kitamae.services.rivers import logic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from kitamae.sdk.context import Reading
    from kitamae.services.rivers.models import Gauge

Doubt = Literal["範囲外", "急変", "固着"]
"""A level that this river cannot have, or a time that has not come (`jobs.py`); a step that water does not make; the same level for days. As the city's data say it."""
_SAID: Final[dict[str, Doubt | None]] = {logic.FINE: None, "範囲外": "範囲外", "急変": "急変", "固着": "固着"}
Height = Literal["calm", "danger", "flood"]
RANK: Final[dict[Height, int]] = {"calm": 0, "danger": 1, "flood": 2}

BEYOND: Final = 5.0
"""Metres below 観測開始水位, or above 氾濫開始水位, that no water of a gauged small river reaches."""
STEP: Final = 0.5
PER_HOUR: Final = 3.0
"""A step of more than 0.5 m and 3 m for each hour since the last is none of water's: the steepest of 58,994 readings of Ishikawa's
gauges (2025-09 to 2026-08) is 2.8 m an hour.
"""
STUCK: Final = timedelta(hours=48)
STUCK_READINGS: Final = 24
"""To the centimetre the same so long, in so many reports: rivers that report are above their start level, and move."""
TOGETHER: Final = timedelta(hours=3)
"""Reports further apart than this are no unbroken series."""
WINDOW: Final = STUCK + timedelta(hours=12)
"""How far back a judgement looks."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A reading, why it is not believed (None: it is), and what is believed of the water after it. `good`: when the last reading that
    was believed was made (UTC). `unsure`: the height rests on a sudden rise that no second reading confirms yet. `mark`: metres of the
    threshold by which it is that high (None: calm), which whoever runs the gauge may have set anew or taken away since.
    """

    at: datetime
    level: float
    doubt: Doubt | None
    height: Height
    good: datetime | None
    unsure: bool = False
    mark: float | None = None

    @property
    def raises(self) -> bool:
        """Whether this reading is high, and says so itself: 範囲外 and 固着 change no alert, and bring none back that is 途絶."""
        return self.height != "calm" and self.doubt in (None, logic.SUDDEN)


@dataclass(slots=True)
class _Series:
    """Since when, and how often, the same level was reported."""

    level: float
    begun: datetime
    last: datetime
    count: int = 1

    def take(self, one: Reading) -> bool:
        """Whether the gauge is stuck with this one."""
        if one.value != self.level or one.at - self.last > TOGETHER:
            self.level, self.begun, self.last, self.count = one.value, one.at, one.at, 1
            return False
        self.last, self.count = one.at, self.count + 1
        return one.at - self.begun >= STUCK and self.count >= STUCK_READINGS


def judged(
    readings: Iterable[Reading],
    gauge: Callable[[Reading], Gauge],
    known: Mapping[datetime, str] | None = None,
) -> Iterator[Judged]:
    """`readings`: levels, oldest first; `gauge`: with the thresholds of that moment; `known`: verdicts that were given before, by the
    reading's time: they stand, but for words that are none.
    """
    good: Reading | None = None
    sudden: Reading | None = None
    series: _Series | None = None
    height: Height = "calm"
    mark: float | None = None
    for one in readings:
        marks = gauge(one)
        if series is None:
            series, stuck = _Series(one.value, one.at, one.at), False
        else:
            stuck = series.take(one)
        said = (known or {}).get(one.at)
        doubt: Doubt | None
        if said in _SAID:
            doubt = _SAID[said]
        elif _beyond(one.value, marks):
            doubt = "範囲外"
        elif not (good is None or follows(good, one) or (sudden is not None and follows(sudden, one))):
            doubt = "急変"
        else:
            doubt = "固着" if stuck else None
        if doubt is None:
            good, sudden = one, None
            height = of_level(one.value, marks)
            mark = _mark(height, marks)
        elif doubt == logic.SUDDEN:
            sudden = one
            if RANK[higher := of_level(one.value, marks)] > RANK[height]:
                height, mark = higher, _mark(higher, marks)
        yield Judged(one.at, one.value, doubt, height, good.at if good else None, sudden is one, mark)


def follows(before: Reading, after: Reading) -> bool:
    """Whether water can have gone from the one to the other."""
    hours = abs((after.at - before.at).total_seconds()) / 3600
    return bool(abs(after.value - before.value) <= STEP + PER_HOUR * hours)


def of_level(level: float, gauge: Gauge) -> Height:
    """Against the gauge's thresholds."""
    said = logic.height(replace(gauge, level=level))
    return said if said in ("danger", "flood") else "calm"


def _mark(height: Height, gauge: Gauge) -> float | None:
    return {"calm": None, "danger": gauge.danger, "flood": gauge.flood}[height]


def _beyond(level: float, gauge: Gauge) -> bool:
    """Not known where the gauge has no threshold."""
    marks = [metres for _, metres in gauge.marks]
    return bool(marks) and not min(marks) - BEYOND <= level <= max(marks) + BEYOND
