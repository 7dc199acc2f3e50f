"""Turns changes into what is owed, inside their own transaction: nothing acknowledged is ever owed and forgotten.

Matched once, in the order of commits, on the states before and after. The notification's data is written here, in the
words of the subscription as it is now, so that a restart sends exactly what was owed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
import structlog

from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.subscription import linked, match, message

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.operations.command import Effect
    from kitamae.kernel.context.store import Change, Transaction
    from kitamae.kernel.context.subscription.index import Index
    from kitamae.kernel.context.subscription.model import Subscription
_log: Final = structlog.get_logger()


class Watcher:
    """`watch` for Store.on_change; what it owes reaches the dispatcher by Store.on_owed, after the commit."""

    def __init__(self, index: Index) -> None:
        self._index = index

    async def watch(self, tx: Transaction, change: Change, effect: Effect) -> None:
        """Owe a notification to every subscriber concerned."""
        states = [state for state in (effect.after, effect.before) if state is not None]
        if not states or not len(self._index):
            return
        names = dict.fromkeys(one.name for one in effect.touched)
        for subscription in self._index.concerned(change.tenant, states, names):
            payload = await _payload(tx, subscription, effect, change)
            if payload is not None and (subscription.voice is None or await subscription.voice.claim(tx)):
                await tx.owe(change.tenant, subscription.queue, change.seq, payload)


async def _payload(
    tx: Transaction, subscription: Subscription, effect: Effect, change: Change
) -> bytes | None:
    """None: the subscriber is not concerned. One subscription that cannot be worked out never fails the city's write."""
    try:
        if subscription.voice is not None:
            active = subscription.status(change.at) == "active"
            return subscription.voice.payload(effect, change.at) if active else None
        if subscription.follows or subscription.join != "@none":
            return await _linked(tx, subscription, effect, change)
        cause = match.concerns(subscription, effect, change.at)
        if cause is None:
            return None
        return orjson.dumps(message.datum(subscription, effect, cause, change.at))
    except Exception:
        _log.exception("a subscription cannot be matched", subscription=subscription.id, change=change.seq)
        return None


async def _linked(
    tx: Transaction, subscription: Subscription, effect: Effect, change: Change
) -> bytes | None:
    """The same, for one that looks beyond the entity that changed."""

    async def fetch(id: str) -> Entity | None:
        return expiry.alive(await tx.entity(change.tenant, id), change.at)

    cause = await linked.cause(subscription, effect, change.at, fetch)
    if cause is None:
        return None
    if subscription.join == "@none":
        return orjson.dumps(message.datum(subscription, effect, cause, change.at))
    entity = message.changed(effect, cause, subscription.show_changes, change.at)
    return orjson.dumps(await linked.data(subscription, [entity], fetch))
