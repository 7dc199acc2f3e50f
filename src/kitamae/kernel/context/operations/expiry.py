"""Transient entities and attributes: `expiresAt` (clause 4.22). What has expired is not there any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.kernel.context import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kitamae.kernel.context.entity import Attribute, Attributes, Entity


def expired(holder: Entity | Attribute, now: int) -> bool:
    """Its `expiresAt` is not later than `now` (microseconds UTC)."""
    stamp = holder.get("expiresAt")
    return stamp is not None and clock.micros(stamp, "expiresAt") <= now


def gone(entity: Entity, now: int) -> Iterator[tuple[str, Attribute]]:
    """The attribute instances of an entity that have expired."""
    for name, instances in entity["attrs"].items():
        for one in instances:
            if "expiresAt" in one and expired(one, now):
                yield name, one


def _transient(attrs: Attributes) -> bool:
    """Loops, not `any()` of a generator: this is asked for every entity that is read or written."""
    for instances in attrs.values():
        for one in instances:
            if "expiresAt" in one:
                return True
    return False


def alive(entity: Entity | None, now: int) -> Entity | None:
    """The entity as it is at `now`: without what has expired; the same object when nothing has."""
    if entity is None or expired(entity, now):
        return None
    if not _transient(entity["attrs"]):
        return entity
    attrs: Attributes = {}
    for name, instances in entity["attrs"].items():
        left = [one for one in instances if not expired(one, now)]
        if left:
            attrs[name] = left
    return {**entity, "attrs": attrs}


def earliest(entity: Entity) -> int | None:
    """When the entity, or the first of its attribute instances, expires (microseconds UTC); None: never."""
    stamps = [
        one["expiresAt"] for instances in entity["attrs"].values() for one in instances if "expiresAt" in one
    ]
    own = entity.get("expiresAt")
    if own is not None:
        stamps.append(own)
    return min((clock.micros(stamp, "expiresAt") for stamp in stamps), default=None)
