"""May this caller change this entity? Asked inside the transaction, where the entity's types are certain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kitamae.kernel.context.operations import Command
from kitamae.kernel.people.policy import Question
from kitamae.kernel.problems import Forbidden, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.operations import Effect, Operation


@dataclass(frozen=True, slots=True)
class Permitted:
    """The operation, after the policy has seen the entity as it is, and before it counts, as it becomes."""

    operation: Operation
    request: Request

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Raises NotSignedIn or Forbidden beside what the operation raises."""
        if before is not None:
            self._demand_touch(before)
        effect = self.operation.apply(before, now)
        if before is not None and (effect.after is None or set(before["type"]) - set(effect.after["type"])):
            self.request.demand_types("delete", before["type"], before["id"])
        if effect.after is not None:
            self.request.demand_types("write", effect.after["type"], effect.after["id"])
        return effect

    def _demand_touch(self, before: Entity) -> None:
        """May it be changed at all, or deleted? A device deletes nothing; of a type that nobody declares any more nothing is written. So
        nobody hears what is wrong with a change that he could not make.
        """
        try:
            self.request.demand_types("write", before["type"], before["id"])
        except Forbidden:
            self.request.demand_types("delete", before["type"], before["id"])


def commands(request: Request, wanted: Sequence[tuple[str, Operation]]) -> list[Command]:
    """What is given to the store. Whoever may change everything, of whatever type, is not asked entity by entity."""
    tenant, who, policy = request.tenant, request.principal, request.broker.policy
    free = policy.takes_any_type and policy.allows(Question(who, "write", "entity:*", request.owner))
    return [
        Command(tenant, id, operation if free else Permitted(operation, request), who.ref)
        for id, operation in wanted
    ]


async def change(request: Request, id: str, operation: Operation) -> Effect:
    """One operation on one entity, durable when this returns. Raises Problem."""
    (effect,) = await change_all(request, ((id, operation),))
    if isinstance(effect, Problem):
        raise effect
    return effect


async def change_all(request: Request, wanted: Sequence[tuple[str, Operation]]) -> list[Effect | Problem]:
    """Each on its own, in order, in one commit."""
    return await request.broker.store.apply(commands(request, wanted))
