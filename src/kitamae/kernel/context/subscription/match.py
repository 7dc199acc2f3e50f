"""Does this change concern this subscription, and what of it (clause 5.8.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kitamae.kernel.context.query import match, pattern

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.operations.command import Effect, Touched, Verb
    from kitamae.kernel.context.query.match import Linked
    from kitamae.kernel.context.subscription.model import Selector, Subscription, Trigger

_ENTITY: Final[dict[Verb, Trigger]] = {
    "created": "entityCreated",
    "updated": "entityUpdated",
    "deleted": "entityDeleted",
}
_ATTRIBUTE: Final[dict[Verb, Trigger]] = {
    "created": "attributeCreated",
    "updated": "attributeUpdated",
    "deleted": "attributeDeleted",
}


@dataclass(slots=True, frozen=True)
class Cause:
    """Why a subscriber is told: what happened to the entity as a whole, and which attribute instances triggered."""

    whole: bool
    touched: tuple[Touched, ...]


def concerns(
    subscription: Subscription, effect: Effect, now: int, linked: Linked | None = None
) -> Cause | None:
    """None: it does not. An entity that is gone is judged as it was; one that lost an attribute as it was or is."""
    if effect.verb == "none" or subscription.status(now) != "active" or subscription.interval is not None:
        return None
    cause = _cause(subscription, effect)
    if cause is None:
        return None
    states = [state for state in (effect.after, effect.before) if state is not None][:1]
    if (
        effect.after is not None
        and effect.before is not None
        and any(one.after is None for one in cause.touched)
    ):
        states.append(effect.before)
    return cause if any(selects(subscription, state, linked) for state in states) else None


def _cause(subscription: Subscription, effect: Effect) -> Cause | None:
    verb = effect.verb
    if verb == "none":
        return None
    watched = subscription.watched
    seen = [one for one in effect.touched if not watched or one.name in watched]
    whole = _ENTITY[verb] in subscription.triggers and (not watched or bool(seen))
    touched = tuple(one for one in seen if _ATTRIBUTE[one.verb] in subscription.triggers)
    return Cause(whole, touched) if whole or touched else None


def selects(subscription: Subscription, entity: Entity, linked: Linked | None = None) -> bool:
    """The entity is one of those subscribed to, and fulfils the conditions."""
    if subscription.selectors and not any(_selected(one, entity) for one in subscription.selectors):
        return False
    if subscription.scope is not None and not match.scope(subscription.scope, entity.get("scope", [])):
        return False
    if subscription.q is not None and not match.node(subscription.q, entity, linked):
        return False
    return subscription.geo is None or match.geo(subscription.geo, entity)


def _selected(selector: Selector, entity: Entity) -> bool:
    if selector.id is not None:  # it takes precedence over a pattern (5.2.33)
        if selector.id != entity["id"]:
            return False
    elif selector.id_pattern is not None and not pattern.compiled(selector.id_pattern)(entity["id"]):
        return False
    return match.types(selector.types, entity["type"])
