"""One receiver's host: how many deliveries at once, and a pause that grows while it does not answer.

Closed: deliveries go through. After `TOLERATED` failures in a row it is open: nobody tries until the pause is over;
then one tries alone, and the others follow only if that succeeds. What was on its way together fails together and counts once:
thirty connections that break in the same moment are no thirty failures in a row.
"""

from __future__ import annotations

import asyncio
import random
from typing import Final

TOLERATED: Final = 3
AT_ONCE: Final = 32


def pause(failures: int, base: float, most: float) -> float:
    """Seconds to wait after so many failures in a row: doubling up to `most`, a fifth of it left to chance."""
    return min(most, base * 2.0 ** min(failures - 1, 30)) * random.uniform(0.8, 1.0)  # noqa: S311  # no secret: spreads load


class Breaker:
    """`async with breaker as began: ...`, and within it `breaker.answered()` or `breaker.silent(began)`."""

    def __init__(self, base: float, most: float) -> None:
        self._base, self._most = base, most
        self._failures = 0
        self._until = 0.0
        self._failed = float("-inf")  # when it was silent for the last time
        self._probing = False
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._changed = asyncio.Event()

    @property
    def open(self) -> bool:
        """It has not answered for a while."""
        return self._failures >= TOLERATED

    async def __aenter__(self) -> float:
        """Wait for a turn; when it began, by the loop's clock."""
        await self._slots.acquire()
        loop = asyncio.get_running_loop()
        try:
            while self.open:
                wait = self._until - loop.time()
                if wait <= 0 and not self._probing:
                    self._probing = True
                    break
                self._changed.clear()
                try:
                    async with asyncio.timeout(wait if wait > 0 else None):
                        await self._changed.wait()
                except TimeoutError:
                    continue
        except BaseException:
            self._slots.release()
            raise
        return loop.time()

    async def __aexit__(self, *_: object) -> None:
        self._probing = False
        self._changed.set()
        self._slots.release()

    def answered(self) -> None:
        """Whatever it said, somebody is there."""
        self._failures = 0

    def silent(self, began: float) -> None:
        """No connection, or no answer in time, to what was tried at `began`."""
        if began < self._failed:
            return
        self._failed = asyncio.get_running_loop().time()
        self._failures += 1
        self._until = self._failed + pause(self._failures, self._base, self._most)
