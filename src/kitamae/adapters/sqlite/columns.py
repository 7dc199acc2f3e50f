"""What an entity's row and its side tables hold, worked out from its internal form."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import orjson

from kitamae.kernel.context.operations import expiry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kitamae.kernel.context.entity import Attribute, Entity, Json

Box: TypeAlias = tuple[float, float, float, float]
"""west, east, south, north in degrees."""

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


def places(entity: Entity) -> list[tuple[str, Box]]:
    """The bounding box of each instance of each GeoProperty that has coordinates."""
    return [
        (name, around)
        for name, instances in entity["attrs"].items()
        for instance in instances
        if instance["kind"] == "GeoProperty" and (around := box(instance["v"]))
    ]


def box(geometry: Json) -> Box | None:
    """The bounding box of a GeoJSON geometry; None for one that has no position."""
    positions = list(_positions(geometry))
    if not positions:
        return None
    longitudes, latitudes = [p[0] for p in positions], [p[1] for p in positions]
    return min(longitudes), max(longitudes), min(latitudes), max(latitudes)


def _positions(part: Json) -> Iterator[tuple[float, float]]:
    if isinstance(part, dict):
        yield from _positions(part.get("coordinates"))
        yield from _positions(part.get("geometries"))
    elif isinstance(part, list):
        if len(part) >= 2 and all(isinstance(x, int | float) for x in part[:2]):
            yield float(part[0]), float(part[1])
        else:
            for inner in part:
                yield from _positions(inner)


def typed(value: Json) -> tuple[float | None, str | None]:
    """(num, txt) of a value, for aggregation; booleans count as 0 and 1, structures as neither."""
    if isinstance(value, str):
        return None, value
    if isinstance(value, int | float):
        try:
            return float(value), None
        except OverflowError:
            return None, None
    return None, None


def dataset(attribute: Attribute) -> str:
    """An instance's datasetId, '' for the default instance."""
    return attribute.get("datasetId", "")
