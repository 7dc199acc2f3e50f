"""Sends what is owed: to each subscriber in the order of each entity, to all at once, and none waits for another (5.8.6).

At least once: a row is settled after the receiver's 2xx, so a crash between the two sends it again, with the same id.
A receiver that does not answer is tried again with growing pauses until `patience` is over; what it refuses (400, 410, 422, ...) is
given up at once, or it would block what comes after. Throttled subscriptions get the latest state of each
entity once their time has come: what came in between is folded into it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.context.subscription import arrears
from kitamae.kernel.context.subscription.breaker import pause
from kitamae.kernel.context.subscription.courier import Courier
from kitamae.kernel.context.subscription.lane import AT_ONCE, HELD, Budget, Lane
from kitamae.kernel.context.subscription.patience import KEEP_FOR, Patience
from kitamae.kernel.context.subscription.post import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.store import Owed, Store
    from kitamae.kernel.context.subscription.destinations import Destinations
    from kitamae.kernel.context.subscription.model import Subscription
    from kitamae.kernel.context.subscription.post import Sender

_log: Final = structlog.get_logger()
_SETTLE_AT: Final = 500


class Makers(Protocol):
    """Who made subscriptions, as the dispatcher must know it: by the reference that stands in them."""

    async def heeded(self, by: str) -> bool:
        """Whether what that one asked for is still delivered."""
        ...

    def delivered(self, by: str) -> None:
        """One notification went out."""
        ...


class Dispatcher:
    """`start`, then `wake` when a subscription changed or went; `close`.

    `find(queue)` gives the subscription as it is now, None when there is none any more. Times in seconds; `steady` is a
    clock that nobody sets.
    """

    def __init__(
        self,
        store: Store,
        find: Callable[[str], Subscription | None],
        destinations: Destinations,
        *,
        now: Callable[[], int] = clock.now,
        steady: Callable[[], float] = time.monotonic,
        timeout: float = 10,
        first_pause: float = 1,
        longest_pause: float = 300,
        keep_for: float = KEEP_FOR,
        most_owed: float = arrears.MOST,
        most_owed_bytes: float = arrears.MOST_BYTES,
        settle_every: float = 0.05,
        drop_every: float = 60,
        mqtt: Callable[[Destinations, float], Sender] | None = None,
        alias: str = "",
    ) -> None:
        self._alias = alias
        self.makers: Makers | None = None
        self._store, self._find, self._destinations, self._now = store, find, destinations, now
        self._timeout, self._settle_every, self._drop_every = timeout, settle_every, drop_every
        self._pauses = first_pause, longest_pause
        self._patience = Patience(now, keep_for, steady)
        self._arrears = arrears.Arrears(store, now, self._patience, int(most_owed), int(most_owed_bytes))
        self._lanes: dict[str, Lane] = {}
        self._courier: Courier | None = None
        self._mqtt = mqtt
        self._done: list[int] = []
        self._settle_now = asyncio.Event()
        self._helpers: list[asyncio.Task[None]] = []
        self._budget = Budget()
        self.delivered = self.failed = 0  # for metrics
        self.tried: set[str] = set()  # queues whose record changed; whoever writes it down takes them out

    async def start(self) -> None:
        """Take up what was left owed."""
        self._courier = Courier(self._destinations, self._timeout, self._pauses, self._mqtt, self._alias)
        dropping = self._arrears.run(self._drop_every, self._find, self._shortened)
        self._helpers = [asyncio.create_task(self._settling()), asyncio.create_task(dropping)]
        self._store.on_owed(self.offer)
        self._store.on_serving(self._serving)
        for lane in self._lanes.values():
            lane.let_go()  # offered before we were there: something older may be in the store
        await self._take_up()

    async def _take_up(self) -> None:
        """What is owed to the queues that this worker serves."""
        for _, queue, _ in await self._store.queues():
            if queue not in self._lanes and self._store.serves(queue):
                self._lanes[queue] = Lane(self._store, queue, self._budget, behind=True)
        for queue in list(self._lanes):
            self.wake(queue)

    async def _serving(self) -> None:
        """Another worker took queues over, or left some: nothing is sent any more for those that are not ours."""
        others = [queue for queue in self._lanes if not self._store.serves(queue)]
        tasks = [task for queue in others for task in self._lanes[queue].drivers]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for queue in others:
            if lane := self._lanes.pop(queue, None):
                lane.let_go()
        await self._settle()
        await self._take_up()

    async def close(self) -> None:
        """Stop sending; what was delivered is settled, the rest stays owed."""
        tasks = [*self._helpers, *(task for lane in self._lanes.values() for task in lane.drivers)]
        courier, self._courier = self._courier, None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._settle()
        if courier is not None:
            await courier.close()

    def offer(self, owed: Sequence[Owed]) -> None:
        """What a commit owes, in order; for Store.on_owed."""
        for one in owed:
            lane = self._lanes.get(one.queue)
            if lane is None:
                lane = self._lanes[one.queue] = Lane(self._store, one.queue, self._budget)
            lane.offer(one)
            self._run(lane)

    def forget(self, queue: str) -> None:
        """The subscription is gone: nobody is owed what its queue holds."""
        if queue not in self._lanes and self._store.serves(queue):
            self._lanes[queue] = Lane(self._store, queue, self._budget, behind=True)
        self.wake(queue)

    def wake(self, queue: str) -> None:
        """The subscription was changed, resumed or deleted: look again now."""
        lane = self._lanes.get(queue)
        if lane is not None:
            lane.kick.set()
            self._run(lane)

    @property
    def waiting(self) -> int:
        """Receivers that something is owed to, as far as known here."""
        return len(self._lanes)

    def _run(self, lane: Lane) -> None:
        """Somebody drives it; one more where something may go beside what is away."""
        if self._courier is None:
            return
        if lane.drivers and (lane.alone or lane.resting or len(lane.drivers) >= AT_ONCE or not lane.ready):
            return
        lane.drivers.add(asyncio.create_task(self._drive(lane, self._courier), name=f"notify {lane.queue}"))

    async def _drive(self, lane: Lane, courier: Courier) -> None:
        """Until nothing is owed, or the subscription rests, or others do what is left."""
        try:
            while not lane.empty and not lane.resting:
                subscription = self._find(lane.queue)
                if subscription is None:
                    await self._store.catch_up()  # another worker may have made it a moment ago
                    subscription = self._find(lane.queue)
                if subscription is None:
                    await self._drop(lane)
                    break
                if not subscription.active:  # what it was owed before it expired, it is still told
                    lane.let_go()
                    break
                if self.makers is not None and not await self.makers.heeded(_maker(subscription)):
                    await self._drop(lane)
                    break
                if not await self._throttled(lane, subscription) and not await self._next(
                    lane, courier, subscription
                ):
                    break
        except Exception:
            _log.exception("a subscriber's queue stopped and goes on in a while", queue=lane.queue)
            lane.let_go()
            asyncio.get_running_loop().call_later(self._pauses[0] * 10, self.wake, lane.queue)
        finally:
            lane.drivers.discard(asyncio.current_task())
            if lane.empty and not lane.drivers and self._lanes.get(lane.queue) is lane:
                del self._lanes[lane.queue]

    async def _next(self, lane: Lane, courier: Courier, subscription: Subscription) -> bool:
        """One message, and what follows from its outcome. False: nothing may go now but what is on its way."""
        lane.alone = bool(subscription.throttling and subscription.notice == "Notification")
        batch = await lane.take(HELD if lane.alone else 1)
        if not batch:
            return False
        self._run(lane)
        try:
            sent = await courier.carry(subscription, batch, lambda: self._find(lane.queue) is subscription)
        except BaseException:
            lane.back(batch)
            raise
        if sent is None:
            lane.back(batch)
            return True
        outcome, why = sent
        now, record, again = self._now(), subscription.record, lane.again(batch)
        self.tried.add(lane.queue)
        if outcome is Outcome.DELIVERED:
            record.sent(now, why, again=again)
            self.delivered += 1
            if self.makers is not None:
                self.makers.delivered(_maker(subscription))
            lane.failures = 0
            self._settled(lane, batch)
            return True
        record.failed(now, why, again=again)
        self.failed += 1
        _log.warning("not delivered", subscription=subscription.id, why=why, outcome=outcome.value)
        if outcome is Outcome.REFUSED:
            lane.failures = 0  # somebody is there
        if outcome is Outcome.REFUSED or batch[0].at < self._patience.oldest():
            self._settled(lane, batch)
            return True
        lane.back(batch, failed=True)
        if not lane.resting:  # else somebody beside us failed first, and all wait
            lane.failures += 1
            lane.let_go()
            await self._rest(
                lane, max(pause(lane.failures, *self._pauses), subscription.receiver.cooldown or 0)
            )
        return True

    async def _throttled(self, lane: Lane, subscription: Subscription) -> bool:
        """Wait for the rest of the throttling period; True when there was one."""
        last = subscription.record.last_notification
        if not subscription.throttling or last is None:
            return False
        since = (self._now() - last) / 1e6
        if since >= subscription.throttling:
            return False
        await self._rest(lane, subscription.throttling - max(since, 0))  # below 0: the clock was set back
        return True

    async def _rest(self, lane: Lane, seconds: float) -> None:
        lane.resting = True
        lane.kick.clear()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await lane.kick.wait()
        finally:
            lane.resting = False

    def _settled(self, lane: Lane, batch: Sequence[Owed]) -> None:
        lane.took(batch)
        self._done.extend(one.number for one in batch)
        if len(self._done) >= _SETTLE_AT:
            self._settle_now.set()

    async def _drop(self, lane: Lane) -> None:
        """Nobody is there to be told any more."""
        while batch := await lane.take(HELD):
            self._settled(lane, batch)

    def _shortened(self, queue: str) -> None:
        self.tried.add(queue)
        if lane := self._lanes.get(queue):
            lane.let_go()  # it may hold some that are owed no more

    async def _settling(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settle_every):
                    await self._settle_now.wait()
            self._settle_now.clear()
            await self._settle()

    async def _settle(self) -> None:
        numbers, self._done = self._done, []
        if not numbers:
            return
        try:
            await self._store.settle(numbers)
        except BaseException as trouble:
            self._done = [*numbers, *self._done]
            if not isinstance(trouble, Exception):
                raise
            _log.exception("delivered notifications are still noted as owed", count=len(numbers))


def _maker(subscription: Subscription) -> str:
    return str(subscription.doc.get("by", ""))
