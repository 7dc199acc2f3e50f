"""`q`, `mq`, `georel` and the rest of an NGSIv2 query, as the same tree that NGSI-LD's queries become."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput

from kitamae.kernel.context.query import georel
from kitamae.kernel.context.query.build import LONGEST_PATH, moment
from kitamae.kernel.context.query.parse import LONGEST, MOST, MOST_TERMS
from kitamae.kernel.context.query.pattern import checked
from kitamae.kernel.context.query.tree import (
    SCOPE,
    All,
    AnyOf,
    Compare,
    Exists,
    Missing,
    Moment,
    Null,
    Op,
    OrderBy,
    Path,
    Range,
    ScopeQ,
)
from kitamae.kernel.context.v2.names import service_path
from kitamae.kernel.context.v2.times import instant
from kitamae.kernel.problems import BadRequest, TooComplex

if TYPE_CHECKING:
    from kitamae.kernel.context.query.tree import Geo, Node, Scalar
    from kitamae.kernel.context.v2.names import Words

_NULL: Final[Any] = Null(Path(()), unequal=False)
"""Stands for null among the values until the condition is built."""
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:.,]+(?:Z|[+-]\d\d(?::?\d\d)?)?)?")
_DISTANCE: Final = re.compile(r"(maxDistance|minDistance):(\d+(?:\.\d+)?)")
_SYSTEM: Final = {"dateCreated": "createdAt", "dateModified": "modifiedAt", "dateExpires": "expiresAt"}
_SERVICE_PATH: Final = "servicePath"
_METADATA: Final = {**_SYSTEM, "observedAt": "observedAt", "unitCode": "unitCode"}
_RELATIONS: Final = {
    "coveredBy": "within",
    "intersects": "intersects",
    "equals": "equals",
    "disjoint": "disjoint",
}


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """Steps stay as they are written; `_path` gives them their meaning."""

    def start(self, *terms: Node) -> Node:
        return terms[0] if len(terms) == 1 else All(terms)

    def exists(self, path: Path) -> Node:
        return Exists(path)

    def missing(self, path: Path) -> Node:
        return Missing(path)

    def compare(self, path: Path, op: Op, values: tuple[Scalar | Range, ...]) -> Node:
        if _NULL in values:
            if op not in (Op.EQUAL, Op.UNEQUAL):
                raise BadRequest("invalid query expression: null stands after == or != alone")
            null, others = Null(path, op is Op.UNEQUAL), tuple(one for one in values if one is not _NULL)
            if not others:
                return null
            terms = (null, Compare(path, op, others))
            return AnyOf(terms) if op is Op.EQUAL else All(terms)
        if op not in (Op.EQUAL, Op.UNEQUAL) and isinstance(values[0], bool | Range):
            raise BadRequest(f"invalid query expression: {op} needs one number, time or text")
        return Compare(path, op, values if op in (Op.EQUAL, Op.UNEQUAL) else values[-1:])

    def matches(self, path: Path, op: Op, pattern: Token) -> Node:
        text = str(pattern)
        if len(text) > 1 and text[0] == text[-1] == "'":
            text = text[1:-1]
        return Compare(path, op, (checked(text),))

    def path(self, *steps: str) -> Path:
        if len(steps) > LONGEST_PATH:
            raise TooComplex(
                f"invalid query expression: a path of {len(steps)} names, at most {LONGEST_PATH}"
            )
        return Path(steps)

    def step(self, token: Token) -> str:
        return token[1:-1] if token.type == "QUOTED" else str(token)

    def equality(self, token: Token) -> Op:
        return Op.EQUAL if str(token) == ":" else Op(token)

    order = pattern = equality

    def items(self, *items: tuple[Scalar | Range, ...]) -> tuple[Scalar | Range, ...]:
        return tuple(one for item in items for one in item)

    def item(self, token: Token) -> tuple[Scalar | Range, ...]:
        text = str(token).strip()
        quoted = len(text) > 1 and text[0] == text[-1] == "'" and "'" not in text[1:-1]
        low, dots, high = (text, "", "") if quoted else text.partition("..")
        if dots:
            if not low or not high:
                raise BadRequest(f"invalid query expression: a range has two ends, {text!r:.40} has not")
            ends = _scalar(low)[-1], _scalar(high)[-1]
            texts = [isinstance(one, str) for one in ends]
            if any(isinstance(one, bool | Null) for one in ends) or texts[0] != texts[1]:
                raise BadRequest(f"invalid query expression: a range from {low!r:.40} to {high!r:.40}")
            if any(isinstance(one, Moment) for one in ends) and type(ends[0]) is not type(ends[1]):
                raise BadRequest(f"invalid query expression: a range from {low!r:.40} to {high!r:.40}")
            return (Range(*ends),)
        return _scalar(text)


def _scalar(text: str) -> tuple[Scalar, ...]:
    """A value as it is typed; a day is the moment at which it begins, and may also be a day. The moment comes last."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return (text[1:-1],)
    if not text:
        raise BadRequest("invalid query expression: a value is missing")
    if _NUMBER.fullmatch(text):
        try:
            return (int(text),)
        except ValueError:
            number = float(text)
            if number in (float("inf"), float("-inf")):
                raise BadRequest(f"invalid query expression: {text!r:.40} is too large a number") from None
            return (number,)
    if text == "null":
        return (_NULL,)
    if text in ("true", "false"):
        return (text == "true",)
    if _DAY.fullmatch(text):
        at = Moment("DateTime", instant(text, "invalid query expression"), text)
        day = moment(text) if len(text) == 10 else None
        return (day, at) if day else (at,)
    return (text,)


