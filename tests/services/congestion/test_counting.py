"""Counts that are not believed, counts as hours, opening hours as they are written."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.sdk.congesting import Congesting
from kitamae.sdk.context import Reading
from kitamae.services.congestion import logic
from kitamae.services.congestion.counting.quality import BEYOND, FEW, FINE, OUTAGE, judged
from kitamae.services.congestion.counting.slots import slots
from kitamae.services.congestion.models import Hours, Place
from kitamae.services.congestion.outlook.days import Days
from kitamae.services.congestion.outlook.forecast import Expected
from kitamae.services.congestion.outlook.usual import Usual

TOKYO = ZoneInfo("Asia/Tokyo")
MONDAY = datetime(2026, 9, 7, tzinfo=TOKYO)
RULES = Congesting()


def place(period: int = 60, hours: Hours | None = None) -> Place:
    return Place("urn:x:1", "1", "一", "", "", period, TOKYO, hours, "", None, None, "", {}, None)


def hourly(days: int, people: int = 50, open: tuple[int, int] = (9, 17)) -> list[Reading]:
    """What was counted until each hour's end; nobody at night."""
    return [
        Reading((MONDAY + timedelta(days=day, hours=hour + 1)).astimezone(UTC), people if open[0] <= hour < open[1] else 0)
        for day in range(days)
        for hour in range(24)
    ]  # fmt: skip


def verdicts(readings: list[Reading], where: Place) -> dict[datetime, str]:
    return {one.at: verdict for one, verdict in judged(readings, where, RULES, Days())}


def test_zeros_where_people_usually_are_are_an_outage_and_zeros_at_night_are_none() -> None:
    readings = hourly(21)
    broken = (MONDAY + timedelta(days=15)).astimezone(UTC)
    begin, end = broken + timedelta(hours=11), broken + timedelta(hours=13)
    readings = [Reading(one.at, 0) if begin < one.at <= end else one for one in readings]
    said = verdicts(readings, place())
    assert {at for at, verdict in said.items() if verdict == OUTAGE} == {
        begin + timedelta(hours=1), begin + timedelta(hours=2),
    }  # fmt: skip
    assert said[broken + timedelta(hours=3)] == FEW


def test_a_day_on_which_it_is_closed_by_its_own_hours_is_no_outage() -> None:
    hours = Hours(frozenset({0, 1, 2, 3, 4, 6}), time(9), time(17))
    readings = hourly(21)
    saturday = MONDAY.date() + timedelta(days=19)
    shut = [
        Reading(one.at, 0) if (one.at - timedelta(hours=1)).astimezone(TOKYO).date() == saturday else one
        for one in readings
    ]
    assert OUTAGE not in verdicts(shut, place(hours=hours)).values()
    assert OUTAGE in verdicts(shut, place()).values()


@pytest.mark.parametrize("value", [10_000_000, -1, 2.5, "12", None, True, float("nan"), float("inf")])
def test_what_can_be_no_count_is_out_of_range_and_the_others_are_judged_as_if_it_were_not(
    value: object,
) -> None:
    readings = [*hourly(2), Reading((MONDAY + timedelta(days=3)).astimezone(UTC), value)]
    said = list(verdicts(readings, place()).values())
    assert said[-1] == BEYOND
    assert said[:-1] == list(verdicts(readings[:-1], place()).values())


@given(
    st.lists(st.one_of(st.integers(-5, 200_000), st.floats(), st.none(), st.text(max_size=2)), max_size=60)
)
def test_every_reading_gets_one_verdict_and_a_number_that_may_be_said_is_large_enough(
    values: list[object],
) -> None:
    readings = [
        Reading((MONDAY + timedelta(hours=n)).astimezone(UTC), value) for n, value in enumerate(values)
    ]
    found = list(judged(readings, place(), RULES, Days()))
    assert [one for one, _ in found] == readings
    for one, verdict in found:
        if verdict == FINE:
            assert RULES.hide_under <= one.value <= RULES.most


