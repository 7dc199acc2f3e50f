"""What a receiver is owed and will not get any more, so that a dead one does not fill the city's disk.

Of what one subscription is owed, the newest `most` notifications are kept, and none for longer than `patience` says. What is
dropped counts as failed: the subscription says so (`status`, `timesFailed`, `lastFailure`), and so does the log.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from kitamae.kernel.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.store import Owed, Store
    from kitamae.kernel.context.subscription.model import Subscription
    from kitamae.kernel.context.subscription.patience import Patience

    Told = Callable[[str], None]

MOST: Final = 100_000
_AT_ONCE: Final = 50
_log: Final = structlog.get_logger()


class Arrears:
    """`now` in microseconds UTC."""

    def __init__(self, store: Store, now: Callable[[], int], patience: Patience, most: int = MOST) -> None:
        self._store, self._now, self._patience, self._most = store, now, patience, most

    async def run(self, every: float, find: Callable[[str], Subscription | None], told: Told) -> None:
        """Look every so many seconds, until cancelled; `told` hears of each queue of which something was dropped."""
        while True:
            await asyncio.sleep(every)
            try:
                await self._look(find, told)
            except Exception:
                _log.exception("what is owed for too long stays owed")

    async def _look(self, find: Callable[[str], Subscription | None], told: Told) -> None:
        for _, queue, count in await self._store.queues():
            if not self._store.serves(queue):
                continue
            dropped = await self._shorten(queue, count)
            if not dropped:
                continue
            if (subscription := find(queue)) is not None:
                subscription.record.dropped(self._now(), dropped)
                left = count - dropped
                _log.warning(
                    "notifications are given up", subscription=subscription.id, count=dropped, left=left
                )
            told(queue)

    async def _shorten(self, queue: str, count: int) -> int:
        """How many."""
        dropped, after, turns = 0, 0, Turns()
        oldest = self._patience.oldest()
        while rows := await self._store.owed(queue, after, _AT_ONCE):
            await turns.next()
            gone: list[Owed] = []
            for one in rows:
                if count - dropped - len(gone) <= self._most and one.at >= oldest:
                    break
                gone.append(one)
            await self._store.settle([one.number for one in gone])
            dropped += len(gone)
            after = rows[-1].number
            if len(gone) < len(rows):
                break
        return dropped
