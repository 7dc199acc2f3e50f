"""/v2/subscriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.kernel.context.api.answer import NO_CONTENT, Answer, of_json
from kitamae.kernel.context.v2 import query
from kitamae.kernel.context.v2.selection import place
from kitamae.kernel.context.v2.subscription.registry import NONE
from kitamae.kernel.context.v2.subscription.show import shown
from kitamae.kernel.problems import BadRequest, NotFound, Unavailable

if TYPE_CHECKING:
    from kitamae.kernel.context.subscription.model import Subscription
    from kitamae.kernel.context.v2.exchange import Exchange
    from kitamae.kernel.context.v2.subscription.registry import Subscriptions


def _kept(x: Exchange) -> Subscriptions:
    x.request.demand("subscribe", "subscription")
    found = x.broker.subscriptions_v2
    if found is None:
        raise Unavailable("nobody is told of changes here")
    return found


async def create(x: Exchange) -> Answer:
    """POST subscriptions; option `skipInitialNotification` changes nothing, since there is none."""
    x.options("skipInitialNotification")
    kept, given = _kept(x), await x.object()
    query.scope(x.paths)
    at, of_one = await place(x), x.broker.limits.subscriptions_of_one
    id = await kept.create(x.request.tenant, given, x.paths, at, x.request.principal.ref, of_one)
    return Answer(201, None, [(b"location", f"/v2/subscriptions/{id}".encode("ascii"))])


async def listing(x: Exchange) -> Answer:
    """GET subscriptions; option `count`."""
    options = x.options("count")
    limits = x.broker.limits
    offset = x.whole("offset", 0, limits.offset_most)
    limit = x.whole("limit", limits.page, limits.page_most)
    everything = [one for one in _kept(x).listing(x.request.tenant) if _is_there(x, one)]
    headers = [(b"fiware-total-count", b"%d" % len(everything))] if "count" in options else []
    now = x.broker.clock()
    return of_json(200, [shown(one, now) for one in everything[offset : offset + limit]], headers)


async def retrieve(x: Exchange, id: str) -> Answer:
    """GET subscriptions/{id}."""
    found = _kept(x).get(x.request.tenant, id)
    if not _is_there(x, found):
        raise NotFound(NONE)
    return of_json(200, shown(found, x.broker.clock()))


def _is_there(x: Exchange, one: Subscription) -> bool:
    """With exactly the service path that was named, if one was: it is the subscription's question, not its home."""
    return b"fiware-servicepath" not in x.headers or one.doc["path"] == x.paths


async def update(x: Exchange, id: str) -> Answer:
    """PATCH subscriptions/{id}: from then on about the service path that is named, if one is."""
    x.options("skipInitialNotification")
    kept, patch = _kept(x), await x.object()
    if not patch:
        raise BadRequest("empty payload")
    named = x.paths if b"fiware-servicepath" in x.headers else None
    query.scope(x.paths)
    await kept.update(x.request.tenant, id, patch, named)
    return NO_CONTENT


async def delete(x: Exchange, id: str) -> Answer:
    """DELETE subscriptions/{id}."""
    await _kept(x).delete(x.request.tenant, id)
    return NO_CONTENT
