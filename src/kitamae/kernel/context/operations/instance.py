"""One attribute instance: is it a deletion, is it clean, what does it look like once it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from kitamae.kernel.context.entity import NULL
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.entity import Attribute, Attributes, Json

_SCALARS: Final = frozenset((str, int, float, bool))
_QUOTED: Final = orjson.dumps(NULL)
_NULL_MAP: Final = {"@none": NULL}
OPEN_KINDS: Final = frozenset({"Property", "JsonProperty", "LanguageProperty"})
"""The kinds whose value may be an object with members of its own."""


def find(instances: Sequence[Attribute], dataset: str | None) -> Attribute | None:
    """The instance with that datasetId; None: the default instance."""
    for one in instances:
        if one.get("datasetId") == dataset:
            return one
    return None


def deletes(attribute: Mapping[str, Any]) -> bool:
    """Its value is NGSI-LD Null (clause 4.5.0): the instance shall go."""
    v = attribute.get("v", False)
    if v == NULL:
        return True
    if isinstance(v, dict):
        return v == _NULL_MAP
    return isinstance(v, list) and v == [NULL]


def refuse_null(name: str, attribute: Mapping[str, Any]) -> None:
    """Raises BadRequest where NGSI-LD Null stands somewhere that does not mean deletion (clause 5.5.4)."""
    if type(attribute.get("v")) in _SCALARS and "attrs" not in attribute and NULL not in attribute.values():
        return  # most attributes: nothing in them can hide it
    if deletes(attribute):
        raise BadRequest(f"{name}: {NULL} means deletion; this operation only takes values")
    refuse_hidden_null(name, attribute)


def refuse_hidden_null(name: str, attribute: Mapping[str, Any]) -> None:
    """Raises BadRequest for NGSI-LD Null inside a value, a member or a sub-attribute (only a merge takes those)."""
    v = attribute.get("v")
    if (isinstance(v, (dict, list)) and attribute.get("kind") in OPEN_KINDS and _hides(v)) or (
        NULL in attribute.values()
        and any(attribute.get(m) == NULL for m in ("datasetId", "observedAt", "unitCode", "expiresAt"))
    ):
        raise BadRequest(f"{name}: {NULL} may not stand inside a value here; only a merge deletes members")
    subs = attribute.get("attrs")
    if subs:
        for below, instances in subs.items():
            for one in instances:
                refuse_null(below, one)


def _hides(value: dict[str, Json] | list[Json]) -> bool:
    if _QUOTED not in orjson.dumps(
        value
    ):  # a tenth of the time of looking at each, which matters from megabytes on
        return False
    pending = [value]
    while pending:
        one = pending.pop()
        inner = one.values() if isinstance(one, dict) else one
        if NULL in inner:
            return True
        pending.extend([below for below in inner if isinstance(below, (dict, list))])
    return False


def kept(attribute: Attribute, previous: Attribute | None, stamp: str) -> Attribute:
    """A new instance as it is stored: createdAt of `previous`, modifiedAt `stamp` (RFC 3339)."""
    created = previous.get("createdAt", stamp) if previous else stamp
    new: Attribute = {**attribute, "createdAt": created, "modifiedAt": stamp}
    subs = attribute.get("attrs")
    if subs:
        new["attrs"] = _stamped(subs, (previous.get("attrs") if previous else None) or {}, stamp)
    return new


def _stamped(subs: Attributes, earlier: Attributes, stamp: str) -> Attributes:
    """Sub-attributes carry createdAt and modifiedAt; one that did not change keeps both."""
    answer: Attributes = {}
    for name, instances in subs.items():
        old = earlier.get(name, [])
        if instances is old:
            answer[name] = old
            continue
        new: list[Attribute] = []
        for one in instances:
            previous = find(old, one.get("datasetId"))
            if previous is one:
                new.append(one)
                continue
            entry = cast(
                "Attribute",
                {
                    **one,
                    "createdAt": previous.get("createdAt", stamp) if previous else stamp,
                    "modifiedAt": stamp,
                },
            )
            below = one.get("attrs")
            if below:
                entry["attrs"] = _stamped(below, (previous.get("attrs") if previous else None) or {}, stamp)
            new.append(entry)
        answer[name] = new
    return answer
