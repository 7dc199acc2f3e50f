"""Days as the law counts them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.calendar import Calendar
from kitamae.kernel.people.requests.deadline import ends, ends_from_first

KAGA = Calendar()
DAYS = st.dates(date(2023, 4, 1), date(2090, 12, 31))


@pytest.mark.parametrize(
    ("begun", "counted", "last", "safe"),
    [
        ("2026-10-01", "2026-10-31", "2026-11-02", "2026-10-30"),  # a Saturday
        ("2026-10-04", "2026-11-03", "2026-11-04", "2026-11-02"),  # 文化の日
        ("2026-11-29", "2026-12-29", "2027-01-04", "2026-12-28"),  # the turn of the year
        ("2026-06-01", "2026-07-01", "2026-07-01", "2026-07-01"),  # a Wednesday
        ("2028-01-31", "2028-03-01", "2028-03-01", "2028-03-01"),  # a leap year
    ],
)
def test_the_first_day_does_not_count_and_a_day_off_moves_the_end(
    begun: str, counted: str, last: str, safe: str
) -> None:
    found = ends(date.fromisoformat(begun), 30, KAGA)
    assert [day.isoformat() for day in (found.counted, found.last, found.safe)] == [counted, last, safe]


def test_days_that_a_correction_took_do_not_count() -> None:
    begun = date(2026, 6, 1)
    stopped = [(date(2026, 6, 10), date(2026, 6, 24)), (date(2026, 6, 3), date(2026, 6, 4))]
    assert ends(begun, 30, KAGA, stopped).counted == date(2026, 7, 1) + timedelta(days=15)
    for wrong in ([(date(2026, 5, 1), date(2026, 6, 4))], [(date(2026, 6, 9), date(2026, 6, 8))]):
        with pytest.raises(ValueError, match="does not follow"):
            ends(begun, 30, KAGA, wrong)


def test_the_commission_counts_the_day_of_knowing_as_the_first() -> None:
    assert ends_from_first(date(2026, 6, 1), 30, KAGA).counted == date(2026, 6, 30)


@given(DAYS, st.integers(1, 120))
def test_a_deadline_ends_on_a_day_that_is_open_and_never_before_it_is_safe(begun: date, days: int) -> None:
    found = ends(begun, days, KAGA)
    assert found.safe <= found.counted <= found.last
    assert not KAGA.off(found.last)
    assert not KAGA.off(found.safe)
    assert all(KAGA.off(found.counted + timedelta(days=n)) for n in range((found.last - found.counted).days))


def test_a_calendar_whose_turn_of_the_year_lies_within_one_year_works_too() -> None:
    office = Calendar(((8, 13), (8, 16)))
    assert office.off(date(2026, 8, 13))
    assert not office.off(date(2026, 12, 30))
