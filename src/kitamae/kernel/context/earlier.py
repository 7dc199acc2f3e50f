"""An entity as an earlier version of the specification can say it (clause 4.3.6.8), for clients that ask for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.entity import Attribute, Attributes, Entity, Json

Version: TypeAlias = tuple[int, int]
"""Major, minor."""

NEWEST: Final[Version] = (1, 9)
OLDEST: Final[Version] = (1, 0)

_KINDS: Final[dict[str, tuple[Version, str]]] = {
    "LanguageProperty": ((1, 4), "Property"),
    "JsonProperty": ((1, 8), "Property"),
    "VocabProperty": ((1, 8), "Property"),
    "ListProperty": ((1, 8), "Property"),
    "ListRelationship": ((1, 8), "Relationship"),
}
"""Since when there is a kind, and what it was before."""

_MEMBERS: Final[dict[str, Version]] = {
    "scope": (1, 4),
    "datasetId": (1, 3),
    "observedAt": (1, 3),
    "unitCode": (1, 3),
    "objectType": (1, 8),
    "expiresAt": (1, 9),
    "valueType": (1, 9),
}
"""Since when there is a member, of an entity or of an attribute. Earlier it is left out."""
_SEVERAL: Final[Version] = (1, 3)
"""Since when an entity has several types, and an attribute several instances."""


def as_of(entity: Entity, version: Version, word: Callable[[str], str], lang: str | None = None) -> Entity:
    """What that version cannot say is left out or said otherwise; the same object when it can say everything.

    `word`: for terms of a vocabulary, which become text. With `lang` a LanguageProperty is shown as text anyway.
    """
    reader = _Reader(version, word, lang)
    answer = cast("Entity", reader.members(cast("dict[str, Json]", entity)))
    if version < _SEVERAL and len(entity["type"]) > 1:
        answer = {**answer, "type": entity["type"][:1]}
    return answer


class _Reader:
    def __init__(self, version: Version, word: Callable[[str], str], lang: str | None) -> None:
        self.version, self.word, self.lang = version, word, lang

    def members(self, holder: dict[str, Json]) -> dict[str, Json]:
        gone = [member for member, since in _MEMBERS.items() if self.version < since and member in holder]
        answer = {name: value for name, value in holder.items() if name not in gone} if gone else holder
        attrs = holder.get("attrs")
        if attrs:
            earlier = self.attributes(attrs)
            if earlier is not attrs:
                answer = {**answer, "attrs": earlier}
        return answer

    def attributes(self, attrs: Attributes) -> Attributes:
        changed: dict[str, list[Attribute]] = {}
        for name, instances in attrs.items():
            one_only = self.version < _SEVERAL and len(instances) > 1
            kept = [min(instances, key=lambda one: "datasetId" in one)] if one_only else instances
            earlier = [self.instance(one) for one in kept]
            if one_only or any(new is not old for new, old in zip(earlier, kept, strict=True)):
                changed[name] = earlier
        return {**attrs, **changed} if changed else attrs

    def instance(self, one: Attribute) -> Attribute:
        answer = self.members(cast("dict[str, Json]", one))
        kind: Any = one["kind"]
        since, before = _KINDS.get(kind, (OLDEST, kind))
        if self.version < since and not (kind == "LanguageProperty" and self.lang):
            answer = {**answer, "kind": before}
            if kind == "VocabProperty":
                v = one["v"]
                answer["v"] = [*map(self.word, v)] if isinstance(v, list) else self.word(v)
        return cast("Attribute", answer)
