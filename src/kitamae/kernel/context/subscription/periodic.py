"""Subscriptions with a `timeInterval`: every so often everything that matches, whether it changed or not (5.8.6)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import orjson
import structlog

from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.query.tree import EntityQuery
from kitamae.kernel.context.subscription import linked, message

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.context.subscription.model import Subscription

MOST: Final = 1_000
"""Entities in one message; of more, the first ones by their creation."""
_log: Final = structlog.get_logger()


class Periodic:
    """`keep` a subscription as it is now, `forget` it; each has a clock of its own. What is due becomes owed rows."""

    def __init__(self, store: Store, now: Callable[[], int]) -> None:
        self._store, self._now = store, now
        self._clocks: dict[str, asyncio.Task[None]] = {}

    def keep(self, subscription: Subscription) -> None:
        """From now on every `interval`, counted from the last notification where there was one."""
        self.forget(subscription.queue)
        if subscription.interval is not None:
            self._clocks[subscription.queue] = asyncio.create_task(
                self._run(subscription, subscription.interval), name=f"every {subscription.interval} s"
            )

    def forget(self, queue: str) -> None:
        """No more of it."""
        task = self._clocks.pop(queue, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Stop every clock."""
        tasks = [*self._clocks.values()]
        for queue in [*self._clocks]:
            self.forget(queue)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, subscription: Subscription, interval: float) -> None:
        last = subscription.record.last_notification
        since = 0.0 if last is None else (self._now() - last) / 1e6  # below 0: the clock was set back
        await asyncio.sleep(max(0.0, interval - max(0.0, since)))
        while subscription.status(self._now()) != "expired":
            if subscription.active and self._store.serves(subscription.queue):
                try:
                    await self._owe(subscription)
                except Exception:
                    _log.exception("a periodic notification is left out", subscription=subscription.id)
            await asyncio.sleep(interval)

    async def _owe(self, subscription: Subscription) -> None:
        payload = await self._payload(subscription)
        if payload is None or await self._store.owed(subscription.queue, 0, 1):
            return  # nothing to tell, or the receiver has not taken the last one yet

        async def work(tx: Transaction) -> None:
            await tx.owe(subscription.tenant, subscription.queue, 0, payload)

        await self._store.transact(work)

    async def _payload(self, subscription: Subscription) -> bytes | None:
        found: dict[str, Entity] = {}
        for selector in subscription.selectors:
            query = EntityQuery(
                subscription.tenant,
                ids=(selector.id,) if selector.id else (),
                id_pattern=None if selector.id else selector.id_pattern,
                types=selector.types,
                q=subscription.q,
                geo=subscription.geo,
                scope=subscription.scope,
                limit=MOST,
            )
            for row in (await self._store.find(query)).rows:
                entity = orjson.loads(row.doc)
                if len(found) < MOST:
                    found.setdefault(entity["id"], entity)
        if not found:
            return None
        if subscription.join == "@none":
            return orjson.dumps(
                [message.written(subscription, one, subscription.form) for one in found.values()]
            )

        async def fetch(id: str) -> Entity | None:
            row = await self._store.row(subscription.tenant, id)
            return None if row is None else expiry.alive(orjson.loads(row.doc), self._now())

        return orjson.dumps(await linked.data(subscription, [*found.values()], fetch))