_GRAMMAR: Final = Lark(
    (files(__package__) / "q.lark").read_text("utf-8"),
    parser="lalr",
    lexer="contextual",
    maybe_placeholders=False,
    transformer=_Builder(),
)


def q(text: str, words: Words) -> Node:
    """Over values: `temperature>20;address.city==Kaga`. Raises BadRequest, TooComplex."""
    return _meant(_parsed(text), words, metadata=False)


def mq(text: str, words: Words) -> Node:
    """Over metadata: `temperature.accuracy<0.9`. Raises BadRequest, TooComplex."""
    return _meant(_parsed(text), words, metadata=True)


def _parsed(text: str) -> Node:
    if len(text) > LONGEST:
        raise TooComplex(f"invalid query expression: {len(text):,} characters, at most {LONGEST:,} are read")
    if text.count(";") >= MOST_TERMS or text.count(",") >= MOST:
        raise TooComplex("invalid query expression: too many conditions or values")
    try:
        node: Node = _GRAMMAR.parse(text.strip().removesuffix(";"))  # type: ignore[assignment]  # lark gives what _Builder makes
    except UnexpectedInput as wrong:
        at = wrong.pos_in_stream or 0
        raise BadRequest(
            f"invalid query expression from character {max(at, 0) + 1} on: {text[max(at, 0) :][:40]!r}"
        ) from None
    return node


def _meant(node: Node, words: Words, *, metadata: bool) -> Node:
    match node:
        case All(terms):
            return All(tuple(_meant(term, words, metadata=metadata) for term in terms))
        case AnyOf(terms):
            return AnyOf(tuple(_meant(term, words, metadata=metadata) for term in terms))
        case Exists(path):
            return Exists(_path(path.names, words, metadata))
        case Missing(path):
            return Missing(_path(path.names, words, metadata))
        case Null(path, unequal):
            return Null(_path(path.names, words, metadata), unequal)
        case Compare(path, op, values):
            return Compare(_path(path.names, words, metadata), op, values)
        case _:
            raise BadRequest("invalid query expression")


def _path(steps: tuple[str, ...], words: Words, metadata: bool) -> Path:
    first, *rest = steps
    if not metadata:
        if first == _SERVICE_PATH and not rest:
            return Path((SCOPE,))
        if first in _SYSTEM and not rest:
            return Path((_SYSTEM[first],))
        return Path((words.expand(first),), tuple(rest))
    if not rest:
        raise BadRequest(f"invalid metadata query expression: expected attribute.metadata, got {first!r:.80}")
    name, *inside = rest
    return Path((words.expand(first), _METADATA.get(name) or words.expand(name)), tuple(inside))


