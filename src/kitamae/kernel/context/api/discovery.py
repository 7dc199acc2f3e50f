"""Which types and attributes there are, here and with other sources (5.7.5-5.7.10, 6.25-6.28)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from kitamae.kernel.context.api import distributed_types as elsewhere
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
    details = request.params.get("details", False)
    operation = "retrieveEntityTypeDetails" if details else "retrieveEntityTypes"
    theirs = await elsewhere.ask(x, request, operation, "types")
    here = await store.types(request.tenant)
    if not details:
        found = set(here)
        for asked, content, context in theirs.told:
            listed = content.get("typeList") if isinstance(content, dict) else None
            found.update(theirs.types(elsewhere.names(listed, context), asked))
        return in_context(
            x, request, media, _list("EntityTypeList", "typeList", map(compact, found)), theirs.warnings
        )
    attributes = {name: set(await store.attributes(request.tenant, name)) for name in here}
    for asked, content, context in theirs.told:
        for one in elsewhere.objects(content):
            for name in theirs.types(elsewhere.names([one.get("typeName")], context), asked):
                told = elsewhere.names(one.get("attributeNames"), context)
                attributes.setdefault(name, set()).update(theirs.attributes(told, asked, name))
    shown = [
        {
            "id": name,
            "type": "EntityType",
            "typeName": compact(name),
            "attributeNames": sorted(map(compact, attributes[name])),
        }
        for name in sorted(attributes)
    ]
    return in_context(x, request, media, shown, theirs.warnings)


async def type_information(x: Exchange, name: str) -> Answer:
    """GET types/{type}. Entities that several sources have are counted by each."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request = await x.request()
    store, context = request.broker.store, request.context
    expanded = context.expand(name)
    request.demand("read", f"entity:{expanded}")
    theirs = await elsewhere.ask(x, request, "retrieveEntityTypeInfo", "types/{}", expanded, type=expanded)
    count = (await store.types(request.tenant)).get(expanded, 0)
    here = await store.attributes(request.tenant, expanded) if count else {}
    kinds = {attribute: set(known["kinds"]) for attribute, known in here.items()}
    for asked, content, words in theirs.told:
        told = content if isinstance(content, dict) else {}
        count += elsewhere.count(told.get("entityCount"))
        for one in elsewhere.objects(told.get("attributeDetails")):
            known = elsewhere.names([one.get("attributeName")], words)
            for attribute in theirs.attributes(known, asked, expanded):
                listed = one.get("attributeTypes")
                kinds.setdefault(attribute, set()).update(
                    kind for kind in (listed if isinstance(listed, list) else ()) if isinstance(kind, str)
                )
    if not count:
        raise NotFound(f"there is no entity of the type {expanded}")
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
                "attributeTypes": sorted(known),
            }
            for attribute, known in sorted(kinds.items())
        ],
    }
    return in_context(x, request, media, information, theirs.warnings)


async def attributes(x: Exchange) -> Answer:
    """GET attributes; with `details` each with the types that have it."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request = await x.request()
    request.demand("read", "entity:*")
    compact, details = request.context.compact, request.params.get("details", False)
    operation = "retrieveAttrTypeDetails" if details else "retrieveAttrTypes"
    theirs = await elsewhere.ask(x, request, operation, "attributes")
    here = await request.broker.store.attributes(request.tenant)
    of = {name: set(known["types"]) for name, known in here.items()}
    for asked, content, context in theirs.told:
        if isinstance(content, dict):
            listed = elsewhere.names(content.get("attributeList"), context)
            of |= {name: of.get(name, set()) for name in theirs.attributes(listed, asked)}
        for one in elsewhere.objects(content):
            told = theirs.types(elsewhere.names(one.get("typeNames"), context), asked)
            for name in elsewhere.names([one.get("attributeName")], context):
                seen = [type for type in told if theirs.attributes((name,), asked, type)]
                if seen or theirs.attributes((name,), asked):
                    of.setdefault(name, set()).update(seen)
    if not details:
        every = _list("AttributeList", "attributeList", map(compact, of))
        return in_context(x, request, media, every, theirs.warnings)
    shown = [
        {
            "id": name,
            "type": "Attribute",
            "attributeName": compact(name),
            "typeNames": sorted(map(compact, known)),
        }
        for name, known in sorted(of.items())
    ]
    return in_context(x, request, media, shown, theirs.warnings)


async def attribute_information(x: Exchange, name: str) -> Answer:
    """GET attributes/{attribute}. Attributes that several sources have are counted by each."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request = await x.request()
    request.demand("read", "entity:*")
    context = request.context
    if name in MEMBERS:
        raise NotFound(f"{name} is a member of every entity, not an attribute (4.5.1)")
    expanded = context.expand(name)
    theirs = await elsewhere.ask(x, request, "retrieveAttrTypeInfo", "attributes/{}", expanded)
    known = (await request.broker.store.attributes(request.tenant)).get(expanded, {})
    count, kinds = known.get("count", 0), set(known.get("kinds", ()))
    types = set(known.get("types", ()))
    for asked, content, words in theirs.told:
        told = content if isinstance(content, dict) else {}
        listed_types = elsewhere.names(told.get("typeNames"), words)
        if not theirs.counts(expanded, listed_types):
            continue
        count += elsewhere.count(told.get("attributeCount"))
        listed = told.get("attributeTypes")
        kinds.update(kind for kind in (listed if isinstance(listed, list) else ()) if isinstance(kind, str))
        types.update(theirs.types(listed_types, asked))
    if not count and not kinds:
        raise NotFound(f"no entity has the attribute {expanded}")
    information = {
        "id": expanded,
        "type": "Attribute",
        "attributeName": context.compact(expanded),
        "attributeCount": count,
        "attributeTypes": sorted(kinds),
        "typeNames": sorted(map(context.compact, types)),
    }
    return in_context(x, request, media, information, theirs.warnings)


def _list(kind: str, member: str, found: Any) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:{kind}:{uuid4()}", "type": kind, member: sorted(found)}
