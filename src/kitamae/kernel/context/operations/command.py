"""A command, and what it did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from kitamae.kernel.context.names import SCOPE

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Attribute, Entity

Verb = Literal["created", "updated", "deleted"]


@dataclass(slots=True)
class Touched:
    """One attribute instance that changed: what history, subscriptions and audit are told."""

    name: str  # expanded
    verb: Verb
    after: Attribute | None
    before: Attribute | None


@dataclass(slots=True)
class Effect:
    """What one operation did to one entity.

    `after` is None when the entity is gone. `history` False: nothing that the temporal API should know of.
    `not_updated` maps expanded attribute names to the reason they were left alone (207 / UpdateResult).
    `forced`: NGSIv2's subscribers are told also of what did not change. `rounds`: notifications that led to it, one to
    the other, as far as its correlator tells.
    """

    verb: Verb | Literal["none"]
    before: Entity | None
    after: Entity | None
    touched: list[Touched] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    not_updated: dict[str, str] = field(default_factory=dict)
    forced: bool = False
    rounds: int = 0

    @property
    def remembered(self) -> list[Touched]:
        """What history and the order of changes keep: the attributes, and the scope where it changed."""
        was = self.before.get("scope") if self.before is not None else None
        now = self.after.get("scope") if self.after is not None else None
        return self.touched if was == now else [*self.touched, _scope(was, now, self.after)]


def _scope(was: list[str] | None, now: list[str] | None, after: Entity | None) -> Touched:
    """The scope as history has it: an instance of a Property, observed when it was set (clauses 4.5.6 and 4.18)."""
    if now is None or after is None:
        return Touched(SCOPE, "deleted", None, {"kind": "Property", "v": was})
    stamp = after.get("modifiedAt", after.get("createdAt"))
    new: Attribute = {"kind": "Property", "v": now[0] if len(now) == 1 else now}
    if stamp is not None:
        new |= {"createdAt": stamp, "modifiedAt": stamp, "observedAt": stamp}
    return Touched(SCOPE, "created" if was is None else "updated", new, None)


class Operation(Protocol):
    """`Create(entity)`, `Merge(fragment)`, `DeleteAttribute(name, dataset)`, ..."""

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Pure: never changes `before` in place, never does I/O. `now` in microseconds UTC. Raises Problem."""
        ...


@dataclass(slots=True, frozen=True)
class Command:
    """One operation on one entity on behalf of one actor (an opaque reference, never a name)."""

    tenant: str
    id: str
    operation: Operation
    actor: str = ""
    variant: str = ""
