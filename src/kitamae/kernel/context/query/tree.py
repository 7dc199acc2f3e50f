"""The query language as a sealed tree (clause 4.9 q, 4.10 geoQ, 4.17 types, 4.19 scopeQ, 4.21 pick, 4.23 order).

A tree is data, compared by value; but Python holds 1, 1.0 and True for equal, so a tree is no key for a cache: its text is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, TypeAlias


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
    """`address[city]`, `temperature.accuracy`, `isParked{OffStreetParking:name}`. Names are expanded.

    `names`: attribute, then sub-attributes; the members of `SYSTEM` stay as they are written. `inside`: members
    within the value, not expanded; of a LanguageProperty: the language, or `*`.
    `join`: types (expanded; none: any) of the entity that a relationship leads to, and the path there.
    """

    names: tuple[str, ...]
    inside: tuple[str, ...] = ()
    join: tuple[tuple[str, ...], Path] | None = None


@dataclass(frozen=True, slots=True)
class Exists:
    """`temperature`: there is such an attribute."""

    path: Path


@dataclass(frozen=True, slots=True)
class Missing:
    """`!temperature`: there is none. Not in clause 4.9; NGSIv2 has it, and so have other NGSI-LD brokers."""

    path: Path


@dataclass(frozen=True, slots=True)
class Null:
    """`temperature==null` of NGSIv2: its value is null, or, with `unequal`, it has a value that is not."""

    path: Path
    unequal: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """An unquoted time (clause 4.6.3); quoted it would be a string.

    `at`: a DateTime in microseconds since 1970 UTC, a Date in days since 0001-01-01 (ordinal 1), a Time in
    microseconds since midnight UTC. `text` is how it was written and takes no part in comparison.
    """

    kind: Literal["DateTime", "Date", "Time"]
    at: int
    text: str = field(compare=False)


Scalar: TypeAlias = bool | int | float | str | Moment


@dataclass(frozen=True, slots=True)
class Range:
    """`10..20`, both ends included and of one type."""

    low: Scalar
    high: Scalar


@dataclass(frozen=True, slots=True)
class Compare:
    """`temperature>20`. `values` are alternatives (`==1,2` or `==10..20`), each typed. A pattern is one str."""

    path: Path
    op: Op
    values: tuple[Scalar | Range, ...]


@dataclass(frozen=True, slots=True)
class All:
    """`a;b`."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """`a|b`."""

    terms: tuple[Node, ...]


Node: TypeAlias = Exists | Missing | Null | Compare | All | AnyOf

SYSTEM: Final = frozenset(
    {"createdAt", "modifiedAt", "deletedAt", "expiresAt", "observedAt", "unitCode", "datasetId", "instanceId"}
)
"""Members of entities and attributes that are not attributes themselves and can still be asked for."""

SCOPE: Final = "scope"
"""In a path of NGSIv2: the service paths of an entity, `/` where it has none. An attribute's name is an IRI."""

Georel = Literal["near", "within", "contains", "overlaps", "intersects", "equals", "disjoint"]


GeometryType = Literal["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"]
"""GeoJSON without GeometryCollection (clause 4.10)."""

Coordinates: TypeAlias = "tuple[float | Coordinates, ...]"


@dataclass(frozen=True, slots=True)
class Geometry:
    """A reference geometry, WGS84, longitude first. Tuples, so that what is compiled from it can be kept by it.

    The hash is worked out once: it is asked for with every entity that is looked at, and there may be thousands of positions.
    """

    type: GeometryType
    coordinates: Coordinates
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.type, self.coordinates)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Geo:
    """`georel=near;maxDistance==2000&geometry=Point&coordinates=[136.3,36.3]&geoproperty=location` (WGS84, lon lat).

    Distances are metres on the ellipsoid.
    """

    georel: Georel
    geometry: Geometry
    geoproperty: str  # expanded
    max_distance: float | None = None
    min_distance: float | None = None


@dataclass(frozen=True, slots=True)
class ScopeQ:
    """`/a/b,(/c;/d/#)`: alternatives of conjunctions; `+` is one level, a trailing `#` this and any below.

    Each begins with a slash.
    """

    any_of: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class TypeQ:
    """`(Building;House),Tower`: alternatives of conjunctions of expanded types. Empty: any type."""

    any_of: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """An entity selector (5.2.33): one of these ids, or an id like that, and these types; what is empty is any."""

    types: TypeQ = field(default_factory=TypeQ)
    ids: tuple[str, ...] = ()
    id_pattern: str | None = None


@dataclass(frozen=True, slots=True)
class OrderBy:
    """One key (clause 4.23). `nearest`: by distance from that geometry; `ignore_case` as `collation` asked for."""

    path: Path | Literal["id", "type", "createdAt", "modifiedAt", "scope"]
    descending: bool = False
    nearest: Geometry | None = None
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class Projection:
    """A member to keep or to leave out (clause 4.21), expanded; `linked`: those of the entity that it leads to."""

    name: str
    linked: tuple[Projection, ...] = ()


@dataclass(frozen=True, slots=True)
class EntityQuery:
    """Which entities, in what order, which slice. Everything that is a list is alternatives.

    `without`: an entity of any of these types (expanded) is not there, neither to be found nor at the end of a relationship.
    `wanted`: each entity is also one of these; what all of them name is in `ids` and `types` too, for a store to search by.
    """

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
    wanted: tuple[Wanted, ...] = ()
    without: frozenset[str] = frozenset()
    v2_path: str | None = None
    """Of NGSIv2, where `id_pattern` is about the id as it has it: "", or service paths of which one is the root `/`."""
