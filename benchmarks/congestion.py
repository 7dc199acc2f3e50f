"""The forecast of the service congestion against the seasonal naive one, on the project's public comparison: a daily series of an AI
camera at Tojinbo (Code for Fukui, MIT), 26 weekly origins, 7 days ahead.

    python -m benchmarks congestion
    SERIES=FILE python -m benchmarks congestion    # another series of the same form

A zero or a missing day is an outage (tests show that the service judges so): it is left out of what is learnt and of what is scored, for
both alike. The naive one says what was counted on the same weekday a week before, or, where that was an outage, the week before that.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

from benchmarks.harness import Result
from kitamae.services.congestion.outlook.days import Days
from kitamae.services.congestion.outlook.forecast import AHEAD, Expected, Outlook

ORIGINS = 26


def read(path: Path) -> dict[date, float]:
    """Believed counts by day: of a day that is there twice the later line, of zeros nothing."""
    found: dict[date, float] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["aggregate from"]:
                found[datetime.fromisoformat(row["aggregate from"]).date()] = float(row["total count"])
    return {day: value for day, value in sorted(found.items()) if value > 0}


def origins(known: dict[date, float]) -> list[date]:
    """26 of them, a week apart; the last one has its seven days within the series."""
    last = max(known) - timedelta(days=AHEAD - 1)
    return [last - timedelta(weeks=n) for n in range(ORIGINS - 1, -1, -1)]


def naive(known: dict[date, float], day: date, origin: date) -> float | None:
    """Seasonal naive: the same weekday of the last week before the origin on which it was counted."""
    same = day - timedelta(days=7)
    while same >= min(known):
        if same < origin and same in known:
            return known[same]
        same -= timedelta(days=7)
    return None


def wape(known: dict[date, float], said: Callable[[date, date], float | None]) -> float:
    """Sum of absolute errors by the sum of what was counted, over all origins; `said(day, origin)`."""
    off = whole = 0.0
    for origin in origins(known):
        for day in (origin + timedelta(days=n) for n in range(AHEAD)):
            value = said(day, origin)
            if day in known and value is not None:
                off += abs(value - known[day])
                whole += known[day]
    return off / whole


def forecasts(known: dict[date, float]) -> dict[tuple[date, date], Expected]:
    """By (day, origin), each out of what was counted before its origin."""
    outlook = Outlook({(day, 0): value for day, value in known.items()}, Days())
    return {(day, origin): one for origin in origins(known) for (day, _), one in outlook.at(origin).items()}


def held(known: dict[date, float], made: dict[tuple[date, date], Expected]) -> tuple[int, int]:
    """How many of the counted days lay in their range, and of how many."""
    scored = [(known[day], one) for (day, _), one in made.items() if day in known]
    return sum((one.low or 0) <= value <= (one.high or 0) for value, one in scored), len(scored)


def congestion() -> list[Result]:
    """The table."""
    named = os.environ.get("SERIES")
    here = Path(__file__).resolve().parents[1]
    places = [
        one / "shared/data/congestion/tojinbo_person_daily.csv" for one in (here.parent, here.parent.parent)
    ]
    file = Path(named) if named else next((one for one in places if one.is_file()), None)
    if file is None:
        raise SystemExit("the series is not on this machine: name it in SERIES")
    known = read(file)
    made = forecasts(known)
    inside, scored = held(known, made)
    plain = wape(known, lambda day, origin: naive(known, day, origin))
    model = wape(known, lambda day, origin: made[day, origin].middle)
    first, last = origins(known)[0], max(known)
    note = f"{first} to {last}, {scored} days scored; seasonal naive {plain:.3f}; {inside} of them in their range of eight in ten"
    return [
        Result(
            "visitors a day, forecast up to 7 days ahead at 26 weekly origins",
            model,
            0,
            0.20,
            " WAPE",
            note=note,
        )
    ]
