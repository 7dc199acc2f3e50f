"""The geoquery's parameters (clause 4.10) to a tree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast, get_args

import orjson

from kitamae.kernel.context.query import geometry
from kitamae.kernel.context.query.tree import Geo, Geometry, GeometryType, Georel
from kitamae.kernel.problems import BadRequest, TooComplex

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.context.entity import Json

LONGEST: Final = 1_000_000
"""Characters of `coordinates`: a town's boundary is some 100,000."""

_RELATIONS: Final = frozenset(get_args(Georel))
_DISTANCE: Final = re.compile(r"(maxDistance|minDistance)==(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)")


def geo(params: Mapping[str, Json], expand: Callable[[str], str]) -> Geo | None:
    """From `georel`, `geometry`, `coordinates` (JSON, or its text) and `geoproperty`; None when no geoquery is meant.

    Raises BadRequest, TooComplex.
    """
    relation = params.get("georel")
    if relation is None:
        for name in ("coordinates", "geometry", "geoproperty"):
            if params.get(name) is not None:
                raise BadRequest(f"georel: expected beside {name}")
        return None
    if params.get("geometry") is None or params.get("coordinates") is None:
        raise BadRequest("georel: expected geometry and coordinates beside it")
    if not isinstance(relation, str):
        raise BadRequest(f"georel: expected text, got {relation!r:.80}")
    name, *modifiers = (part.strip() for part in relation.split(";"))
    if name not in _RELATIONS:
        raise BadRequest(f"georel: expected one of {', '.join(sorted(_RELATIONS))}, got {name!r:.80}")
    least, most = _distances(name, modifiers)
    geoproperty = params.get("geoproperty") or "location"
    if not isinstance(geoproperty, str):
        raise BadRequest(f"geoproperty: expected a name, got {geoproperty!r:.80}")
    return Geo(
        cast("Georel", name),
        reference(params["geometry"], params["coordinates"], "coordinates"),
        expand(geoproperty),
        max_distance=most,
        min_distance=least,
    )


def _distances(name: str, modifiers: list[str]) -> tuple[float | None, float | None]:
    """The least and the most: the grammar of `near` has exactly one of them."""
    if name != "near" and not modifiers:
        return None, None
    if name == "near" and len(modifiers) != 1:
        raise BadRequest("georel: near needs one of ;maxDistance== and ;minDistance== and metres")
    found = _DISTANCE.fullmatch(modifiers[0]) if name == "near" else None
    if found is None or not 0 < float(found[2]) < float("inf"):
        raise BadRequest(
            f"georel: expected one of {', '.join(sorted(_RELATIONS))}, or near;maxDistance==2000 or "
            f"near;minDistance==2000 (metres, more than 0), got {';'.join((name, *modifiers))!r:.80}"
        )
    metres = float(found[2])
    return (metres, None) if found[1] == "minDistance" else (None, metres)


def reference(kind: Json, coordinates: Json, where: str) -> Geometry:
    """A reference geometry; `coordinates` as JSON or as its text. Raises BadRequest, TooComplex naming `where`."""
    if kind not in get_args(GeometryType):
        raise BadRequest(f"geometry: expected one of {', '.join(get_args(GeometryType))}, got {kind!r:.80}")
    if isinstance(coordinates, str):
        if len(coordinates) > LONGEST:
            raise TooComplex(f"{where}: {len(coordinates):,} characters, at most {LONGEST:,} are read")
        try:
            parsed = orjson.loads(coordinates)
            orjson.dumps(parsed)  # raises for more levels than our own stack bears
        except (TypeError, ValueError) as wrong:
            raise BadRequest(
                f"{where}: expected a JSON array such as [136.3,36.3], got {coordinates!r:.80}"
            ) from wrong
        coordinates = parsed
    return Geometry(kind, geometry.positions(kind, coordinates, where))
