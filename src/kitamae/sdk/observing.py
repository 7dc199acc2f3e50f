"""The write door of a service's jobs: what it observes becomes what the city knows, all of it or nothing."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from kitamae.kernel.context import clock, read
from kitamae.kernel.context.observed import observed
from kitamae.kernel.people.person import ONE, Principal
from kitamae.kernel.people.policy import Question
from kitamae.kernel.problems import Unavailable
from kitamae.sdk.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from kitamae.kernel.context.jsonld import Context as Words
    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.policy import Policy
    from kitamae.sdk.context import Context


_log = structlog.get_logger("kitamae")


@dataclass(frozen=True, slots=True)
class Observing:
    """For one service. `types`: what its manifest writes; of others nothing is taken."""

    service: str
    types: tuple[str, ...]
    tenant: str
    store: Store
    words: Words
    policy: Policy
    failing: dict[str, str] = field(default_factory=dict)
    """Of which things the work failed the last time, and with what kind of error."""

    @property
    def context(self) -> Context:
        """Reads what is not open too, as the service's desk does: what the job makes of it is for everybody, and it sees to that."""
        return Reader(self.store, self.words, self.tenant)

    @contextmanager
    def apart(self, thing: str) -> Iterator[None]:
        """The work on one thing of many: where it fails, that is logged and told in `/health`, and the others go on. Raises Unavailable:
        no store is nobody's own fault.
        """
        try:
            yield
        except Unavailable:
            raise
        except Exception as error:
            if self.failing.get(thing) != type(error).__name__:
                _log.exception("one of many failed", service=self.service, thing=thing)
            self.failing[thing] = type(error).__name__
        else:
            self.failing.pop(thing, None)

    def trouble(self) -> str:
        """Of which of them, and how many; "": of none."""
        if not self.failing:
            return ""
        thing, kind = next(iter(self.failing.items()))
        return f"{thing}: {kind}" + (f" (and {len(self.failing) - 1} more)" if len(self.failing) > 1 else "")

    async def observe(
        self,
        entities: Sequence[dict[str, Any]],
        beside: Callable[[Transaction], Awaitable[None]] | None = None,
    ) -> None:
        """Normalized entities with the city's short names, all attributes of one `observedAt`: newer than what is known, it becomes
        the present; older, it goes to history. In one transaction, in order, with what `beside` keeps. Raises Forbidden, BadRequest.
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
            if beside is not None:
                await beside(tx)

        await self.store.transact(work)
