"""One subscriber's queue: what is owed, in order, one message at a time.

What was just committed is handed over in memory. When that becomes too much, or the receiver does not answer, memory
is let go and the rest is read from the store, which has all of it anyway.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.context.store import Owed, Store

READ: Final = 64
HELD: Final = 256


@dataclass(slots=True)
class Budget:
    """How many notifications all lanes together hold in memory."""

    most: int = 20_000
    used: int = 0


class Lane:
    """`offer` what was committed, `take` the next, say `took` when it need not come again.

    `behind`: the store may have some that are not held here.
    """

    def __init__(self, store: Store, queue: str, budget: Budget, *, behind: bool = False) -> None:
        self._store = store
        self._budget = budget
        self.queue = queue
        self._held: deque[Owed] = deque()
        self._last = 0  # the highest number taken
        self._behind = behind
        self.failures = 0  # in a row
        self._failing = 0.0  # since when, by a clock that nobody sets

    @property
    def empty(self) -> bool:
        """Nothing held, and nothing known to be in the store."""
        return not self._held and not self._behind

    def offer(self, owed: Owed) -> None:
        """Hold it, or leave it to be read from the store in its turn."""
        if owed.number <= (self._held[-1].number if self._held else self._last):
            return  # a read saw it before the commit was announced
        if self._behind or len(self._held) >= HELD or self._budget.used >= self._budget.most:
            self._behind = True
        else:
            self._held.append(owed)
            self._budget.used += 1

    def let_go(self) -> None:
        """Keep nothing in memory."""
        self._behind = True
        self._budget.used -= len(self._held)
        self._held.clear()

    def answered(self) -> None:
        """The receiver takes messages."""
        self.failures = 0

    def failed(self) -> float:
        """It did not. Seconds since the first failure in a row."""
        if not self.failures:
            self._failing = time.monotonic()
        self.failures += 1
        return time.monotonic() - self._failing

    async def take(self, most: int = 1) -> list[Owed]:
        """The next ones in order, at most so many; they come again unless `took`."""
        if len(self._held) < most and self._behind:
            await self._read()
        return [self._held[n] for n in range(min(most, len(self._held)))]

    def took(self, owed: Iterable[Owed]) -> None:
        """These are done."""
        for one in owed:
            self._last = max(self._last, one.number)
        while self._held and self._held[0].number <= self._last:
            self._held.popleft()
            self._budget.used -= 1

    async def _read(self) -> None:
        after = self._held[-1].number if self._held else self._last
        most = max(READ, HELD - len(self._held))
        self._behind = False  # what is committed from here on is offered
        try:
            found = await self._store.owed(self.queue, after, most)
        except BaseException:
            self._behind = True
            raise
        merged = {one.number: one for one in (*found, *self._held)}
        if len(found) == most:  # there may be more between these and what was offered meanwhile
            self._behind = True
            merged = {number: one for number, one in merged.items() if number <= found[-1].number}
        self._budget.used -= len(self._held)
        self._held = deque(merged[number] for number in sorted(merged) if number > self._last)
        self._budget.used += len(self._held)
