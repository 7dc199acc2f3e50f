"""Subscriptions to registrations over HTTP (5.11, 6.12, 6.13): who wants to know of context sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.kernel.context.api import negotiation, registered
from kitamae.kernel.context.api.asked import uri
from kitamae.kernel.context.api.listing import page
from kitamae.kernel.context.api.registered import WHAT
from kitamae.kernel.context.api.rendering import in_context
from kitamae.kernel.context.api.subscriptions import kept, show

if TYPE_CHECKING:
    from kitamae.kernel.context.api.answer import Answer
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.registration.subscriptions import RegistrationSubscriptions

_NAMED: Final = "the subscription's id"


async def create(x: Exchange) -> Answer:
    """POST csourceSubscriptions."""
    return await registered.create(x, _kept, "csourceSubscriptions")


async def retrieve(x: Exchange, id: str) -> Answer:
    """GET csourceSubscriptions/{id}."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    uri(id, _NAMED)
    request = await x.request()
    request.demand("operate", WHAT)
    found = _kept(request).get(request.tenant, id)
    return in_context(x, request, media, show(request, found))


async def listing(x: Exchange) -> Answer:
    """GET csourceSubscriptions, page by page; those that stand for subscriptions with copies elsewhere come last."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request = await x.request()
    request.demand("operate", WHAT)
    own = _kept(request).listing(request.tenant)
    every = [*own, *kept(request).relays.watching(request.tenant)]
    return page(x, request, media, every, lambda one: show(request, one))


async def update(x: Exchange, id: str) -> Answer:
    """PATCH csourceSubscriptions/{id}."""
    return await registered.update(x, _kept, id, _NAMED)


async def delete(x: Exchange, id: str) -> Answer:
    """DELETE csourceSubscriptions/{id}."""
    return await registered.delete(x, _kept, id, _NAMED)


def _kept(request: Request) -> RegistrationSubscriptions:
    return kept(request).to_registrations
