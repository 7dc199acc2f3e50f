"""Who listens to a stream of events: so many in all, and so many from one address, since each is worked for."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kitamae.kernel.people.throttle import network
from kitamae.kernel.problems import TooManyRequests, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request


@dataclass(slots=True)
class Audience:
    """`most` in all; `of_one` from one address: a school behind one address is many readers, a program is one."""

    most: int = 500
    of_one: int = 50
    _listening: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return self._listening.total()

    def demand(self, request: Request) -> None:
        """Is there a seat? Raises Unavailable, TooManyRequests."""
        if len(self) >= self.most:
            raise Unavailable("too many are listening; the page can be loaded again by hand")
        if self._listening[_from(request)] >= self.of_one:
            raise TooManyRequests(
                "too many are listening from this address; the page can be loaded again by hand"
            )

    @contextmanager
    def seat(self, request: Request) -> Iterator[None]:
        """One seat, until the block ends. Raises as `demand`."""
        self.demand(request)
        address = _from(request)
        self._listening[address] += 1
        try:
            yield
        finally:
            self._listening[address] -= 1
            if not self._listening[address]:
                del self._listening[address]


def _from(request: Request) -> str:
    return network(request.client.host) if request.client else ""
