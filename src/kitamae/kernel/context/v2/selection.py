"""Which entities an NGSIv2 request means, and how they are found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.context.api.distributed import combined
from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.query import pattern
from kitamae.kernel.context.query.parse import MOST
from kitamae.kernel.context.query.tree import All, EntityQuery, TypeQ
from kitamae.kernel.context.v2 import query
from kitamae.kernel.context.v2.names import field, inner_id
from kitamae.kernel.context.v2.problems import NO_ENTITY, TooManyMatches
from kitamae.kernel.context.v2.registration import providers
from kitamae.kernel.problems import BadRequest, NotFound, TooComplex
from kitamae.kernel.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.query.tree import Geo
    from kitamae.kernel.context.store import Row
    from kitamae.kernel.context.v2.exchange import Exchange

_NOTHING: Final = TypeQ((("urn:ngsi-v2:no-such-type",),))
_GEO: Final = ("georel", "geometry", "coords")
_LOCATION: Final = "location"


async def of_parameters(x: Exchange) -> EntityQuery:
    """GET entities. Raises BadRequest."""
    params = x.params
    return await selected(x, params, await conditions(x, params))


async def conditions(x: Exchange, expression: Mapping[str, Any]) -> EntityQuery:
    """q, mq, georel and the service paths; the slice and the order come from the URL. Raises BadRequest."""
    for name in ("q", "mq", *_GEO):
        if name in expression and not isinstance(expression[name], str):
            raise BadRequest(f"{name}: must be a string")
    nodes = []
    if "q" in expression:
        nodes.append(query.q(expression["q"], x.words))
    if "mq" in expression:
        nodes.append(query.mq(expression["mq"], x.words))
    limits, geo = x.broker.limits, await _geo(x, expression)
    return replace(
        within(x, x.paths),
        q=All(tuple(nodes)) if len(nodes) > 1 else nodes[0] if nodes else None,
        geo=geo,
        order=query.order(x.params["orderBy"], x.words, geo) if "orderBy" in x.params else (),
        limit=x.whole("limit", limits.page, limits.page_most),
        offset=x.whole("offset", 0, limits.offset_most),
        count="count" in x.params.get("options", "").split(","),
    )


def within(x: Exchange, paths: str) -> EntityQuery:
    """Whatever is in these service paths. Raises BadRequest."""
    scope, root = query.scope(paths)
    if root is None:
        return EntityQuery(x.request.tenant, scope=scope)
    below = [one for together in scope.any_of for one in together] if scope else []
    return EntityQuery(x.request.tenant, v2_path=",".join([root, *below]))


async def _geo(x: Exchange, given: Mapping[str, Any]) -> Geo | None:
    there = [name for name in _GEO if name in given]
    if not there:
        return None
    if len(there) < 3:
        raise BadRequest("Invalid query: georel, geometry and coords belong together")
    return query.geo(given["georel"], given["geometry"], given["coords"], await place(x))


async def place(x: Exchange) -> str:
    """The attribute that says where an entity is: `location`, or else the geo attribute that most entities have."""
    found = await x.broker.store.attributes(x.request.tenant)
    location = x.words.expand(_LOCATION)
    geo = {name: one["count"] for name, one in found.items() if "GeoProperty" in one["kinds"]}
    return location if location in geo or not geo else max(sorted(geo), key=lambda name: geo[name])


async def selected(x: Exchange, given: Mapping[str, Any], wanted: EntityQuery) -> EntityQuery:
    """With id, idPattern, type and typePattern of the URL or of one element of op/query. Raises BadRequest."""
    for one, other in (("id", "idPattern"), ("type", "typePattern")):
        if one in given and other in given:
            raise BadRequest(f"Incompatible parameters: {one}, {other}")
    for name in ("id", "idPattern", "type", "typePattern"):
        if name in given and (not isinstance(given[name], str) or not given[name]):
            raise BadRequest(f"{name}: must be a string that is not empty")
    if "id" in given:
        ids = given["id"].split(",")
        if len(ids) > MOST:
            raise TooComplex(f"id: at most {MOST} are read at once")
        wanted = replace(wanted, ids=tuple(inner_id(field(one, "id")) for one in ids))
    elif given.get("idPattern") not in (None, ".*"):
        v2_path = wanted.v2_path or ""
        wanted = replace(wanted, id_pattern=pattern.checked(given["idPattern"]), v2_path=v2_path)
    if "type" in given:
        types = [field(one, "type") for one in given["type"].split(",")]
        wanted = replace(wanted, types=TypeQ(tuple((x.words.expand(one),) for one in types)))
    elif given.get("typePattern") not in (None, ".*"):
        found = pattern.compiled(given["typePattern"])
        there = await x.broker.store.types(x.request.tenant)
        types = [name for name in there if found(x.words.compact(name))]
        wanted = replace(wanted, types=TypeQ(tuple((name,) for name in types)) if types else _NOTHING)
    return wanted


async def find(x: Exchange, wanted: EntityQuery) -> tuple[list[Entity], int | None]:
    """A page of those that may be read, and how many there are. Raises NotSignedIn, Forbidden."""
    found = await x.broker.store.find(wanted)
    return await _readable(x, found.rows), found.count


async def find_any(
    x: Exchange, alternatives: list[EntityQuery], attrs: frozenset[str] = frozenset()
) -> tuple[list[Entity], int | None]:
    """The same for alternatives, each entity once, and with what others know: those that are here come first.

    `attrs`: expanded names that are asked for; none: any.
    """
    parts = await providers.gather(x, alternatives, attrs)
    if not parts:
        return await _here(x, alternatives)
    first = alternatives[0]
    found, count = await _here(x, [replace(one, count=True) for one in alternatives])
    ours = await _matching(x, alternatives, tuple(parts))
    others = [id for id in parts if id not in ours]
    skip, room = max(0, first.offset - (count or 0)), max(0, first.limit - len(found))
    shown = [
        *(combined(x.request, one, parts.get(one["id"], ())) for one in found),
        *(combined(x.request, None, parts[id]) for id in others[skip : skip + room]),
    ]
    entities = [one for one in shown if one is not None]
    for one in entities[len(found) :]:
        x.request.demand_types("read", one["type"])
    return entities, (count or 0) + len(others) if first.count else None


async def _here(x: Exchange, alternatives: list[EntityQuery]) -> tuple[list[Entity], int | None]:
    """Each entity once, in the order of creation or as asked."""
    if len(alternatives) == 1:
        return await find(x, alternatives[0])
    first, turns = alternatives[0], Turns(x.broker.limits.seconds)
    end = first.offset + first.limit
    rows: dict[int, Row] = {}
    every: set[int] = set()
    for one in alternatives:
        await turns.next()
        found = (await x.broker.store.find(replace(one, offset=0, limit=end, count=False))).rows
        rows.update({row.key: row for row in found})
        if not first.order:
            rows = {key: rows[key] for key in sorted(rows)[:end]}
        if first.count:
            async for row in x.broker.store.stream(one):
                await turns.next()
                every.add(row.key)
        elif first.order and len(rows) >= end:
            break
    page = list(rows.values())[first.offset : end]
    return await _readable(x, page), len(every) if first.count else None


async def _matching(x: Exchange, alternatives: list[EntityQuery], ids: tuple[str, ...]) -> set[str]:
    """Which of these are here, and match."""
    found: set[str] = set()
    for one in alternatives:
        narrowed = tuple(id for id in ids if not one.ids or id in one.ids)
        if narrowed:
            few = replace(one, ids=narrowed, offset=0, limit=len(narrowed), count=False, order=())
            found |= {orjson.loads(row.doc)["id"] for row in (await x.broker.store.find(few)).rows}
    return found


async def _readable(x: Exchange, rows: list[Row]) -> list[Entity]:
    now, turns = x.broker.clock(), Turns()
    allowed: set[tuple[str, ...]] = set()
    found = []
    for row in rows:
        await turns.next()
        entity = expiry.alive(orjson.loads(row.doc), now)
        if entity is None:
            continue
        types = tuple(entity["type"])
        if types not in allowed:
            x.request.demand_types("read", types)
            allowed.add(types)
        found.append(entity)
    return found


async def one(x: Exchange, id: str, paths: str) -> Entity:
    """The entity here with this id, of the `type` in the URL, in those service paths. Raises NotFound, TooManyMatches."""
    found = await _only(x, _named(x, id, paths))
    if found is None:
        raise NotFound(NO_ENTITY)
    return found


async def known(x: Exchange, id: str, attrs: frozenset[str]) -> Entity:
    """The same in the service paths of a query, with what others know of it. `attrs`: expanded names that are asked for."""
    wanted = _named(x, id, x.paths)
    found = await _only(x, wanted)
    if found is None or not attrs or not attrs <= found["attrs"].keys():
        parts = await providers.gather(x, [wanted], attrs)
        told = combined(x.request, found, parts.get(wanted.ids[0], ()))
        if found is None and told is not None:
            x.request.demand_types("read", told["type"])
        found = told
    if found is None:
        raise NotFound(NO_ENTITY)
    return found


def _named(x: Exchange, id: str, paths: str) -> EntityQuery:
    types = TypeQ()
    if "type" in x.params:
        types = TypeQ(((x.words.expand(field(x.params["type"], "type")),),))
    return replace(within(x, paths), ids=(x.inner(id),), types=types, limit=2)


async def _only(x: Exchange, wanted: EntityQuery) -> Entity | None:
    found, _ = await find(x, wanted)
    if len(found) > 1:
        raise TooManyMatches("More than one matching entity. Please refine your query")
    return found[0] if found else None
