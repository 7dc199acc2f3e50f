"""Times as text and as numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context import clock
from kitamae.kernel.problems import BadRequest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_is_written_as_python_writes_it_and_read_back_to_the_microsecond(moment: datetime) -> None:
    micros = (moment - EPOCH) // timedelta(microseconds=1)
    written = clock.text(micros)
    assert written == moment.isoformat().replace("+00:00", "Z")
    assert clock.micros(written) == micros


@pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-00:01"])
def test_a_time_that_has_no_year_in_utc_is_refused_before_anybody_must_write_it(stamp: str) -> None:
    with pytest.raises(BadRequest, match="observedAt"):
        clock.micros(stamp, "observedAt")
