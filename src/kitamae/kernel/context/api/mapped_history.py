"""Entity maps of questions about history (5.14.5, 6.35), and the pages that they fix."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kitamae.kernel.context.api import (
    distributed_history,
    entity_maps,
    mapped,
    negotiation,
    query_object,
    selection,
)
from kitamae.kernel.context.api.distributed_history import Remembered
from kitamae.kernel.context.api.evolution import asked
from kitamae.kernel.context.api.past import Selected, select
from kitamae.kernel.context.entity_maps import HERE, MOST

if TYPE_CHECKING:
    from kitamae.kernel.context.api.answer import Answer, Header
    from kitamae.kernel.context.api.evolution import Evolution
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity_maps import EntityMap
    from kitamae.kernel.context.query.tree import EntityQuery


async def create(x: Exchange) -> Answer:
    """GET temporal/entityMaps, with the parameters of a query of history."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    return await _create(x, await x.request(), media)


async def create_by_post(x: Exchange) -> Answer:
    """POST temporal/entityMaps, with a Query object."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request, document = await x.document()
    return await _create(x, query_object.asked(request, document, temporal=True), media)


async def _create(x: Exchange, request: Request, media: str) -> Answer:
    what = asked(request, required=True)
    wanted = await selection.of_document(request, x.size)
    request.demand_types("read", selection.types_of(wanted))
    map, warnings = await made(x, request, wanted, what)
    return entity_maps.made(x, request, media, map, warnings)


async def made(
    x: Exchange, request: Request, wanted: EntityQuery, what: Evolution
) -> tuple[EntityMap, list[Header]]:
    """All that the query selects, here and elsewhere. Raises TooManyResults."""
    members: dict[str, list[str]] = {}
    every = replace(wanted, limit=MOST + 1, offset=0, count=False)
    for one in (await select(request.broker, every, what)).entities:
        mapped.add(members, one["id"], HERE)
    sources = distributed_history.of_query(x, request, wanted, what)
    theirs = await distributed_history.many(x, request, sources, wanted) if sources else Remembered()
    for id, known in theirs.by.items():
        for registration in known:
            mapped.add(members, id, registration)
    return mapped.kept(request, members, {}), theirs.warnings


async def page(
    x: Exchange, request: Request, wanted: EntityQuery, what: Evolution
) -> tuple[Selected, Remembered, EntityMap, bool]:
    """The page of the map that the request comes with, or of a new one (True), as it is remembered now."""
    map = mapped.given(x, request)
    told: list[Header] = []
    new = map is None
    if map is None:
        map, told = await made(x, request, wanted, what)
    ids = tuple([*map.members][wanted.offset : wanted.offset + wanted.limit])
    these = replace(wanted, ids=ids, id_pattern=None, offset=0, limit=len(ids), count=False)
    narrowed = replace(request, params={**request.params, "id": ids})
    theirs, selected = Remembered(), Selected()
    if ids:
        sources = distributed_history.of_query(x, narrowed, these, what)
        known = {registration for id in ids for registration in map.members[id]}
        sources.found = [one for one in sources.found if one.registration.id in known]
        theirs = await distributed_history.many(x, narrowed, sources, these) if sources else theirs
        selected = await distributed_history.page(narrowed, these, what, theirs)
    theirs.warnings = list(dict.fromkeys([*told, *theirs.warnings]))
    count = len(map.members)
    more = wanted.offset + wanted.limit < count
    selected = replace(selected, more=more, count=count if wanted.count else None)
    return selected, theirs, map, new
