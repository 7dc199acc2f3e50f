"""Subscriptions to registrations over HTTP (5.11, 6.12, 6.13): who wants to know of context sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kitamae.kernel.context import clock
from kitamae.kernel.context.api import consumption, negotiation, selection
from kitamae.kernel.context.api.answer import Answer, created
from kitamae.kernel.context.api.provision import options, segment, uri
from kitamae.kernel.context.api.registrations import WHAT
from kitamae.kernel.context.api.rendering import in_context
from kitamae.kernel.context.query.tree import EntityQuery
from kitamae.kernel.context.subscription.read import shown
from kitamae.kernel.problems import Unprocessable

if TYPE_CHECKING:
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.registration.interest import Interest
    from kitamae.kernel.context.registration.subscriptions import RegistrationSubscriptions


async def create(x: Exchange) -> Answer:
    """POST csourceSubscriptions."""
    request, payload = await x.document()
    request.demand("operate", WHAT)
    id = await _kept(request).create(request.tenant, payload, request.context)
    answer = created(f"/ngsi-ld/v1/csourceSubscriptions/{segment(id)}")
    answer.headers += x.echo(request.tenant)
    return answer


async def retrieve(x: Exchange, id: str) -> Answer:
    """GET csourceSubscriptions/{id}."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    uri(id, "the subscription's id")
    request = await x.request()
    request.demand("operate", WHAT)
    found = _kept(request).get(request.tenant, id)
    return in_context(x, request, media, _shown(request, found))


async def listing(x: Exchange) -> Answer:
    """GET csourceSubscriptions, page by page."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request = await x.request()
    request.demand("operate", WHAT)
    wanted = selection.page(request, EntityQuery(request.tenant))
    everything = _kept(request).listing(request.tenant)
    end = wanted.offset + wanted.limit
    count = len(everything) if wanted.count else None
    headers = consumption.page_headers(x, wanted, len(everything) > end, count)
    content = [_shown(request, one) for one in everything[wanted.offset : end]]
    return in_context(x, request, media, content, headers)


async def update(x: Exchange, id: str) -> Answer:
    """PATCH csourceSubscriptions/{id}."""
    uri(id, "the subscription's id")
    request, payload = await x.document()
    request.demand("operate", WHAT)
    await _kept(request).update(request.tenant, id, payload, request.context)
    return Answer(204, None, x.echo(request.tenant))


async def delete(x: Exchange, id: str) -> Answer:
    """DELETE csourceSubscriptions/{id}."""
    uri(id, "the subscription's id")
    request = await x.request()
    request.demand("operate", WHAT)
    await _kept(request).delete(request.tenant, id)
    return Answer(204, None, x.echo(request.tenant))


def _kept(request: Request) -> RegistrationSubscriptions:
    subscriptions = request.broker.subscriptions
    if subscriptions is None:
        raise Unprocessable("this broker was started without subscriptions")
    return subscriptions.to_registrations


def _shown(request: Request, subscription: Interest) -> dict[str, Any]:
    content: dict[str, Any] = shown(subscription, request.context, request.broker.clock())
    if "sysAttrs" in options(request, "sysAttrs"):
        for member in ("createdAt", "modifiedAt"):
            content[member] = clock.text(subscription.doc[member])
    return content
