"""The days on which a town hall is closed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.calendar import holidays

OF_2026 = "01-01 01-12 02-11 02-23 03-20 04-29 05-03 05-04 05-05 05-06 07-20 08-11 09-21 09-22 09-23 10-12 11-03 11-23"
OF_2027 = (
    "01-01 01-11 02-11 02-23 03-21 03-22 04-29 05-03 05-04 05-05 07-19 08-11 09-20 09-23 10-11 11-03 11-23"
)


@pytest.mark.parametrize(("year", "days"), [(2026, OF_2026), (2027, OF_2027)])
def test_a_year_has_its_holidays(year: int, days: str) -> None:
    assert sorted(day.isoformat()[5:] for day in holidays(year)) == days.split()


def test_a_holiday_on_a_sunday_moves_behind_the_holidays_after_it() -> None:
    assert date(2026, 5, 3).weekday() == 6
    assert date(2026, 5, 6) in holidays(2026)
    assert date(2026, 5, 7) not in holidays(2026)


@given(st.integers(2022, 2098))
def test_a_year_has_its_holidays_and_one_on_a_sunday_gives_a_monday_off(year: int) -> None:
    days = holidays(year)
    assert 16 <= len(days) <= 22
    assert all(day.year == year for day in days)
    for day in days:
        if day.weekday() == 6:
            after = day + timedelta(days=1)
            assert after in days
