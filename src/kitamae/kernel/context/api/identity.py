"""Who this context source is (5.15.1, 6.33): what others recognise loops by."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from kitamae.kernel.context import clock
from kitamae.kernel.context.api import negotiation
from kitamae.kernel.context.api.rendering import in_context

if TYPE_CHECKING:
    from kitamae.kernel.context.api.answer import Answer
    from kitamae.kernel.context.api.exchange import Exchange


async def source(x: Exchange) -> Answer:
    """GET info/sourceIdentity: one identity per tenant."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request = await x.request()
    request.demand("read", "context:identity")
    broker = request.broker
    alias = request.alias
    now = broker.clock()
    identity = {
        "id": f"urn:ngsi-ld:ContextSourceIdentity:{uuid5(NAMESPACE_URL, alias)}",
        "type": "ContextSourceIdentity",
        "contextSourceAlias": alias,
        "contextSourceUptime": f"PT{max(0, now - broker.started) // 1_000_000}S",
        "contextSourceTimeAt": clock.text(now),
    }
    return in_context(x, request, media, identity)
