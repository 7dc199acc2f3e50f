"""Whose is what of a write: a pure function of the registrations (clauses 4.3.6 and 5.6.x).

What an exclusive source answers for goes there and nowhere else. What redirect sources answer for goes to all of them.
What is left stays here, and goes to inclusive sources too. Auxiliary sources are never written to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kitamae.kernel.context.query import match, pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.query.tree import TypeQ
    from kitamae.kernel.context.registration.model import EntityInfo, Information, Registration


@dataclass(frozen=True, slots=True)
class Target:
    """What is written. `types`: the entity's, expanded; None: not known. `only`: types that the request asks for.

    `attrs`: expanded names; None: the entity itself, whatever it has.
    """

    id: str
    types: frozenset[str] | None = None
    only: TypeQ | None = None
    attrs: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What one source answers for. `attrs` None: the entity itself. `types`: which it registered for this entity."""

    registration: Registration
    attrs: frozenset[str] | None
    types: frozenset[str]


@dataclass(slots=True)
class Shares:
    """`sent` goes there; `refused` is answered for by sources that do not offer the operation; `looped`: by sources
    that asked us. `taken`: attributes that others answer for in our place. `whole`: they do so for the entity.
    """

    sent: list[Part] = field(default_factory=list)
    refused: list[Part] = field(default_factory=list)
    looped: list[Part] = field(default_factory=list)
    taken: frozenset[str] = frozenset()
    whole: bool = False

    @property
    def elsewhere(self) -> bool:
        """Does it concern anybody but us?"""
        return bool(self.sent or self.refused or self.looped)


def shares(
    target: Target,
    registrations: Iterable[Registration],
    offered: Collection[str],
    visited: Collection[str] = (),
    *,
    circle: bool = False,
) -> Shares:
    """`offered`: names of operations, one of which a source must offer. `visited`: aliases of those that asked before.

    `circle`: we ourselves asked before, so that whoever is asked now would be asked again.
    """
    found = Shares()
    left = target.attrs
    covered = [(one, *_covers(target, one)) for one in registrations if one.mode != "auxiliary"]
    for mode in ("exclusive", "redirect", "inclusive"):
        gone: frozenset[str] = frozenset()
        for one, types, whole, attrs in covered:
            mine = attrs if left is None else attrs & left
            if one.mode != mode or not (mine or (whole and not target.attrs)):
                continue
            part = Part(one, None if target.attrs is None else mine, types)
            if mode != "inclusive":
                gone |= mine
                found.whole = found.whole or whole
            if circle or one.doc.get("contextSourceAlias") in visited:
                if mode != "inclusive":
                    found.looped.append(part)
            elif one.operations.isdisjoint(offered):
                if mode != "inclusive":
                    found.refused.append(part)
            else:
                found.sent.append(part)
        found.taken |= gone
        left = None if left is None else left - gone
    return found


def owner(entity: Entity, registrations: Iterable[Registration]) -> Registration | None:
    """Who answers in our place for something of an entity that would be written here: an exclusive or redirect source."""
    target = Target(entity["id"], frozenset(entity["type"]), attrs=frozenset(entity["attrs"]))
    parts = shares(target, registrations, ()).refused
    return parts[0].registration if parts else None


def _covers(target: Target, registration: Registration) -> tuple[frozenset[str], bool, frozenset[str]]:
    """The types under which it registered the entity, whether it did so as a whole, and which of the attributes."""
    types: frozenset[str] = frozenset()
    whole = False
    attrs: frozenset[str] = frozenset()
    for one in registration.information:
        named = [info.types for info in one.entities if _is(target, info)]
        if named or not one.entities:
            types = types.union(*named)
            whole = whole or target.attrs is None or not one.attrs
            attrs |= _answered(target, one)
    return types, whole, attrs


def _answered(target: Target, information: Information) -> frozenset[str]:
    if target.attrs is None:
        return frozenset()
    return target.attrs & information.attrs if information.attrs else target.attrs


def _is(target: Target, info: EntityInfo) -> bool:
    if info.id is not None and info.id != target.id:
        return False
    if info.id_pattern is not None and not pattern.compiled(info.id_pattern)(target.id):
        return False
    if target.only is not None and not match.types(target.only, list(info.types)):
        return False
    return target.types is None or target.types.issuperset(info.types)
