"""法人番号."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from kitamae.kernel.people.providers import corporate
from kitamae.kernel.problems import BadRequest


def test_the_number_that_the_tax_agency_gave_itself_is_one() -> None:
    # 国税庁法人番号公表サイト: 国税庁
    assert corporate.read(" 7-0000-1205-0002 ") == "7000012050002"
    assert corporate.read("  ") == ""


@given(some.from_regex(r"\A[0-9]{12}\Z"), some.integers(1, 9))
def test_of_ten_first_digits_one_is_right(twelve: str, off: int) -> None:
    good = corporate.check_digit(twelve)
    assert corporate.read(good + twelve) == good + twelve
    with pytest.raises(BadRequest):
        corporate.read(str((int(good) + off) % 10) + twelve)


@given(some.text(max_size=20))
def test_whatever_is_typed_is_a_number_or_refused(text: str) -> None:
    try:
        found = corporate.read(text)
    except BadRequest:
        return
    assert found == "" or (len(found) == 13 and found.isascii() and found.isdecimal())
