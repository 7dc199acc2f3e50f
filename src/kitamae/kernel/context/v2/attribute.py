"""An attribute of NGSIv2 -> the internal form -> NGSIv2, without loss (docs/connect/ngsiv2.md is the table).

A value that NGSI-LD has a kind for becomes that kind, so that each dialect sees what it understands; `v2type` and
`v2value` remember what the kind does not say. They are believed as long as they fit the value: NGSI-LD may have
written another one since.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context import clock, geojson, lexical
from kitamae.kernel.context.entity import NULL
from kitamae.kernel.context.v2.names import demand_free, field
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Attribute, Json
    from kitamae.kernel.context.v2.names import Words

TIMES: Final = frozenset(("DateTime", "ISO8601"))
SIMPLE_GEO: Final = frozenset(("geo:point", "geo:line", "geo:box", "geo:polygon"))
BUILTIN_METADATA: Final = frozenset(("dateCreated", "dateModified", "previousValue", "actionType"))
_MEMBERS: Final = frozenset(("type", "value", "metadata"))
_UNRESTRICTED: Final = frozenset(("TextUnrestricted",))
_KINDS: Final = frozenset(
    ("LanguageProperty", "VocabProperty", "JsonProperty", "ListProperty", "ListRelationship")
)
_DEPTH: Final = 100
_PAIR: Final = re.compile(
    r"\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*,\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*"
)
_LAX_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?|\d\d)(Z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


# --- times
def stamp(micros: int) -> str:
    """As NGSIv2 writes times: UTC with milliseconds, microseconds where there are some."""
    whole, rest = divmod(micros, 1_000_000)
    digits = f"{rest // 1000:03}" if rest % 1000 == 0 else f"{rest:06}"
    return f"{clock.text(whole * 1_000_000)[:-1]}.{digits}Z"


def shown_time(text: str) -> str:
    """An RFC 3339 time of the internal form, as NGSIv2 writes it."""
    return stamp(clock.micros(text))


def instant(given: Json, where: str) -> int:
    """ISO 8601 as Orion reads it: also a date alone, and a time without zone, which is UTC. Microseconds UTC."""
    found = _LAX_TIME.fullmatch(given) if isinstance(given, str) else None
    if found is not None:
        time = found[2] or "00:00:00"
        time += ":00:00" if len(time) == 2 else ":00" if len(time) == 5 else ""
        zone = found[3] or "Z"
        if zone != "Z":
            digits = zone[1:].replace(":", "")
            zone = f"{zone[0]}{digits[:2]}:{digits[2:] or '00'}"
        try:
            moment = datetime.fromisoformat(f"{found[1]}T{time.replace(',', '.')}{zone}")
            micros = (moment - _EPOCH) // timedelta(microseconds=1)
            clock.text(micros)
        except (ValueError, OverflowError):
            pass
        else:
            return micros
    raise BadRequest(f"{where}: expected a DateTime such as 2026-11-21T07:14:46Z, got {given!r:.80}")


# --- reading
def default_type(value: Json) -> str:
    """What an attribute is when nobody says."""
    match value:
        case None:
            return "None"
        case bool():
            return "Boolean"
        case int() | float():
            return "Number"
        case str():
            return "Text"
        case _:
            return "StructuredValue"


def read(given: Json, name: str, words: Words, before: Attribute | None = None) -> Attribute:
    """`{"value": .., "type": .., "metadata": ..}`; what it does not say is as `before` had it. Raises BadRequest.

    A value with forbidden characters that NGSI-LD wrote may be written back as it was read.
    """
    if not isinstance(given, dict):
        raise BadRequest(f"attribute {name}: must be a JSON object, unless keyValues option is used")
    if unknown := given.keys() - _MEMBERS:
        raise BadRequest(f"attribute {name}: invalid JSON member {sorted(unknown)[0]!r:.80}")
    type = field(given["type"], f"attribute {name}: type") if given.get("type") is not None else None
    there: dict[str, Json] = shown(before, words) if before is not None else {"metadata": {}}
    if type is None and "value" in there:
        old = there["value"]
        if default_type(given.get("value")) == default_type(old) or None in (old, given.get("value")):
            type = there["type"]
    if not _same(given, there) and type not in _UNRESTRICTED:
        demand_free(given.get("value"), f"attribute {name}")
    made = value(given.get("value"), type, f"attribute {name}", words)
    metadata = given.get("metadata", {})
    if not isinstance(metadata, dict):
        raise BadRequest(f"attribute {name}: metadata must be a JSON object")
    for meta, one in metadata.items():
        where = f"attribute {name}: metadata {field(meta, 'metadata name')}"
        if meta in BUILTIN_METADATA:
            continue
        if not isinstance(one, dict) or one.keys() - {"type", "value"}:
            raise BadRequest(f"{where}: expected an object with value and type")
        kind = field(one["type"], f"{where}: type") if one.get("type") is not None else None
        if not _same(one, there["metadata"].get(meta, {})) and kind not in _UNRESTRICTED:
            demand_free(one.get("value"), where)
        if meta == "observedAt" and kind in (None, "DateTime") and one.get("value") is not None:
            made["observedAt"] = clock.text(instant(one.get("value"), where))
        elif (
            meta == "unitCode"
            and kind in (None, "Text")
            and isinstance(one.get("value"), str)
            and one["value"]
        ):
            made["unitCode"] = one["value"]
        elif meta == "datasetId" and lexical.is_uri(str(one.get("value"))):
            made["datasetId"] = one["value"]
        else:
            made.setdefault("attrs", {})[words.expand(meta)] = [value(one.get("value"), kind, where, words)]
    return made


def _same(given: dict[str, Json], there: dict[str, Json]) -> bool:
    return "value" in given and "value" in there and bool(given["value"] == there["value"])


def value(given: Json, type: str | None, where: str, words: Words) -> Attribute:
    """A value and its type as an attribute without metadata. Raises BadRequest."""
    _demand_value(given, where)
    usual = default_type(given)
    if type is None:
        type = usual
    if type in TIMES and given is not None:
        made = {"kind": "Property", "v": {"@type": "DateTime", "@value": clock.text(instant(given, where))}}
    elif type == "Relationship" and _uris(given):
        return {"kind": "Relationship", "v": given}
    elif type == "geo:json" and given is not None:
        made = {"kind": "GeoProperty", "v": geojson.geometry(given, where)}
        if isinstance(given, str):
            raise BadRequest(f"{where}: geo:json needs a GeoJSON object")
    elif type in SIMPLE_GEO and given is not None:
        made = {"kind": "GeoProperty", "v": _geometry(type, given, where), "v2type": type}
        if shown_geo(type, made["v"]) != given:
            made["v2value"] = given
        return cast("Attribute", made)
    elif type in _KINDS and (own := _own_kind(type, given, words)) is not None:
        return own
    else:
        made = {"kind": "JsonProperty" if _has_null(given) else "Property", "v": given}
    found = cast("Attribute", made)
    if type_of(found, words) != type:
        found["v2type"] = type
    return found


def _own_kind(type: str, given: Json, words: Words) -> Attribute | None:
    """An attribute of a kind that only NGSI-LD has; None where the value is not of that kind."""
    match type:
        case "LanguageProperty" if (
            isinstance(given, dict) and given and all(isinstance(one, str) for one in given.values())
        ):
            return {"kind": "LanguageProperty", "v": given}
        case "VocabProperty" if isinstance(given, str) and _is_field(given):
            return {"kind": "VocabProperty", "v": words.expand(given)}
        case "VocabProperty" if isinstance(given, list) and given and all(map(_is_field, given)):
            return {"kind": "VocabProperty", "v": [words.expand(one) for one in given]}
        case "JsonProperty":
            own: Attribute = {"kind": "JsonProperty", "v": given}
            if _has_null(given):
                own["v2type"] = type
            return own
        case "ListProperty" if isinstance(given, list) and not _has_null(given):
            return {"kind": "ListProperty", "v": given}
        case "ListRelationship" if isinstance(given, list) and given and _uris(given):
            return {"kind": "ListRelationship", "v": given}
    return None


def _is_field(given: Json) -> bool:
    try:
        field(given, "")
    except BadRequest:
        return False
    return True


def _uris(given: Json) -> bool:
    if isinstance(given, list):
        return len(given) > 0 and all(isinstance(one, str) and lexical.is_uri(one) for one in given)
    return isinstance(given, str) and lexical.is_uri(given)


def _demand_value(given: Json, where: str) -> None:
    """Bounded in depth, and without the text by which NGSI-LD deletes."""
    pending = [(given, 0)]
    while pending:
        one, depth = pending.pop()
        if depth > _DEPTH:
            raise BadRequest(f"{where}: more than {_DEPTH} arrays and objects within each other")
        if isinstance(one, dict):
            pending.extend((inner, depth + 1) for inner in one.values())
        elif isinstance(one, list):
            pending.extend((inner, depth + 1) for inner in one)
        elif one == NULL:
            raise BadRequest(f"{where}: {NULL} is no value: NGSI-LD deletes with it")


def _has_null(given: Json) -> bool:
    pending = [given]
    while pending:
        one = pending.pop()
        if one is None:
            return True
        if isinstance(one, dict):
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)
    return False


# --- places, latitude first
def _geometry(type: str, given: Json, where: str) -> dict[str, Json]:
    texts = [given] if type == "geo:point" else given
    if not isinstance(texts, list):
        raise BadRequest(f'{where}: {type} needs an array of texts such as "36.3, 136.3"')
    points = [_point(one, where) for one in texts]
    match type:
        case "geo:point":
            return {"type": "Point", "coordinates": points[0]}
        case "geo:line":
            made: dict[str, Json] = {"type": "LineString", "coordinates": points}
        case "geo:box":
            if len(points) != 2:
                raise BadRequest(f"{where}: geo:box needs two opposite corners, got {len(points)}")
            (west, south), (east, north) = points
            ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
            made = {"type": "Polygon", "coordinates": [ring]}
        case _:
            made = {"type": "Polygon", "coordinates": [points]}
    geojson.coordinates(made["type"], made["coordinates"], where)
    return made


def _point(text: Json, where: str) -> list[float]:
    found = _PAIR.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise BadRequest(f'{where}: expected "latitude, longitude" such as "36.3, 136.3", got {text!r:.80}')
    latitude, longitude = (
        int(one) if re.fullmatch(r"-?\d{1,3}", one) else float(one) for one in found.groups()
    )
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise BadRequest(f"{where}: latitude -90 to 90, then longitude -180 to 180, got {text!r:.80}")
    return [longitude, latitude]


def shown_geo(type: str, geometry: Json) -> Json:
    """In a simple location format of NGSIv2; None where the geometry is not one of these."""
    kind, given = geometry.get("type"), geometry.get("coordinates")
    match type, kind:
        case "geo:point", "Point":
            return _pair(given) if len(given) == 2 else None
        case "geo:line", "LineString":
            points = given
        case "geo:box", "Polygon" if len(given) == 1 and len(given[0]) == 5:
            one, two, three, four, _ = given[0]
            if [two, four] != [[three[0], one[1]], [one[0], three[1]]]:
                return None
            points = [one, three]
        case "geo:polygon", "Polygon" if len(given) == 1:
            points = given[0]
        case _:
            return None
    return [_pair(one) for one in points] if all(len(one) == 2 for one in points) else None


def _pair(position: list[Any]) -> str:
    return f"{position[1]}, {position[0]}"


# --- showing
def type_of(one: Attribute, words: Words) -> str:
    """The NGSIv2 type: the one it was given while that fits, else what its kind and value mean."""
    own = one.get("v2type")
    if own is not None and _fits(own, one):
        return own
    kind, v = one["kind"], one["v"]
    if kind == "GeoProperty":
        return "geo:json"
    if kind == "JsonProperty":
        return default_type(v) if _has_null(v) else "JsonProperty"
    if kind != "Property":
        return kind
    if is_time(v):
        return "DateTime"
    if "valueType" in one:
        return words.compact(one["valueType"])
    return default_type(v)


def _fits(type: str, one: Attribute) -> bool:
    v = one["v"]
    if one["kind"] == "GeoProperty":
        return type in SIMPLE_GEO and shown_geo(type, v) is not None
    if type in SIMPLE_GEO or type == "geo:json":
        return v is None
    if type in TIMES:
        return v is None or is_time(v)
    return True


def is_time(v: Json) -> bool:
    """A DateTime as NGSI-LD types it."""
    if not isinstance(v, dict) or v.keys() != {"@type", "@value"}:
        return False
    return bool(v["@type"] == "DateTime") and _reads(v["@value"])


def _reads(text: Json) -> bool:
    try:
        clock.micros(text)
    except BadRequest:
        return False
    return True


def shown_value(one: Attribute, words: Words) -> Json:
    """The value as NGSIv2 has it."""
    kind, v = one["kind"], one["v"]
    if kind == "GeoProperty":
        type = type_of(one, words)
        if type in SIMPLE_GEO:
            written = one.get("v2value")
            return shown_geo(type, v) if written is None or not _means(type, written, v) else written
        return v
    if kind == "VocabProperty":
        return (
            [words.compact(i) for i in v]
            if isinstance(v, list)
            else words.compact(v)
            if isinstance(v, str)
            else v
        )
    if kind == "Property" and is_time(v) and type_of(one, words) in TIMES:
        return shown_time(v["@value"])
    return v


def _means(type: str, written: Json, v: Json) -> bool:
    try:
        return bool(_geometry(type, written, "") == v)
    except BadRequest:
        return False


def shown(one: Attribute, words: Words) -> dict[str, Json]:
    """`{"type": .., "value": .., "metadata": ..}` without builtin metadata."""
    metadata: dict[str, Json] = {}
    if "observedAt" in one:
        metadata["observedAt"] = {"type": "DateTime", "value": shown_time(one["observedAt"])}
    if "unitCode" in one:
        metadata["unitCode"] = {"type": "Text", "value": one["unitCode"]}
    if "datasetId" in one:
        metadata["datasetId"] = {"type": "Text", "value": one["datasetId"]}
    for name, instances in one.get("attrs", {}).items():
        if instances:
            sub = instances[0]
            metadata[words.compact(name)] = {"type": type_of(sub, words), "value": shown_value(sub, words)}
    return {"type": type_of(one, words), "value": shown_value(one, words), "metadata": metadata}
