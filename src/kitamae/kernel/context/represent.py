"""The internal form -> what a client reads: normalized, concise, simplified, GeoJSON (clauses 4.5.1 to 4.5.17).

The hot path: one pass over the entity, dictionary lookups for names, nothing copied that can be shared. What is
returned shares its values with the entity that it was made from: write it out, do not change it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from kitamae.kernel.context import earlier, geojson, names
from kitamae.kernel.context.entity import NULL, VALUE_OF
from kitamae.kernel.context.languages import choose

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.context.earlier import Version
    from kitamae.kernel.context.entity import Attribute, Entity, Json
    from kitamae.kernel.context.jsonld import Context

LOCATION: Final = names.NGSI_LD + "location"

_SYSTEM: Final = frozenset(("createdAt", "modifiedAt", "deletedAt", "expiresAt"))
_AS_IS: Final = frozenset(("observedAt", "unitCode", "datasetId", "entityIdSealed", *_SYSTEM))
_NEVER: Final = frozenset(("kind", "v", "v2type", "instanceId"))
_SILENT: Final = {True: _NEVER, False: _NEVER | _SYSTEM}
"""Members that an answer does not have, by `sys_attrs`: of most instances that is all there are."""
_HEAD: Final = ("scope", "deletedAt")
_HEAD_SYSTEM: Final = (*_HEAD, "expiresAt", "createdAt", "modifiedAt")
_PREVIOUS: Final = {kind: f"previous{member[0].upper()}{member[1:]}" for kind, member in VALUE_OF.items()}
_BARE: Final = frozenset((str, int, float, bool))


@dataclass(frozen=True, slots=True)
class Form:
    """How an answer is to look. Names are expanded; hashable, so that answers may be cached under it.

    `attrs`: only these attributes. `pick`, `omit`: only these members, all but these: expanded attributes, or `id`, `type`,
    `scope`, ... as they stand. `datasets`: only these instances, `@none` being the default one. `lang`: what a client would
    like to read, `ja,en;q=0.5`. `geometry_property`: what a Feature's geometry is taken from. `version`: of the specification,
    which the answer must not go beyond.
    """

    format: Literal["normalized", "concise", "simplified"] = "normalized"
    sys_attrs: bool = False
    lang: str | None = None
    attrs: frozenset[str] | None = None
    pick: frozenset[str] | None = None
    omit: frozenset[str] | None = None
    datasets: frozenset[str] | None = None
    geometry_property: str = LOCATION
    version: Version | None = None


NORMALIZED: Final = Form()


def present(entity: Entity, ctx: Context, form: Form = NORMALIZED) -> dict[str, Json]:
    """The entity as an answer, without `@context`."""
    compact = ctx.compact
    if form.version is not None:
        entity = earlier.as_of(entity, form.version, ctx.word, form.lang)
    types = entity["type"]
    answer: dict[str, Json] = {
        "id": entity["id"],
        "type": compact(types[0]) if len(types) == 1 else [compact(iri) for iri in types],
    }
    for member in _HEAD_SYSTEM if form.sys_attrs else _HEAD:
        if member in entity:
            value = entity[member]
            answer[member] = value[0] if member == "scope" and len(value) == 1 else value
    wanted = _wanted(form)
    pick, omit = form.pick, form.omit
    if pick is not None or omit is not None:
        answer = {
            name: value
            for name, value in answer.items()
            if (pick is None or name in pick) and (omit is None or name not in omit)
        }
    for name, instances in entity["attrs"].items():
        if wanted is not None and not wanted(name):
            continue
        shown = instances if form.datasets is None else _in_datasets(instances, form.datasets)
        if shown:
            answer[compact(name)] = attribute(shown, ctx, form)
    return answer


def attribute(instances: list[Attribute], ctx: Context, form: Form = NORMALIZED) -> Json:
    """All instances under one name: one alone, or several together (clause 4.5.5)."""
    if form.format == "normalized":
        if len(instances) == 1:
            return normalized(instances[0], ctx, form)
        return [normalized(one, ctx, form) for one in instances]
    if form.format == "concise":
        if len(instances) == 1:
            return concise(instances[0], ctx, form)
        return [_reified(one, ctx, form) for one in instances]
    if len(instances) == 1 and "datasetId" not in instances[0]:
        return simplified(instances[0], ctx, form)
    return {"dataset": {one.get("datasetId", "@none"): simplified(one, ctx, form) for one in instances}}


def normalized(one: Attribute, ctx: Context, form: Form = NORMALIZED) -> dict[str, Json]:
    """One instance, with its kind."""
    kind, value = one["kind"], one["v"]
    answer: dict[str, Json] = {"type": kind, VALUE_OF[kind]: value}
    if kind in _OUTSIDE:
        if kind == "LanguageProperty" and form.lang is not None and type(value) is dict:
            tag, words = choose(value, form.lang)
            answer = {"type": "Property", "value": words, "lang": tag}
        else:
            answer[VALUE_OF[kind]] = _OUTSIDE[kind](value, ctx)
    if len(one) > 2:
        _members(one, answer, ctx, form)
    return answer


def concise(one: Attribute, ctx: Context, form: Form) -> Json:
    """One instance, without what can be told from the rest (clause 4.5.1)."""
    answer = _reified(one, ctx, form)
    if len(answer) == 1 and "value" in answer:
        value = answer["value"]
        if one["kind"] == "GeoProperty" or type(value) in _BARE:
            return value
        if type(value) is list and all(type(item) in _BARE for item in value):
            return value
    return answer


def simplified(one: Attribute, ctx: Context, form: Form) -> Json:
    """The value of one instance alone (clause 4.5.4)."""
    kind, value = one["kind"], one["v"]
    if kind not in _WRAPPED or value == NULL:
        return value
    if kind == "LanguageProperty" and form.lang is not None:
        return choose(value, form.lang)[1]
    if kind == "VocabProperty":
        value = _vocab(value, ctx)
    return {VALUE_OF[kind]: value}


def feature(entity: Entity, ctx: Context, form: Form = NORMALIZED) -> dict[str, Json]:
    """A GeoJSON Feature (clause 4.5.16); its geometry is null where the entity has none."""
    properties = present(entity, ctx, form)
    answer: dict[str, Json] = {
        "id": entity["id"],
        "type": "Feature",
        "geometry": None,
        "properties": properties,
    }
    if properties.pop("id", None) is None:
        del answer["id"]
    places = entity["attrs"].get(form.geometry_property, [])
    for one in places if form.datasets is None else _in_datasets(places, form.datasets):
        if one["kind"] == "GeoProperty" and one["v"] != NULL:
            answer["geometry"] = one["v"]
            break
    return answer


def featured(shown: dict[str, Any], place: str) -> dict[str, Json]:
    """The Feature of an entity that is represented already; `place`: the short name of what its geometry is taken from."""
    properties = {name: value for name, value in shown.items() if name != "id"}
    instances = shown.get(place)
    one = instances[0] if isinstance(instances, list) and instances else instances
    geometry = one.get("value", one) if isinstance(one, dict) else None
    answer = {"type": "Feature", "geometry": geometry, "properties": properties}
    return {"id": shown["id"], **answer} if "id" in shown else answer


def feature_collection(entities: Iterable[Entity], ctx: Context, form: Form = NORMALIZED) -> dict[str, Json]:
    """A GeoJSON FeatureCollection (clause 4.5.17), without `@context`."""
    return {"type": "FeatureCollection", "features": [feature(entity, ctx, form) for entity in entities]}


def _in_datasets(instances: list[Attribute], datasets: frozenset[str]) -> list[Attribute]:
    return [one for one in instances if one.get("datasetId", "@none") in datasets]


def _wanted(form: Form) -> Callable[[str], bool] | None:
    attrs, pick, omit = form.attrs, form.pick, form.omit
    if attrs is None and pick is None and omit is None:
        return None
    return lambda name: (
        (attrs is None or name in attrs)
        and (pick is None or name in pick)
        and (omit is None or name not in omit)
    )


def _members(one: Attribute, answer: dict[str, Json], ctx: Context, form: Form) -> None:
    """Everything about an instance but its kind and value."""
    silent = _SILENT[form.sys_attrs]
    for member, value in one.items():
        if member in silent:
            continue
        if member in _AS_IS:
            answer[member] = value
        elif member == "attrs":
            for name, instances in one["attrs"].items():
                answer[ctx.compact(name)] = attribute(instances, ctx, form)
        elif member == "objectType":
            types = [ctx.compact(iri) for iri in one["objectType"]]
            answer["objectType"] = types[0] if len(types) == 1 else types
        elif member == "valueType":
            answer["valueType"] = ctx.word(one["valueType"])
        elif member == "entityTypeSealed":
            answer["entityTypeSealed"] = ctx.compact(one["entityTypeSealed"])
        elif member == "previous":
            kind = one["kind"]
            answer[_PREVIOUS[kind]] = _OUTSIDE[kind](value, ctx) if kind in _OUTSIDE else value


def _reified(one: Attribute, ctx: Context, form: Form) -> dict[str, Json]:
    """Concise, always as an object. A Property whose value would be taken for a geometry keeps its type."""
    answer = normalized(one, ctx, form)
    if not (one["kind"] == "Property" and geojson.looks_like(one["v"])):
        del answer["type"]
    return answer


def _vocab(value: Json, ctx: Context) -> Json:
    return [ctx.word(iri) for iri in value] if type(value) is list else ctx.word(value)


def _language_map(value: Json, _: Context) -> Json:
    return {"@none": NULL} if value == NULL else value


def _object_list(value: Json, _: Context) -> Json:
    return value if value in (NULL, [NULL]) else [{"object": uri} for uri in value]


_OUTSIDE: Final[dict[str, Callable[[Json, Context], Json]]] = {
    "LanguageProperty": _language_map,
    "VocabProperty": lambda value, ctx: value if value == NULL else _vocab(value, ctx),
    "ListRelationship": _object_list,
}
"""Kinds whose values are written otherwise than they are kept."""

_WRAPPED: Final = frozenset(("LanguageProperty", "VocabProperty", "JsonProperty"))
"""Kinds whose simplified form keeps the name of the value's member."""
