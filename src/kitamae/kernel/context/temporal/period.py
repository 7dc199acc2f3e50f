"""ISO 8601 durations as steps along the calendar: `P1M` from 31 January ends on the last of February (UTC)."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from kitamae.kernel.problems import BadRequest

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DURATION: Final = re.compile(
    r"P(?!\Z)(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?"
    r"(?:T(?!\Z)(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,9})(?:\.(\d{1,6}))?S)?)?\Z",
    re.ASCII,
)
_MEAN_MONTH: Final = 2_629_746 * 1_000_000  # microseconds of a twelfth of the Gregorian mean year
_LATEST: Final = 253_402_300_799_999_999  # the last microsecond of year 9999


@dataclass(frozen=True, slots=True)
class Period:
    """`months` of the calendar and then `micros` microseconds. Both zero: the whole interval."""

    months: int = 0
    micros: int = 0

    @property
    def whole(self) -> bool:
        """One period covers everything."""
        return not self.months and not self.micros

    def boundary(self, start: int, k: int) -> int:
        """When the k-th period after `start` begins (microseconds UTC)."""
        moment = start + k * self.micros
        if self.months:
            moment = _add_months(start, k * self.months) + k * self.micros
        return min(moment, _LATEST)

    def index(self, start: int, moment: int) -> int:
        """Which period holds `moment`: boundary(k) <= moment < boundary(k + 1)."""
        if not self.months:
            return (moment - start) // self.micros
        k = (moment - start) // (self.months * _MEAN_MONTH + self.micros)
        while self.boundary(start, k) > moment:
            k -= 1
        while self.boundary(start, k + 1) <= moment < _LATEST:
            k += 1
        return k


def parse(text: str) -> Period:
    """`PT1H`, `P1M`, `P1DT12H`, `P2W`, `PT0S`. Raises BadRequest."""
    found = _DURATION.match(text)
    if not found:
        raise BadRequest(
            f"aggrPeriodDuration: expected an ISO 8601 duration such as PT1H or P1M, got {text!r:.40}"
        )
    parts = [*found.groups()[:7], (found.group(8) or "").ljust(6, "0")]
    years, months, weeks, days, hours, minutes, seconds, fraction = (int(one or 0) for one in parts)
    total = (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds
    return Period(years * 12 + months, total * 1_000_000 + fraction)


def _add_months(start: int, months: int) -> int:
    moment = _EPOCH + timedelta(microseconds=start)
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    if year > 9999:
        return _LATEST
    if year < 1:
        raise BadRequest("aggrPeriodDuration: the period reaches before the year 1")
    day = min(moment.day, monthrange(year, month + 1)[1])
    shifted = moment.replace(year=year, month=month + 1, day=day)
    delta = shifted - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
