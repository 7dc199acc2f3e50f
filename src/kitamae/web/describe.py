"""A normalized entity (clause 4.5.2) as rows for a person: what, how much, in what unit, since when, from whom."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from kitamae.sdk import hazards
from kitamae.web import speak

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.sdk.context import Entity
    from kitamae.sdk.manifest import Language
    from kitamae.web.words import Words

_SYSTEM: Final = frozenset(
    {"id", "type", "@context", "scope", "createdAt", "modifiedAt", "deletedAt", "expiresAt"}
)
_MEMBERS: Final = ("value", "object", "languageMap", "json", "vocab", "valueList", "objectList")
_LAST: Final = ("管理番号", "地方公共団体コード", "出典")
"""For whoever keeps the data: below what everybody asks for."""
_MOST_RELATED: Final = 20
_SHOWN_ELSEWHERE: Final = frozenset(("名称", "name", "名称_カナ", "住所", "address", *hazards.HAZARDS))

Look = Literal["text", "link", "entity", "code", "point", "table"]
Cells: TypeAlias = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One value. `href` for links; `at` when it was observed (RFC 3339), `source` who says so.

    `cells` of a table: its head, then its rows, each with its own name first.
    """

    look: Look
    text: str
    href: str = ""
    unit: str = ""
    at: str = ""
    source: str = ""
    cells: Cells = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One attribute with all its instances. `history`: whether it is observed again and again."""

    name: str
    label: str
    values: tuple[Shown, ...]
    history: bool


def rows(
    entity: Entity, words: Words, language: Language, names: Mapping[str, str] | None = None
) -> list[Row]:
    """Every attribute that the page's head does not show already, in the order in which the entity has them.

    `names`: what the entities are called that relationships lead to; any other is shown by its id.
    """
    shown = [name for name in entity if name not in _SYSTEM and name not in _SHOWN_ELSEWHERE]
    shown.sort(key=lambda name: _LAST.index(name) if name in _LAST else -1)
    return [_row(name, entity[name], words, language, names or {}) for name in shown]


def related(entity: Entity) -> list[str]:
    """The ids that its relationships lead to, each once, the first twenty."""
    targets = [
        target
        for name, attribute in entity.items()
        if name not in _SYSTEM
        for one in _instances(attribute)
        if "object" in one or "objectList" in one
        for target in _several(_plain(one))
        if isinstance(target, str)
    ]
    return list(dict.fromkeys(targets))[:_MOST_RELATED]


def simple(entity: Entity) -> Entity:
    """The same entity simplified (clause 4.5.4), default instances only, for what needs only values."""
    return {
        name: attribute if name in _SYSTEM else _plain(_instances(attribute)[0])
        for name, attribute in entity.items()
    }


def _row(name: str, attribute: Any, words: Words, language: Language, names: Mapping[str, str]) -> Row:
    instances = _instances(attribute)
    values = tuple(
        replace(shown, text=names.get(shown.text, shown.text)) if shown.look == "entity" else shown
        for one in instances
        for shown in _shown(name, one, words, language)
    )
    return Row(name, words.attribute(name, language), values, any("observedAt" in one for one in instances))


def _instances(attribute: Any) -> list[dict[str, Any]]:
    return attribute if isinstance(attribute, list) else [attribute]


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _plain(instance: dict[str, Any]) -> Any:
    if "languageMap" in instance:
        return {"languageMap": instance["languageMap"]}
    return next((instance[member] for member in _MEMBERS if member in instance), None)


def _shown(name: str, instance: dict[str, Any], words: Words, language: Language) -> list[Shown]:
    value = _plain(instance)
    related = "object" in instance or "objectList" in instance
    unit = words.unit(str(instance.get("unitCode", "")), language)
    at = str(instance.get("observedAt", ""))
    source = instance.get("出典") or instance.get("source")
    said = speak.text(_plain(source), language) if isinstance(source, dict) else ""
    result = []
    plain = words.attributes.get(name, {}).get("form") == "plain"
    for one in _several(value):
        if cells := _table(one, words, language):
            result.append(Shown("table", "", "", unit, at, said, cells))
            continue
        look, text, href = _look(one, words, language, related=related)
        result.append(Shown(look, str(one) if plain else text, href, unit, at, said))
    return result


def _table(value: Any, words: Words, language: Language) -> Cells:
    """{row: {column: number or text}}, as counts by age and sex are; empty for any other shape."""
    if not (
        isinstance(value, dict) and value and all(isinstance(row, dict) and row for row in value.values())
    ):
        return ()
    columns = list(dict.fromkeys(column for row in value.values() for column in row))
    cells = [row.get(column) for row in value.values() for column in columns]
    if not all(isinstance(cell, str | int | float | None) for cell in cells):
        return ()

    def said(cell: Any) -> str:
        return "" if cell is None else _look(cell, words, language, related=False)[1]

    head = ("", *(words.attribute(column, language) for column in columns))
    return (head, *((name, *(said(row.get(column)) for column in columns)) for name, row in value.items()))


def _look(value: Any, words: Words, language: Language, *, related: bool) -> tuple[Look, str, str]:
    match value:
        case str() if related:
            return "entity", value, speak.link(value)
        case str() if value.startswith(("https://", "http://")):
            return "link", value, value
        case str():
            return "text", words.value(value, language), ""
        case bool():
            return "text", words.value("yes" if value else "no", language), ""
        case int() | float():
            return "text", speak.number(value, language), ""
        case {
            "type": "Point",
            "coordinates": [int() | float() as longitude, int() | float() as latitude, *_],
        }:
            return "point", f"{latitude:.6f}, {longitude:.6f}", ""
        case {"type": str(shape), "coordinates": _}:
            return "text", words.value(shape, language), ""
        case {"languageMap": _}:
            return "text", speak.text(value, language), ""
        case {"@type": _, "@value": str() | int() | float() as typed}:
            return "text", _typed(str(typed), language), ""
        case None:
            return "text", "", ""
    return "code", json.dumps(value, ensure_ascii=False, indent=1)[:4000], ""


def _typed(value: str, language: Language) -> str:
    """A JSON-LD typed value: a time in words, a date or anything else as it is."""
    try:
        return speak.moment(value, language) if "T" in value else value
    except ValueError:
        return value
