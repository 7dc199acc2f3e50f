"""One statement for many rows."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.adapters.sqlite.many import Many


@given(st.lists(st.tuples(st.integers(0, 99), st.none() | st.text()), max_size=300))
def test_any_number_of_rows_is_written_in_order(rows: list[tuple[int, str | None]]) -> None:
    db = apsw.Connection(":memory:")
    db.execute("CREATE TABLE one (number INTEGER PRIMARY KEY, a, b)")
    Many("INSERT INTO one (a, b) VALUES {(?, ?)}")(db, rows)
    assert list(db.execute("SELECT a, b FROM one ORDER BY number")) == rows


def test_a_statement_without_a_place_for_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="INSERT"):
        Many("INSERT INTO one VALUES (?, ?)")
