"""An attribute of NGSIv2 -> the internal form -> NGSIv2, without loss (docs/connect/ngsiv2.md is the table).

A value that NGSI-LD has a kind for becomes that kind, so that each dialect sees what it understands; `v2type` and
`v2value` remember what the kind does not say. They are believed as long as they fit the value: NGSI-LD may have
written another one since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from kitamae.kernel.context import clock, lexical
from kitamae.kernel.context.entity import NULL
from kitamae.kernel.context.v2 import places, times
from kitamae.kernel.context.v2.names import demand_free, field
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Attribute, Json
    from kitamae.kernel.context.v2.names import Words

BUILTIN_METADATA: Final = frozenset(("dateCreated", "dateModified", "previousValue", "actionType"))
_MEMBERS: Final = frozenset(("type", "value", "metadata"))
_UNRESTRICTED: Final = "TextUnrestricted"
"""As a type, or as a metadatum that is true: the value may hold characters that are forbidden elsewhere."""
_KINDS: Final = frozenset(
    ("LanguageProperty", "VocabProperty", "JsonProperty", "ListProperty", "ListRelationship")
)
_DEPTH: Final = 100
_WRITTEN: Final = frozenset(
    ("attrs", "observedAt", "unitCode", "datasetId", "createdAt", "modifiedAt", "instanceId")
)
"""Members of an attribute that are written anew; the others belong to its value."""


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


def read(
    given: Json, name: str, words: Words, before: Attribute | None = None, *, value_only: bool = False
) -> Attribute:
    """`{"value": .., "type": .., "metadata": ..}`. Raises BadRequest.

    A type that it does not say follows from the value; with `value_only` it is as `before` had it. What NGSI-LD wrote
    may be written back as it was read, whatever NGSIv2 forbids or cannot say of it.
    """
    if not isinstance(given, dict):
        raise BadRequest(f"attribute {name}: must be a JSON object, unless keyValues option is used")
    if unknown := given.keys() - _MEMBERS:
        raise BadRequest(f"attribute {name}: invalid JSON member {sorted(unknown)[0]!r:.80}")
    there: dict[str, Json] = shown(before, words) if before is not None else {"metadata": {}}
    type = _type(given, f"attribute {name}")
    if value_only:
        type = there["type"]
    metadata = given.get("metadata", {})
    if not isinstance(metadata, dict):
        raise BadRequest(f"attribute {name}: metadata must be a JSON object")
    if type != _UNRESTRICTED and not _frees(metadata) and not _same(given, there):
        demand_free(given.get("value"), f"attribute {name}")
    if before is not None and _same(given, there) and type in (None, there["type"]):
        made = cast("Attribute", {name: one for name, one in before.items() if name not in _WRITTEN})
    else:
        made = value(given.get("value"), type, f"attribute {name}", words)
    subs = before.get("attrs", {}) if before is not None else {}
    for meta, one in metadata.items():
        where = f"attribute {name}: metadata {field(meta, 'metadata name')}"
        if meta in BUILTIN_METADATA:
            continue
        if (iri := words.expand(meta)) in subs and alike(one, there["metadata"].get(meta)):
            made.setdefault("attrs", {})[iri] = subs[iri]  # with what NGSI-LD says below it
        else:
            _put(made, meta, one, there["metadata"].get(meta, {}), where, words)
    return made


def _type(given: dict[str, Json], where: str) -> str | None:
    return field(given["type"], f"{where}: type") if given.get("type") is not None else None


def _frees(metadata: dict[str, Json]) -> bool:
    one = metadata.get(_UNRESTRICTED)
    return isinstance(one, dict) and one.get("value") is True


def _put(made: Attribute, meta: str, one: Json, before: dict[str, Json], where: str, words: Words) -> None:
    """A metadatum: a member of NGSI-LD where it has one of that name, else a sub-attribute."""
    if not isinstance(one, dict) or one.keys() - {"type", "value"}:
        raise BadRequest(f"{where}: expected an object with value and type")
    kind, v = _type(one, where), one.get("value")
    if kind != _UNRESTRICTED and not _same(one, before):
        demand_free(v, where)
    if meta == "observedAt" and kind in (None, "DateTime") and v is not None:
        made["observedAt"] = clock.text(times.instant(v, where))
    elif meta == "unitCode" and kind in (None, "Text") and isinstance(v, str) and v:
        made["unitCode"] = v
    elif meta == "datasetId" and isinstance(v, str) and lexical.is_uri(v):
        made["datasetId"] = v
    else:
        made.setdefault("attrs", {})[words.expand(meta)] = [value(v, kind, where, words)]


def _same(given: dict[str, Json], there: dict[str, Json]) -> bool:
    """As JSON: 0 is not false, nor 1 the same as 1.0."""
    return "value" in given and "value" in there and alike(given["value"], there["value"])


def alike(one: Json, other: Json) -> bool:
    """Are they the same JSON, to the type of each number? No deeper than the less deep of them."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return type(one) is type(other) and bool(one == other)


