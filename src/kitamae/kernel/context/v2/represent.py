"""The internal form -> what an NGSIv2 client reads: normalized, keyValues, values, unique."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import orjson

from kitamae.kernel.context.v2 import attribute, times
from kitamae.kernel.context.v2.names import outer_id, path_of
from kitamae.kernel.context.v2.operations import current

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.entity import Attribute, Entity, Json
    from kitamae.kernel.context.v2.names import Words

Format = Literal["normalized", "keyValues", "values", "unique"]
BUILTIN: Final = ("dateCreated", "dateModified", "dateExpires", "servicePath", "alterationType")
_SYSTEM: Final = {"dateCreated": "createdAt", "dateModified": "modifiedAt", "dateExpires": "expiresAt"}


@dataclass(frozen=True, slots=True)
class Form:
    """`attrs`, `metadata`: names as the client wrote them, in order; None: all. `*` is all but builtin ones."""

    format: Format = "normalized"
    attrs: tuple[str, ...] | None = None
    metadata: tuple[str, ...] | None = None
    without: frozenset[str] = frozenset()
    """Attributes to leave out."""


@dataclass(frozen=True, slots=True)
class Happened:
    """For notifications: what happened to the entity, and to each attribute (expanded)."""

    alteration: str
    before: Mapping[str, Attribute]
    actions: Mapping[str, str]


def attributes(
    entity: Entity, words: Words, form: Form, happened: Happened | None = None
) -> dict[str, dict[str, Json]]:
    """Name -> `{"type", "value", "metadata"}`, in the order asked for, else by name: `values` has nothing but its order."""
    stored: dict[str, str] = {words.compact(iri): iri for iri in entity["attrs"]}
    wanted: list[str] = []
    for name in form.attrs if form.attrs is not None else ("*",):
        wanted += sorted(stored) if name == "*" else [name]
    answer: dict[str, dict[str, Json]] = {}
    for name in dict.fromkeys(wanted):
        if name in form.without:
            continue
        if name in BUILTIN and name not in stored:
            if (builtin := _builtin(entity, name, happened)) is not None:
                answer[name] = builtin
            continue
        iri = stored.get(name) or words.expand(name)
        one = current(entity["attrs"].get(iri))
        if one is not None:
            answer[words.compact(iri)] = one_attribute(one, words, form, iri, happened)
    return answer


def selected(shown: Mapping[str, dict[str, Json]], form: Form) -> dict[str, dict[str, Json]]:
    """Of what is shown the attributes that the form asks for, in its order."""
    wanted: list[str] = []
    for name in form.attrs if form.attrs is not None else ("*",):
        wanted += shown if name == "*" else [name]
    return {name: shown[name] for name in wanted if name in shown and name not in form.without}


def one_attribute(
    one: Attribute, words: Words, form: Form, iri: str = "", happened: Happened | None = None
) -> dict[str, Json]:
    """With the metadata asked for."""
    shown = attribute.shown(one, words)
    if form.metadata is None:
        return shown
    there, kept = shown["metadata"], {}
    for name in form.metadata:
        if name == "*":
            kept.update(there)
        elif name in there:
            kept[name] = there[name]
        elif (builtin := _builtin_metadatum(one, words, name, iri, happened)) is not None:
            kept[name] = builtin
    shown["metadata"] = kept
    return shown


def _builtin(entity: Entity, name: str, happened: Happened | None) -> dict[str, Json] | None:
    if name == "servicePath":
        return {"type": "Text", "value": path_of(entity), "metadata": {}}
    if name == "alterationType":
        return {"type": "Text", "value": happened.alteration, "metadata": {}} if happened else None
    stamp = entity.get(_SYSTEM[name])
    if stamp is None:
        return None
    return {"type": "DateTime", "value": times.shown_time(str(stamp)), "metadata": {}}


def _builtin_metadatum(
    one: Attribute, words: Words, name: str, iri: str, happened: Happened | None
) -> dict[str, Json] | None:
    if name in ("dateCreated", "dateModified"):
        stamp = one.get("createdAt" if name == "dateCreated" else "modifiedAt")
        return {"type": "DateTime", "value": times.shown_time(str(stamp))} if stamp else None
    if happened is None:
        return None
    if name == "actionType" and iri in happened.actions:
        return {"type": "Text", "value": happened.actions[iri]}
    if name == "previousValue" and iri in happened.before:
        old = happened.before[iri]
        return {"type": attribute.type_of(old, words), "value": attribute.shown_value(old, words)}
    return None


def present(entity: Entity, words: Words, form: Form, happened: Happened | None = None) -> Json:
    """The entity in one of the four formats."""
    return formed(
        outer_id(entity["id"]),
        type_of(entity, words),
        attributes(entity, words, form, happened),
        form.format,
    )


def formed(id: str, type: str, attrs: Mapping[str, Mapping[str, Json]], format: Format) -> Json:
    """Attributes in normalized form -> the format."""
    match format:
        case "normalized":
            return {"id": id, "type": type, **attrs}
        case "keyValues":
            return {"id": id, "type": type, **{name: one["value"] for name, one in attrs.items()}}
        case "values":
            return [one["value"] for one in attrs.values()]
        case "unique":
            return list({orjson.dumps(one["value"]): one["value"] for one in attrs.values()}.values())


def type_of(entity: Entity, words: Words) -> str:
    """NGSIv2 has one type per entity: the first."""
    return words.compact(entity["type"][0])
