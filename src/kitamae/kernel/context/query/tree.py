"""The query language as a sealed tree (clause 4.9 q, 4.10 geoQ, 4.19 scopeQ, 4.21 selection)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json


class Op(StrEnum):
    """Operators of clause 4.9."""

    EQUAL = "=="
    UNEQUAL = "!="
    GREATER = ">"
    GREATER_EQUAL = ">="
    LESS = "<"
    LESS_EQUAL = "<="
    MATCH = "~="
    NO_MATCH = "!~="


@dataclass(frozen=True, slots=True)
class Path:
    """`address[city]`, `temperature.accuracy`, `isParked{OffStreetParking}.name`. Names are expanded.

    `names`: attribute, then sub-attributes. `inside`: members within the value, not expanded.
    `join`: types (expanded) of the entity that a relationship leads to, and the path there.
    """

    names: tuple[str, ...]
    inside: tuple[str, ...] = ()
    join: tuple[tuple[str, ...], Path] | None = None


@dataclass(frozen=True, slots=True)
class Exists:
    """`temperature`: there is such an attribute."""

    path: Path


@dataclass(frozen=True, slots=True)
class Range:
    """`10..20`, both ends included."""

    low: Json
    high: Json


@dataclass(frozen=True, slots=True)
class Compare:
    """`temperature>20`. `values` are alternatives (`==1,2,10..20`); typed: number, str, bool, or Range.

    `kinds` says how a text value was written, since `2020-01-01T00:00:00Z` unquoted is a time and quoted a string.
    """

    path: Path
    op: Op
    values: tuple[Json | Range, ...]
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class All:
    """`a;b`."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """`a|b`."""

    terms: tuple[Node, ...]


Node: TypeAlias = Exists | Compare | All | AnyOf

Georel = Literal["near", "within", "contains", "overlaps", "intersects", "equals", "disjoint"]


@dataclass(frozen=True, slots=True)
class Geo:
    """`georel=near;maxDistance==2000&geometry=Point&coordinates=[136.3,36.3]&geoproperty=location` (WGS84, lon lat).

    Distances are metres on the ellipsoid.
    """

    georel: Georel
    geometry: str
    coordinates: Json
    geoproperty: str  # expanded
    max_distance: float | None = None
    min_distance: float | None = None


@dataclass(frozen=True, slots=True)
class ScopeQ:
    """`/a/b,(/c;/d/#)`: alternatives of conjunctions; `+` is one level, a trailing `#` is any below."""

    any_of: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class TypeQ:
    """`(Building;House),Tower`: alternatives of conjunctions of expanded types. Empty: any type."""

    any_of: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class OrderBy:
    """One key: an attribute path, `id`, `type`, `createdAt`, `modifiedAt`, or the distance from a point."""

    path: Path | Literal["id", "type", "createdAt", "modifiedAt", "distance"]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class EntityQuery:
    """Which entities, in what order, which slice. Everything that is a list is alternatives."""

    tenant: str = ""
    ids: tuple[str, ...] = ()
    id_pattern: str | None = None
    types: TypeQ = field(default_factory=TypeQ)
    attrs: tuple[str, ...] = ()  # expanded: has at least one of them
    q: Node | None = None
    geo: Geo | None = None
    scope: ScopeQ | None = None
    datasets: tuple[str, ...] = ()
    order: tuple[OrderBy, ...] = ()  # then by the order of creation
    limit: int = 20
    offset: int = 0
    count: bool = False
    v2_path: str | None = None  # NGSIv2: Fiware-ServicePath
