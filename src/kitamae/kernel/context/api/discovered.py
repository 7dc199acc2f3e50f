"""Which types and attributes a source has that speaks NGSIv2, worked out of its entities.

Its own `/types` may know of more than it registered, and counts it; many context providers have none at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.entity import Entity, Json


def described(operation: str, entities: Sequence[Entity], name: str | None = None) -> Json:
    """What NGSI-LD answers to the operation (5.7.5-5.7.10), names expanded. `name`: the attribute that is asked about."""
    of_type: dict[str, set[str]] = {}
    of_attribute: dict[str, set[str]] = {}
    kinds: dict[str, set[str]] = {}
    for one in entities:
        for type in one["type"]:
            of_type.setdefault(type, set()).update(one["attrs"])
        for attribute, instances in one["attrs"].items():
            of_attribute.setdefault(attribute, set()).update(one["type"])
            kinds.setdefault(attribute, set()).update(some["kind"] for some in instances)
    match operation:
        case "retrieveEntityTypes":
            return {"typeList": [*of_type]}
        case "retrieveEntityTypeDetails":
            return [{"typeName": type, "attributeNames": [*some]} for type, some in of_type.items()]
        case "retrieveEntityTypeInfo":
            details = [{"attributeName": one, "attributeTypes": [*some]} for one, some in kinds.items()]
            return {"entityCount": len(entities), "attributeDetails": details}
        case "retrieveAttrTypes":
            return {"attributeList": [*of_attribute]}
        case "retrieveAttrTypeDetails":
            return [{"attributeName": one, "typeNames": [*some]} for one, some in of_attribute.items()]
        case _:
            return {
                "attributeCount": sum(name in one["attrs"] for one in entities),
                "attributeTypes": [*kinds.get(name or "", ())],
                "typeNames": [*of_attribute.get(name or "", ())],
            }
