"""What was, written by clients: histories, and single instances of them (5.6.11-5.6.16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context import lexical, read
from kitamae.kernel.context.api.answer import Answer, created
from kitamae.kernel.context.api.asked import segment, uri
from kitamae.kernel.context.store import InstanceQuery
from kitamae.kernel.context.temporal import write
from kitamae.kernel.problems import BadRequest, NotFound

if TYPE_CHECKING:
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Attribute, Attributes, Entity
    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.policy import Action

_NOT_ATTRIBUTES: Final = frozenset({"id", "type", "@id", "@type"})


async def create(x: Exchange) -> Answer:
    """POST temporal/entities: a history, or more of it (5.6.11)."""
    request, payload = await x.document()
    entity = read.entity(payload, request.context, temporal=True)
    request.demand_types("write", entity["type"])
    id = entity["id"]
    instances = write.instances(id, entity["attrs"], request.broker.clock())

    async def work(tx: Transaction) -> bool:
        head: Entity = {**entity, "attrs": {}}
        known = await _known(request, tx, id, "write")
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
        await _demand_known(request, tx, id, "write")
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
        await _demand_known(request, tx, id, "write")
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


async def _known(request: Request, tx: Transaction, id: str, action: Action) -> Entity | None:
    """What is remembered of an entity. Raises NotSignedIn, Forbidden, for who may not do that to it."""
    entity = await tx.remembered(request.tenant, id)
    if entity is not None:
        request.demand_types(action, entity["type"])
    return entity


async def _demand_known(request: Request, tx: Transaction, id: str, action: Action) -> None:
    """Raises NotFound for what is not remembered, and as `_known`."""
    if await _known(request, tx, id, action) is None:
        raise NotFound(f"nothing is remembered of an entity {id}")


async def _drop(request: Request, id: str, query: InstanceQuery) -> int:
    """How many. Raises as `_demand_known`."""

    async def work(tx: Transaction) -> int:
        await _demand_known(request, tx, id, "delete")
        return await tx.drop_instances(query)

    return await request.broker.store.transact(work)
