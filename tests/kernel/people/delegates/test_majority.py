from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context import clock
from kitamae.kernel.days import JST, of
from kitamae.kernel.people.delegates.majority import birth, of_age
from kitamae.kernel.problems import BadRequest


@pytest.mark.parametrize(
    ("born", "then"),
    [("2010-04-01", "2028-04-01"), ("2008-02-29", "2026-03-01"), ("2008-03-01", "2026-03-01"), ("2010-02-28", "2028-02-28")],
)  # fmt: skip
def test_a_child_is_of_age_at_the_beginning_of_its_eighteenth_birthday_in_japan(born: str, then: str) -> None:
    assert of_age(date.fromisoformat(born)) == datetime.fromisoformat(then + "T00:00:00+09:00")


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_whoever_is_born_later_is_not_of_age_earlier(day: date) -> None:
    then, next_ = of_age(day), of_age(day + timedelta(days=1))
    assert then <= next_
    assert then.tzinfo is JST
    assert then.year - day.year == 18


@pytest.mark.parametrize(
    "born", ["", "1.4.2010", "2010-02-30", "2015-W01-1", "2026-11-22", "9982-01-01", "9999-12-31"]
)
def test_what_is_no_day_is_refused(born: str) -> None:
    with pytest.raises(BadRequest, match="birth_date"):
        birth(born, date(2026, 11, 21))


@pytest.mark.parametrize(
    ("moment", "born"), [("2026-11-21T15:30:00Z", "2026-11-22"), ("2026-11-22T14:59:00Z", "2026-11-22")]
)
def test_today_is_a_day_in_japan_and_not_in_greenwich(moment: str, born: str) -> None:
    today = of(clock.micros(moment))
    assert birth(born, today) == date.fromisoformat(born)
    with pytest.raises(BadRequest, match="birth_date"):
        birth("2026-11-23", today)


@pytest.mark.parametrize(
    ("moment", "whole"), [("2026-11-21T14:59:59Z", False), ("2026-11-21T15:00:00Z", True)]
)
def test_the_eighteenth_birthday_begins_at_midnight_in_japan(moment: str, whole: bool) -> None:
    assert (of_age(date(2008, 11, 22)).timestamp() * 1_000_000 <= clock.micros(moment)) is whole
