"""Times as text and as numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context import clock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_is_written_as_python_writes_it_and_read_back_to_the_microsecond(moment: datetime) -> None:
    micros = (moment - EPOCH) // timedelta(microseconds=1)
    written = clock.text(micros)
    assert written == moment.isoformat().replace("+00:00", "Z")
    assert clock.micros(written) == micros
