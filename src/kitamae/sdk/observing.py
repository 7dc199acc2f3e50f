"""The write door of a service's jobs: what it observes becomes what the city knows, all of it or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kitamae.kernel.context import clock, read
from kitamae.kernel.context.observed import observed
from kitamae.kernel.people.person import ONE, Principal
from kitamae.kernel.people.policy import Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.jsonld import Context as Words
    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.policy import Policy


@dataclass(frozen=True, slots=True)
class Observing:
    """For one service. `types`: what its manifest writes; of others nothing is taken."""

    service: str
    types: tuple[str, ...]
    tenant: str
    store: Store
    words: Words
    policy: Policy

    async def observe(self, entities: Sequence[dict[str, Any]]) -> None:
        """Normalized entities with the city's short names, all attributes of one `observedAt`: newer than what is known, it becomes
        the present; older, it goes to history. In one transaction, in order. Raises Forbidden, BadRequest.
        """
        kinds = {name: self.words.expand(name) for name in self.types}
        scopes = frozenset(f"write:entity:{kinds.get(one['type'], '')}{ONE}{one['id']}" for one in entities)
        who = Principal(f"service-{self.service}", "service", scopes, 1, tenants=frozenset({self.tenant}))

        async def work(tx: Transaction) -> None:
            now = clock.now()
            for one in entities:
                what = f"entity:{self.words.expand(one['type'])}"
                self.policy.demand(
                    Question(who, "write", what, self.tenant, service=self.service, thing=one["id"])
                )
                entity = read.entity(one, self.words)
                at = min(
                    clock.micros(instance["observedAt"])
                    for instances in entity["attrs"].values()
                    for instance in instances
                )
                await observed(tx, self.tenant, entity, at, now, who.ref)

        await self.store.transact(work)
