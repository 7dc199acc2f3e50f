"""The temporal representations of an entity, from its remembered instances (clauses 4.5.6 to 4.5.9, 4.5.19)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import clock
from kitamae.kernel.context.entity import NULL, VALUE_OF

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kitamae.kernel.context.entity import Attribute, Json, Kind
    from kitamae.kernel.context.store import Figures, Instance, InstanceQuery, Readings
    from kitamae.kernel.context.temporal.query import TemporalQuery

MANY: Final[dict[Kind, str]] = {
    "Property": "values",
    "GeoProperty": "values",
    "Relationship": "objects",
    "LanguageProperty": "languageMaps",
    "JsonProperty": "jsons",
    "VocabProperty": "vocabs",
    "ListProperty": "valueLists",
    "ListRelationship": "objectLists",
}
"""The member that carries the list of values in the simplified form (clause 4.5.9)."""
_WRAPPED: Final = frozenset({"LanguageProperty", "JsonProperty", "VocabProperty"})

Series = dict[tuple[str, str], list["Instance"]]
"""(expanded name, datasetId or "") -> instances by time."""


def series(instances: Iterable[Instance]) -> Series:
    """Grouped, in the order in which they come."""
    answer: Series = {}
    for one in instances:
        answer.setdefault((one.name, one.attribute.get("datasetId", "")), []).append(one)
    return answer


def moment(one: Instance, query: TemporalQuery | InstanceQuery) -> int:
    """The time that the query goes by, in microseconds UTC; without it the time of writing."""
    timeproperty = query.timeproperty
    if timeproperty == "observedAt":
        found = one.observed_at
    elif timeproperty == "createdAt":
        found = one.created_at
    elif timeproperty == "deletedAt":
        found = one.deleted_at
    else:
        found = one.modified_at
    return one.modified_at if found is None else found


def _stamp(one: Instance, query: TemporalQuery) -> str:
    """That time as text: the attribute's own where it has it, because formatting 1,440 of them is slow."""
    if query.timeproperty == "observedAt" and "observedAt" in one.attribute:
        return one.attribute["observedAt"]
    return clock.text(moment(one, query))


def normalized(
    instances: Sequence[Instance], render: Callable[[Attribute], dict[str, Any]], sys_attrs: bool = False
) -> dict[str, list[dict[str, Any]]]:
    """Expanded name -> all instances, each as `render` writes an attribute, with its instanceId.

    A deleted one has NGSI-LD Null for a value and says when (`deletedAt`).
    """
    answer: dict[str, list[dict[str, Any]]] = {}
    for one in instances:
        written = render(deleted(one) if one.deleted_at is not None else one.attribute)
        written["instanceId"] = one.instance_id
        if one.deleted_at is not None:
            written["deletedAt"] = clock.text(one.deleted_at)
        if sys_attrs:
            written.setdefault("createdAt", clock.text(one.created_at))
            written.setdefault("modifiedAt", clock.text(one.modified_at))
        answer.setdefault(one.name, []).append(written)
    return answer


def deleted(one: Instance) -> Attribute:
    """What is left to say of an instance that was deleted: its kind, its dataset, and that it is gone."""
    attribute: Attribute = {"kind": one.attribute["kind"], "v": _null(one.attribute["kind"])}
    if "datasetId" in one.attribute:
        attribute["datasetId"] = one.attribute["datasetId"]
    return attribute


def _null(kind: Kind) -> Json:
    if kind == "LanguageProperty":
        return {"@none": NULL}
    return [NULL] if kind in ("ListProperty", "ListRelationship") else NULL


def simplified(
    instances: Sequence[Instance],
    query: TemporalQuery,
    word: Callable[[str], str],
    lang: Callable[[Json], Json] | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Expanded name -> one object per dataset: {"type", "datasetId"?, "values": [[value, time], ...]}.

    `lang` picks a text from a language map; the attribute is then a plain Property (clause 4.15).
    """
    answer: dict[str, list[dict[str, Any]]] = {}
    for (name, dataset), found in series(instances).items():
        kind = found[0].attribute["kind"]
        entry: dict[str, Any] = {"type": kind}
        if dataset:
            entry["datasetId"] = dataset
        if kind == "LanguageProperty" and lang is not None:
            entry["type"] = "Property"
            entry["values"] = [[lang(_value(one)), _stamp(one, query)] for one in found]
        elif kind in _WRAPPED:
            member = VALUE_OF[kind]
            pairs: list[list[Any]] = []
            for one in found:
                v = _value(one)
                pairs.append(
                    [{member: _vocab(v, word) if kind == "VocabProperty" else v}, _stamp(one, query)]
                )
            entry[MANY[kind]] = pairs
        else:
            entry[MANY[kind]] = [[_value(one), _stamp(one, query)] for one in found]
        answer.setdefault(name, []).append(entry)
    return answer


def nothing(one: Instance, query: TemporalQuery) -> Json:
    """What is shown of an attribute that has instances, but none in this answer."""
    if query.format != "temporalValues":
        return []
    kind = one.attribute["kind"]
    return {"type": kind, MANY[kind]: []}


def readings(found: Sequence[Readings]) -> dict[str, list[dict[str, Any]]]:
    """What `simplified` says, of series that are plain numbers: the quick way for charts."""
    answer: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        entry: dict[str, Any] = {"type": one.kind}
        if one.dataset:
            entry["datasetId"] = one.dataset
        entry["values"] = [[value, clock.text(at)] for value, at in one.points]
        answer.setdefault(one.name, []).append(entry)
    return answer


def _value(one: Instance) -> Json:
    return one.attribute["v"] if one.deleted_at is None else _null(one.attribute["kind"])


def _vocab(value: Json, word: Callable[[str], str]) -> Json:
    if isinstance(value, list):
        return [word(one) for one in value]
    return word(value) if value != NULL else value


def aggregated(found: Sequence[Figures]) -> dict[str, list[dict[str, Any]]]:
    """Expanded name -> one object per dataset: {"type", "datasetId"?, method: [[figure, from, until], ...]}."""
    answer: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        entry: dict[str, Any] = {"type": one.kind}
        if one.dataset:
            entry["datasetId"] = one.dataset
        for method, figures in one.told.items():
            entry[method] = [[figure, clock.text(start), clock.text(end)] for figure, start, end in figures]
        answer.setdefault(one.name, []).append(entry)
    return answer
