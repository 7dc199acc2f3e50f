"""What goes: delete (clause 5.6.6), purge (5.6.21), and what has expired (4.22)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kitamae.kernel.context.operations import draft as drafts
from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.operations.attribute import SCOPE
from kitamae.kernel.context.operations.command import Effect, Touched
from kitamae.kernel.problems import NotFound

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.query.tree import TypeQ


def _all_gone(before: Entity) -> Effect:
    touched = [
        Touched(name, "deleted", None, one)
        for name, instances in before["attrs"].items()
        for one in instances
    ]
    return Effect("deleted", before, None, touched, list(before["attrs"]))


@dataclass(frozen=True, slots=True)
class Delete:
    """The entity. Raises NotFound."""

    only: TypeQ | None = None

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Every attribute goes with it."""
        present = expiry.alive(before, now)
        if before is None or present is None or (self.only and not drafts.selects(self.only, present)):
            raise NotFound("there is no such entity")
        return _all_gone(before)


@dataclass(frozen=True, slots=True)
class Purge:
    """One entity that a purge selected: all of it, or only the attributes in `drop`, or all but those in `keep`.

    Never raises for what is already gone: somebody else was quicker.
    """

    drop: frozenset[str] = frozenset()
    keep: frozenset[str] = frozenset()

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Delete the entity, or attributes of it."""
        present = expiry.alive(before, now)
        if before is None or present is None:
            return Effect("none", before, before)
        if not self.drop and not self.keep:
            return _all_gone(before)
        draft = drafts.begin(before, now)
        for name in present["attrs"]:
            if name in self.drop or (self.keep and name not in self.keep):
                draft.drop_all(name)
        if self.drop & SCOPE:
            draft.set_scope([])
        return draft.finish()


@dataclass(frozen=True, slots=True)
class Expire:
    """What `expiresAt` says: the sweeper's operation. Nothing expired: nothing done."""

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Delete the entity, or the instances whose time is over."""
        if before is None:
            return Effect("none", None, None)
        if expiry.expired(before, now):
            return _all_gone(before)
        draft = drafts.begin(before, now)
        draft.updated = list(dict.fromkeys(one.name for one in draft.touched))
        return draft.finish()
