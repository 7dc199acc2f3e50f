"""Durations along the calendar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context import clock
from kitamae.kernel.context.temporal import period
from kitamae.kernel.problems import BadRequest

MOMENTS = st.integers(0, clock.micros("2200-01-01T00:00:00Z"))
PERIODS = st.builds(period.Period, st.integers(0, 30), st.integers(0, 40 * 86_400_000_000)).filter(
    lambda one: not one.whole
)


@pytest.mark.parametrize(
    ("text", "months", "seconds"),
    [
        ("PT1H", 0, 3600),
        ("P1M", 1, 0),
        ("PT1M", 0, 60),
        ("P1Y2M3DT4H5M6S", 14, 3 * 86400 + 4 * 3600 + 5 * 60 + 6),
        ("P2W", 0, 14 * 86400),
        ("PT0S", 0, 0),
    ],
)
def test_a_duration_is_read_as_the_standard_says(text: str, months: int, seconds: int) -> None:
    assert period.parse(text) == period.Period(months, seconds * 1_000_000)


def test_a_fraction_of_a_second_counts() -> None:
    assert period.parse("PT0.25S").micros == 250_000


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "1H", "P1H", "PT1D", "P-1D", "P1DT", "PT1.5H", "P1M ", "P１D"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        period.parse(text)


def test_a_month_after_the_last_of_january_is_the_last_of_february() -> None:
    start = clock.micros("2024-01-31T12:00:00Z")
    months = period.parse("P1M")
    assert [clock.text(months.boundary(start, k)) for k in range(4)] == [
        "2024-01-31T12:00:00Z",
        "2024-02-29T12:00:00Z",
        "2024-03-31T12:00:00Z",
        "2024-04-30T12:00:00Z",
    ]


@given(PERIODS, MOMENTS, MOMENTS)
def test_every_moment_lies_in_the_period_of_its_index(one: period.Period, start: int, moment: int) -> None:
    if moment < start and one.months and start - moment > start:
        return
    k = one.index(start, moment)
    assert one.boundary(start, k) <= moment < one.boundary(start, k + 1)


def test_the_end_of_time_is_still_in_some_period() -> None:
    latest = clock.micros("9999-12-31T23:59:59.999999Z")
    start = clock.micros("2024-01-31T00:00:00Z")
    assert period.parse("P1Y").boundary(start, period.parse("P1Y").index(start, latest)) <= latest
