"""What secrets turned out to be, remembered for a moment, so that the store is not asked at every request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kitamae.kernel.people.person import NOBODY, Principal

if TYPE_CHECKING:
    from collections.abc import Iterable

SECONDS: Final = 30.0
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Known:
    """What a secret turned out to be. `until` in microseconds UTC; None: no end. `again`: when something about it changes by
    itself (a duty begins or ends), so that it must be asked anew.
    """

    who: Principal
    until: int | None
    again: int | None
    at: float  # time.monotonic when it was read


class Remembered:
    """By the secrets' digests."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}
        self.drops = 0

    def get(self, digest: str, now: int) -> Principal | None:
        """NOBODY for a secret that is known to be wrong or to have ended, None when the store must be asked."""
        known = self._known.get(digest)
        if known is None or time.monotonic() - known.at > SECONDS:
            return None
        if known.until is not None and known.until <= now:
            return NOBODY
        return None if known.again is not None and known.again <= now else known.who

    def keep(self, digest: str, who: Principal, until: int | None, again: int | None, drops: int) -> None:
        """`drops` as it was before the store was asked: what was dropped since may have been read before."""
        if len(self._known) >= _MOST:
            self._known.clear()
        if drops == self.drops:
            self._known[digest] = Known(who, until, again, time.monotonic())

    def drop(self, digest: str) -> None:
        """A secret that is not what it was."""
        self.drops += 1
        self._known.pop(digest, None)

    def forget(self, persons: Iterable[str] | None) -> None:
        """The standing of these persons is not what it was; None: of anybody."""
        self.drops += 1
        if persons is None:
            self._known = {}
            return
        gone = set(persons)
        self._known = {digest: one for digest, one in self._known.items() if one.who.ref not in gone}
