"""Subscriptions over HTTP (5.8.1-5.8.5, 6.10, 6.11): who wants to be told of what.

Who may subscribe may also read subscriptions: their endpoints, and the credentials in `receiverInfo`, are nobody else's.
Of two programs with a token neither sees the other's; staff see all, and so does everybody of an open broker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context.api import contexts, negotiation, source
from kitamae.kernel.context.api.answer import Answer, created
from kitamae.kernel.context.api.asked import segment, uri
from kitamae.kernel.context.api.listing import page, sys_attrs
from kitamae.kernel.context.api.rendering import in_context
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.subscription.read import shown
from kitamae.kernel.problems import NotFound, Unprocessable

if TYPE_CHECKING:
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.subscription.model import Subscription
    from kitamae.kernel.context.subscription.registry import Subscriptions

_WHAT: Final = "subscription"


async def create(x: Exchange) -> Answer:
    """POST subscriptions."""
    request, payload = await x.document()
    request.demand("subscribe", _WHAT)
    subscriptions = kept(request)
    context = request.context
    if context.link is None and context is not CORE and "jsonldContext" not in payload:
        # notifications name one address for their @context, so one that has none is given one (5.13.1)
        address = contexts.base(x)
        local = await contexts.host(request, context.source, "ImplicitlyCreated", address)
        payload["jsonldContext"] = f"{address}{contexts.PATH}{local}"
    id = await subscriptions.create(
        request.tenant,
        payload,
        context,
        request.principal.ref,
        source.visited(x),
        request.broker.limits.subscriptions_of_one,
    )
    answer = created(f"/ngsi-ld/v1/subscriptions/{segment(id)}")
    answer.headers += x.echo(request.tenant)
    return answer


async def retrieve(x: Exchange, id: str) -> Answer:
    """GET subscriptions/{id}."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    uri(id, "the subscription's id")
    request = await x.request()
    request.demand("subscribe", _WHAT)
    subscription = _own(request, id)
    return in_context(x, request, media, show(request, subscription))


async def listing(x: Exchange) -> Answer:
    """GET subscriptions, page by page."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request = await x.request()
    request.demand("subscribe", _WHAT)
    own = [one for one in kept(request).listing(request.tenant) if _is_own(request, one)]
    return page(x, request, media, own, lambda one: show(request, one))


async def update(x: Exchange, id: str) -> Answer:
    """PATCH subscriptions/{id}."""
    uri(id, "the subscription's id")
    request, payload = await x.document()
    request.demand("subscribe", _WHAT)
    _own(request, id)
    await kept(request).update(request.tenant, id, payload, request.context)
    return Answer(204, None, x.echo(request.tenant))


async def delete(x: Exchange, id: str) -> Answer:
    """DELETE subscriptions/{id}."""
    uri(id, "the subscription's id")
    request = await x.request()
    request.demand("subscribe", _WHAT)
    _own(request, id)
    await kept(request).delete(request.tenant, id)
    return Answer(204, None, x.echo(request.tenant))


def kept(request: Request) -> Subscriptions:
    """Raises Unprocessable where nobody is notified."""
    subscriptions = request.broker.subscriptions
    if subscriptions is None:
        raise Unprocessable("this broker was started without subscriptions")
    return subscriptions


def _own(request: Request, id: str) -> Subscription:
    """Raises NotFound, also for another program's."""
    found = kept(request).get(request.tenant, id)
    if not _is_own(request, found):
        raise NotFound(f"there is no subscription {id}")
    return found


def _is_own(request: Request, subscription: Subscription) -> bool:
    who = request.principal
    return who.role not in ("device", "service") or subscription.doc.get("by") == who.ref


def show(request: Request, subscription: Subscription) -> dict[str, Any]:
    """As it is now, with its times where they were asked for. Raises BadRequest for any other option."""
    return shown(subscription, request.context, request.broker.clock(), sys_attrs=sys_attrs(request))
