"""The forecast beats the seasonal naive one on the public series, knows nothing of what is to come, and its range holds what it says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import congestion
from kitamae.sdk.congesting import Congesting
from kitamae.sdk.context import Reading
from kitamae.services.congestion.counting.quality import OUTAGE, judged
from kitamae.services.congestion.counting.slots import DAY
from kitamae.services.congestion.models import Place
from kitamae.services.congestion.outlook.days import OBON, Days
from kitamae.services.congestion.outlook.forecast import AHEAD, LEAST, Outlook
from kitamae.services.congestion.outlook.regression import ridge

TOKYO = ZoneInfo("Asia/Tokyo")
SERIES = "data/congestion/tojinbo_person_daily.csv"


def counter(period: int = DAY) -> Place:
    return Place("urn:x:1", "1", "一", "", "", period, TOKYO, None, "", None, None, "", {}, None)


def test_it_beats_the_seasonal_naive_forecast_and_the_range_holds_eight_of_ten(shared: Path) -> None:
    known = congestion.read(shared / SERIES)
    made = congestion.forecasts(known)
    plain = congestion.wape(known, lambda day, origin: congestion.naive(known, day, origin))
    assert round(plain, 3) == 0.335, "what is scored is what others scored"
    assert congestion.wape(known, lambda day, origin: made[day, origin].middle) <= 0.20
    inside, scored = congestion.held(known, made)
    assert scored == 182
    assert 0.72 <= inside / scored <= 0.92


def test_what_the_comparison_leaves_out_is_what_the_service_takes_for_an_outage(shared: Path) -> None:
    rows: dict[datetime, float] = {}
    for line in (shared / SERIES).read_text("utf-8").splitlines()[1:]:
        if line.strip():
            _, _, _, until, people = line.split(",")
            rows[datetime.fromisoformat(until).replace(tzinfo=TOKYO).astimezone(UTC)] = float(people)
    readings = [Reading(at, people) for at, people in sorted(rows.items())]
    said = {one.at: verdict for one, verdict in judged(readings, counter(), Congesting(), Days())}
    assert {at for at, verdict in said.items() if verdict == OUTAGE} == {
        at for at, n in rows.items() if not n
    }
    assert sum(not people for people in rows.values()) == 17


def made_up(days: int, first: date = date(2026, 1, 5)) -> dict[tuple[date, int], float]:
    return {
        (first + timedelta(days=n), 0): 200.0 + 100.0 * ((first + timedelta(days=n)).weekday() >= 5)
        for n in range(days)
    }


@given(st.dictionaries(st.integers(0, 40), st.floats(0, 1e6), min_size=1))
def test_nothing_that_was_counted_from_the_origin_on_changes_it(later: dict[int, float]) -> None:
    known = made_up(80)
    origin = date(2026, 1, 5) + timedelta(days=70)
    other = {**known, **{(origin + timedelta(days=n), 0): value for n, value in later.items()}}
    assert Outlook(known, Days()).at(origin) == Outlook(other, Days()).at(origin)


def test_with_less_than_eight_weeks_it_says_what_is_usual_and_forecasts_nothing() -> None:
    origin = date(2026, 1, 5) + timedelta(days=LEAST - 1)
    made = Outlook(made_up(LEAST - 1), Days()).at(origin)
    assert len(made) == AHEAD
    assert {one.middle for one in made.values()} == {None}
    assert made[origin, 0].usual == 300.0  # a Sunday
    after = Outlook(made_up(LEAST), Days()).at(origin + timedelta(days=1))
    assert all(one.middle is not None for one in after.values())


def test_hours_share_a_day_as_they_usually_do_and_a_day_half_counted_still_counts() -> None:
    first = date(2026, 1, 5)
    known = {
        (first + timedelta(days=day), hour): float(people)
        for day in range(70)
        for hour, people in ((9, 20), (10, 60), (11, 40))
    }
    del known[first + timedelta(days=69), 9]
    made = Outlook(known, Days()).at(first + timedelta(days=70))
    assert len(made) == 3 * AHEAD
    monday = first + timedelta(days=70)
    shares = [made[monday, hour].middle for hour in (9, 10, 11)]
    assert shares == pytest.approx([20, 60, 40], rel=0.15)


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=4, max_size=40))
def test_the_regression_finds_what_is_linear(points: list[tuple[float, float]]) -> None:
    rows = [(1.0, a, b) for a, b in points]
    targets = [2 + 3 * a - b for a, b in points]
    found = ridge(rows, targets, 1e-9)
    again = [sum(x * c for x, c in zip(row, found, strict=True)) for row in rows]
    assert again == pytest.approx(targets, abs=1e-3)


def test_a_holiday_counts_as_a_sunday_and_obon_has_no_weekdays() -> None:
    days = Days(events=((date(2026, 10, 10), date(2026, 10, 11)),))
    assert days.kind(date(2026, 7, 20)) == 6  # 海の日, a Monday
    assert not days.off(date(2026, 7, 21))
    monday = days.features(date(2026, 8, 12))
    assert not any(monday[1:8])
    assert OBON == ((8, 11), (8, 16))
    assert days.features(date(2026, 10, 10))[-1] == 1.0
    assert days.features(date(2026, 10, 12))[-1] == 0.0
