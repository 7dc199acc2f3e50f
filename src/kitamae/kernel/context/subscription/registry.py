"""The city's subscriptions: kept in the store, compiled in memory, told about changes from the moment they are
acknowledged (clauses 5.8.1 to 5.8.5).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.registration.peers import Peers
from kitamae.kernel.context.registration.registry import MOST, Registrations
from kitamae.kernel.context.registration.subscriptions import RegistrationSubscriptions
from kitamae.kernel.context.snapshot.notices import SnapshotNotices
from kitamae.kernel.context.subscription import bounds, others
from kitamae.kernel.context.subscription.deliver import Dispatcher
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.index import Index
from kitamae.kernel.context.subscription.model import Record
from kitamae.kernel.context.subscription.periodic import Periodic
from kitamae.kernel.context.subscription.read import compile_subscription
from kitamae.kernel.context.subscription.relays import Relays
from kitamae.kernel.context.subscription.validate import MQTT, merged, validate
from kitamae.kernel.context.subscription.watch import Watcher
from kitamae.kernel.context.subscription.written import Written
from kitamae.kernel.problems import AlreadyExists, BadRequest, NotFound, Problem, Unprocessable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context, Contexts
    from kitamae.kernel.context.registration.match import Question
    from kitamae.kernel.context.registration.model import Registration
    from kitamae.kernel.context.store import Kept, Store, Transaction
    from kitamae.kernel.context.subscription.model import Subscription
    from kitamae.kernel.context.subscription.post import Sender
    from kitamae.kernel.context.subscription.read import Document

KIND: Final = "subscription"
_log: Final = structlog.get_logger()


class Subscriptions:
    """`start` once before the store is written to, then create, update, delete, get; `close` before the store."""

    def __init__(
        self,
        store: Store,
        contexts: Contexts,
        destinations: Destinations | None = None,
        *,
        now: Callable[[], int] = clock.now,
        steady: Callable[[], float] = time.monotonic,
        mqtt: Callable[[Destinations, float], Sender] | None = None,
        address: str = "",
        alias: str = "",
        most_registrations: int = MOST,
        **delivery: float,
    ) -> None:
        """`most_registrations`: of a tenant. `address`, `alias`: where other sources reach us, and under which name. `mqtt`: makes what carries notifications over MQTT; None: they are not offered. `delivery`: `timeout`, `first_pause`, `longest_pause`, `keep_for`, `settle_every` of the Dispatcher."""
        self._store, self._contexts, self._now = store, contexts, now
        self._destinations = destinations or Destinations()
        self._index = Index()
        self._here: dict[str, Subscription] = {}
        self._elsewhere: list[Callable[[str], Subscription | None]] = []
        self._watcher = Watcher(self._index)
        self.dispatcher = Dispatcher(
            store, self._find, self._destinations, now=now, steady=steady, mqtt=mqtt, alias=alias, **delivery
        )
        self._mqtt = mqtt is not None
        self.to_registrations = RegistrationSubscriptions(
            store, contexts, self.dispatcher, self._registered, self._check, now
        )
        self.of_snapshots = SnapshotNotices(store, self.demand_allowed)
        self.registrations = Registrations(store, self.to_registrations.watch, now, most_registrations)
        self.peers = Peers(self._destinations)
        self.relays = Relays(
            *(store, contexts, self.registrations, self.peers, self._here.values, now),
            address=address,
            alias=alias,
        )
        self.registrations.changed = self.relays.wake
        self._periodic = Periodic(store, now)
        self._changing = asyncio.Lock()  # an update reads, waits, and writes
        self._delivering = False
        self._written = Written(store, self.dispatcher.tried, self._find)

    async def start(self, *, deliver: bool = True) -> None:
        """Read them all, begin to watch, and take up what was left owed. Without `deliver` it stays owed."""
        for tenant, _, doc in await self._store.documents(None, KIND):
            self._keep(await self._compiled(tenant, doc))
        await self.registrations.start()
        await self.to_registrations.start(deliver=deliver)
        await self.of_snapshots.start()
        self._store.on_change(self._watcher.watch)
        self._store.on_documents(self._others)
        if not deliver:
            return
        await self.dispatcher.start()
        await self.relays.start()
        for subscription in self._here.values():
            self._periodic.keep(subscription)
        self._delivering = True
        self._written.start()

    async def close(self) -> None:
        """Stop sending, write down how it went."""
        await self._written.stop()
        await self.relays.close()
        await self._periodic.close()
        await self.to_registrations.close()
        await self.peers.close()
        await self.dispatcher.close()
        await self._written.write_now()

    async def create(
        self,
        tenant: str,
        payload: Json,
        context: Context,
        by: str = "",
        via: Sequence[str] = (),
        of_one: int = bounds.MOST,
    ) -> str:
        """Its id. `by`: the reference of who asked, who may have `of_one`; `via`: the sources that it came through. Raises BadRequest, TooMany, AlreadyExists, LdContextUnavailable."""
        bounds.demand_room(self._here.values(), tenant, by, of_one)
        given = validate(payload)
        given.setdefault("id", f"urn:ngsi-ld:Subscription:{uuid4()}")
        now = self._now()
        self._check(given, now)
        doc: Document = {
            "given": given,
            "context": context.source,
            "createdAt": now,
            "modifiedAt": now,
            "terms": {},
            "by": by,
            **({"via": [*via]} if via else {}),
        }
        subscription = await self._new(tenant, doc, context, Record())

        async def work(tx: Transaction) -> None:
            if await tx.get(tenant, KIND, subscription.id) is not None:
                raise AlreadyExists(f"the subscription {subscription.id} exists already")
            await tx.put(tenant, KIND, subscription.id, doc)

        await self._store.transact(work)
        self._keep(subscription)
        self.relays.wake(subscription.queue)
        return subscription.id

    async def update(self, tenant: str, id: str, patch: Json, context: Context) -> None:
        """Replace members; null takes one away. Raises NotFound, BadRequest, LdContextUnavailable."""
        async with self._changing:
            old = self.get(tenant, id)
            given = validate(merged(old.doc["given"], patch))
            now = self._now()
            self._check(given, now, fresh=isinstance(patch, dict) and "expiresAt" in patch)
            # what the fragment names, it names in its own words; the rest keeps its meaning
            terms = {member: dict(known) for member, known in old.doc["terms"].items() if member not in patch}
            doc: Document = {**old.doc, "given": given, "modifiedAt": now, "terms": terms}
            doc["record"] = asdict(old.record)
            subscription = await self._new(tenant, doc, context, old.record)

            async def work(tx: Transaction) -> None:
                if await tx.get(tenant, KIND, id) is None:
                    raise NotFound(f"there is no subscription {id}")
                await tx.put(tenant, KIND, id, doc)

            await self._store.transact(work)
            self._keep(subscription)
            self.dispatcher.wake(subscription.queue)
            self.relays.wake(subscription.queue)

    async def delete(self, tenant: str, id: str) -> None:
        """Forget it, and what it is owed. Raises NotFound."""
        async with self._changing:
            old = self.get(tenant, id)

            async def work(tx: Transaction) -> None:
                if not await tx.drop(tenant, KIND, id):
                    raise NotFound(f"there is no subscription {id}")

            await self._store.transact(work)
            self._forget(old)

    def get(self, tenant: str, id: str) -> Subscription:
        """As it is now; `read.shown` shows it to a client. Raises NotFound."""
        found = self._known(tenant, id)
        if found is None:
            raise NotFound(f"there is no subscription {id}")
        return found

    def _known(self, tenant: str, id: str) -> Subscription | None:
        return self._here.get(f"{tenant} {id}" if tenant else id)

    def listing(self, tenant: str) -> list[Subscription]:
        """Those of a tenant, in the order of their creation."""
        return [one for one in self._here.values() if one.tenant == tenant]

    def also(self, find: Callable[[str], Subscription | None]) -> None:
        """Subscriptions of another dialect, by their queue. Before `start`: what nobody claims is not delivered."""
        self._elsewhere.append(find)

    def _find(self, queue: str) -> Subscription | None:
        found = self._here.get(queue) or self.to_registrations.find(queue) or self.of_snapshots.find(queue)
        return found or next((one for find in self._elsewhere if (one := find(queue)) is not None), None)

    def _registered(self, tenant: str, question: Question) -> list[tuple[Registration, tuple[int, ...]]]:
        return self.registrations.discover(tenant, question)

    def __len__(self) -> int:
        return len(self._here)

    @property
    def destinations(self) -> Destinations:
        """Where notifications may go."""
        return self._destinations

    def _check(self, given: dict[str, Json], now: int, *, fresh: bool = True) -> None:
        """Raises BadRequest for an expiry in the past and for an address that is refused as it stands."""
        if fresh and "expiresAt" in given and clock.micros(given["expiresAt"], "expiresAt") <= now:
            raise BadRequest("expiresAt: expected a time in the future")
        self.demand_allowed(given["notification"]["endpoint"]["uri"])

    def demand_allowed(self, address: str) -> None:
        """Raises BadRequest for an address that is refused as it stands, Unprocessable for MQTT where there is none."""
        if not address.lower().startswith(MQTT):
            self._destinations.check(address)
        elif self._mqtt:
            self._destinations.check(address, MQTT)
        else:
            raise Unprocessable("notifications over MQTT are not offered here")

    async def _new(self, tenant: str, doc: Document, context: Context, record: Record) -> Subscription:
        """Names are read with `context`; notifications are written with jsonldContext, else with that of creation."""
        wanted = doc["given"].get("jsonldContext")
        if wanted is not None and not wanted.startswith(("http://", "https://")):
            raise BadRequest("jsonldContext: expected the http or https address of an @context")
        bounds.demand_small(doc["given"])
        compiled = compile_subscription(tenant, doc, context, record)
        if wanted is None and context.source == doc["context"]:
            return compiled
        return replace(compiled, context=await self._contexts.resolve(wanted or doc["context"]))

    async def _compiled(self, tenant: str, doc: Document) -> Subscription:
        """From the store. Never fails: one that cannot be read is shown, and rests."""
        given = doc["given"]
        record = Record(**doc.get("record", {}))
        try:
            context = await self._contexts.resolve(given.get("jsonldContext", doc["context"]))
        except Problem as problem:
            _log.warning(
                "notifications are written with the core @context", subscription=given["id"], why=str(problem)
            )
            context = CORE
        try:
            return compile_subscription(tenant, doc, context, record)
        except Problem as problem:
            _log.error(
                "a stored subscription cannot be read and rests", subscription=given["id"], why=str(problem)
            )
            bare = {"id": given["id"], "notification": {"endpoint": given["notification"]["endpoint"]}}
            resting = compile_subscription(tenant, {**doc, "given": bare}, CORE, record)
            return replace(resting, active=False, doc=doc)

    def _keep(self, subscription: Subscription) -> None:
        self._here[subscription.queue] = subscription
        self._index.add(subscription)
        if self._delivering:
            self._periodic.keep(subscription)

    def _forget(self, old: Subscription) -> None:
        self._periodic.forget(old.queue)
        self._index.remove(old.tenant, old.id)
        self._here.pop(old.queue, None)
        self.dispatcher.forget(old.queue)
        self.relays.wake(old.queue)

    async def _others(self, kept: Sequence[Kept]) -> None:
        await others.follow(kept, KIND, self._known, self._forget, self._read)

    async def _read(self, tenant: str, id: str, doc: Document) -> None:
        new = await self._compiled(tenant, doc)
        self._keep(new)
        self.dispatcher.wake(new.queue)
        self.relays.wake(new.queue)
