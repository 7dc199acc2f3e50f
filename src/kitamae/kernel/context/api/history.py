"""What was, read: the temporal evolution of entities (5.7.3, 5.7.4)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import orjson

from kitamae.kernel.context import represent
from kitamae.kernel.context.api import (
    consumption,
    distributed_history,
    mapped,
    mapped_history,
    negotiation,
    query_object,
    selection,
)
from kitamae.kernel.context.api.answer import Answer
from kitamae.kernel.context.api.asked import uri
from kitamae.kernel.context.api.distributed_history import Remembered
from kitamae.kernel.context.api.evolution import asked
from kitamae.kernel.context.api.past import select
from kitamae.kernel.context.api.rendering import in_context
from kitamae.kernel.context.entity_maps import HERE
from kitamae.kernel.context.languages import choose
from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.query.tree import EntityQuery
from kitamae.kernel.context.store import InstanceQuery
from kitamae.kernel.context.temporal import aggregate, page, scopes
from kitamae.kernel.context.temporal import represent as represented
from kitamae.kernel.problems import BadRequest, NotFound

Rendered = TypeVar("Rendered")

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.context.api.answer import Header
    from kitamae.kernel.context.api.evolution import Evolution
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.store import Figures, Instance, Readings
    from kitamae.kernel.context.temporal.query import Aggregation
    from kitamae.kernel.context.temporal.scopes import Span

    Series = dict[str, list[dict[str, Any]]]  # expanded name -> what is shown of its history

_MUCH: Final = 500
"""Entities and instances that are put into their form on the event loop, some ten milliseconds of work."""
_ALL: Final[Mapping[str, tuple[Span, ...]]] = {}
_POINTS: Final = 20
"""Plain readings that cost as much as one of those."""


async def retrieve(x: Exchange, id: str) -> Answer:
    """GET temporal/entities/{id}."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    uri(id)
    request = await x.request()
    what = asked(request, required=False)
    entity = await _remembered(request, id)
    known = [] if entity is None else [HERE]
    theirs = Remembered()
    sources = distributed_history.of_entity(x, request, id, what)
    if (map := mapped.given(x, request)) is not None:  # then those in it alone
        sources.found = [one for one in sources.found if one.registration.id in map.members.get(id, ())]
    if sources:
        theirs = await distributed_history.one(x, request, sources, id)
        entity = distributed_history.together(entity, theirs.heads.get(id))
    if entity is None:
        raise NotFound(f"nothing is remembered of an entity {id}")
    request.demand_types("read", entity["type"])
    shown, range_ = await _show(request, [entity], what, theirs)
    if not shown[0] or _nothing_of(what, shown[0], request):
        raise NotFound(f"nothing is remembered of those attributes of {id}")
    told = [*theirs.warnings]
    if mapped.wanted_map(x, request):
        map = map or mapped.kept(request, {id: [*known, *theirs.by.get(id, ())]}, {})
        told.append(mapped.header(map))
    return _answer(x, request, media, shown[0], range_, told)


def _nothing_of(what: Evolution, shown: dict[str, Any], request: Request) -> bool:
    """Attributes were named, and there is none of them."""
    return bool(what.attrs) and not any(request.context.compact(name) in shown for name in what.attrs or ())


async def query(x: Exchange) -> Answer:
    """GET temporal/entities."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    return await _query(x, await x.request(), media)


async def query_by_post(x: Exchange) -> Answer:
    """POST temporal/entityOperations/query with a Query object."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request, document = await x.document()
    return await _query(x, query_object.asked(request, document, temporal=True), media)


