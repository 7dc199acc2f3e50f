"""What a subscription follows from entity to entity: in its conditions (`q=isParkedIn{name}=="P1"`, clause 4.9) and in
what it tells (`join`, clauses 4.5.23 and 5.2.14). A change of a linked entity is not a change of the one that links.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import structlog

from kitamae.kernel.context import represent
from kitamae.kernel.context.linked import Joiner, Level
from kitamae.kernel.context.subscription import match, message
from kitamae.kernel.problems import TooManyResults

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.operations.command import Effect
    from kitamae.kernel.context.subscription.match import Cause
    from kitamae.kernel.context.subscription.model import Subscription

    Fetch = Callable[[str], Awaitable[Entity | None]]
MOST: Final = 1_000
"""Linked entities that one notification looks at: they are read while the change is being written."""
_log: Final = structlog.get_logger()


async def cause(subscription: Subscription, effect: Effect, at: int, fetch: Fetch) -> Cause | None:
    """`match.concerns`, for conditions that follow relationships: it is asked again until it has met all that it needs."""
    known: dict[str, Entity | None] = {}
    while True:
        missing: dict[str, None] = {}

        def linked(id: str, missing: dict[str, None] = missing) -> Entity | None:
            if id not in known:
                missing[id] = None
            return known.get(id)

        found = match.concerns(subscription, effect, at, linked)
        if not missing or len(known) + len(missing) > MOST:
            return found
        for id in missing:
            known[id] = await fetch(id)


async def data(subscription: Subscription, entities: Sequence[Entity], fetch: Fetch) -> list[Json]:
    """The entities as the subscriber sees them, with what they lead to inside or beside them; alone when that is too much."""
    joiner = Joiner(subscription.context, fetch, most=MOST)
    level, levels = Level(subscription.form), subscription.join_level
    try:
        if subscription.join == "flat":
            shown: list[Any] = await joiner.flat(entities, level, levels)
        else:
            shown = [await joiner.inline(entity, level, levels) for entity in entities]
    except TooManyResults:
        _log.warning("told without what it links to: that is too much", subscription=subscription.id)
        return [message.written(subscription, entity, subscription.form) for entity in entities]
    if subscription.receiver.accept == message.GEOJSON:
        place = subscription.context.compact(subscription.form.geometry_property)
        shown = [represent.featured(one, place) for one in shown]
    return [message.readable_alone(subscription, one) for one in shown]
