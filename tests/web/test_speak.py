"""Values as people read them."""

from __future__ import annotations

import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from kitamae.sdk.manifest import Language
from kitamae.web import speak
from kitamae.web.languages import OFFERED


@pytest.mark.parametrize("value", [1e308, -1e22, 1.7976931348623157e308])
def test_a_number_that_is_beyond_counting_is_said_as_it_is_written(value: float) -> None:
    assert speak.number(value, "ja") == str(value)


def test_a_number_has_separators_and_at_most_three_decimals() -> None:
    assert speak.number(1234567.8912, "ja") == "1,234,567.891"


@pytest.mark.parametrize("stamp", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59"])
def test_a_moment_beyond_the_calendar_is_said_as_it_was_written(stamp: str) -> None:
    assert speak.moment(stamp, "ja") == stamp


def test_figures_that_are_compared_have_as_many_decimals_as_they_are_told() -> None:
    assert [speak.number(value, "ja", 2) for value in (23.1, 23.0512, 1234)] == ["23.10", "23.05", "1,234.00"]


@given(
    st.floats(-1e14, 1e14) | st.integers(-(10**14), 10**14),
    st.sampled_from([None, 0, 1, 2, 3]),
    st.sampled_from(OFFERED),
)
def test_numbers_are_said_as_cldr_has_it_in_every_language(
    value: float, decimals: int | None, language: Language
) -> None:
    pattern = "#,##0.###" if decimals is None else f"#,##0.{'0' * decimals}"
    locale = {"ja_Hira": "ja", "en": "en_GB", "zh": "zh_Hans"}.get(language, language)
    assert speak.number(value, language, decimals) == format_decimal(value, pattern, locale=locale)