def value(given: Json, type: str | None, where: str, words: Words) -> Attribute:
    """A value and its type as an attribute without metadata. Raises BadRequest."""
    _demand_value(given, where)
    usual = default_type(given)
    if type is None:
        type = usual
    if type in times.TYPES and given is not None:
        made = {
            "kind": "Property",
            "v": {"@type": "DateTime", "@value": clock.text(times.instant(given, where))},
        }
    elif type == "Relationship" and _uris(given):
        return {"kind": "Relationship", "v": given}
    elif type == "geo:json" and given is not None:
        made = {"kind": "GeoProperty", "v": places.geometry(given, where)}
    elif type in places.SIMPLE and given is not None:
        made = {"kind": "GeoProperty", "v": places.simple(type, given, where), "v2type": type}
        if places.shown(type, made["v"]) != given:
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
            isinstance(given, dict)
            and given
            and all(isinstance(one, str) for one in given.values())
            and all(map(_is_tag, given))
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


def _is_tag(text: str) -> bool:
    """Of a language, as NGSI-LD reads it."""
    return text == "@none" or (text.isascii() and text.replace("-", "").isalnum())


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
    if times.is_time(v):
        return "DateTime"
    if "valueType" in one:
        return words.compact(one["valueType"])
    return default_type(v)


def _fits(type: str, one: Attribute) -> bool:
    v = one["v"]
    if one["kind"] == "GeoProperty":
        return type in places.SIMPLE and places.shown(type, v) is not None
    if type in places.SIMPLE or type == "geo:json":
        return v is None
    if type in times.TYPES:
        return v is None or times.is_time(v)
    return True


def shown_value(one: Attribute, words: Words) -> Json:
    """The value as NGSIv2 has it."""
    kind, v = one["kind"], one["v"]
    if kind == "GeoProperty":
        type = type_of(one, words)
        if type in places.SIMPLE:
            written = one.get("v2value")
            return places.shown(type, v) if written is None or not places.means(type, written, v) else written
        return v
    if kind == "VocabProperty":
        return (
            [words.compact(i) for i in v]
            if isinstance(v, list)
            else words.compact(v)
            if isinstance(v, str)
            else v
        )
    if kind == "Property" and times.is_time(v) and type_of(one, words) in times.TYPES:
        return times.shown_time(v["@value"])
    return v


def shown(one: Attribute, words: Words) -> dict[str, Json]:
    """`{"type": .., "value": .., "metadata": ..}` without builtin metadata."""
    metadata: dict[str, Json] = {}
    if "observedAt" in one:
        metadata["observedAt"] = {"type": "DateTime", "value": times.shown_time(one["observedAt"])}
    if "unitCode" in one:
        metadata["unitCode"] = {"type": "Text", "value": one["unitCode"]}
    if "datasetId" in one:
        metadata["datasetId"] = {"type": "Text", "value": one["datasetId"]}
    for name, instances in one.get("attrs", {}).items():
        if instances:
            sub = instances[0]
            metadata[words.compact(name)] = {"type": type_of(sub, words), "value": shown_value(sub, words)}
    return {"type": type_of(one, words), "value": shown_value(one, words), "metadata": metadata}