def test_counts_become_hours_and_an_hour_that_was_hardly_counted_is_not_known() -> None:
    at = MONDAY + timedelta(hours=9)
    counts = [(at + timedelta(minutes=10 * n), 10.0) for n in (1, 2, 3, 4, 5, 6, 7, 8)]
    day = MONDAY.date()
    assert slots(counts, 10, TOKYO) == {(day, 9): 60.0}
    assert slots(counts[:3], 10, TOKYO) == {(day, 9): 60.0}, "half an hour stands for the hour"
    assert slots(counts, 0, TOKYO) == {(day, 9): 10.0, (day, 10): 10.0}
    assert slots([(MONDAY + timedelta(days=1), 77.0)], 1440, TOKYO) == {(day, 0): 77.0}


@pytest.mark.parametrize(
    ("written", "days"),
    [("月火水木金", {0, 1, 2, 3, 4}), ("月～金", {0, 1, 2, 3, 4}), ("土・日・祝", {5, 6}), ("毎日", set(range(7))),
     ("火曜日から休館", set()), ("", set()), ("金-月", {4, 5, 6, 0}), ("第3月", set())],
)  # fmt: skip
def test_opening_days_are_read_as_they_are_written_and_what_is_not_understood_is_not_guessed(
    written: str, days: set[int]
) -> None:
    found = logic.hours(written, "09:00", "17:00")
    assert (found.weekdays if found else set()) == days


@given(st.text(max_size=12), st.text(max_size=6), st.text(max_size=6))
def test_whatever_stands_there_as_hours_nothing_breaks(week: str, opens: str, closes: str) -> None:
    found = logic.hours(week, opens, closes)
    assert found is None or found.opens < found.closes


_ANY = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)


@given(
    _ANY
    | st.lists(
        _ANY | st.dictionaries(st.sampled_from(("day", "hour", "usual", "low", "middle", "high")), _ANY)
    )
)
def test_whatever_stands_there_as_an_outlook_nothing_breaks(said: object) -> None:
    entity = {"id": "urn:x:1", "type": logic.TYPE, logic.OUTLOOK: {"type": "Property", "value": said}}
    assert logic.place(entity, TOKYO).outlook == {}


def test_an_outlook_is_read_as_it_was_written_in_whole_people() -> None:
    day = MONDAY.date()
    made = {(day, 9): Expected(12.4, 3.2, 11.0, 30.9), (day, 10): Expected(7.0, None, None, None)}
    value = logic.written(made, 10)
    assert value[0]["low"] == "<10"
    assert value[1] == {"day": "2026-09-07", "hour": 10, "usual": "<10"}
    entity = {"id": "urn:x:1", "type": logic.TYPE, logic.OUTLOOK: {"type": "Property", "value": value}}
    assert logic.place(entity, TOKYO).outlook == {
        (day, 9): Expected(12, 9, 11, 31), (day, 10): Expected(9, None, None, None),
    }  # fmt: skip


@given(
    st.dictionaries(
        st.tuples(st.dates(), st.integers(0, 23)), st.builds(Expected, *[st.none() | st.floats(0, 1e6)] * 4)
    ),
    st.integers(1, 1000),
)
def test_an_outlook_says_no_number_that_is_to_be_hidden(made: dict[Any, Expected], least: int) -> None:
    said = logic.written(made, least)
    numbers = [row[name] for row in said for name in ("usual", "low", "middle", "high") if name in row]
    assert all(one == f"<{least}" or (isinstance(one, int) and one >= least) for one in numbers)


def test_of_fewer_than_three_values_nothing_is_usual() -> None:
    days = [MONDAY.date() - timedelta(days=n) for n in (3, 4, 5)]  # working days
    for some in range(4):
        usual = Usual({(day, 9): 50.0 for day in days[:some]}, MONDAY.date(), Days())
        assert usual.at((MONDAY.date(), 9)) == (50.0 if some == 3 else None)


def test_what_was_not_reported_stands_in_the_course_and_is_no_zero() -> None:
    day = MONDAY.date()
    counted = {(day, 9): 40.0, (day, 12): 30.0}
    rows = logic.course(place(), counted, {(day, 13): OUTAGE, (day, 14): OUTAGE}, (day, 9), (day, 15))
    assert rows == [
        ((day, 15), (day, 15), None, logic.GAP),
        ((day, 13), (day, 14), None, OUTAGE),
        ((day, 12), (day, 12), 30.0, ""),
        ((day, 10), (day, 11), None, logic.GAP),
        ((day, 9), (day, 9), 40.0, ""),
    ]
