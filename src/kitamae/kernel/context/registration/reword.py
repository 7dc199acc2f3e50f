"""A payload in the words of another @context, its form unchanged (4.3.6.6, `jsonldContext`).

Names of attributes and types, and values that are names (`vocab`, `objectType`, `valueType`), are said anew; values are
left as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context

_KEPT: Final = frozenset(
    {
        "@id",
        "createdAt",
        "datasetId",
        "deletedAt",
        "expiresAt",
        "id",
        "instanceId",
        "json",
        "languageMap",
        "modifiedAt",
        "object",
        "objectList",
        "observedAt",
        "scope",
        "unitCode",
        "value",
        "valueList",
    }
)
"""Members that are no names, and whose values hold none."""
_NAMES: Final = frozenset({"entityTypeSealed", "objectType", "valueType", "vocab"})
_REIFIED: Final = frozenset(
    {"json", "languageMap", "object", "objectList", "type", "value", "valueList", "vocab"}
)


def entity(
    payload: dict[str, Any], old: Context, new: Context, *, simplified: bool = False
) -> dict[str, Any]:
    """An entity, or a fragment of one. `simplified`: attributes are values."""
    answer: dict[str, Any] = {}
    for name, value in payload.items():
        if name in ("type", "@type"):
            answer[name] = _name(value, old, new)
        elif name in _KEPT:
            answer[name] = value
        elif name != "@context":
            said = new.compact(old.expand(name))
            answer[said] = value if simplified else attribute(value, old, new)
    return answer


def attribute(value: Json, old: Context, new: Context) -> Json:
    """One attribute, or several instances of one. What is not reified is a value."""
    if isinstance(value, list):
        return [attribute(one, old, new) for one in value]
    if not isinstance(value, dict) or not _REIFIED & value.keys() or "coordinates" in value:
        return value
    answer: dict[str, Any] = {}
    for name, member in value.items():
        if name in _NAMES:
            answer[name] = _name(member, old, new)
        elif name == "type" or name in _KEPT:
            answer[name] = member
        else:
            answer[new.compact(old.expand(name))] = attribute(member, old, new)
    return answer


def _name(value: Json, old: Context, new: Context) -> Json:
    if isinstance(value, list):
        return [_name(one, old, new) for one in value]
    return new.compact(old.iri(value)) if isinstance(value, str) else value
