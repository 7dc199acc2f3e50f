"""How long a receiver is waited for that does not take what it is owed.

By the clock, which may be set wrong; so it is believed only as far as time went by here since the start, and in the first
hour nothing is too old: a clock that leaps ahead, or that is wrong at the start, must not give up what a receiver can still get.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

KEEP_FOR: Final = 7 * 86_400.0
"""Seconds."""
_SURE: Final = 3_600.0


class Patience:
    """`keep_for` in seconds; `now` in microseconds UTC; `steady` in seconds, a clock that nobody sets."""

    def __init__(
        self, now: Callable[[], int], keep_for: float = KEEP_FOR, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._now, self._keep_for, self._steady = now, keep_for, steady
        self._began, self._since = now(), steady()

    def oldest(self) -> int:
        """What was owed before this (microseconds UTC) is given up."""
        passed = self._steady() - self._since
        if passed < min(self._keep_for, _SURE):
            return 0
        return min(self._now(), self._began + int(passed * 1e6)) - int(self._keep_for * 1e6)
