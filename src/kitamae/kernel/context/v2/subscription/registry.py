"""The subscriptions of NGSIv2: kept in the store beside those of NGSI-LD, delivered by the same dispatcher."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

import structlog

from kitamae.kernel.context.subscription import bounds, others
from kitamae.kernel.context.subscription.index import Index
from kitamae.kernel.context.subscription.model import Record
from kitamae.kernel.context.subscription.watch import Watcher
from kitamae.kernel.context.v2.names import Words
from kitamae.kernel.context.v2.subscription.read import asked, compile_subscription, spent
from kitamae.kernel.context.v2.subscription.voice import KIND
from kitamae.kernel.problems import NotFound, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Contexts
    from kitamae.kernel.context.store import Kept, Owed, Store, Transaction
    from kitamae.kernel.context.subscription.model import Subscription
    from kitamae.kernel.context.subscription.registry import Subscriptions as Elder
    from kitamae.kernel.context.v2.subscription.read import Document

_log: Final = structlog.get_logger()
NONE: Final = "The requested subscription has not been found. Check id"


class Subscriptions:
    """`start` before `elder` is started: what nobody claims when delivery begins is not delivered."""

    def __init__(self, store: Store, contexts: Contexts, elder: Elder) -> None:
        self._store, self._contexts, self._elder = store, contexts, elder
        self._index = Index()
        self._here: dict[str, Subscription] = {}
        self._watcher = Watcher(self._index)
        self._forwarded: dict[tuple[str, str], Record] = {}
        self._changing = asyncio.Lock()
        elder.also(self._here.get)

    async def start(self) -> None:
        """Read them all and begin to watch."""
        for tenant, id, doc in await self._store.documents(None, KIND):
            await self._read(tenant, id, doc)
        self._store.on_change(self._watcher.watch)
        self._store.on_owed(self._told)
        self._store.on_documents(self._others)

    async def _others(self, kept: Sequence[Kept]) -> None:
        await others.follow(kept, KIND, self._known, self._forget, self._read)

    async def _read(self, tenant: str, id: str, doc: Document) -> None:
        words = Words(await self._contexts.resolve(None))
        try:
            self._keep(compile_subscription(tenant, doc, words, Record(**doc.get("record", {}))))
        except Problem as problem:
            _log.error("a stored subscription cannot be read and rests", subscription=id, why=str(problem))

    def _forget(self, old: Subscription) -> None:
        self._index.remove(old.tenant, old.id)
        self._here.pop(old.queue, None)
        self._elder.dispatcher.forget(old.queue)

    async def create(
        self, tenant: str, given: Json, path: str, place: str, by: str = "", of_one: int = bounds.MOST
    ) -> str:
        """Its id. `place`: the geo attribute (expanded) that georel is about; `by`: the reference of who asked, who may have
        `of_one`. Raises BadRequest, TooMany.
        """
        bounds.demand_room(self._here.values(), tenant, by, of_one)
        doc: Document = {"id": token_hex(12), "given": asked(given), "path": path, "place": place, "by": by}
        subscription = await self._new(tenant, doc, Record())

        async def work(tx: Transaction) -> None:
            await tx.put(tenant, KIND, subscription.id, doc)

        await self._store.transact(work)
        self._keep(subscription)
        return subscription.id

    async def update(self, tenant: str, id: str, patch: dict[str, Any], path: str | None = None) -> None:
        """Replace members; `path`: and be about these service paths. Raises NotFound, BadRequest."""
        async with self._changing:
            old = self.get(tenant, id)
            given = {**old.doc["given"], **asked(patch, old.doc["given"]["notification"])}
            record = replace(old.record, fails=0) if "status" in patch else old.record
            doc: Document = {**old.doc, "given": given, "record": asdict(record)}
            if path is not None:
                doc["path"] = path
            if "status" in patch:
                doc.pop("spent", None)
            subscription = await self._new(tenant, doc, record)

            async def work(tx: Transaction) -> None:
                if await tx.get(tenant, KIND, id) is None:
                    raise NotFound(NONE)
                await tx.put(tenant, KIND, id, doc)

            await self._store.transact(work)
            self._keep(subscription)
            self._elder.dispatcher.wake(subscription.queue)

    async def delete(self, tenant: str, id: str) -> None:
        """Forget it, and what it is owed. Raises NotFound."""
        async with self._changing:
            old = self.get(tenant, id)

            async def work(tx: Transaction) -> None:
                if not await tx.drop(tenant, KIND, id):
                    raise NotFound(NONE)

            await self._store.transact(work)
            self._forget(old)

    def forwarded(self, tenant: str, registration: str) -> Record:
        """How requests that were forwarded to a context provider went, since the start."""
        return self._forwarded.setdefault((tenant, registration), Record())

    def forget_forwarded(self, tenant: str, registration: str) -> None:
        """It was deleted."""
        self._forwarded.pop((tenant, registration), None)

    def get(self, tenant: str, id: str) -> Subscription:
        """As it is now. Raises NotFound."""
        found = self._known(tenant, id)
        if found is None:
            raise NotFound(NONE)
        return found

    def _known(self, tenant: str, id: str) -> Subscription | None:
        return self._here.get(f"{tenant} {id}" if tenant else id)

    def listing(self, tenant: str) -> list[Subscription]:
        """Those of a tenant, in the order of their creation."""
        return [one for one in self._here.values() if one.tenant == tenant]

    async def _new(self, tenant: str, doc: Document, record: Record) -> Subscription:
        bounds.demand_small(doc["given"])
        words = Words(await self._contexts.resolve(None))
        subscription = compile_subscription(tenant, doc, words, record)
        self._elder.demand_allowed(subscription.receiver.uri.partition("${")[0])
        return subscription

    def _keep(self, subscription: Subscription) -> None:
        self._here[subscription.queue] = subscription
        self._index.add(subscription)

    def _told(self, owed: Sequence[Owed]) -> None:
        """Before the dispatcher is."""
        for queue in {one.queue for one in owed}:
            told = self._here.get(queue)
            if told is not None and told.doc["given"].get("status") == "oneshot":
                self._keep(spent(told))
