"""What copies of our subscriptions tell us (5.8.6): passed on to the subscriber, as if it had happened here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from kitamae.kernel.context import clock, read
from kitamae.kernel.context.api import distributed
from kitamae.kernel.context.api.answer import Answer
from kitamae.kernel.context.api.questions import Source
from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.registration import combine
from kitamae.kernel.context.registration.match import relevant
from kitamae.kernel.context.store import Owed
from kitamae.kernel.context.subscription import match, message
from kitamae.kernel.context.subscription.copy import CONDITIONS, question
from kitamae.kernel.context.veil import of_all
from kitamae.kernel.problems import BadRequest, NotFound, Unprocessable

if TYPE_CHECKING:
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.context.subscription.model import Subscription
    from kitamae.kernel.context.subscription.relays import Relay

_MOST = 1_000
"""Entities in one notification."""


async def notified(x: Exchange) -> Answer:
    """POST a Notification: 200 when what it says is owed to the subscriber, durably. Raises NotFound for any other id."""
    request, payload = await x.document()
    subscriptions = request.broker.subscriptions
    if subscriptions is None:
        raise Unprocessable("this broker was started without subscriptions")
    relay = subscriptions.relays.find(str(payload.get("subscriptionId", "")))
    if relay is None:
        raise NotFound("there is no copy of a subscription with that id")
    data = payload.get("data")
    if not isinstance(data, list) or len(data) > _MOST:
        raise BadRequest(f"data: expected an array of at most {_MOST} entities")
    try:
        subscription = subscriptions.get(relay.tenant, relay.subscription)
    except NotFound:
        return Answer(200)  # it is being taken back
    if subscription.status(request.broker.clock()) == "active":
        request.tenant = relay.tenant
        payloads = [one for entity in data if (one := await _told(x, request, relay, subscription, entity))]
        subscriptions.dispatcher.offer(await _owe(request, subscription, payloads))
    return Answer(200)


async def _owe(request: Request, subscription: Subscription, payloads: list[bytes]) -> list[Owed]:
    tenant, queue = subscription.tenant, subscription.queue

    async def work(tx: Transaction) -> list[Owed]:
        now = request.broker.clock()
        return [Owed(await tx.owe(tenant, queue, 0, one), tenant, queue, 0, now, one) for one in payloads]

    return await request.broker.store.transact(work) if payloads else []


async def _told(
    x: Exchange, request: Request, relay: Relay, subscription: Subscription, told: Json
) -> bytes | None:
    """What the subscriber is told of one entity; None: nothing, or the source did not register it."""
    if not isinstance(told, dict):
        raise BadRequest("data: expected entities, JSON objects")
    entity = read.entity(_without_changes(told), request.context, temporal=True, theirs=True)
    positions = relevant(question(subscription), relay.registration)
    source = Source(relay.registration, tuple(relay.registration.information[n] for n in positions))
    if not positions or not source.registered(entity):
        return None
    if source.attrs is not None:
        entity["attrs"] = {name: some for name, some in entity["attrs"].items() if name in source.attrs}
    given, sent = subscription.doc["given"], relay.sent or {}
    if given.get("splitEntities", False) and "deletedAt" not in entity:
        entity = await _whole(x, request, relay, entity)
    what = of_all(request.broker.policy.facts.classes)  # it leaves the city: to whoever asked for it
    seen = what.entity(entity)
    if seen is None or _untold(entity, seen):
        return None
    entity = seen
    judged_here = any(name in given and name not in sent for name in CONDITIONS)
    if judged_here and not match.selects(subscription, entity):
        return None
    return orjson.dumps(message.written(subscription, entity, subscription.form))


async def _whole(x: Exchange, request: Request, relay: Relay, entity: Entity) -> Entity:
    """With what we and the other sources have of it (5.8.6)."""
    id = entity["id"]
    others = distributed.of_entity(x, request, id)
    others.found = [one for one in others.found if one.registration.id != relay.registration.id]
    gathered = await distributed.entity(x, request, id, others)
    row = await request.broker.store.row(relay.tenant, id)
    ours = None if row is None else expiry.alive(orjson.loads(row.doc), request.broker.clock())
    return combine.entity(ours, [(relay.registration.mode, entity), *gathered.parts.get(id, ())]) or entity


def _untold(entity: Entity, seen: Entity) -> bool:
    """Is what changed hidden? An entity that is gone is gone for everybody."""
    return seen is not entity and "deletedAt" not in entity and _newest(seen) < _newest(entity)


def _newest(entity: Entity) -> int:
    """When an attribute of it was written last; microseconds UTC, 0 where its source does not tell."""
    stamps = (one.get("modifiedAt") for instances in entity["attrs"].values() for one in instances)
    return max((clock.micros(one, "modifiedAt") for one in stamps if one is not None), default=0)


def _without_changes(told: dict[str, Any]) -> dict[str, Any]:
    """Values that were before the change are not read: a subscriber who wants them asks the source itself."""
    return {
        name: {key: value for key, value in one.items() if not key.startswith("previous")}
        if isinstance(one, dict)
        else one
        for name, one in told.items()
    }
