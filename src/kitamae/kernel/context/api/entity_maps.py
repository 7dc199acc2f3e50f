"""Entity maps as resources (5.14, 6.32, 6.34): made by a query, shown, given another end, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.kernel.context import clock
from kitamae.kernel.context.api import mapped, negotiation, query_object, selection
from kitamae.kernel.context.api.answer import Answer
from kitamae.kernel.context.api.asked import uri
from kitamae.kernel.context.api.rendering import in_context
from kitamae.kernel.context.entity_maps import LONGEST
from kitamae.kernel.problems import BadRequest, NotFound

if TYPE_CHECKING:
    from kitamae.kernel.context.api.answer import Header
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity_maps import EntityMap


async def create(x: Exchange) -> Answer:
    """GET entityMaps, with the parameters of a query (5.14.4)."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    return await _create(x, await x.request(), media)


async def create_by_post(x: Exchange) -> Answer:
    """POST entityMaps, with a Query object."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request, document = await x.document()
    return await _create(x, query_object.asked(request, document), media)


async def _create(x: Exchange, request: Request, media: str) -> Answer:
    wanted = await selection.of_document(request, x.size)
    request.demand_types("read", selection.types_of(wanted))
    map, warnings = await mapped.create(x, request, wanted)
    return made(x, request, media, map, warnings)


def made(x: Exchange, request: Request, media: str, map: EntityMap, warnings: list[Header]) -> Answer:
    """201 with the map and where it is."""
    return in_context(x, request, media, map.shown(), [mapped.header(map), *warnings], 201)


async def retrieve(x: Exchange, id: str) -> Answer:
    """GET entityMaps/{id} (5.14.1)."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    uri(id, "the entity map's id")
    request = await x.request()
    return in_context(x, request, media, _find(request, id).shown())


async def update(x: Exchange, id: str) -> Answer:
    """PATCH entityMaps/{id}: its end, as far as it is granted; what only we write is not read (5.14.2)."""
    uri(id, "the entity map's id")
    request, payload = await x.document()
    map = _find(request, id)
    if payload.get("type", "EntityMap") != "EntityMap":
        raise BadRequest(f"type: expected EntityMap, got {payload['type']!r:.80}")
    if "expiresAt" in payload:
        wished = clock.micros(payload["expiresAt"], "expiresAt")
        map.expires_at = min(wished, request.broker.clock() + LONGEST)
    return Answer(204, None, x.echo(request.tenant))


async def delete(x: Exchange, id: str) -> Answer:
    """DELETE entityMaps/{id} (5.14.3)."""
    uri(id, "the entity map's id")
    request = await x.request()
    _find(request, id)
    request.broker.entity_maps.forget(request.tenant, id)
    return Answer(204, None, x.echo(request.tenant))


def _find(request: Request, id: str) -> EntityMap:
    request.demand("read", "entity:*")
    found = mapped.found(request, id)
    if found is None:
        raise NotFound(f"there is no entity map {id}")
    return found