async def _query(x: Exchange, request: Request, media: str) -> Answer:
    what = asked(request, required=True)
    wanted = await selection.of_document(request, x.size)
    for key in wanted.order:
        if key.path != "id":
            raise BadRequest("orderBy: history is ordered by id alone")
    request.demand_types("read", selection.types_of(wanted))
    theirs, status = Remembered(), 200
    told: list[Header] = []
    if mapped.wanted_map(x, request):
        selected, theirs, map, new = await mapped_history.page(x, request, wanted, what)
        status, told = 201 if new else 200, [mapped.header(map)]
    elif sources := distributed_history.of_query(x, request, wanted, what):
        theirs = await distributed_history.many(x, request, sources, wanted)
        selected = await distributed_history.page(request, wanted, what, theirs)
    else:
        selected = await select(request.broker, wanted, what)
    shown, range_ = await _show(request, selected.entities, what, theirs, selected.within)
    more = consumption.page_headers(x, media, wanted, selected.more, selected.count)
    told += [*more, *theirs.warnings]
    return _answer(x, request, media, [one for one in shown if one], range_, told, status)


async def _show(
    request: Request,
    entities: list[Entity],
    what: Evolution,
    theirs: Remembered,
    within: Mapping[str, tuple[Span, ...]] = _ALL,
) -> tuple[list[dict[str, Any]], page.Range | None]:
    """`theirs`: what others remember; `within`: entity -> the only moments that are meant."""
    most, theirs = request.broker.limits.instances, distributed_history.seen(request, entities, theirs)
    ids = tuple(entity["id"] for entity in entities)
    history = what.history(request.tenant, ids, most + 1)
    if within and history.last is not None:
        history = replace(history, last=most + 1)  # the last ones of those moments are chosen among more
    if (aggregation := what.when.aggregation) is not None:
        figures = await _figures(request, what, history, aggregation, theirs, within)
        return [_shown(request, one, figures.get(one["id"], {}), what) for one in entities], None
    whole = not within and not theirs.instances
    if ids and whole and (plain := await _readings(request, what, history, most)) is not None:
        return await _beside(len(ids), _measured, request, entities, plain, what), None
    found = await _meant(request, what, history, theirs, within) if ids and what.attrs != () else []
    return await _beside(len(found) + len(ids), _rendered, request, entities, found, what)


async def _meant(
    request: Request,
    what: Evolution,
    history: InstanceQuery,
    theirs: Remembered,
    within: Mapping[str, tuple[Span, ...]],
) -> list[Instance]:
    """What is remembered, here and elsewhere."""
    found = await request.broker.store.instances(history)
    if within:
        found = _of_moments(found, what, within)
    if theirs.instances:
        told = (one for id in history.entities for one in theirs.instances.get(id, ()))
        found = distributed_history.merged(found, told, what.when, what.attrs)
    return found


def _of_moments(
    found: list[Instance], what: Evolution, within: Mapping[str, tuple[Span, ...]]
) -> list[Instance]:
    kept = [
        one for one in found if one.entity not in within or scopes.within(one, within[one.entity], what.when)
    ]
    if what.when.last is None:
        return kept
    series: dict[tuple[str, str, str], list[Instance]] = {}
    for one in kept:
        series.setdefault((one.entity, one.name, one.attribute.get("datasetId", "")), []).append(one)
    return [one for some in series.values() for one in some[-what.when.last :]]


async def _beside(size: int, render: Callable[..., Rendered], *given: Any) -> Rendered:
    """Much history is put into its form in a thread: it may take seconds, and others are served meanwhile."""
    return await asyncio.to_thread(render, *given) if size > _MUCH else render(*given)


def _measured(
    request: Request, entities: list[Entity], plain: dict[str, Series], what: Evolution
) -> list[dict[str, Any]]:
    return [_shown(request, one, plain.get(one["id"], {}), what) for one in entities]


def _rendered(
    request: Request, entities: list[Entity], found: list[Instance], what: Evolution
) -> tuple[list[dict[str, Any]], page.Range | None]:
    now = request.broker.clock()
    found = [
        one for one in found if "expiresAt" not in one.attribute or not expiry.expired(one.attribute, now)
    ]
    kept, _, range_ = page.cut(found, what.when, request.broker.limits.instances)
    of: dict[str, list[Instance]] = {}
    for one in kept:
        of.setdefault(one.entity, []).append(one)
    shown = {entity["id"]: _present(request, entity, of.get(entity["id"], []), what) for entity in entities}
    if range_ is not None:
        for one in found:  # what has instances only beyond this range is shown to be there
            if one.name not in (what.form.omit or ()):
                name = request.context.compact(one.name)
                shown[one.entity].setdefault(name, represented.nothing(one, what.when))
    return list(shown.values()), range_


