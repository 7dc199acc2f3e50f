"""The next state of an entity while an operation writes it.

Only what changes is copied: the entity's own dictionary, its `attrs`, and the list of a touched attribute. Every
other object is shared with the state before, which is never changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.kernel.context import clock
from kitamae.kernel.context.entity import NULL
from kitamae.kernel.context.operations import expiry, instance
from kitamae.kernel.context.operations.command import Effect, Touched
from kitamae.kernel.problems import NotFound

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Attribute, Attributes, Entity
    from kitamae.kernel.context.query.tree import TypeQ


class Draft:
    """Begin on a state, `put` and `drop` attribute instances, `finish` with the effect."""

    __slots__ = ("attrs", "before", "entity", "not_updated", "now", "stamp", "touched", "updated")

    def __init__(self, before: Entity, now: int) -> None:
        self.before = before
        self.now = now
        self.stamp = clock.text(now)
        self.attrs: Attributes = before["attrs"].copy()
        self.entity: Entity = before.copy()
        self.entity["attrs"] = self.attrs
        self.touched: list[Touched] = []
        self.updated: list[str] = []
        self.not_updated: dict[str, str] = {}

    def put(self, name: str, attribute: Attribute) -> None:
        """Keep this instance in the place of the one with the same datasetId, or beside the others."""
        instances = self.attrs.get(name)
        if instances is None:
            new = instance.kept(attribute, None, self.stamp)
            self.attrs[name] = [new]
            self.touched.append(Touched(name, "created", new, None))
        else:
            dataset = attribute.get("datasetId")
            previous = instance.find(instances, dataset)
            new = instance.kept(attribute, previous, self.stamp)
            if previous is not None:
                alone = len(instances) == 1
                self.attrs[name] = [new] if alone else [new if one is previous else one for one in instances]
                self.touched.append(Touched(name, "updated", new, previous))
            else:
                self.attrs[name] = [*instances, new] if dataset else [new, *instances]
                self.touched.append(Touched(name, "created", new, None))
        self._note(name)

    def drop(self, name: str, dataset: str | None) -> bool:
        """Delete that instance; False if it is not there."""
        instances = self.attrs.get(name, [])
        previous = instance.find(instances, dataset)
        if previous is None:
            return False
        if len(instances) == 1:
            del self.attrs[name]
        else:
            self.attrs[name] = [one for one in instances if one is not previous]
        self.touched.append(Touched(name, "deleted", None, previous))
        self._note(name)
        return True

    def drop_all(self, name: str) -> bool:
        """Delete every instance of an attribute; False if there is none."""
        instances = self.attrs.pop(name, [])
        for previous in instances:
            self.touched.append(Touched(name, "deleted", None, previous))
        if instances:
            self._note(name)
        return bool(instances)

    def add_types(self, types: list[str]) -> None:
        """An entity's types only ever grow (clause 4.16)."""
        new = [one for one in types if one not in self.entity["type"]]
        if new:
            self.entity["type"] = [*self.entity["type"], *new]
            self._note("type")

    def set_scope(self, scope: list[str]) -> None:
        """Replace it; an empty list removes it."""
        if not scope:
            if self.entity.pop("scope", None) is not None:
                self._note("scope")
            return
        self.entity["scope"] = scope
        self._note("scope")

    def set_expiry(self, stamp: str) -> None:
        """When the entity ends; NGSI-LD Null makes it permanent."""
        if stamp == NULL:
            self.entity.pop("expiresAt", None)
        else:
            clock.micros(stamp, "expiresAt")
            self.entity["expiresAt"] = stamp
        self._note("expiresAt")

    def refuse(self, name: str, why: str) -> None:
        """Leave it alone and say so (UpdateResult, clause 5.2.18)."""
        self.not_updated[name] = why

    def finish(self) -> Effect:
        """What was done."""
        if not self.updated:
            return Effect("none", self.before, self.before, not_updated=self.not_updated)
        self.entity["modifiedAt"] = self.stamp
        return Effect("updated", self.before, self.entity, self.touched, self.updated, self.not_updated)

    def _note(self, name: str) -> None:
        if name not in self.updated:
            self.updated.append(name)


def begin(before: Entity | None, now: int, only: TypeQ | None = None) -> Draft:
    """A draft on the state that is alive at `now`. Raises NotFound, also when it has none of the types asked for."""
    present = expiry.alive(before, now)
    if present is None:
        raise NotFound("there is no such entity")
    if only is not None and not selects(only, present):
        raise NotFound("there is no entity of that type with this id")
    draft = Draft(present, now)
    if before is not None and present is not before:
        draft.before = before
        draft.touched.extend(Touched(name, "deleted", None, one) for name, one in expiry.gone(before, now))
    return draft


def selects(only: TypeQ, entity: Entity) -> bool:
    """The type selector of clause 4.17 holds for this entity."""
    if not only.any_of:
        return True
    types = entity["type"]
    return any(all(one in types for one in conjunction) for conjunction in only.any_of)
