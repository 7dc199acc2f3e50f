"""What a sensor saw: a reading that is known already, or older than what is known, changes nothing.

No operation of the specification does this (its updates overwrite whatever they meet), so it is no part of the public
API: it is how doors that may hear one thing twice and late (MQTT, gateways) write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kitamae.kernel.context import clock
from kitamae.kernel.context.operations import draft as drafts
from kitamae.kernel.context.operations import expiry, instance
from kitamae.kernel.context.operations.create import Create
from kitamae.kernel.problems import Conflict

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Attribute, Attributes, Entity
    from kitamae.kernel.context.operations.command import Effect

LATE: Final = "older than what is known"
"""In `Effect.not_updated`: the present stays; whoever keeps history may add it there."""

_OWN: Final = ("createdAt", "modifiedAt", "instanceId")


@dataclass(frozen=True, slots=True)
class Observe:
    """Create the entity, or add what is new of it; an unchanged attribute is no change."""

    entity: Entity

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Instance by instance. `Effect.verb` is "none" where everything was known. Raises Conflict where the entity is of another type:
        somebody else's thing of that name, whose readers would take this for theirs.
        """
        if expiry.alive(before, now) is None:
            return Create(self.entity).apply(before, now)
        if missing := set(self.entity["type"]) - set(before["type"] if before else ()):
            raise Conflict(f"{self.entity['id']} is there already, and is no {', '.join(sorted(missing))}")
        draft = drafts.begin(before, now)
        old = self._is_old(draft.attrs)
        for name, instances in self.entity["attrs"].items():
            present = draft.attrs.get(name, [])
            for one in instances:
                previous = instance.find(present, one.get("datasetId"))
                if previous is None or not (_same(one, previous) or _earlier(one, previous)):
                    if previous is None or "observedAt" in one or not old:
                        draft.put(name, one)
                elif not _same(one, previous):
                    draft.refuse(name, LATE)
        return draft.finish()

    def _is_old(self, present: Attributes) -> bool:
        """Whether a reading in it is not newer than what is known: then what it says of the device is as old."""
        return any(
            (previous := instance.find(present.get(name, []), one.get("datasetId"))) is not None
            and _earlier(one, previous)
            for name, instances in self.entity["attrs"].items()
            for one in instances
        )


def _same(one: Attribute, other: Attribute) -> bool:
    """Equal but for what the broker itself notes beside it."""
    return _bare(one) == _bare(other)


def _bare(one: Attribute) -> dict[str, object]:
    bare: dict[str, object] = {
        name: value for name, value in one.items() if name not in (*_OWN, "attrs", "observedAt")
    }
    if "observedAt" in one:
        bare["observedAt"] = clock.micros(one["observedAt"])
    if one.get("attrs"):
        bare["attrs"] = {name: [_bare(sub) for sub in subs] for name, subs in one["attrs"].items()}
    return bare


def _earlier(one: Attribute, previous: Attribute) -> bool:
    """Of the same moment as what is known, or of one before it."""
    return (
        "observedAt" in one
        and "observedAt" in previous
        and clock.micros(one["observedAt"]) <= clock.micros(previous["observedAt"])
    )
