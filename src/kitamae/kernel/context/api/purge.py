"""Purge: delete all that a query selects, or attributes of it (5.6.21, 6.4.3.3)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

import orjson

from kitamae.kernel.context.api import distributed, mapped, owner, parameters, selection, source
from kitamae.kernel.context.api.batch import Results
from kitamae.kernel.context.api.permission import change_all
from kitamae.kernel.context.entity_maps import HERE
from kitamae.kernel.context.operations import Purge
from kitamae.kernel.context.registration.peers import Unanswered
from kitamae.kernel.problems import AnsweredTwice, BadRequest, LoopDetected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kitamae.kernel.context.api.answer import Answer, Header
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity_maps import EntityMap
    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.registration.model import Registration

_PASSED: Final = parameters.PURGE - {"csf", "local", "splitEntities"}
_AT_ONCE: Final = 500
"""Entities in one commit."""
_NAMED: Final = 50
"""Entities in one request to a source."""


async def purge(x: Exchange) -> Answer:
    """DELETE entities; `drop` and `keep` name the attributes that go or stay. With an entity map, those of them that are in it."""
    request = await x.request()
    wanted = selection.entities(request)
    expand = request.context.expand
    drop, keep = (frozenset(selection.names(request.params, member, expand)) for member in ("drop", "keep"))
    if drop and keep:
        raise BadRequest("drop and keep say opposite things: give one of them")
    operation = Purge(drop, keep)
    results = Results()
    owners = _owners(x, request, wanted, results)
    map: EntityMap | None = None
    told: list[Header] = []
    if mapped.wanted_map(x, request):
        map = mapped.given(x, request)
        if map is None:
            map, told = await mapped.create(x, request, wanted)
        told.append(mapped.header(map))
    found: list[str] = [orjson.loads(row.doc)["id"] async for row in request.broker.store.stream(wanted)]
    if map is not None:
        found = [id for id in found if HERE in map.members.get(id, ())]
    for start in range(0, len(found), _AT_ONCE):
        chunk = found[start : start + _AT_ONCE]
        for id, effect in zip(
            chunk, await change_all(request, [(id, operation) for id in chunk]), strict=True
        ):
            results.add(id, effect)
    await asyncio.gather(
        *(_send(x, request, one, results, ids) for one in owners for ids in _theirs(one, map, wanted.ids))
    )
    answer = results.answer(x, request)
    return replace(answer, headers=[*answer.headers, *told]) if told else answer


def _theirs(one: Registration, map: EntityMap | None, asked: tuple[str, ...]) -> Iterator[list[str]]:
    """Which entities an owner is asked about, some at a time; an empty list: all that the query selects."""
    if map is None:
        yield []
        return
    named = (id for id, where in map.members.items() if one.id in where and (not asked or id in asked))
    while ids := [*islice(named, _NAMED)]:
        yield ids


def _owners(x: Exchange, request: Request, wanted: EntityQuery, results: Results) -> list[Registration]:
    """Who else is asked to purge. Raises NotSignedIn or Forbidden."""
    visited = source.visited(x)
    circle = request.alias in visited
    owners: list[Registration] = []
    if (may := distributed.permitted(request, wanted)) is None:
        return owners
    for one in source.concerned(request, distributed.question_of(request, may)):
        inclusive = one.mode == "inclusive"
        if one.mode == "auxiliary" or (inclusive and "purgeEntity" not in one.operations):
            continue
        if circle or one.doc.get("contextSourceAlias") in visited:
            if not inclusive:
                results.failed(one.id, LoopDetected(f"the source {one.id} keeps this and would ask us again"))
        elif "purgeEntity" not in one.operations:
            refused = f"the source {one.id} keeps this and does not offer purgeEntity"
            results.failed(one.id, AnsweredTwice(refused))
        else:
            types = {name for info in one.information for entity in info.entities for name in entity.types}
            request.demand_types("write", selection.types_of(wanted) or types)
            owners.append(one)
    return owners


async def _send(x: Exchange, request: Request, one: Registration, results: Results, ids: list[str]) -> None:
    try:
        words = await source.words(request, one, request.context)
        known, also = (_PASSED - {"id"}, [("id", ",".join(ids))]) if ids else (_PASSED, [])
        reply = await owner.ask(x, request, one, "DELETE", "entities", None, words, known=known, also=also)
    except Unanswered as silence:
        results.failed(one.id, owner.unreached(one, silence))
        return
    if reply.status == 207:
        for id, problem in owner.errors(one, reply).items():
            results.failed(one.id, problem, id)
    elif not reply.done:
        results.failed(one.id, owner.refusal(one, reply))
