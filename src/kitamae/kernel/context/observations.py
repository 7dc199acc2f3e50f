"""Readings into the broker through doors that may hear one thing twice, late and out of order (MQTT, gateways).

What is known already changes nothing; what is older than the present goes to history and never overwrites; the rest
is an ordinary change with its history and what is owed for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from kitamae.kernel.context import clock, read
from kitamae.kernel.context.operations import instance
from kitamae.kernel.context.operations.command import Command
from kitamae.kernel.context.operations.observe import LATE, Observe
from kitamae.kernel.context.registration import share
from kitamae.kernel.context.store import Instance, InstanceQuery
from kitamae.kernel.problems import AnsweredTwice, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.entity import Attribute, Entity, Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.registration.registry import Registrations
    from kitamae.kernel.context.store import Store, Transaction

Heard = Literal["new", "known", "late"]
"""A change of the present; nothing; an older reading that history did not have."""


@dataclass(frozen=True, slots=True)
class Observations:
    """The door. `context` is what payloads are read in; `actor` the opaque reference of whoever sends them.

    What an exclusive or redirect source among `registrations` answers for is refused (clause 4.3.6: the broker itself has
    none of it). It is not sent there: nobody waits for the answer, and a device speaks with no identity but the city's.
    """

    store: Store
    context: Context
    tenant: str = ""
    actor: str = ""
    registrations: Registrations | None = None

    async def take(self, entities: Sequence[Entity]) -> list[Heard | Problem]:
        """Each on its own, in order; durable when this returns."""
        others = self.registrations.listing(self.tenant) if self.registrations else ()
        owners = [share.owner(entity, others) if others else None for entity in entities]
        effects = iter(
            await self.store.apply(
                [
                    Command(self.tenant, entity["id"], Observe(entity), self.actor)
                    for entity, owner in zip(entities, owners, strict=True)
                    if owner is None
                ]
            )
        )
        outcomes: list[Heard | Problem] = []
        for entity, owner in zip(entities, owners, strict=True):
            if owner is not None:
                refusal = f"{entity['id']}: the source {owner.id} keeps some of this in our place"
                outcomes.append(AnsweredTwice(refusal))
                continue
            effect = next(effects)
            if isinstance(effect, Problem):
                outcomes.append(effect)
            elif any(why == LATE for why in effect.not_updated.values()):
                names = [name for name, why in effect.not_updated.items() if why == LATE]
                late = [
                    await self._late(entity, name, one) for name in names for one in entity["attrs"][name]
                ]
                outcomes.append("new" if effect.verb != "none" else "late" if any(late) else "known")
            else:
                outcomes.append("known" if effect.verb == "none" else "new")
        return outcomes

    async def hear(self, payloads: Sequence[Json]) -> list[str]:
        """Payloads of full entities (clause 5.2.4); for each the reason why it was refused, "" where it was taken."""
        reasons = [""] * len(payloads)
        entities: list[tuple[int, Entity]] = []
        for place, payload in enumerate(payloads):
            try:
                entities.append((place, read.entity(payload, self.context)))
            except Problem as problem:
                reasons[place] = problem.detail or problem.title
        for (place, _), outcome in zip(
            entities, await self.take([entity for _, entity in entities]), strict=True
        ):
            if isinstance(outcome, Problem):
                reasons[place] = outcome.detail or outcome.title
        return reasons

    async def _late(self, entity: Entity, name: str, one: Attribute) -> bool:
        """Into history, unless an instance of that moment is there; whether it was new."""
        if "observedAt" not in one:
            return False
        at = clock.micros(one["observedAt"])
        datasets = (one["datasetId"],) if "datasetId" in one else ()
        query = InstanceQuery(
            self.tenant, (entity["id"],), (name,), datasets, "observedAt", "between", at, at + 1
        )
        if await self.store.instances(query):
            return False
        now = clock.now()
        stamp = clock.text(now)
        kept = instance.kept(one, None, stamp)
        new = Instance(entity["id"], name, "", kept, at, now, now, None)

        async def add(transaction: Transaction) -> None:
            await transaction.add_instances(self.tenant, entity["id"], [new])

        await self.store.transact(add)
        return True
