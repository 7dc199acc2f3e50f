"""The hands of a clock that stands at an earlier time and is moved on: what is done in the city then has its true order."""

from __future__ import annotations

from typing import Final

from kitamae.kernel.people.watching import hours

MINUTE: Final = 60_000_000  # microseconds


class Hands:
    """Called, it says the time, in microseconds since 1970 (UTC), as `clock.now` does."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self) -> int:
        """Each time a little later."""
        self.at += 1_000
        return self.at

    def wait(self, micros: int) -> None:
        """So much later."""
        self.at += micros

    def go(self, day: int, hour: int, minute: int = 0) -> None:
        """To that time of a day (days since 1970 in Japan), never back."""
        self.at = max(self.at, hours.start(day) + (hour * 60 + minute) * MINUTE)
