"""What a receiver is owed and will not get any more, so that a dead one does not fill the city's disk.

Of what one subscription is owed, the newest `most` notifications are kept, and none for longer than `patience` says. Of what
one receiver is owed by all its subscriptions together, `most_bytes` are kept: the largest queue gives up its oldest first. What is
dropped counts as failed: the subscription says so (`status`, `timesFailed`, `lastFailure`), and so does the log.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import structlog

from kitamae.kernel.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.store import Owed, Store
    from kitamae.kernel.context.subscription.model import Subscription
    from kitamae.kernel.context.subscription.patience import Patience

    Told = Callable[[str], None]

MOST: Final = 100_000
MOST_BYTES: Final = 1_000_000_000
_AT_ONCE: Final = 50
_log: Final = structlog.get_logger()


class Arrears:
    """`now` in microseconds UTC."""

    def __init__(
        self,
        store: Store,
        now: Callable[[], int],
        patience: Patience,
        most: int = MOST,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._store, self._now, self._patience = store, now, patience
        self._most, self._most_bytes = most, most_bytes

    async def run(self, every: float, find: Callable[[str], Subscription | None], told: Told) -> None:
        """Look every so many seconds, until cancelled; `told` hears of each queue of which something was dropped."""
        while True:
            await asyncio.sleep(every)
            try:
                await self._look(find, told)
            except Exception:
                _log.exception("what is owed for too long stays owed")

    async def _look(self, find: Callable[[str], Subscription | None], told: Told) -> None:
        owing = await self._store.owing()
        excess = self._excess(owing, find)
        for queue, count, _ in owing:
            if not self._store.serves(queue):
                continue
            dropped = await self._shorten(queue, count, excess.get(queue, 0))
            if not dropped:
                continue
            if (subscription := find(queue)) is not None:
                subscription.record.dropped(self._now(), dropped)
                left = count - dropped
                _log.warning(
                    "notifications are given up", subscription=subscription.id, count=dropped, left=left
                )
            told(queue)

    def _excess(
        self, owing: Sequence[tuple[str, int, int]], find: Callable[[str], Subscription | None]
    ) -> dict[str, int]:
        """Queue -> bytes that it is to give up, where a receiver is owed too much: the largest of its queues first."""
        receivers: dict[str, list[tuple[int, str]]] = {}
        for queue, _, size in owing:
            subscription = find(queue)
            receiver = urlsplit(subscription.receiver.uri).netloc if subscription else queue
            receivers.setdefault(receiver.rpartition("@")[2].lower(), []).append((size, queue))
        found: dict[str, int] = {}
        for queues in receivers.values():
            over = sum(size for size, _ in queues) - self._most_bytes
            for size, queue in sorted(queues, reverse=True):
                if over <= 0:
                    break
                found[queue] = min(over, size)
                over -= found[queue]
        return found

    async def _shorten(self, queue: str, count: int, excess: int) -> int:
        """How many; `excess`: bytes that must go, and so one that is larger than all that is kept."""
        dropped, after, turns = 0, 0, Turns()
        oldest = self._patience.oldest()
        while rows := await self._store.owed(queue, after, _AT_ONCE):
            await turns.next()
            gone: list[Owed] = []
            for one in rows:
                if excess <= 0 and count - dropped - len(gone) <= self._most and one.at >= oldest:
                    break
                gone.append(one)
                excess -= len(one.payload)
            await self._store.settle([one.number for one in gone])
            dropped += len(gone)
            after = rows[-1].number
            if len(gone) < len(rows):
                break
        return dropped
