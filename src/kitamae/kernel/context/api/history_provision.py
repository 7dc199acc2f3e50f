"""What was, written by clients: histories, and single instances of them (5.6.11-5.6.16)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context import lexical, read
from kitamae.kernel.context.api import writing
from kitamae.kernel.context.api.answer import NO_CONTENT, Answer, created
from kitamae.kernel.context.api.asked import segment, uri
from kitamae.kernel.context.api.write import Write
from kitamae.kernel.context.operations import Effect
from kitamae.kernel.context.store import InstanceQuery
from kitamae.kernel.context.temporal import write as history
from kitamae.kernel.context.veil import behind
from kitamae.kernel.problems import BadRequest, NotFound
from kitamae.kernel.turns import aside

if TYPE_CHECKING:
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Attribute, Attributes, Entity
    from kitamae.kernel.context.operations.command import Verb
    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.policy import Action

Work = Callable[["Transaction"], Awaitable["Verb"]]
"""What a write to the history does in its transaction."""
_PIECE: Final = 2_000
"""Instances of a series that are deleted in one transaction."""
_EVER: Final = -(1 << 62)
_NOT_ATTRIBUTES: Final = frozenset({"id", "type", "@id", "@type"})


async def create(x: Exchange) -> Answer:
    """POST temporal/entities: a history, or more of it (5.6.11)."""
    request, payload = await x.document()
    whole = await aside(x.size, lambda: read.entity(payload, request.context, temporal=True))
    request.demand_types("write", whole["type"], whole["id"])
    id = whole["id"]

    def means(part: dict[str, Any]) -> Work:
        entity = whole if part is payload else read.entity(part, request.context, temporal=True)
        instances = history.instances(id, entity["attrs"], request.broker.clock())

        async def work(tx: Transaction) -> Verb:
            head: Entity = {**entity, "attrs": {}}
            known = await _known(request, tx, id, "write")
            if known is not None:  # types are added to those known
                types = list(dict.fromkeys([*known["type"], *entity["type"]]))
                head = {**known, **head, "type": types}
            await tx.remember(request.tenant, head)
            await tx.add_instances(request.tenant, id, instances)
            return "created" if known is None else "updated"

        return work

    write = Write(
        *("upsertTemporal", "POST", "temporal/entities", id, payload),
        means=means,
        types=frozenset(whole["type"]),
        do=_do,
    )
    outcomes, _ = await writing.carried(x, request, write)
    new = any(one.created for one in outcomes)
    done = created(f"/ngsi-ld/v1/temporal/entities/{segment(id)}") if new else NO_CONTENT
    return writing.of_entity(x, request, write, outcomes, done)


async def append(x: Exchange, id: str) -> Answer:
    """POST temporal/entities/{id}/attrs (5.6.12)."""
    uri(id)
    request, payload = await x.document()

    def means(part: dict[str, Any]) -> Work:
        fragment = read.fragment(part, request.context, id=id, temporal=True)
        attrs = cast("Attributes", fragment["attrs"])  # complete, because a history holds no patches
        instances = history.instances(id, attrs, request.broker.clock())

        async def work(tx: Transaction) -> Verb:
            await _demand_known(request, tx, id, "write")
            await tx.add_instances(request.tenant, id, instances)
            return "updated"

        return work

    write = Write(
        *("appendAttrsTemporal", "POST", f"temporal/entities/{segment(id)}/attrs/", id, payload),
        means=means,
        do=_do,
    )
    return await writing.attributes(x, request, write)


async def delete(x: Exchange, id: str) -> Answer:
    """DELETE temporal/entities/{id}: all of its history (5.6.16)."""
    uri(id)
    request = await x.request()
    query = InstanceQuery(request.tenant, (id,))
    write = Write(
        *("deleteTemporal", "DELETE", f"temporal/entities/{segment(id)}", id, None),
        means=lambda _: _drop(request, query),
        do=_do,
    )
    return await writing.entity(x, request, write)


async def delete_attribute(x: Exchange, id: str, name: str) -> Answer:
    """DELETE temporal/entities/{id}/attrs/{name}: of the default instance, one dataset, or all (5.6.13)."""
    uri(id)
    request = await x.request()
    iri = request.context.expand(name)
    given = request.params.get("datasetId", ())
    datasets = () if request.params.get("deleteAll", False) else (given or ("@none",))
    query = InstanceQuery(request.tenant, (id,), (iri,), datasets)
    gone = f"nothing is remembered of {name} of {id}"

    async def drop(request: Request, id: str, last: Work) -> Effect:
        some = await _drop_in_pieces(request, query)
        return await _do(request, id, _drop(request, query) if some else last)

    write = Write(
        *("deleteAttrsTemporal", "DELETE", f"temporal/entities/{segment(id)}/attrs", id, None),
        means=lambda _: _drop(request, query, gone),
        attribute=iri,
        do=drop,
    )
    return await writing.attributes(x, request, write)


async def update_instance(x: Exchange, id: str, name: str, instance: str) -> Answer:
    """PATCH temporal/entities/{id}/attrs/{name}/{instance} (5.6.14)."""
    uri(id)
    lexical.uri(instance, "the instanceId")
    request, payload = await x.document()
    iri = request.context.expand(name)
    patch = read.attribute(_instance_in(payload, name, request), request.context, name)
    query = InstanceQuery(request.tenant, (id,), (iri,), instance=instance)
    gone = f"nothing is remembered under {instance}"

    async def correct(request: Request, id: str, _: Any) -> Effect:
        found = await behind(request.broker.store).instances(query)
        if not found:
            raise NotFound(gone)
        changed = history.modified(found[0], cast("Attribute", patch), request.broker.clock())

        async def work(tx: Transaction) -> Verb:
            await _demand_known(request, tx, id, "write")
            if not await tx.drop_instances(query):
                raise NotFound(gone)
            await tx.add_instances(request.tenant, id, [changed])
            return "updated"

        return await _do(request, id, work)

    write = Write(
        *("updateAttrInstanceTemporal", "PATCH", f"temporal/entities/{segment(id)}/attrs", id, payload),
        means=dict,
        attribute=iri,
        after=f"/{segment(instance)}",
        do=correct,
    )
    return await writing.attributes(x, request, write)


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
    write = Write(
        *("deleteAttrInstanceTemporal", "DELETE", f"temporal/entities/{segment(id)}/attrs", id, None),
        means=lambda _: _drop(request, query, f"nothing is remembered under {instance}"),
        attribute=iri,
        after=f"/{segment(instance)}",
        do=_do,
    )
    return await writing.attributes(x, request, write)


async def _do(request: Request, _: str, work: Work) -> Effect:
    """In one transaction; the present is not touched."""
    return Effect(await request.broker.store.transact(work), None, None)


async def _known(request: Request, tx: Transaction, id: str, action: Action) -> Entity | None:
    """What is remembered of an entity. Raises NotSignedIn, Forbidden, for who may not do that to it."""
    entity = await tx.remembered(request.tenant, id)
    if entity is not None:
        request.demand_types(action, entity["type"], id)
    return entity


async def _demand_known(request: Request, tx: Transaction, id: str, action: Action) -> None:
    """Raises NotFound for what is not remembered, and as `_known`."""
    if await _known(request, tx, id, action) is None:
        raise NotFound(f"nothing is remembered of an entity {id}")


async def _drop_in_pieces(request: Request, query: InstanceQuery) -> bool:
    """From the oldest on, a few thousand a transaction, so that nobody who writes waits for years of them; whether any were.

    The last few thousand are left, and what was never observed at a time. Cut off, it is the client who asks again.
    """
    store, at, some = behind(request.broker.store), _EVER, False
    asked = replace(query, timerel="after", limit=_PIECE + 1)
    while True:
        series: dict[tuple[str, str], list[int]] = {}
        for one in await store.instances(replace(asked, at=at)):
            if one.observed_at is not None:
                key = one.name, one.attribute.get("datasetId", "")
                series.setdefault(key, []).append(one.observed_at)
        ends = [times[_PIECE] for times in series.values() if len(times) > _PIECE]
        if not ends:
            return some
        start = min(times[0] for times in series.values())
        at = max(min(ends), start + 1)  # thousands of one moment go together
        piece = replace(query, timerel="between", at=start, end=at)
        await store.transact(_drop(request, piece))
        some = True


def _drop(request: Request, query: InstanceQuery, nothing: str | None = None) -> Work:
    """Raises as `_demand_known`, and NotFound where there is `nothing`."""

    async def work(tx: Transaction) -> Verb:
        await _demand_known(request, tx, query.entities[0], "delete")
        if not await tx.drop_instances(query) and nothing is not None:
            raise NotFound(nothing)
        return "deleted"

    return work
