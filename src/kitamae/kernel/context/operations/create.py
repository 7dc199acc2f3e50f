"""Whole entities: create (clause 5.6.1), replace (5.6.18), create or update (5.6.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from kitamae.kernel.context.operations import draft as drafts
from kitamae.kernel.context.operations import expiry, instance
from kitamae.kernel.context.operations.append import Append
from kitamae.kernel.context.operations.draft import Draft
from kitamae.kernel.problems import AlreadyExists

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Entity, Fragment
    from kitamae.kernel.context.operations.command import Effect
    from kitamae.kernel.context.query.tree import TypeQ


@dataclass(frozen=True, slots=True)
class Create:
    """Raises AlreadyExists; an entity that has expired is not in the way."""

    entity: Entity

    def apply(self, before: Entity | None, now: int) -> Effect:
        """The entity with its times and instance ids."""
        if before is not None and not expiry.expired(before, now):
            raise AlreadyExists(f"the entity {self.entity['id']} exists already")
        blank = cast("Entity", {**self.entity, "attrs": {}})
        draft = Draft(blank, now)
        draft.entity["createdAt"] = draft.entity["modifiedAt"] = draft.stamp
        for name, instances in self.entity["attrs"].items():
            for one in instances:
                instance.refuse_null(name, one)
                draft.put(name, one)
        effect = draft.finish()
        effect.verb, effect.before, effect.after = "created", None, draft.entity
        return effect


@dataclass(frozen=True, slots=True)
class Replace:
    """What is not in the new entity goes; `createdAt` stays. Raises NotFound."""

    entity: Entity
    only: TypeQ | None = None

    def apply(self, before: Entity | None, now: int) -> Effect:
        """The new entity in the old one's place."""
        draft = drafts.begin(before, now, self.only)
        for name, instances in self.entity["attrs"].items():
            for one in instances:
                instance.refuse_null(name, one)
                draft.put(name, one)
        for name, instances in draft.before["attrs"].items():
            new = self.entity["attrs"].get(name, [])
            for one in instances:
                if instance.find(new, one.get("datasetId")) is None:
                    draft.drop(name, one.get("datasetId"))
        draft.updated = [*self.entity["attrs"], *(n for n in draft.updated if n not in self.entity["attrs"])]
        after: Entity = {**self.entity, "attrs": draft.attrs}
        after["createdAt"] = draft.before.get("createdAt", draft.stamp)
        after["modifiedAt"] = draft.stamp
        effect = draft.finish()
        effect.verb, effect.after = "updated", after
        effect.touched, effect.updated = draft.touched, draft.updated
        return effect


@dataclass(frozen=True, slots=True)
class Upsert:
    """Create, or else replace the whole entity or update its attributes, as the request's option says."""

    entity: Entity
    mode: Literal["replace", "update"] = "replace"

    def apply(self, before: Entity | None, now: int) -> Effect:
        """`verb` tells which of them it was."""
        if before is None or expiry.expired(before, now):
            return Create(self.entity).apply(None, now)
        if self.mode == "replace":
            return Replace(self.entity).apply(before, now)
        return Append(cast("Fragment", self.entity)).apply(before, now)
