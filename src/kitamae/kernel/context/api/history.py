"""What was: the temporal evolution of entities, read (5.7.3, 5.7.4) and written by clients (5.6.11-5.6.16)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from kitamae.kernel.context import lexical, read, represent
from kitamae.kernel.context.api import consumption, linked, negotiation, selection, views
from kitamae.kernel.context.api.answer import Answer, created
from kitamae.kernel.context.api.asked import segment, uri
from kitamae.kernel.context.api.past import select
from kitamae.kernel.context.api.rendering import in_context
from kitamae.kernel.context.languages import choose
from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.query.tree import EntityQuery
from kitamae.kernel.context.store import InstanceQuery
from kitamae.kernel.context.temporal import page, write
from kitamae.kernel.context.temporal import query as temporal
from kitamae.kernel.context.temporal import represent as evolution
from kitamae.kernel.problems import BadRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Attribute, Attributes, Entity, Json
    from kitamae.kernel.context.store import Instance, Readings, Transaction
    from kitamae.kernel.context.temporal.query import TemporalQuery

    Series = dict[str, list[dict[str, Any]]]  # expanded name -> what is shown of its history

_NOT_ATTRIBUTES: Final = frozenset({"id", "type", "@id", "@type"})
_MEMBERS: Final = frozenset({"id", "type", "scope"})


@dataclass(frozen=True, slots=True)
class Evolution:
    """What is asked of history: when, which attributes (expanded; None: all), and how it is to look."""

    when: TemporalQuery
    attrs: tuple[str, ...] | None
    datasets: tuple[str, ...]
    form: represent.Form

    def history(self, tenant: str, entities: tuple[str, ...] = (), limit: int | None = None) -> InstanceQuery:
        """What to ask the store for."""
        return self.when.history(tenant, entities, self.attrs or (), self.datasets, limit)


def asked(request: Request, *, required: bool) -> Evolution:
    """From the parameters. Raises BadRequest."""
    params = request.params
    texts = {
        name: ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in params.items()
        if name in _TEMPORAL
    }
    when = temporal.parse(texts, required=required)
    shape = {name: value for name, value in params.items() if name in _SHAPE}
    level = views.level_of(shape, request.context, negotiation.JSON)
    if linked.depth(level.pick) or linked.depth(level.omit):
        raise BadRequest("pick and omit: history does not follow relationships")
    form = level.form
    if when.format == "concise":
        form = replace(form, format="concise")
    form = replace(form, sys_attrs=when.sys_attrs)
    chosen = form.attrs
    if chosen is None and form.pick is not None:
        chosen = form.pick - _MEMBERS
    attrs = None if chosen is None else tuple(sorted(chosen))
    return Evolution(when, attrs, params.get("datasetId", ()), form)


_TEMPORAL: Final = frozenset(
    {
        "aggrMethods",
        "aggrPeriodDuration",
        "endTimeAt",
        "format",
        "lastN",
        "options",
        "timeAt",
        "timeproperty",
        "timerel",
    }
)
_SHAPE: Final = frozenset({"attrs", "datasetId", "lang", "omit", "pick"})


async def retrieve(x: Exchange, id: str) -> Answer:
    """GET temporal/entities/{id}."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    uri(id)
    request = await x.request()
    what = asked(request, required=False)
    entity = await _remembered(request, id)
    if entity is None:
        raise NotFound(f"nothing is remembered of an entity {id}")
    request.demand_types("read", entity["type"])
    shown, range_ = await _show(request, [entity], what)
    if not shown[0] or _nothing_of(what, shown[0], request):
        raise NotFound(f"nothing is remembered of those attributes of {id}")
    return _answer(x, request, media, shown[0], range_)


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
    return await _query(x, selection.from_document(request, document, temporal=True), media)


async def _query(x: Exchange, request: Request, media: str) -> Answer:
    what = asked(request, required=True)
    wanted = selection.entities(request)
    for key in wanted.order:
        if key.path != "id":
            raise BadRequest("orderBy: history is ordered by id alone")
    request.demand_types("read", selection.types_of(wanted))
    selected = await select(request.broker.store, wanted, what)
    shown, range_ = await _show(request, selected.entities, what)
    more = consumption.page_headers(x, wanted, selected.more, selected.count)
    return _answer(x, request, media, [one for one in shown if one], range_, more)


