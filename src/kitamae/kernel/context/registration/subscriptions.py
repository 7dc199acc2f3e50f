"""Subscriptions to registrations: kept in the store, told of a change in its own transaction (clause 5.11)."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import structlog

from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.registration import interest, match
from kitamae.kernel.context.registration.interest import KIND
from kitamae.kernel.context.subscription import bounds, others
from kitamae.kernel.context.subscription.model import Record
from kitamae.kernel.context.subscription.periodic import Periodic
from kitamae.kernel.context.subscription.validate import merged
from kitamae.kernel.problems import AlreadyExists, NotFound, Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context, Contexts
    from kitamae.kernel.context.registration.interest import Interest, Reason
    from kitamae.kernel.context.registration.match import Question
    from kitamae.kernel.context.registration.model import Registration
    from kitamae.kernel.context.store import Kept, Store, Transaction
    from kitamae.kernel.context.subscription.deliver import Dispatcher
    from kitamae.kernel.context.subscription.model import Subscription
    from kitamae.kernel.context.subscription.read import Document

    Matching = Callable[[str, Question], list[tuple[Registration, tuple[int, ...]]]]

_log: Final = structlog.get_logger()


class RegistrationSubscriptions:
    """`start`, then create, update, delete, get, listing; `watch` is given to `Registrations`.

    `matching(tenant, question)`: the registrations as they are; `check`: raises for members that are refused, an
    address among them.
    """

    def __init__(
        self,
        store: Store,
        contexts: Contexts,
        dispatcher: Dispatcher,
        matching: Matching,
        check: Callable[..., None],
        now: Callable[[], int],
    ) -> None:
        self._store, self._contexts, self._dispatcher = store, contexts, dispatcher
        self._matching, self._check, self._now = matching, check, now
        self._here: dict[str, Interest] = {}
        self._deliver = False
        self._periodic = _Clock(store, now, matching)
        self._changing = asyncio.Lock()

    async def start(self, *, deliver: bool) -> None:
        """Read them all, and listen to other workers."""
        self._deliver = deliver
        for tenant, id, doc in await self._store.documents(None, KIND):
            await self._read(tenant, id, doc)
        self._store.on_documents(self._others)

    async def _others(self, kept: Sequence[Kept]) -> None:
        await others.follow(kept, KIND, self._known, self._forget, self._read)

    async def _read(self, tenant: str, id: str, doc: Document) -> None:
        """One that cannot be read is told of, and left where it is."""
        try:
            context = await self._context(doc)
            new = interest.compiled(tenant, doc, context, Record(**doc.get("record", {})))
        except (Problem, KeyError, TypeError) as wrong:
            _log.error("a stored registration subscription cannot be read", subscription=id, why=str(wrong))
        else:
            self._here[new.queue] = new
            if self._deliver:
                self._periodic.keep(new)

    def _forget(self, old: Interest) -> None:
        self._periodic.forget(old.queue)
        self._here.pop(old.queue, None)
        self._dispatcher.forget(old.queue)

    async def close(self) -> None:
        """Stop the clocks."""
        await self._periodic.close()

    def find(self, queue: str) -> Interest | None:
        """By its queue of owed notifications."""
        return self._here.get(queue)

    async def create(self, tenant: str, payload: Json, context: Context) -> str:
        """Its id; what matches already is told at once. Raises BadRequest, AlreadyExists, LdContextUnavailable."""
        bounds.demand_room(self._here.values(), tenant, "", bounds.MOST)
        given = interest.checked(payload)
        given.setdefault("id", f"urn:ngsi-ld:Subscription:{uuid4()}")
        now = self._now()
        self._check(given, now)
        doc: Document = {"given": given, "context": context.source, "terms": {}}
        doc |= {"createdAt": now, "modifiedAt": now}
        new = await self._new(tenant, doc, context, Record())

        async def work(tx: Transaction) -> None:
            if await tx.get(tenant, KIND, new.id) is not None:
                raise AlreadyExists(f"the subscription {new.id} exists already")
            await tx.put(tenant, KIND, new.id, doc)
            await self._owe(tx, new, "newlyMatching", self._matching(tenant, new.question))

        async with self._changing:
            await self._transact(work, new)
        self._periodic.keep(new)
        return new.id

    async def update(self, tenant: str, id: str, patch: Json, context: Context) -> None:
        """Replace members; null takes one away. What it wants now, and what no more, is told.

        Raises NotFound, BadRequest, LdContextUnavailable.
        """
        async with self._changing:
            old = self.get(tenant, id)
            given = interest.checked(merged(old.doc["given"], patch))
            now = self._now()
            self._check(given, now, fresh="expiresAt" in patch)
            terms = {member: dict(known) for member, known in old.doc["terms"].items() if member not in patch}
            doc: Document = {**old.doc, "given": given, "modifiedAt": now, "terms": terms}
            doc["record"] = asdict(old.record)
            new = await self._new(tenant, doc, context, old.record)

            async def work(tx: Transaction) -> None:
                await tx.put(tenant, KIND, id, doc)
                await self._turned(tx, old, new)

            await self._transact(work, new)
        self._periodic.keep(new)
        self._dispatcher.wake(new.queue)

    async def _transact(self, work: Callable[[Transaction], Awaitable[None]], new: Interest) -> None:
        """It is there before what it is owed is offered, which is as soon as that is committed."""
        old = self._here.get(new.queue)
        self._here[new.queue] = new
        try:
            await self._store.transact(work)
        except BaseException:
            self._here.pop(new.queue)
            if old is not None:
                self._here[new.queue] = old
            raise

    async def delete(self, tenant: str, id: str) -> None:
        """Forget it, and what it is owed. Raises NotFound."""
        async with self._changing:
            old = self.get(tenant, id)

            async def work(tx: Transaction) -> None:
                await tx.drop(tenant, KIND, id)

            await self._store.transact(work)
            self._forget(old)

    def get(self, tenant: str, id: str) -> Interest:
        """As it is now. Raises NotFound."""
        found = self._known(tenant, id)
        if found is None:
            raise NotFound(f"there is no subscription to registrations {id}")
        return found

    def _known(self, tenant: str, id: str) -> Interest | None:
        return self._here.get(f"/registrations {tenant} {id}")

    def listing(self, tenant: str) -> list[Interest]:
        """Those of a tenant, in the order of their creation."""
        return [one for one in self._here.values() if one.tenant == tenant]

    async def watch(self, tx: Transaction, before: Registration | None, after: Registration | None) -> None:
        """What the change of a registration owes to whom (clause 5.11.7)."""
        some = after or before
        for one in self.listing(some.tenant) if some is not None else ():
            if one.interval is not None:
                continue
            was = match.relevant(one.question, before) if before is not None else ()
            now = match.relevant(one.question, after) if after is not None else ()
            if after is not None and now:
                await self._owe(tx, one, "updated" if was else "newlyMatching", [(after, now)])
            elif before is not None and was:
                await self._owe(tx, one, "noLongerMatching", [(before, was)])

    async def _turned(self, tx: Transaction, old: Interest, new: Interest) -> None:
        """The subscription was changed: told of all that it wants now (5.11.3.4), then of those that it wants no more."""
        before = {one.id: (one, n) for one, n in self._matching(old.tenant, old.question)}
        after = {one.id: (one, n) for one, n in self._matching(new.tenant, new.question)}
        gone = [found for id, found in before.items() if id not in after]
        await self._owe(tx, new, "newlyMatching", [*after.values()])
        await self._owe(tx, new, "noLongerMatching", gone)

    async def _owe(
        self,
        tx: Transaction,
        one: Interest,
        reason: Reason,
        found: Sequence[tuple[Registration, tuple[int, ...]]],
    ) -> None:
        if found and one.status(self._now()) == "active":
            await tx.owe(one.tenant, one.queue, 0, interest.payload(one, reason, found))

    async def _new(self, tenant: str, doc: Document, context: Context, record: Record) -> Interest:
        """Names are read with `context`; notifications are written with jsonldContext, else with that of creation."""
        new = interest.compiled(tenant, doc, context, record)
        written = await self._contexts.resolve(doc["given"].get("jsonldContext") or doc["context"])
        if written is context:
            return new
        return interest.compiled(tenant, doc, written, record)  # the names' meaning is in doc["terms"] by now

    async def _context(self, doc: Document) -> Context:
        try:
            return await self._contexts.resolve(doc["given"].get("jsonldContext") or doc["context"])
        except Problem as problem:
            _log.warning("notifications are written with the core @context", why=str(problem))
            return CORE


class _Clock(Periodic):
    """For a `timeInterval`: every so often all registrations that match."""

    def __init__(
        self,
        store: Store,
        now: Callable[[], int],
        matching: Matching,
    ) -> None:
        super().__init__(store, now)
        self._matching = matching

    async def _payload(self, subscription: Subscription) -> bytes | None:
        if not isinstance(subscription, interest.Interest):
            return None
        found = self._matching(subscription.tenant, subscription.question)
        return interest.payload(subscription, "updated", found) if found else None
