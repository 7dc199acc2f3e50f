"""A contract's minute, counted for the whole city: each worker takes a part of it before it lets requests through, and then another one.

What all workers took in a minute is one document, so that together they never let through more than the contract allows. It is written
at most PARTS times a minute, and not for each request. A worker keeps what it took: of a part that it does not use up, nothing comes back, so
that with W workers up to (W - 1) parts of the minute (each a sixteenth, rounded up) may be refused although nobody used them.

The minute begins with the first request. Where the clocks of two workers differ, it is shorter by so much. Where the document cannot be written
(a full disk), each worker counts by itself until it can: readers are not turned away for that.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Reader, Store, Transaction

KIND: Final = "provider-minute"
"""By contract: {ends, taken}; `ends`: microseconds UTC."""
MINUTE: Final = 60_000_000
PARTS: Final = 16


class Taken(NamedTuple):
    """By all workers, in the minute that ends then."""

    ends: int
    requests: int


@dataclass(slots=True)
class Minute:
    """Of one contract, in this process. `held`: what this worker took of it; `used`: of that; `taken`: by all workers, as far as this one
    knows; `spent`: there is nothing left to take.
    """

    ends: int = 0
    used: int = 0
    held: int = 0
    taken: int = 0
    spent: bool = False
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def ready(self, now: int) -> bool:
        """Whether it is known here if one request more may pass."""
        return now < self.ends and (self.used < self.held or self.spent)

    def allows(self) -> bool:
        """Whether one request more may pass. Ask `ready` before."""
        return self.used < self.held

    def left(self, most: int) -> int:
        """How many this worker could let through, if no other one takes more."""
        return max(0, self.held - self.used) + max(0, most - self.taken)

    async def take(self, store: Store, contract: str, most: int, now: int) -> None:
        """Another part, where one is needed. `most`: requests a minute."""
        async with self._turn:
            if self.ready(now):
                return
            part = -(-most // PARTS)

            async def work(tx: Transaction) -> tuple[Taken, int]:
                before = await taken(tx, contract, now)
                given = max(0, min(part, most - before.requests))
                after = before._replace(requests=before.requests + given)
                if given:
                    told = {"ends": after.ends, "taken": after.requests}
                    await tx.put(TENANT, KIND, contract, told)
                return after, given

            try:
                after, given = await store.transact(work)
            except Problem:  # `meter.py`, which cannot put anything down either, says so
                ends = self.ends if now < self.ends else now + MINUTE
                after, given = Taken(ends, most), most - (self.held if ends == self.ends else 0)
            if after.ends != self.ends:
                self.used = self.held = 0
            self.ends, self.taken = after.ends, after.requests
            self.held += max(0, given)
            self.spent = given <= 0


async def taken(store: Reader, contract: str, now: int) -> Taken:
    """In the minute that is going on, or one that begins now."""
    kept: Any = await store.get(TENANT, KIND, contract)
    if kept is None or kept["ends"] <= now:
        return Taken(now + MINUTE, 0)
    return Taken(kept["ends"], kept["taken"])