async def _show(
    request: Request, entities: list[Entity], what: Evolution
) -> tuple[list[dict[str, Any]], page.Range | None]:
    most = request.broker.limits.instances
    ids = tuple(entity["id"] for entity in entities)
    history = what.history(request.tenant, ids, most + 1)
    if ids and (plain := await _readings(request, what, history, most)) is not None:
        return [_shown(request, one, plain.get(one["id"], {}), what) for one in entities], None
    found = await request.broker.store.instances(history) if ids and what.attrs != () else []
    now = request.broker.clock()
    found = [
        one for one in found if "expiresAt" not in one.attribute or not expiry.expired(one.attribute, now)
    ]
    kept, _, range_ = page.cut(found, what.when, most)
    of: dict[str, list[Instance]] = {}
    for one in kept:
        of.setdefault(one.entity, []).append(one)
    shown = {entity["id"]: _present(request, entity, of.get(entity["id"], []), what) for entity in entities}
    if range_ is not None:
        for one in found:  # what has instances only beyond this range is shown to be there
            if one.name not in (what.form.omit or ()):
                shown[one.entity].setdefault(request.context.compact(one.name), [])
    return list(shown.values()), range_


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
    return {id: evolution.readings(some) for id, some in of.items()}


def _present(request: Request, entity: Entity, instances: list[Instance], what: Evolution) -> dict[str, Any]:
    context, form = request.context, what.form
    match what.when.format:
        case "temporalValues":
            series = evolution.simplified(instances, what.when, context.compact, _in_language(form.lang))
        case "aggregatedValues":
            series = evolution.aggregated(instances, what.when)
        case _:
            series = evolution.normalized(
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
) -> Answer:
    """200, or 206 with the range that fits (6.3.10)."""
    if range_ is None:
        return in_context(x, request, media, content, list(more))
    cut = (b"content-range", range_.header.encode("ascii"))
    return in_context(x, request, media, content, [*more, cut], 206)


async def create(x: Exchange) -> Answer:
    """POST temporal/entities: a history, or more of it (5.6.11)."""
    request, payload = await x.document()
    entity = read.entity(payload, request.context, temporal=True)
    request.demand_types("write", entity["type"])
    id = entity["id"]
    instances = write.instances(id, entity["attrs"], request.broker.clock())

    async def work(tx: Transaction) -> bool:
        head: Entity = {**entity, "attrs": {}}
        known = await _known(request, tx, id)
        if known is not None:  # types are added to those known
            types = list(dict.fromkeys([*known["type"], *entity["type"]]))
            head = {**known, **head, "type": types}
        await tx.remember(request.tenant, head)
        await tx.add_instances(request.tenant, id, instances)
        return known is None

    if not await request.broker.store.transact(work):
        return Answer(204, None, x.echo(request.tenant))
    answer = created(f"/ngsi-ld/v1/temporal/entities/{segment(id)}")
    answer.headers += x.echo(request.tenant)
    return answer


async def append(x: Exchange, id: str) -> Answer:
    """POST temporal/entities/{id}/attrs (5.6.12)."""
    uri(id)
    request, payload = await x.document()
    fragment = read.fragment(payload, request.context, id=id, temporal=True)
    attrs = cast("Attributes", fragment["attrs"])  # complete, because a history holds no patches
    instances = write.instances(id, attrs, request.broker.clock())

    async def work(tx: Transaction) -> None:
        await _may_write(request, tx, id)
        await tx.add_instances(request.tenant, id, instances)

    await request.broker.store.transact(work)
    return Answer(204, None, x.echo(request.tenant))


async def delete(x: Exchange, id: str) -> Answer:
    """DELETE temporal/entities/{id}: all of its history (5.6.16)."""
    uri(id)
    request = await x.request()
    await _drop(request, id, InstanceQuery(request.tenant, (id,)))
    return Answer(204, None, x.echo(request.tenant))


