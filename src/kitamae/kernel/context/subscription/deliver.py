"""Sends what is owed: each subscriber in order, all of them at once, and none waits for another (clause 5.8.6).

At least once: a row is settled after the receiver's 2xx, so a crash between the two sends it again, with the same id.
A receiver that does not answer is tried again with growing pauses until `keep_for` is over, by the clock and by the time
that it was tried in vain: a clock that leaps ahead must not end anybody's patience. What it refuses (400, 410, 422, ...) is
given up at once, or it would block what comes after. Throttled subscriptions get the latest state of each
entity once their time has come: what came in between is folded into it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import orjson
import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.context.subscription import arrears, message
from kitamae.kernel.context.subscription.breaker import Breaker, pause
from kitamae.kernel.context.subscription.lane import HELD, Budget, Lane
from kitamae.kernel.context.subscription.model import Letter
from kitamae.kernel.context.subscription.post import Outcome, Poster

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.store import Owed, Store
    from kitamae.kernel.context.subscription.destinations import Destinations
    from kitamae.kernel.context.subscription.model import Subscription
    from kitamae.kernel.context.subscription.post import Sender

_log: Final = structlog.get_logger()
_SETTLE_AT: Final = 500
_IN_VAIN: Final = 3_600.0  # seconds that a receiver is tried at least before a message is too old for it


class Dispatcher:
    """`start`, then `wake` when a subscription changed or went; `close`.

    `find(queue)` gives the subscription as it is now, None when there is none any more. Times in seconds.
    """

    def __init__(
        self,
        store: Store,
        find: Callable[[str], Subscription | None],
        destinations: Destinations,
        *,
        now: Callable[[], int] = clock.now,
        timeout: float = 10,
        first_pause: float = 1,
        longest_pause: float = 300,
        keep_for: float = arrears.KEEP_FOR,
        most_owed: float = arrears.MOST,
        settle_every: float = 0.05,
        drop_every: float = 60,
        mqtt: Callable[[Destinations, float], Sender] | None = None,
    ) -> None:
        self._store, self._find, self._destinations, self._now = store, find, destinations, now
        self._timeout, self._keep_for, self._settle_every = timeout, keep_for, settle_every
        self._pauses = first_pause, longest_pause
        self._arrears, self._drop_every = arrears.Arrears(store, now, int(most_owed), keep_for), drop_every
        self._lanes: dict[str, Lane] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._kicks: dict[str, asyncio.Event] = {}
        self._breakers: dict[str, Breaker] = {}
        self._poster: Poster | None = None
        self._mqtt = None if mqtt is None else mqtt(destinations, timeout)
        self._done: list[int] = []
        self._settle_now = asyncio.Event()
        self._settler: asyncio.Task[None] | None = None
        self._dropper: asyncio.Task[None] | None = None
        self._budget = Budget()
        self.delivered = self.failed = 0  # for metrics
        self.tried: set[str] = set()  # queues whose record changed; whoever writes it down takes them out

    async def start(self) -> None:
        """Take up what was left owed."""
        self._poster = Poster(self._destinations, self._timeout)
        self._settler = asyncio.create_task(self._settling())
        self._store.on_owed(self.offer)
        self._store.on_serving(self._serving)
        self._dropper = asyncio.create_task(self._arrears.run(self._drop_every, self._find, self._shortened))
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
        tasks = [task for queue in others if (task := self._tasks.get(queue))]
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
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for helper in (self._dropper, self._settler):
            if helper is not None:
                helper.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await helper
        await self._settle()
        if self._poster is not None:
            await self._poster.close()
            self._poster = None
        if self._mqtt is not None:
            await self._mqtt.close()

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
        kick = self._kicks.get(queue)
        if kick is not None:
            kick.set()
        lane = self._lanes.get(queue)
        if lane is not None:
            self._run(lane)

    @property
    def waiting(self) -> int:
        """Receivers that something is owed to, as far as known here."""
        return len(self._lanes)

    def _run(self, lane: Lane) -> None:
        if lane.queue not in self._tasks and self._poster is not None:
            task = asyncio.create_task(self._drive(lane), name=f"notify {lane.queue}")
            self._tasks[lane.queue] = task

    async def _drive(self, lane: Lane) -> None:
        """Until nothing is owed, or the subscription rests."""
        try:
            while not lane.empty:
                subscription = self._find(lane.queue)
                if subscription is None:
                    await self._store.catch_up()  # another worker may have made it a moment ago
                    subscription = self._find(lane.queue)
                if subscription is None:
                    await self._drop(lane)
                elif not subscription.active:  # what it was owed before it expired, it is still told
                    lane.let_go()
                    break
                elif not await self._throttled(lane, subscription):
                    await self._next(lane, subscription)
        except Exception:
            _log.exception("a subscriber's queue stopped and goes on in a while", queue=lane.queue)
            lane.let_go()
            asyncio.get_running_loop().call_later(self._pauses[0] * 10, self.wake, lane.queue)
        finally:
            self._tasks.pop(lane.queue, None)
            self._kicks.pop(lane.queue, None)
            if lane.empty and self._lanes.get(lane.queue) is lane:
                del self._lanes[lane.queue]

    async def _next(self, lane: Lane, subscription: Subscription) -> None:
        """One message, and what follows from its outcome."""
        folded = subscription.throttling and subscription.notice == "Notification"
        batch = await lane.take(HELD if folded else 1)
        if not batch:
            return
        sent = await self._send(subscription, batch)
        if sent is None:
            return
        outcome, why = sent
        now = self._now()
        self.tried.add(lane.queue)
        if outcome is Outcome.DELIVERED:
            subscription.record.sent(now, why, again=lane.failures > 0)
            self.delivered += 1
            lane.answered()
            self._settled(lane, batch)
            return
        subscription.record.failed(now, why, again=lane.failures > 0)
        self.failed += 1
        _log.warning("not delivered", subscription=subscription.id, why=why, outcome=outcome.value)
        in_vain = lane.failed()
        too_old = now - batch[0].at > self._keep_for * 1_000_000 and in_vain >= min(self._keep_for, _IN_VAIN)
        if outcome is Outcome.REFUSED or too_old:
            if outcome is Outcome.REFUSED:
                lane.answered()
            self._settled(lane, batch)
            return
        lane.let_go()
        wait = pause(lane.failures, *self._pauses)
        await self._rest(lane, max(wait, subscription.receiver.cooldown or 0))

    async def _send(self, subscription: Subscription, batch: list[Owed]) -> tuple[Outcome, str] | None:
        """None: the subscription changed while its receiver was waited for."""
        if self._poster is None:
            raise RuntimeError("the dispatcher was not started")
        receiver = subscription.receiver
        number = message.identifier(subscription.queue, batch[-1].number)
        if subscription.voice is not None:
            letter = subscription.voice.letter(_latest(batch), number)
        else:
            body = message.body(subscription, _latest(batch), batch[-1].at, number)
            letter = Letter("POST", receiver.uri, message.headers(subscription, number), body)
        breaker = self._breakers.get(receiver.origin)
        if breaker is None:
            breaker = self._breakers[receiver.origin] = Breaker(*self._pauses)
        async with breaker:
            if self._find(subscription.queue) is not subscription:
                return None
            if not receiver.origin.startswith("mqtt"):
                outcome, why = await self._poster.send(letter, receiver.timeout)
            elif self._mqtt is not None:
                info = dict(receiver.info)
                outcome, why = await self._mqtt.send(
                    letter.uri, letter.body, letter.headers, info, receiver.timeout
                )
            else:
                outcome, why = Outcome.FAILED, "notifications over MQTT are not offered here"
            if outcome is Outcome.SILENT:
                breaker.silent()
            else:
                breaker.answered()
        return outcome, why

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
        kick = self._kicks.setdefault(lane.queue, asyncio.Event())
        kick.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await kick.wait()

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


def _latest(batch: Sequence[Owed]) -> list[bytes]:
    """The payloads; of several for one entity the last."""
    if len(batch) == 1:
        return [batch[0].payload]
    answer: dict[str, bytes] = {}
    for one in batch:
        told = orjson.loads(one.payload)
        told = told[0] if isinstance(told, list) else told  # with linked entities it is the first
        entity = told.get("id", f"change {one.number}")
        answer.pop(entity, None)
        answer[entity] = one.payload
    return list(answer.values())
