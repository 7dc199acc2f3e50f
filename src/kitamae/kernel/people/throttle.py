"""An address that keeps sending credentials nobody was given must wait; known credentials from it still work."""

from __future__ import annotations

import ipaddress
import time
from typing import TYPE_CHECKING, Final

from kitamae.kernel.problems import TooManyRequests

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW: Final = 300.0
_MOST: Final = 10_000


class Throttle:
    """Counts wrong credentials per address over `WINDOW` seconds; addresses are held in memory only."""

    def __init__(self, allowed: int = 20, now: Callable[[], float] = time.monotonic) -> None:
        self._allowed = allowed
        self._now = now
        self._wrong: dict[str, tuple[int, float]] = {}

    def demand(self, address: str) -> None:
        """Raises TooManyRequests (`retryAfter` seconds) when the address has used up its attempts."""
        count, until = self._wrong.get(network(address), (0, 0.0))
        left = until - self._now()
        if count >= self._allowed and left > 0:
            raise TooManyRequests(
                f"{count} unknown credentials came from this address; try again in {int(left) + 1} seconds",
                retryAfter=int(left) + 1,
            )

    def unknown(self, address: str) -> None:
        """A credential that nobody was given came from there. Raises TooManyRequests instead of counting when that was once too often.

        For whoever has looked first: so what is known still works, however many guess from that address.
        """
        self.demand(address)
        self.wrong(address)

    def wrong(self, address: str) -> None:
        """One more."""
        key, now = network(address), self._now()
        count, until = self._wrong.get(key, (0, 0.0))
        if until <= now:
            count, until = 0, now + WINDOW
        if key not in self._wrong and len(self._wrong) >= _MOST:
            self._wrong = {k: v for k, v in self._wrong.items() if v[1] > now}
            if len(self._wrong) >= _MOST:
                self._wrong.pop(next(iter(self._wrong)))
        self._wrong[key] = (count + 1, until)


def network(address: str) -> str:
    """An IPv6 subscriber has a whole /64: it counts as one address."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address