async def delete_attribute(x: Exchange, id: str, name: str) -> Answer:
    """DELETE temporal/entities/{id}/attrs/{name}: of the default instance, one dataset, or all (5.6.13)."""
    uri(id)
    request = await x.request()
    iri = request.context.expand(name)
    given = request.params.get("datasetId", ())
    datasets = () if request.params.get("deleteAll", False) else (given or ("@none",))
    query = InstanceQuery(request.tenant, (id,), (iri,), datasets)
    if not await _drop(request, id, query):
        raise NotFound(f"nothing is remembered of {name} of {id}")
    return Answer(204, None, x.echo(request.tenant))


async def update_instance(x: Exchange, id: str, name: str, instance: str) -> Answer:
    """PATCH temporal/entities/{id}/attrs/{name}/{instance} (5.6.14)."""
    uri(id)
    lexical.uri(instance, "the instanceId")
    request, payload = await x.document()
    iri = request.context.expand(name)
    patch = read.attribute(_instance_in(payload, name, request), request.context, name)
    query = InstanceQuery(request.tenant, (id,), (iri,), instance=instance)
    found = await request.broker.store.instances(query)
    if not found:
        raise NotFound(f"nothing is remembered under {instance}")
    changed = write.modified(found[0], cast("Attribute", patch), request.broker.clock())

    async def work(tx: Transaction) -> None:
        await _may_write(request, tx, id)
        if not await tx.drop_instances(query):
            raise NotFound(f"nothing is remembered under {instance} any more")
        await tx.add_instances(request.tenant, id, [changed])

    await request.broker.store.transact(work)
    return Answer(204, None, x.echo(request.tenant))


def _instance_in(payload: dict[str, Any], name: str, request: Request) -> Any:
    """The one instance of an entity fragment `{name: [{...}]}`, or the payload itself. Raises BadRequest."""
    expand = request.context.expand
    for given, instances in payload.items():
        if given not in _NOT_ATTRIBUTES and expand(given) == expand(name):
            if isinstance(instances, list) and len(instances) != 1:
                raise BadRequest(f"{name}: expected one instance, got {len(instances)}")
            return instances[0] if isinstance(instances, list) else instances
    return payload


async def delete_instance(x: Exchange, id: str, name: str, instance: str) -> Answer:
    """DELETE temporal/entities/{id}/attrs/{name}/{instance} (5.6.15)."""
    uri(id)
    lexical.uri(instance, "the instanceId")
    request = await x.request()
    iri = request.context.expand(name)
    query = InstanceQuery(request.tenant, (id,), (iri,), instance=instance)
    if not await _drop(request, id, query):
        raise NotFound(f"nothing is remembered under {instance}")
    return Answer(204, None, x.echo(request.tenant))


async def _remembered(request: Request, id: str) -> Entity | None:
    """An entity that is here, or was, with its history."""
    store = request.broker.store
    row = await store.row(request.tenant, id)
    if row is None:
        query = EntityQuery(request.tenant, ids=(id,), limit=1)
        found = await store.remembered(query, InstanceQuery(request.tenant, (id,)))
        row = found.rows[0] if found.rows else None
    return None if row is None else cast("Entity", orjson.loads(row.doc))


async def _known(request: Request, tx: Transaction, id: str) -> Entity | None:
    """What is remembered of an entity that is about to be written. Raises NotSignedIn, Forbidden."""
    entity = await tx.remembered(request.tenant, id)
    if entity is not None:
        request.demand_types("write", entity["type"])
    return entity


async def _may_write(request: Request, tx: Transaction, id: str) -> None:
    """Raises NotFound for what is not remembered, NotSignedIn, Forbidden."""
    if await _known(request, tx, id) is None:
        raise NotFound(f"nothing is remembered of an entity {id}")


async def _drop(request: Request, id: str, query: InstanceQuery) -> int:
    """How many. Raises as `_may_write`."""

    async def work(tx: Transaction) -> int:
        await _may_write(request, tx, id)
        return await tx.drop_instances(query)

    return await request.broker.store.transact(work)
