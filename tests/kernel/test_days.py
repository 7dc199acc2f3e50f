from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.kernel.problems import BadRequest

JST = ZoneInfo("Asia/Tokyo")


@given(st.dates(), st.sampled_from(["{:04}-{:02}-{:02}", "{:04}/{:02}/{:02}", "{:04}/{}/{}", "{:04}-{}-{}"]))
def test_a_day_is_read_as_people_and_japanese_spreadsheets_write_it(day: date, form: str) -> None:
    assert days.read("day", form.format(day.year, day.month, day.day)) == day


def test_digits_may_be_full_width() -> None:
    assert days.read("day", " ２０２７／３／３１ ") == date(2027, 3, 31)


@pytest.mark.parametrize(
    "text",
    ["", "2027-W13-3", "20270331", "2027-3/31", "2027-02-30", "27/3/31", "31.3.2027", "2027-03-31T00:00"],
)
def test_what_is_written_otherwise_is_refused_with_the_name_of_its_field(text: str) -> None:
    with pytest.raises(BadRequest, match="last day: expected a day such as"):
        days.read("last day", text)


@given(st.dates(date(1900, 1, 1), date(9998, 1, 1)))
def test_a_day_ends_where_the_next_one_begins(day: date) -> None:
    at = days.ends("day", day.isoformat(), JST)
    assert datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(JST).hour == 0
    assert days.begins("day", day.isoformat(), JST) < at
    assert clock.text(at).endswith("15:00:00Z") or day.year < 1952  # summer time, once


@pytest.mark.parametrize("text", ["9999-12-31", "0001-01-01"])
def test_a_day_whose_moments_have_no_year_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        days.begins("day", text, JST), days.ends("day", text, JST)
