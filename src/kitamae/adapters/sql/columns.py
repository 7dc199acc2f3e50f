"""What an entity's row and its side tables hold, worked out from its internal form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import orjson

from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.query import geometry

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Attribute, Entity, Json

_MOST_EXACT: Final = 2**53
"""Beyond, a whole number is not the same in SQLite, Python and JSON."""

Shape: TypeAlias = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]
"""An entity's types, and for each attribute its name and then its kinds: what discovery counts."""


def row(entity: Entity) -> tuple[int | None, int, bytes, bytes]:
    """(expires, plain, kv as JSON text, doc)."""
    kv: dict[str, Json] = {}
    plain = 1
    for name, instances in entity["attrs"].items():
        if len(instances) != 1:
            plain = 0
            if not instances:
                continue
        kv[name] = instances[0]["v"]
    doc = orjson.dumps(entity)
    expires = expiry.earliest(entity) if b'"expiresAt"' in doc else None
    return expires, plain, orjson.dumps(kv), doc


def shape(entity: Entity) -> Shape:
    """Which types, attributes and kinds; equal for all entities that look alike."""
    return (
        tuple(entity["type"]),
        tuple(
            (name, *dict.fromkeys(instance["kind"] for instance in instances))
            for name, instances in entity["attrs"].items()
        ),
    )


def places(entity: Entity) -> list[tuple[str, geometry.Box]]:
    """The bounding box of each instance of each GeoProperty that has coordinates."""
    return [
        (name, around)
        for name, instances in entity["attrs"].items()
        for instance in instances
        if instance["kind"] == "GeoProperty" and (around := geometry.box(instance["v"]))
    ]


def numeric(attribute: Attribute) -> int | float | None:
    """A Property's value where it is a number; None of all else, and of what ends by itself (expiresAt)."""
    value = attribute["v"]
    if attribute["kind"] != "Property" or "expiresAt" in attribute:
        return None
    if isinstance(value, float) or (type(value) is int and abs(value) < _MOST_EXACT):
        return value
    return None


def dataset(attribute: Attribute) -> str:
    """An instance's datasetId, '' for the default instance."""
    return attribute.get("datasetId", "")