# --- places, paths, order
def geo(relation: str, geometry: str, coordinates: str, name: str) -> Geo:
    """`near;maxDistance:1000`, `point`, `36.3,136.3`. `name`: the attribute (expanded). Raises BadRequest."""
    kind, *modifiers = relation.split(";")
    told: list[re.Match[str] | None] = []
    points = [_position(one) for one in coordinates.split(";")]
    positions: Any
    match geometry:
        case "point" if len(points) == 1:
            shape, positions = "Point", points[0]
        case "line":
            shape, positions = "LineString", points
        case "box" if len(points) == 2:
            (west, south), (east, north) = points
            west, east = sorted((west, east))
            south, north = sorted((south, north))
            ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
            shape, positions = "Polygon", [ring]
        case "polygon":
            shape, positions = "Polygon", [points]
        case _:
            raise BadRequest(f"Invalid coordinates for geometry {geometry!r:.40}: {coordinates!r:.80}")
    if kind == "near":
        told = [_DISTANCE.fullmatch(one.replace("==", ":")) for one in modifiers]
        if not told or not all(told):
            raise BadRequest("georel: near needs maxDistance:metres or minDistance:metres")
        meant = "near;maxDistance==1"  # how far is put in below: NGSIv2 has both at once, and 0
    elif kind in _RELATIONS and not modifiers:
        meant = _RELATIONS[kind]
    else:
        raise BadRequest(f"Invalid value in georel: {relation!r:.80}")
    found = georel.geo(
        {"georel": meant, "geometry": shape, "coordinates": positions, "geoproperty": name}, lambda iri: iri
    )
    if found is None:
        raise BadRequest("Invalid geo query")
    if kind != "near":
        return found
    metres = {one[1]: float(one[2]) for one in told if one}
    return replace(
        found, max_distance=metres.get("maxDistance"), min_distance=metres.get("minDistance") or None
    )


def _position(text: str) -> list[float]:
    latitude, comma, longitude = text.partition(",")
    try:
        return [float(longitude), float(latitude)] if comma else []
    except ValueError:
        raise BadRequest(f"Invalid coordinates: expected latitude,longitude, got {text!r:.80}") from None


def order(text: str, words: Words, near: Geo | None = None) -> tuple[OrderBy, ...]:
    """`temperature,!humidity`: ascending, and with `!` descending; `geo:distance` from `near`. Raises BadRequest."""
    found: list[OrderBy] = []
    for item in text.split(","):
        name = item.removeprefix("!")
        if not name:
            raise BadRequest("orderBy: empty item")
        match name:
            case "id" | "type":
                by = OrderBy(name, item.startswith("!"))
            case "dateCreated" | "dateModified":
                by = OrderBy("createdAt" if name == "dateCreated" else "modifiedAt", item.startswith("!"))
            case "servicePath":
                by = OrderBy("scope", item.startswith("!"))
            case "geo:distance":
                if near is None or near.georel != "near":
                    raise BadRequest("orderBy: geo:distance needs a georel near")
                by = OrderBy(Path((near.geoproperty,)), item.startswith("!"), nearest=near.geometry)
            case _:
                by = OrderBy(Path((_SYSTEM.get(name) or words.expand(name),)), item.startswith("!"))
        if any(one.path == by.path and one.nearest == by.nearest for one in found):
            raise BadRequest(f"orderBy: {name!r:.80} more than once")
        found.append(by)
    return tuple(found)


def scope(header: str) -> tuple[ScopeQ | None, str | None]:
    """Fiware-ServicePath of a query: which scopes, and "/" where entities without one are meant. Raises BadRequest."""
    paths = [one.strip() for one in header.split(",")]
    if len(paths) > 10:
        raise BadRequest("Fiware-ServicePath: too many paths, at most 10")
    found: list[tuple[str, ...]] = []
    root: str | None = None
    for one in paths:
        if one == "/#":
            return None, None
        below = one.endswith("/#")
        path = service_path(one.removesuffix("/#") or "/")
        if path == "/":
            root = "/"
        else:
            found.append((path + ("/#" if below else ""),))
    return (ScopeQ(tuple(found)) if found else None), root