async def _figures(
    request: Request,
    what: Evolution,
    history: InstanceQuery,
    aggregation: Aggregation,
    theirs: Remembered,
    within: Mapping[str, tuple[Span, ...]],
) -> dict[str, Series]:
    """Entity -> the figures of its attributes."""
    if not history.entities or what.attrs == ():
        return {}
    store, now = request.broker.store, request.broker.clock()
    if within or theirs.instances:
        meant = await _meant(request, what, history, theirs, within)
        found = await _beside(len(meant), aggregate.figures, meant, history, aggregation, now)
    else:
        found = await store.aggregate(history, aggregation, now)
    of: dict[str, list[Figures]] = {}
    for one in found:
        of.setdefault(one.entity, []).append(one)
    points = sum(len(figures) for some in of.values() for one in some for figures in one.told.values())
    return await _beside(points // _POINTS, _periods, of)


def _periods(of: dict[str, list[Figures]]) -> dict[str, Series]:
    return {id: represented.aggregated(some) for id, some in of.items()}


async def _readings(
    request: Request, what: Evolution, history: InstanceQuery, most: int
) -> dict[str, Series] | None:
    """Entity -> what it measured, if that is nothing but numbers and fits into one answer: a tenth of the work."""
    if what.when.format != "temporalValues" or what.when.timeproperty != "observedAt" or what.attrs == ():
        return None
    found = await request.broker.store.readings(history)
    if not all(one.plain and len(one.points) <= most for one in found):
        return None
    of: dict[str, list[Readings]] = {}
    for one in found:
        of.setdefault(one.entity, []).append(one)
    points = sum(len(one.points) for one in found)
    return await _beside(points // _POINTS, _series, of)


def _series(of: dict[str, list[Readings]]) -> dict[str, Series]:
    return {id: represented.readings(some) for id, some in of.items()}


def _present(request: Request, entity: Entity, instances: list[Instance], what: Evolution) -> dict[str, Any]:
    context, form = request.context, what.form
    match what.when.format:
        case "temporalValues":
            series = represented.simplified(instances, what.when, context.word, _in_language(form.lang))
        case _:
            series = represented.normalized(
                instances, lambda one: represent.normalized(one, context, form), what.when.sys_attrs
            )
    return _shown(request, entity, series, what)


def _shown(request: Request, entity: Entity, series: Series, what: Evolution) -> dict[str, Any]:
    """The entity with its attributes' histories."""
    context, form = request.context, what.form
    head: Entity = {**entity, "attrs": {}}
    shown: dict[str, Any] = represent.present(head, context, form)
    omitted = form.omit or frozenset()
    for name, entries in series.items():
        if name not in omitted:
            simple = what.when.format in ("temporalValues", "aggregatedValues")
            shown[context.compact(name)] = entries[0] if simple and len(entries) == 1 else entries
    return shown


def _in_language(lang: str | None) -> Callable[[Json], Json] | None:
    return None if lang is None else lambda words: choose(words, lang)[1]


def _answer(
    x: Exchange,
    request: Request,
    media: str,
    content: dict[str, Any] | list[dict[str, Any]],
    range_: page.Range | None,
    more: Any = (),
    status: int = 200,
) -> Answer:
    """`status`, or 206 with the range that fits (6.3.10)."""
    if range_ is None:
        return in_context(x, request, media, content, list(more), status)
    cut = (b"content-range", range_.header.encode("ascii"))
    return in_context(x, request, media, content, [*more, cut], 206)


async def _remembered(request: Request, id: str) -> Entity | None:
    """An entity that is here, or was, with its history."""
    store = request.broker.store
    row = await store.row(request.tenant, id)
    if row is None:
        query = EntityQuery(request.tenant, ids=(id,), limit=1)
        found = await store.remembered(query, InstanceQuery(request.tenant, (id,)))
        row = found.rows[0] if found.rows else None
    return None if row is None else cast("Entity", orjson.loads(row.doc))
