"""Reading the present: one entity (5.7.1), or all that match a query (5.7.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import orjson

from kitamae.kernel.context import linked
from kitamae.kernel.context.api import (
    distributed,
    joining,
    mapped,
    negotiation,
    query_object,
    selection,
    streaming,
)
from kitamae.kernel.context.api.answer import Answer, Header, of_problem
from kitamae.kernel.context.api.asked import only, uri
from kitamae.kernel.context.api.views import Shown
from kitamae.kernel.context.entity_maps import HERE
from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.query import match
from kitamae.kernel.context.query.tree import EntityQuery
from kitamae.kernel.problems import NotFound
from kitamae.kernel.turns import Turns

if TYPE_CHECKING:
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.api.views import View
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.store import Row


async def retrieve(x: Exchange, id: str) -> Answer:
    """GET entities/{id}."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.WITH_GEO)
    uri(id)
    request = await x.request()
    view = x.application.views.asked(request, media, x.headers.get(b"prefer"))
    row = await request.broker.store.row(request.tenant, id)
    if (sources := distributed.of_entity(x, request, id)) or mapped.wanted_map(x, request):
        return await _retrieve_everywhere(x, request, view, row, id, sources)
    if row is None:
        raise NotFound(f"there is no entity {id}")
    params = request.params
    if params:
        if "type" in params or "attrs" in params:
            _demand_match(request, row)
        if "join" in params or linked.depth(view.level.pick) or linked.depth(view.level.omit):
            return await _retrieve_joined(x, request, row, view)
    shown = show(x, request, row, view, set())
    if shown is None or not shown.text:
        raise NotFound(f"there is no entity {id}, or nothing in it of what was asked for")
    body = view.alone(shown.text)
    status = view.status(orjson.loads(one.doc) for one in (row,))
    return Answer(status, body, view.headers if not request.tenant else view.headers + x.echo(request.tenant))


async def _retrieve_everywhere(
    x: Exchange, request: Request, view: View, row: Row | None, id: str, sources: distributed.Sources
) -> Answer:
    """What is known here, and what other sources say; with an entity map, those in it."""
    map = mapped.given(x, request)
    if map is not None:
        sources.found = [one for one in sources.found if one.registration.id in map.members.get(id, ())]
    gathered = await distributed.entity(x, request, id, sources)
    local = expiry.alive(orjson.loads(row.doc), request.broker.clock()) if row is not None else None
    entity = distributed.combined(request, local, gathered.parts.get(id, ()))
    if entity is None:
        answer = of_problem(
            NotFound(f"there is no entity {id}, here or with {len(sources.found)} other sources")
        )
        answer.headers += x.echo(request.tenant) + gathered.warnings
        return answer
    _demand(request, entity)
    request.demand_types("read", entity["type"])
    headers = view.headers + x.echo(request.tenant) + gathered.warnings
    if mapped.wanted_map(x, request):
        known = [*([HERE] if local is not None else []), *gathered.by.get(id, ())]
        headers.append(mapped.header(map or mapped.kept(request, {id: known}, {})))
    texts = await joined(request, view, [entity])
    status = view.status([entity])
    if request.params.get("join") == "flat":
        return Answer(status, view.many(texts), headers)
    if not texts:
        raise NotFound("nothing is left of the entity of what was asked for")
    return Answer(status, view.alone(texts[0]), headers)


async def _retrieve_joined(x: Exchange, request: Request, row: Row, view: View) -> Answer:
    entity = expiry.alive(orjson.loads(row.doc), request.broker.clock())
    if entity is None:
        raise NotFound(f"there is no entity {x.path}")
    request.demand_types("read", entity["type"])
    headers = view.headers + x.echo(request.tenant)
    texts = await joined(request, view, [entity])
    status = view.status([entity])
    if request.params.get("join") == "flat":
        return Answer(status, view.many(texts), headers)
    if not texts:
        raise NotFound("nothing is left of the entity of what was asked for")
    return Answer(status, view.alone(texts[0]), headers)


async def joined(request: Request, view: View, entities: list[Entity]) -> list[bytes]:
    """With the entities that they lead to, inline or flat. Raises BadRequest where pick or omit reach too far."""
    level = view.level
    for name, projections in (("pick", level.pick), ("omit", level.omit)):
        joining.demand_depth(linked.depth(projections), request, name)
    levels = min(request.params.get("joinLevel", 1), request.broker.limits.join_level)
    joiner = joining.joiner(request)
    match request.params.get("join", "@none"):
        case "flat":
            shown = await joiner.flat(entities, level, levels)
        case "inline":
            shown = [await joiner.inline(entity, level, levels) for entity in entities]
        case _:
            shown = [await joiner.inline(entity, level, 0) for entity in entities]
    if view.media == negotiation.GEO_JSON:
        return [view.feature(one) for one in shown if one]
    return [view.write(one) for one in shown if one]


def show(x: Exchange, request: Request, row: Row, view: View, allowed: set[tuple[str, ...]]) -> Shown | None:
    """The row in this view, rendered now or before; None when it has expired. Raises NotSignedIn, Forbidden.

    `allowed`: types that this request was allowed to read before; more are added.
    """
    answers = x.application.answers
    key = (row.key, row.version, row.lacks, view)
    shown = answers.get(key)
    now = None
    if shown is not None and shown.until is not None:
        now = request.broker.clock()
        if shown.until <= now:
            shown = None
    if shown is None:
        entity: Entity | None = orjson.loads(row.doc)
        until = None
        if b'"expiresAt"' in row.doc:
            entity = expiry.alive(entity, request.broker.clock() if now is None else now)
            until = entity and expiry.earliest(entity)
        if entity is None:
            return None
        text = bytes(
            memoryview(view.show(entity))
        )  # as it is, orjson's text holds on to a buffer of 4 kB and more
        shown = Shown(text, tuple(entity["type"]), until)
        answers.put(key, shown, len(shown.text))
    if shown.types not in allowed:
        request.demand_types("read", shown.types)
        allowed.add(shown.types)
    return shown


