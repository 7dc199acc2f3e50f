"""Which types and attributes there are (5.7.5-5.7.10, 6.25-6.28)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from kitamae.kernel.context.api import negotiation
from kitamae.kernel.context.api.rendering import in_context
from kitamae.kernel.context.read import MEMBERS
from kitamae.kernel.problems import NotFound

if TYPE_CHECKING:
    from kitamae.kernel.context.api.answer import Answer
    from kitamae.kernel.context.api.exchange import Exchange


async def types(x: Exchange) -> Answer:
    """GET types; with `details` each with its attributes."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request = await x.request()
    request.demand("read", "entity:*")
    store, compact = request.broker.store, request.context.compact
    found = await store.types(request.tenant)
    if not request.params.get("details", False):
        return in_context(x, request, media, _list("EntityTypeList", "typeList", map(compact, found)))
    details = [
        {
            "id": name,
            "type": "EntityType",
            "typeName": compact(name),
            "attributeNames": sorted(map(compact, await store.attributes(request.tenant, name))),
        }
        for name in sorted(found)
    ]
    return in_context(x, request, media, details)


async def type_information(x: Exchange, name: str) -> Answer:
    """GET types/{type}."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request = await x.request()
    store, context = request.broker.store, request.context
    expanded = context.expand(name)
    request.demand("read", f"entity:{expanded}")
    count = (await store.types(request.tenant)).get(expanded)
    if not count:
        raise NotFound(f"there is no entity of the type {expanded}")
    attributes = await store.attributes(request.tenant, expanded)
    information = {
        "id": expanded,
        "type": "EntityTypeInfo",
        "typeName": context.compact(expanded),
        "entityCount": count,
        "attributeDetails": [
            {
                "id": attribute,
                "type": "Attribute",
                "attributeName": context.compact(attribute),
                "attributeTypes": sorted(known["kinds"]),
            }
            for attribute, known in sorted(attributes.items())
        ],
    }
    return in_context(x, request, media, information)


async def attributes(x: Exchange) -> Answer:
    """GET attributes; with `details` each with the types that have it."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request = await x.request()
    request.demand("read", "entity:*")
    compact = request.context.compact
    found = await request.broker.store.attributes(request.tenant)
    if not request.params.get("details", False):
        return in_context(x, request, media, _list("AttributeList", "attributeList", map(compact, found)))
    details = [
        {
            "id": name,
            "type": "Attribute",
            "attributeName": compact(name),
            "typeNames": sorted(map(compact, known["types"])),
        }
        for name, known in sorted(found.items())
    ]
    return in_context(x, request, media, details)


async def attribute_information(x: Exchange, name: str) -> Answer:
    """GET attributes/{attribute}."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request = await x.request()
    request.demand("read", "entity:*")
    context = request.context
    if name in MEMBERS:
        raise NotFound(f"{name} is a member of every entity, not an attribute (4.5.1)")
    expanded = context.expand(name)
    known = (await request.broker.store.attributes(request.tenant)).get(expanded)
    if known is None:
        raise NotFound(f"no entity has the attribute {expanded}")
    information = {
        "id": expanded,
        "type": "Attribute",
        "attributeName": context.compact(expanded),
        "attributeCount": known["count"],
        "attributeTypes": sorted(known["kinds"]),
        "typeNames": sorted(map(context.compact, known["types"])),
    }
    return in_context(x, request, media, information)


def _list(kind: str, member: str, found: Any) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:{kind}:{uuid4()}", "type": kind, member: sorted(found)}
