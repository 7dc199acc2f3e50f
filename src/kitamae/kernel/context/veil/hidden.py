"""What one caller may not see, and an entity or a change without it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from kitamae.kernel.people.policy import Question

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.operations.command import Effect
    from kitamae.kernel.context.store import Change
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.policy import Policy


@dataclass(frozen=True, slots=True)
class Hidden:
    """`types`: of which he sees no entity; `attributes`: by type, those that are not there for him. All expanded."""

    types: frozenset[str]
    attributes: Mapping[str, frozenset[str]]

    def __bool__(self) -> bool:
        return bool(self.types or self.attributes)

    def all_of(self, types: Iterable[str]) -> bool:
        """Is an entity of these types hidden? One hidden type is enough."""
        return not self.types.isdisjoint(types)

    def of(self, types: Iterable[str]) -> frozenset[str]:
        """The attributes that an entity of these types does not show."""
        known = self.attributes
        return frozenset(name for type_ in types for name in known.get(type_, ()))

    def entity(self, entity: Entity) -> Entity | None:
        """Without what he may not see; None: it is hidden. The entity itself stays as it is."""
        if self.all_of(entity["type"]):
            return None
        names = self.of(entity["type"])
        if names.isdisjoint(entity["attrs"]):
            return entity
        return less(entity, names)

    def told(self, entity: Entity, *, by: bool = False) -> Entity | None:
        """The same of what another source tells. `by`: it was asked for attributes, so what is left without any was no answer for him."""
        seen = self.entity(entity)
        gone = by and seen is not entity and seen is not None and not seen["attrs"]
        return None if gone else seen

    def effect(self, effect: Effect) -> Effect | None:
        """What happened, as far as he sees it; None: nothing."""
        states = [one for one in (effect.after, effect.before) if one is not None]
        types = {name for one in states for name in one["type"]}
        if self.all_of(types):
            return None
        names = self.of(types)
        if not names:
            return effect
        touched = [one for one in effect.touched if one.name not in names]
        if effect.touched and not touched and effect.verb == "updated":
            return None
        return replace(
            effect,
            before=effect.before and less(effect.before, names),
            after=effect.after and less(effect.after, names),
            touched=touched,
            updated=[name for name in effect.updated if name not in names],
        )

    def change(self, change: Change) -> Change | None:
        """The same of a change as the store remembers it."""
        if self.all_of(change.types):
            return None
        names = self.of(change.types)
        touched = [one for one in change.touched if one.name not in names]
        if len(touched) == len(change.touched):
            return change
        return replace(change, touched=touched) if touched or change.verb != "updated" else None


def less(entity: Entity, names: frozenset[str]) -> Entity:
    """The entity without those attributes; it stays itself as it is."""
    attrs: dict[str, Any] = {name: value for name, value in entity["attrs"].items() if name not in names}
    return cast("Entity", {**entity, "attrs": attrs})


def of_all(classes: Iterable[str]) -> Hidden:
    """All that is not open: for what leaves the city by itself, to whoever stands at the other end."""
    types = frozenset(one for one in classes if " " not in one)
    attributes: dict[str, set[str]] = {}
    for one in classes:
        type_, _, name = one.partition(" ")
        if name:
            attributes.setdefault(type_, set()).add(name)
    return Hidden(types, {name: frozenset(some) for name, some in attributes.items()})


def hidden(policy: Policy, who: Principal, tenant: str) -> Hidden:
    """What the policy does not let him read of all that is not open."""
    types: set[str] = set()
    attributes: dict[str, set[str]] = {}
    for named in policy.facts.classes:
        type_, _, attribute = named.partition(" ")
        what = f"attribute:{named}" if attribute else f"entity:{type_}"
        if policy.allows(Question(who, "read", what, tenant)):
            continue
        if attribute:
            attributes.setdefault(type_, set()).add(attribute)
        else:
            types.add(type_)
    return Hidden(frozenset(types), {name: frozenset(some) for name, some in attributes.items()})
