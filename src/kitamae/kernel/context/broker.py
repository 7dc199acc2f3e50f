"""The broker as one value, and what one caller asks of it as another: nothing else is threaded through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kitamae.kernel.context.clock import now
from kitamae.kernel.context.entity_maps import EntityMaps
from kitamae.kernel.context.jsonld import CORE, Context, Contexts
from kitamae.kernel.context.snapshot.registry import Snapshots
from kitamae.kernel.people.person import NOBODY, Principal
from kitamae.kernel.people.policy import Action, Policy, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kitamae.kernel.context.registration.dialect import Dialect
    from kitamae.kernel.context.store import Store
    from kitamae.kernel.context.subscription.registry import Subscriptions
    from kitamae.kernel.context.v2.subscription.registry import Subscriptions as SubscriptionsV2


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for. Bytes, or numbers of things."""

    body: int = 16 * 1024 * 1024
    query_string: int = 64 * 1024
    page: int = 20  # entities in an answer when nobody says how many
    page_most: int = 1000
    offset_most: int = 10_000_000
    batch: int = 10_000  # entities in one batch operation
    instances: int = 10_000  # instances of one attribute in one temporal answer; more is a 206
    answers: int = 24 * 1024 * 1024  # bytes of prepared answers kept in memory
    join_level: int = 10
    seconds: float = 10.0  # of a request that asks the store more than once
    question: int = 1024 * 1024  # bytes of a body that only asks, which anybody may send
    subscriptions_of_one: int = 5_000  # of one person or token, in a tenant
    contexts: int = 1_000  # hosted ones, of a tenant
    context: int = 1_000_000  # bytes of one of them


@dataclass(slots=True)
class Broker:
    """One city's context broker: what every door to it (HTTP, pages, services, MQTT) is given.

    `subscriptions` is started and closed by whoever composes the broker; None: nobody is told of changes. `snapshots` are given its
    `of_snapshots`, or nobody is told of them.
    `dialect`: how sources that speak NGSIv2 are asked; None: they are not.
    `address`: how people reach it, as the operator says (`https://city.example.jp`); "": not told. `alias` names this broker among others (Via header, sourceIdentity). `started` in microseconds UTC.
    """

    store: Store
    contexts: Contexts
    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=Limits)
    subscriptions: Subscriptions | None = None
    subscriptions_v2: SubscriptionsV2 | None = None
    dialect: Dialect | None = None
    clock: Callable[[], int] = now
    address: str = ""
    alias: str = "kitamae"
    started: int = field(default_factory=now)
    entity_maps: EntityMaps = field(default_factory=EntityMaps)
    snapshots: Snapshots = field(default_factory=Snapshots)


@dataclass(slots=True)
class Request:
    """Who asks, of which tenant, in whose words, and with which parameters.

    `tenant`: where the entities lie. `home`: the tenant whose snapshot that is; None: it is none.
    """

    broker: Broker
    principal: Principal = NOBODY
    tenant: str = ""
    context: Context = CORE
    params: Mapping[str, Any] = field(default_factory=dict)
    home: str | None = None

    @property
    def owner(self) -> str:
        """The tenant that decides who may do what."""
        return self.tenant if self.home is None else self.home

    @property
    def alias(self) -> str:
        """The name of this tenant of this broker among other sources (5.2.40)."""
        return f"{self.broker.alias}-{self.tenant}" if self.tenant else self.broker.alias

    def demand(self, action: Action, what: str, thing: str = "") -> None:
        """Ask the policy. Raises NotSignedIn or Forbidden."""
        self.broker.policy.demand(Question(self.principal, action, what, self.owner, thing=thing))

    def demand_types(self, action: Action, types: Iterable[str], thing: str = "") -> None:
        """Ask for every one of an entity's types, which are expanded; no types: for any entity. `thing`: its id, where it is one."""
        asked = False
        narrow, facts = self.principal.narrow, self.broker.policy.facts
        for name in types:
            single = narrow or facts.by_thing(self.principal, name) or facts.called_as_register(thing)
            self.demand(action, f"entity:{name}", thing if single else "")
            asked = True
        if not asked:
            self.demand(action, "entity:*")
