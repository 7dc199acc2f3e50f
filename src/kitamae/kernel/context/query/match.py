"""The exact meaning of queries over entities in the internal form. What any store answers is what this says.

`linked` finds another entity by its id, for `rel{attr}`; without it such a path leads nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from kitamae.kernel.context import names
from kitamae.kernel.context.query import geometry, pattern
from kitamae.kernel.context.query.build import moment
from kitamae.kernel.context.query.tree import (
    SCOPE,
    SYSTEM,
    All,
    AnyOf,
    Compare,
    Exists,
    Missing,
    Moment,
    Null,
    Op,
    Range,
    ScopeQ,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kitamae.kernel.context.entity import Attribute, Attributes, Entity, Json
    from kitamae.kernel.context.query.tree import EntityQuery, Geo, Node, Path, Scalar, TypeQ

    Linked: TypeAlias = Callable[[str], Entity | None]

NO_DATASET: Final = "@none"
"""How a list of datasetIds names the default instance."""

_RELATIONSHIPS: Final = frozenset({"Relationship", "ListRelationship"})


def entity(query: EntityQuery, entity: Entity, linked: Linked | None = None) -> bool:
    """Whether it is one of those that the query selects; order and slice aside, and its tenant is taken for granted."""
    if query.ids and entity["id"] not in query.ids:
        return False
    if query.id_pattern is not None and not pattern.compiled(query.id_pattern)(
        entity["id"] if query.v2_path is None else names.v2_id(entity["id"])
    ):
        return False
    if not types(query.types, entity["type"]) or not chosen(query, entity):
        return False
    if not query.without.isdisjoint(entity["type"]):
        return False
    if query.v2_path and not v2_path(query.v2_path, entity.get("scope", [])):
        return False
    if query.scope is not None and not scope(query.scope, entity.get("scope", [])):
        return False
    if query.datasets:
        entity = only(query.datasets, entity)
    if query.attrs and not any(name in entity["attrs"] for name in query.attrs):
        return False
    if query.q is not None and not node(query.q, entity, linked):
        return False
    return query.geo is None or geo(query.geo, entity)


def only(datasets: tuple[str, ...], entity: Entity) -> Entity:
    """The entity with just the attribute instances of those datasets."""
    attrs: Attributes = {}
    for name, instances in entity["attrs"].items():
        kept = [instance for instance in instances if instance.get("datasetId", NO_DATASET) in datasets]
        if kept:
            attrs[name] = kept
    return {**entity, "attrs": attrs}


def types(wanted: TypeQ, there: list[str]) -> bool:
    """Clause 4.17."""
    for together in wanted.any_of:
        for name in together:
            if name not in there:
                break
        else:
            return True
    return not wanted.any_of


def chosen(query: EntityQuery, entity: Entity) -> bool:
    """Is it one that any of the selectors wants?"""
    return not query.wanted or any(
        (not one.ids or entity["id"] in one.ids)
        and (one.id_pattern is None or pattern.compiled(one.id_pattern)(entity["id"]))
        and types(one.types, entity["type"])
        for one in query.wanted
    )


def scope(wanted: ScopeQ, there: list[str]) -> bool:
    """Clause 4.19. A scope may be written without its first slash."""
    levels = [["", *scope.strip("/").split("/")] for scope in there]
    return any(
        all(any(_in_scope(term.split("/"), scope) for scope in levels) for term in together)
        for together in wanted.any_of
    )


def v2_path(wanted: str, there: list[str]) -> bool:
    """Service paths of NGSIv2, separated by commas: `/` is where what has no scope is."""
    return any(not there if one == "/" else scope(ScopeQ(((one,),)), there) for one in wanted.split(","))


def _in_scope(term: list[str], scope: list[str]) -> bool:
    if term[-1] == "#":
        term = term[:-1]
        scope = scope[: len(term)]
    return len(term) == len(scope) and all(
        asked in ("+", level) for asked, level in zip(term, scope, strict=True)
    )


def geo(geo: Geo, entity: Entity) -> bool:
    """Clause 4.10: any instance of that GeoProperty; an entity without it never matches, not even disjoint."""
    for instance in entity["attrs"].get(geo.geoproperty, ()):
        if instance["kind"] == "GeoProperty" and geometry.related(geo, instance["v"]):
            return True
    return False


def node(node: Node, entity: Entity, linked: Linked | None = None) -> bool:
    """Clause 4.9."""
    match node:
        case All(terms):
            return all(_node(term, entity, linked) for term in terms)
        case AnyOf(terms):
            return any(_node(term, entity, linked) for term in terms)
        case Exists(path):
            return any(True for _ in targets(path, entity, linked))
        case Missing(path):
            return not any(True for _ in targets(path, entity, linked))
        case Null(path, unequal):
            return any((value is not None) is unequal for _, value in targets(path, entity, linked))
        case Compare(path, op, values):
            return any(_holds(op, kind, value, values) for kind, value in targets(path, entity, linked))


_node = node


# --- what a path leads to
def targets(path: Path, entity: Entity, linked: Linked | None = None) -> Iterator[tuple[str, Json]]:
    """The kind and value of every target element: one for each instance of the attributes on the way.

    The kind is "" for a member that is no attribute, such as observedAt, and "Value" for a member of a value.
    """
    if path.join is not None:
        for _, value in _elements(path.names, entity):
            for one in _ids(value):
                other = linked(one) if linked is not None else None
                if other is not None and (
                    not path.join[0] or any(name in other["type"] for name in path.join[0])
                ):
                    yield from targets(path.join[1], other, linked)
        return
    for kind, value in _elements(path.names, entity):
        if path.inside:
            yield from _members(kind, value, path.inside)
        else:
            yield kind, value


def _elements(names: tuple[str, ...], entity: Entity) -> Iterator[tuple[str, Json]]:
    first, *rest = names
    if first in SYSTEM:
        if not rest and first in entity:
            yield "", entity[first]  # type: ignore[literal-required]  # SYSTEM has the TypedDict's own names
        return
    if first == SCOPE:
        for one in entity.get("scope") or ["/"]:
            yield "", one
        return
    instances: list[Attribute] = entity["attrs"].get(first, [])
    for name in rest:
        if name in SYSTEM:
            if name is rest[-1]:
                for instance in instances:
                    if name in instance:
                        yield "", instance[name]  # type: ignore[literal-required]  # as above
            return
        instances = [sub for instance in instances for sub in instance.get("attrs", {}).get(name, ())]
    for instance in instances:
        yield instance["kind"], instance["v"]


def _members(kind: str, value: Json, inside: tuple[str, ...]) -> Iterator[tuple[str, Json]]:
    if inside == ("*",) and kind == "LanguageProperty":
        yield kind, value
        return
    for name in inside:
        if not isinstance(value, dict) or name not in value:
            return
        value = value[name]
    yield "Value", value


def _ids(value: Json) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        found = item.get("object") if isinstance(item, dict) else item
        if isinstance(found, str):
            yield found


# --- comparison
def _holds(op: Op, kind: str, value: Json, values: tuple[Scalar | Range, ...]) -> bool:
    if kind in _RELATIONSHIPS:
        if op is not Op.EQUAL and op is not Op.UNEQUAL:
            return False
        value = list(_ids(value))
    elif kind == "LanguageProperty":
        value = _texts(value)
    match op:
        case Op.EQUAL:
            return _among(kind, value, values)
        case Op.UNEQUAL:
            return not _among(kind, value, values)
        case Op.MATCH | Op.NO_MATCH:
            found = pattern.compiled(str(values[0]))
            texts = [
                text
                for text in (value if kind == "LanguageProperty" else [plain(value)])
                if isinstance(text, str)
            ]
            return bool(texts) and any(found(text) for text in texts) is (op is Op.MATCH)
        case _:
            if kind == "LanguageProperty":
                return any(_ordered(op, kind, text, values[0]) for text in value)
            return _ordered(op, kind, value, values[0])


def _texts(languages: Json) -> list[Json]:
    found: list[Json] = []
    for text in languages.values() if isinstance(languages, dict) else ():
        found.extend(text) if isinstance(text, list) else found.append(text)
    return found


def _among(kind: str, value: Json, values: tuple[Scalar | Range, ...]) -> bool:
    """Whether the value, or an item of it if it is an array, is one of those."""
    if isinstance(value, list):
        return any(_equal(kind, item, wanted) for item in value for wanted in values)
    return any(_equal(kind, value, wanted) for wanted in values)


def _equal(kind: str, value: Json, wanted: Scalar | Range) -> bool:
    if isinstance(wanted, Range):
        return _ordered(Op.GREATER_EQUAL, kind, value, wanted.low) and _ordered(
            Op.LESS_EQUAL, kind, value, wanted.high
        )
    one, other = _comparable(kind, value, wanted)
    return one is not None and bool(one == other)


def _ordered(op: Op, kind: str, value: Json, wanted: Scalar | Range) -> bool:
    if isinstance(wanted, Range | bool):
        return False
    one, other = _comparable(kind, value, wanted)
    if one is None:
        return False
    match op:
        case Op.GREATER:
            return bool(one > other)
        case Op.GREATER_EQUAL:
            return bool(one >= other)
        case Op.LESS:
            return bool(one < other)
        case _:
            return bool(one <= other)


def _comparable(kind: str, value: Json, wanted: Scalar) -> tuple[Any, Any]:
    """Both as what Python compares rightly; (None, None) when their data types differ.

    A text that reads as a time is compared as one with a time. A system time is a time, whether asked for with quotes
    or without.
    """
    value = plain(value)
    if isinstance(wanted, Moment) or (kind == "" and isinstance(wanted, str) and moment(wanted) is not None):
        asked = wanted if isinstance(wanted, Moment) else moment(wanted)
        told = moment(value) if isinstance(value, str) else None
        return (told.at, asked.at) if told and asked and told.kind == asked.kind else (None, None)
    if isinstance(wanted, bool) or isinstance(value, bool):
        return (value, wanted) if isinstance(wanted, bool) and isinstance(value, bool) else (None, None)
    if isinstance(wanted, str):
        return (value, wanted) if isinstance(value, str) else (None, None)
    return (value, wanted) if isinstance(value, int | float) else (None, None)


def plain(value: Json) -> Json:
    """A typed JSON-LD value such as {"@type": "DateTime", "@value": "..."} without its wrapping."""
    return value["@value"] if isinstance(value, dict) and "@value" in value else value
