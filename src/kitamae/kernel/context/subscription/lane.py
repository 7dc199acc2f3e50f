"""One subscriber's queue: what is owed, in order, and for each entity one message at a time.

What was just committed is handed over in memory. When that becomes too much, or the receiver does not answer, memory
is let go and the rest is read from the store, which has all of it anyway.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from kitamae.kernel.context.subscription.message import subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.context.store import Owed, Store

READ: Final = 64
HELD: Final = 256
AT_ONCE: Final = 8
"""Messages that one subscriber is sent side by side, each about another entity."""
_LOOKED_AT: Final = 64
"""Among so many of the oldest."""


@dataclass(slots=True)
class Budget:
    """How many notifications all lanes together hold in memory."""

    most: int = 20_000
    used: int = 0


class Lane:
    """`offer` what was committed, `take` what may go next; then `took` it, or give it `back` to be taken again.

    `behind`: the store may have some that are not held here. What is taken is away: until it comes to an end, nothing else
    about the same entity is given out.
    """

    def __init__(self, store: Store, queue: str, budget: Budget, *, behind: bool = False) -> None:
        self._store = store
        self._budget = budget
        self.queue = queue
        self.drivers: set[asyncio.Task[None]] = set()
        self.alone = True  # one driver is enough
        self.kick = asyncio.Event()
        self.resting = False
        self.failures = 0  # in a row
        self._held: deque[Owed] = deque()
        self._away: dict[int, str] = {}  # whom it is about
        self._again: set[int] = set()  # failed at least once
        self._done: set[int] = set()  # above _last, and perhaps still in the store
        self._last = 0  # everything up to this number is done
        self._seen = 0  # the highest number that was held
        self._behind = behind
        self._reading = False

    @property
    def empty(self) -> bool:
        """Nothing held, and nothing known to be in the store."""
        return not self._held and not self._behind

    def offer(self, owed: Owed) -> None:
        """Hold it, or leave it to be read from the store in its turn."""
        if owed.number <= self._seen:
            return  # a read saw it before the commit was announced
        if self._behind or len(self._held) >= HELD or self._budget.used >= self._budget.most:
            self._behind = True
        else:
            self._held.append(owed)
            self._seen = owed.number
            self._budget.used += 1

    def let_go(self) -> None:
        """Keep nothing in memory."""
        self._behind = True
        self._budget.used -= len(self._held)
        self._held.clear()

    @property
    def ready(self) -> bool:
        """Something may go now, as far as is held here."""
        return bool(self._next(1))

    async def take(self, most: int = 1) -> list[Owed]:
        """The next ones in order, at most so many; one while others are away. None: all that is left must wait for those."""
        if self._behind and not self._reading and len(self._held) - len(self._away) < most:
            await self._read()
        found = self._next(most)
        self._away.update((one.number, subject(one.payload)) for one in found)
        return found

    def again(self, owed: Iterable[Owed]) -> bool:
        """It was tried before, in vain."""
        return any(one.number in self._again for one in owed)

    def took(self, owed: Iterable[Owed]) -> None:
        """These are done."""
        for one in owed:
            self._away.pop(one.number, None)
            self._again.discard(one.number)
            self._done.add(one.number)
        while self._held and self._held[0].number in self._done:
            self._last = self._held.popleft().number
            self._done.discard(self._last)
            self._budget.used -= 1

    def back(self, owed: Iterable[Owed], *, failed: bool = False) -> None:
        """These come again. `failed`: the receiver did not take them."""
        for one in owed:
            self._away.pop(one.number, None)
            if failed:
                self._again.add(one.number)

    def _next(self, most: int) -> list[Owed]:
        if self._reading:  # older ones than what was offered meanwhile may come
            return []
        if not self._away:
            return list(islice(self._held, most))
        busy = {*self._away.values()}
        for one in islice(self._held, _LOOKED_AT):
            waits = one.number in self._away or one.number in self._done
            if not waits and subject(one.payload) not in busy:
                return [one]
        return []

    async def _read(self) -> None:
        after = self._held[-1].number if self._held else self._last
        most = max(READ, HELD - len(self._held))
        self._behind, self._reading = False, True  # what is committed from here on is offered
        try:
            found = await self._store.owed(self.queue, after, most)
        except BaseException:
            self._behind = True
            raise
        finally:
            self._reading = False
        merged = {one.number: one for one in (*found, *self._held)}
        read = {one.number for one in found}
        last = found[-1].number if found else after
        if len(found) == most:  # there may be more between these and what was offered meanwhile
            self._behind = True
            merged = {number: one for number, one in merged.items() if number <= last}
            self._seen = last
        else:
            self._seen = max(self._seen, last)
        # what the store had forgotten already will not come again
        self._done = {n for n in self._done if n > self._last and (n in read or not after < n <= last)}
        self._budget.used -= len(self._held)
        self._held = deque(merged[n] for n in sorted(merged) if n > self._last and n not in self._done)
        self._budget.used += len(self._held)
