"""Queries over an entity map (5.5.9.3, 5.5.14, 5.7.2.4): made once, walked page by page, each page judged anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import orjson

from kitamae.kernel.context.api import distributed, questions, source
from kitamae.kernel.context.api.asked import segment
from kitamae.kernel.context.api.distributed import Gathered, Sources
from kitamae.kernel.context.entity_maps import HERE, MOST
from kitamae.kernel.context.lexical import is_uri
from kitamae.kernel.context.registration.peers import INVALID, Unanswered
from kitamae.kernel.context.temporal import period
from kitamae.kernel.context.veil import hidden_in
from kitamae.kernel.problems import TooManyResults

if TYPE_CHECKING:
    from kitamae.kernel.context.api.answer import Header
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.api.questions import Source
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.entity_maps import EntityMap
    from kitamae.kernel.context.query.tree import EntityQuery

PATH: Final = "/ngsi-ld/v1/entityMaps/"
_HEADER: Final = b"ngsild-entitymap"
_AT_ONCE: Final = 100
"""Entities looked at together."""
CREATES: Final = "createEntityMapQueryEntity"


def wanted_map(x: Exchange, request: Request) -> bool:
    """Does the request ask for a map, or come with one?"""
    return _HEADER in x.headers or bool(request.params.get("entityMap"))


def given(x: Exchange, request: Request) -> EntityMap | None:
    """The map that the request comes with; None: there is none, or it is gone, so that a new one is made."""
    reference = x.headers.get(_HEADER, b"").decode("latin-1").strip()
    id = unquote(reference.rstrip("/").rsplit("/", 1)[-1])
    return found(request, id) if id else None


def found(request: Request, id: str) -> EntityMap | None:
    """None: there is none, or it is of somebody who sees other things than the caller: which entities he found may tell of them."""
    map = request.broker.entity_maps.find(request.tenant, id, request.broker.clock())
    return map if map is not None and map.hidden == hidden_in(request.broker.store) else None


def header(map: EntityMap) -> Header:
    """Where the map is."""
    return (_HEADER, f"{PATH}{segment(map.id)}".encode("ascii"))


def kept(request: Request, members: dict[str, list[str]], linked: dict[str, str]) -> EntityMap:
    """A new map with the lifetime that was asked for, as far as it is granted. Raises BadRequest."""
    now, wished = request.broker.clock(), request.params.get("entityMapLifetime")
    lifetime = None if wished is None else period.parse(wished).boundary(now, 1) - now
    hidden = hidden_in(request.broker.store)
    return request.broker.entity_maps.keep(request.tenant, members, linked, now, lifetime, hidden)


async def create(x: Exchange, request: Request, wanted: EntityQuery) -> tuple[EntityMap, list[Header]]:
    """All that the query selects, here and elsewhere (5.14.4). Raises TooManyResults, BadRequest."""
    asked = distributed.of_query(x, request, wanted)
    every = distributed.unjudged(wanted) if distributed.is_split(request) and asked else wanted
    members: dict[str, list[str]] = {}
    async for row in request.broker.store.stream(every):
        add(members, orjson.loads(row.doc)["id"], HERE)
    linked: dict[str, str] = {}
    plain, warnings = Sources(apart=asked.apart), [*asked.warnings]
    shows_all = (
        hidden_in(request.broker.store) is None
    )  # a map has ids alone: which of them he may know, it does not say
    for one in asked.found:
        try:
            offered = shows_all and CREATES in one.registration.operations
            mine = await _theirs(x, request, one) if offered else None
        except Unanswered as silence:
            warnings.append(source.warning(request, silence.code, f"{one.registration.id}: {silence}"))
            continue
        if mine is None:
            plain.found.append(one)
            continue
        linked[one.registration.id], ids = mine
        for id in ids:
            add(members, id, one.registration.id)
    gathered = await distributed.query(x, request, plain, wanted)
    for id, sources in gathered.by.items():
        for one_of in sources:
            add(members, id, one_of)
    return kept(request, members, linked), warnings + gathered.warnings


def add(members: dict[str, list[str]], id: str, where: str) -> None:
    """That entity is known there. Raises TooManyResults."""
    known = members.setdefault(id, [])
    if where not in known:
        known.append(where)
    if len(members) > MOST:
        raise TooManyResults(f"the query selects more than {MOST} entities: no map holds them")


async def _theirs(x: Exchange, request: Request, asked: Source) -> tuple[str, list[str]] | None:
    """The map that the source makes: its id, and the entities in it; None: it makes none. Raises Unanswered."""
    words = await source.words(request, asked.registration, request.context)
    split = distributed.is_split(request)
    narrowed = questions.for_query(request, asked, words, split=split)
    reply = await questions.ask(x, request, asked, words, "GET", "entityMaps", narrowed)
    if not reply.done:
        return None
    told = reply.json()
    ids = told.get("entityMap") if isinstance(told, dict) else None
    if not isinstance(ids, dict) or not isinstance(told.get("id"), str):
        raise Unanswered("its answer is no entity map", INVALID)
    return told["id"], [id for id in ids if is_uri(id) and asked.knows(id)][:MOST]


async def page(
    x: Exchange, request: Request, wanted: EntityQuery, map: EntityMap
) -> tuple[list[Entity], int, list[Header]]:
    """The entities of the page, how many there are in all, and warnings. Who fits no more leaves the map.

    With `count` the whole map is walked; without, no further than the page.
    """
    candidates = [id for id in map.members if not wanted.ids or id in wanted.ids]
    start = 0 if wanted.count else wanted.offset
    found: list[Entity] = []
    warnings: list[Header] = []
    passed = start
    for at in range(start, len(candidates), _AT_ONCE):
        if not wanted.count and len(found) > wanted.limit:
            break
        ids = candidates[at : at + _AT_ONCE]
        entities, told = await _look(x, request, wanted, map, ids)
        warnings += [one for one in told if one not in warnings]
        if not told:
            request.broker.entity_maps.prune(map, [id for id in ids if id not in entities])
        found += entities.values()
        passed = at + len(ids)
    count = start + len(found) + len(candidates) - passed
    skip = wanted.offset - start
    return found[skip : skip + wanted.limit], count, warnings


async def _look(
    x: Exchange, request: Request, wanted: EntityQuery, map: EntityMap, ids: list[str]
) -> tuple[dict[str, Entity], list[Header]]:
    """Some of the map's entities as they are now, in its order; only those who knew them are asked."""
    these = replace(wanted, ids=tuple(ids), id_pattern=None, order=(), offset=0, limit=len(ids), count=False)
    narrowed = replace(request, params={**request.params, "id": tuple(ids)})
    sources = {one for id in ids for one in map.members[id]}
    asked = distributed.of_query(x, narrowed, these)
    asked.found = [one for one in asked.found if one.registration.id in sources]
    gathered = await distributed.query(x, narrowed, asked, these, maps=map.linked) if asked else Gathered()
    entities, _ = await distributed.page(narrowed, these, gathered)
    known = {entity["id"]: entity for entity in entities}
    return {id: known[id] for id in ids if id in known}, gathered.warnings
