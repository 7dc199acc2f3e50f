"""When a town hall works. The holidays of 2026 are those that 内閣府 announced."""

from __future__ import annotations

from datetime import date

import pytest

from kitamae.kernel.calendar import Calendar
from kitamae.kernel.context import clock
from kitamae.kernel.people.watching import hours


def number(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


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


def test_a_city_is_closed_when_its_ordinance_says_so() -> None:
    at = clock.micros("2027-01-04T01:00:00Z")
    assert hours.off(at, Calendar(closed=((12, 29), (1, 4))))
    assert not hours.off(clock.micros("2026-12-29T01:00:00Z"), Calendar(closed=((12, 31), (1, 3))))