def _demand_match(request: Request, row: Row) -> None:
    """`type` must select the entity, and it must have one of `attrs`; otherwise it is not found (5.7.1.4)."""
    _demand(request, orjson.loads(row.doc))


def _demand(request: Request, entity: Entity) -> None:
    types = only(request)
    query = EntityQuery(attrs=selection.names(request.params, "attrs", request.context.expand))
    if types is not None:
        query = replace(query, types=types)
    if not match.entity(query, entity):
        raise NotFound(f"the entity {entity['id']} has none of the types or attributes that were asked for")


async def query(x: Exchange) -> Answer:
    """GET entities."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.QUERIED)
    request = await x.request()
    if media == negotiation.ND_JSON:
        return await streaming.query(x, request)
    view = x.application.views.asked(request, media, x.headers.get(b"prefer"))
    return await _query(x, request, view, x.application.selections.asked(request, x.query_string))


async def query_by_post(x: Exchange) -> Answer:
    """POST entityOperations/query with a Query object."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.WITH_GEO)
    request, document = await x.document()
    request = query_object.asked(request, document)
    view = x.application.views.find(request, media, x.headers.get(b"prefer"))
    return await _query(x, request, view, await selection.of_document(request, x.size))


async def _query(x: Exchange, request: Request, view: View, wanted: EntityQuery) -> Answer:
    request.demand_types("read", selection.types_of(wanted))
    if mapped.wanted_map(x, request):
        return await _query_mapped(x, request, view, wanted)
    if sources := distributed.of_query(x, request, wanted):
        return await _query_everywhere(x, request, view, wanted, sources)
    found = await request.broker.store.find(selection.and_one_more(wanted))
    rows = found.rows[: wanted.limit]
    if "join" in request.params or linked.depth(view.level.pick) or linked.depth(view.level.omit):
        now = request.broker.clock()
        entities = [one for row in rows if (one := expiry.alive(orjson.loads(row.doc), now)) is not None]
        texts = await joined(request, view, entities)
    else:
        allowed: set[tuple[str, ...]] = set()
        texts = []
        turns = Turns()
        for row in rows:
            await turns.next()
            shown = show(x, request, row, view, allowed)
            if shown is not None and shown.text:
                texts.append(shown.text)
    headers = view.headers + x.echo(request.tenant)
    headers += page_headers(x, view.media, wanted, len(found.rows) > wanted.limit, found.count)
    return Answer(view.status(orjson.loads(row.doc) for row in rows), view.many(texts), headers)


async def _query_everywhere(
    x: Exchange, request: Request, view: View, wanted: EntityQuery, sources: distributed.Sources
) -> Answer:
    """What matches here, and what other sources find."""
    gathered = await distributed.query(x, request, sources, wanted)
    entities, count = await distributed.page(request, wanted, gathered)
    return await _paged(x, request, view, wanted, entities, count, gathered.warnings)


async def _query_mapped(x: Exchange, request: Request, view: View, wanted: EntityQuery) -> Answer:
    """A page of the entity map that the request comes with; 201 with a new one, where there is none."""
    map = mapped.given(x, request)
    told: list[Header] = []
    status = 200 if map is not None else 201
    if map is None:
        map, told = await mapped.create(x, request, wanted)
    entities, count, warnings = await mapped.page(x, request, wanted, map)
    warnings = [mapped.header(map), *dict.fromkeys([*told, *warnings])]
    return await _paged(x, request, view, wanted, entities, count, warnings, status)


async def _paged(
    x: Exchange,
    request: Request,
    view: View,
    wanted: EntityQuery,
    entities: list[Entity],
    count: int,
    more: list[Header],
    status: int = 200,
) -> Answer:
    for types in {tuple(one["type"]) for one in entities}:
        request.demand_types("read", types)
    texts = await joined(request, view, entities)
    headers = view.headers + x.echo(request.tenant) + more
    following = wanted.offset + wanted.limit < count
    headers += page_headers(x, view.media, wanted, following, count if wanted.count else None)
    return Answer(view.status(entities, status), view.many(texts), headers)


def page_headers(x: Exchange, media: str, wanted: EntityQuery, more: bool, count: int | None) -> list[Header]:
    """NGSILD-Results-Count, and links to the pages before and after, of the same media type as this one (6.3.10, 6.3.13)."""
    headers: list[Header] = []
    limit, offset = wanted.limit, wanted.offset
    if count is not None:
        headers.append((b"ngsild-results-count", b"%d" % count))
    if limit == 0 or x.scope["method"] == "POST":
        return headers
    if offset > 0:
        headers.append(_page_link(x, media, limit, max(0, offset - limit), "prev"))
    if more:
        headers.append(_page_link(x, media, limit, offset + limit, "next"))
    return headers


def _page_link(x: Exchange, media: str, limit: int, offset: int, rel: str) -> Header:
    """The parameters in alphabetical order: one page, one address."""
    given = dict(x.parameters()) | {"limit": str(limit), "offset": str(offset)}
    text = urlencode(sorted(given.items()), quote_via=quote, safe=":/?@!$'()*,;")
    return (b"link", f'<{x.path.rstrip("/")}?{text}>;rel="{rel}";type="{media}"'.encode("ascii"))
