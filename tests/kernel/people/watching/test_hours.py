"""When a town hall works. The holidays of 2026 are those that 内閣府 announced."""

from __future__ import annotations

from datetime import date

import pytest

from kitamae.kernel.context import clock
from kitamae.kernel.people.watching import hours

HOLIDAYS_2026 = [
    "01-01",
    "01-12",
    "02-11",
    "02-23",
    "03-20",
    "04-29",
    "05-03",
    "05-04",
    "05-05",
    "05-06",
    "07-20",
    "08-11",
    "09-21",
    "09-22",
    "09-23",
    "10-12",
    "11-03",
    "11-23",
]


def number(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def test_holidays_are_those_of_the_law_with_what_follows_a_sunday_and_what_lies_between_two() -> None:
    found = {
        f"{day:%m-%d}"
        for day in (
            date.fromordinal(one) for one in range(date(2026, 1, 1).toordinal(), date(2027, 1, 1).toordinal())
        )
        if day in hours._holidays(2026)
    }
    assert found == set(HOLIDAYS_2026)


@pytest.mark.parametrize(
    ("at", "off"),
    [
        ("2026-11-20T00:00:00Z", False),  # a Friday, nine in the morning in Japan
        ("2026-11-20T10:29:59Z", False),
        ("2026-11-20T10:30:00Z", True),
        ("2026-11-19T22:29:59Z", True),
        ("2026-11-21T01:00:00Z", True),  # Saturday
        ("2026-11-23T01:00:00Z", True),  # 勤労感謝の日
        ("2026-12-29T01:00:00Z", True),
        ("2027-01-04T01:00:00Z", False),
    ],
)
def test_a_town_hall_is_open_on_working_days_in_the_day(at: str, off: bool) -> None:
    assert hours.off(clock.micros(at)) is off


def test_a_day_begins_at_midnight_in_japan() -> None:
    day = hours.day(clock.micros("2026-11-20T15:00:00Z"))
    assert (day, hours.written(day)) == (number("2026-11-21"), "2026-11-21")
    assert hours.start(day) == clock.micros("2026-11-20T15:00:00Z")
