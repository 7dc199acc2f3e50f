"""Subscriptions that other sources have a part in (5.8.1.4): each is sent a copy, which tells us what changes there.

The copies are kept as they ought to be: what a change of a subscription or a registration asks for is worked out anew
and told to the sources concerned, in the background, again until they have taken it. A row of the store remembers each
copy from before it is sent, so that none is forgotten at a source. Its id is a secret between the source and us: who
tells it may tell us of changes.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from uuid import uuid4

import structlog

from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.registration import model, speech
from kitamae.kernel.context.registration.peers import Unanswered
from kitamae.kernel.context.subscription.copy import looked_at, question, reduced, watched
from kitamae.kernel.context.veil import hidden_in, of_all
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context, Contexts
    from kitamae.kernel.context.registration.interest import Interest
    from kitamae.kernel.context.registration.model import Information, Registration
    from kitamae.kernel.context.registration.peers import Peers, Reply
    from kitamae.kernel.context.registration.registry import Registrations
    from kitamae.kernel.context.store import Kept, Store, Transaction
    from kitamae.kernel.context.subscription.model import Subscription
    from kitamae.kernel.context.veil import Hidden

KIND: Final = "relay"
PATH: Final = "/ngsi-ld/ex/remote-notify"
"""Where the copies notify us: no resource of the specification, so it is not below v1."""
_AGAIN: Final = 60.0  # seconds until what a source did not take is told again
_GIVEN_UP: Final = 1_000  # times that a source was told in vain that a copy is not wanted any more
_TOGETHER: Final = 8
_log: Final = structlog.get_logger()

Key = tuple[str, str, str, str]
"""Tenant, subscription, registration, and the address that it has."""


@dataclass(slots=True)
class Relay:
    """One copy at one source. `sent`: as the source has it; None: perhaps not at all. `via`: who asked us for it."""

    id: str
    tenant: str
    subscription: str
    registration: Registration
    sent: dict[str, Json] | None = None
    via: tuple[str, ...] = ()
    failures: int = 0

    @property
    def key(self) -> Key:
        """Whose copy, and where."""
        one = self.registration
        return self.tenant, self.subscription, one.id, f"{one.endpoint} {one.doc.get('tenant', '')}"

    def kept(self) -> dict[str, Json]:
        """As a row of the store."""
        return {"subscription": self.subscription, "registration": self.registration.doc, "sent": self.sent}


class Relays:
    """`start` once; `wake` after a change of a subscription (its queue) or of registrations; `find` by a copy's id.

    `here`: the subscriptions as they are. `address`: where sources reach us; "": no copies are sent. `again` in seconds.
    """

    def __init__(
        self,
        store: Store,
        contexts: Contexts,
        registrations: Registrations,
        peers: Peers,
        here: Callable[[], Iterable[Subscription]],
        now: Callable[[], int],
        *,
        address: str = "",
        alias: str = "",
        again: float = _AGAIN,
    ) -> None:
        self._store, self._contexts = store, contexts
        self._registrations, self._peers, self._here, self._now = registrations, peers, here, now
        self._address, self._alias, self._again = address.rstrip("/"), alias, again
        self._kept: dict[str, Relay] = {}
        self._wanting: set[str] | None = None  # queues of subscriptions that changed; None: any may have
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read what was sent, and see whether it is still right."""
        for tenant, id, doc in await self._store.documents(None, KIND):
            self._read(tenant, id, doc)
        self._store.on_documents(self._others)
        self._store.on_serving(self._serving)
        self._woken.set()
        self._task = asyncio.create_task(self._run(), name="copies of subscriptions at other sources")

    def _read(self, tenant: str, id: str, doc: Json) -> None:
        registration = model.compiled(tenant, doc["registration"])
        self._kept[id] = Relay(id, tenant, doc["subscription"], registration, doc["sent"])

    async def _others(self, kept: Sequence[Kept]) -> None:
        """What the worker that sends copies has sent."""
        for one in kept:
            if one.kind == KIND and one.doc is not None:
                self._read(one.tenant, one.id, one.doc)
            elif one.kind == KIND:
                self._kept.pop(one.id, None)

    async def _serving(self) -> None:
        """Perhaps it is here now that copies are sent."""
        self.wake()

    async def close(self) -> None:
        """Stop; what is not told yet is told after the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def wake(self, queue: str | None = None) -> None:
        """That subscription changed; None: registrations did."""
        if queue is None:
            self._wanting = None
        elif self._wanting is not None:
            self._wanting.add(queue)
        self._woken.set()

    def find(self, id: str) -> Relay | None:
        """The copy with that id."""
        return self._kept.get(id)

    def watching(self, tenant: str) -> list[Interest]:
        """The subscriptions to registrations that stand for those of which there are copies."""
        copied = {one.subscription for one in self._kept.values() if one.tenant == tenant}
        address = f"{self._address}{PATH}"
        return [watched(one, address) for one in self._here() if one.tenant == tenant and one.id in copied]

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            changed, self._wanting = self._wanting, set()
            try:
                settled = await self._settle(changed)
            except Exception:
                _log.exception("copies of subscriptions are looked at again in a while")
                settled = False
            if not settled:
                asyncio.get_running_loop().call_later(self._again, self.wake)

    async def _settle(self, changed: set[str] | None) -> bool:
        """Make the copies what they ought to be; False: some source has not taken it."""
        if not (self._kept or len(self._registrations)) or not self._store.serves(PATH):
            return True
        wanted = self._wanted(changed)
        kept = {one.key: one for one in self._kept.values() if changed is None or _queue(one) in changed}
        turn = asyncio.Semaphore(_TOGETHER)

        async def told(relay: Relay, ought: tuple[Subscription, tuple[Information, ...]] | None) -> bool:
            async with turn:
                return await (self._take_back(relay) if ought is None else self._tell(relay, *ought))

        work = [told(relay, None) for key, relay in kept.items() if key not in wanted]
        for key, (subscription, registration, informed) in wanted.items():
            relay = kept.get(key)
            if relay is None:
                relay = Relay(f"urn:ngsi-ld:Subscription:{uuid4()}", key[0], key[1], registration)
                self._kept[relay.id] = relay
                await self._remember(relay)
            relay.registration, relay.via = registration, tuple(subscription.doc.get("via", ()))
            work.append(told(relay, (subscription, informed)))
        return all(await asyncio.gather(*work))

    def _wanted(
        self, changed: set[str] | None
    ) -> dict[Key, tuple[Subscription, Registration, tuple[Information, ...]]]:
        found: dict[Key, tuple[Subscription, Registration, tuple[Information, ...]]] = {}
        for one in self._here():
            if (changed is not None and one.queue not in changed) or not self._distributed(one):
                continue
            for source, positions in self._registrations.discover(one.tenant, question(one)):
                if source.mode == "auxiliary" or "createSubscription" not in source.operations:
                    continue
                if source.doc.get("contextSourceAlias") in one.doc.get("via", ()):
                    continue
                informed = tuple(source.information[n] for n in positions)
                if looked_at(one, informed, self._hidden()) is None:
                    continue
                found[Relay("", one.tenant, one.id, source).key] = one, source, informed
        return found

    def _hidden(self) -> Hidden:
        """From subscribers: what leaves the city by itself goes to whoever stands at the other end."""
        return hidden_in(self._store) or of_all(())

    def _distributed(self, one: Subscription) -> bool:
        """Is it for what others have too, and not one that came to us in a circle?"""
        if not self._address or one.voice is not None or one.status(self._now()) != "active":
            return False
        return not one.doc["given"].get("localOnly", False) and self._name(one.tenant) not in one.doc.get(
            "via", ()
        )

    def _name(self, tenant: str) -> str:
        return f"{self._alias}-{tenant}" if tenant else self._alias

    async def _tell(self, relay: Relay, one: Subscription, informed: tuple[Information, ...]) -> bool:
        path = f"subscriptions/{quote(relay.id, safe=':')}"
        try:
            url = speech.said(relay.registration, "jsonldContext")
            context = await self._context(url or one.doc["context"])
            body = reduced(one, informed, context, f"{self._address}{PATH}", self._hidden())
            if relay.sent == body:
                return True
            reply = None
            if relay.sent is not None:
                reply = await self._ask(relay, "PATCH", path, body, context)
            if reply is None or reply.status == 404:
                reply = await self._ask(relay, "POST", "subscriptions", {"id": relay.id, **body}, context)
                if reply.status == 409:  # it was there, and we had not heard so
                    reply = await self._ask(relay, "PATCH", path, body, context)
        except Unanswered as silence:
            _log.warning("a source has no copy yet", registration=relay.registration.id, why=str(silence))
            return False
        if not reply.done:
            _log.warning("a source takes no copy", registration=relay.registration.id, status=reply.status)
            return 400 <= reply.status < 500 or reply.status == 508  # telling it again would change nothing
        relay.sent, relay.failures = body, 0
        await self._remember(relay)
        return True

    async def _take_back(self, relay: Relay) -> bool:
        try:
            reply = await self._ask(relay, "DELETE", f"subscriptions/{quote(relay.id, safe=':')}", None, CORE)
            gone = reply.done or reply.status == 404
        except Unanswered:
            gone = False
        relay.failures += not gone
        if not gone and relay.failures < _GIVEN_UP:
            return False

        async def work(tx: Transaction) -> None:
            await tx.drop(relay.tenant, KIND, relay.id)

        await self._store.transact(work)
        self._kept.pop(relay.id, None)
        return True

    async def _context(self, source: Json) -> Context:
        """The words of a source, or of the subscription. Raises Unanswered."""
        try:
            return await self._contexts.resolve(source)
        except Problem as problem:
            raise Unanswered(f"the @context of the copy cannot be had: {problem.detail}") from None

    async def _ask(
        self, relay: Relay, method: str, path: str, content: dict[str, Json] | None, context: Context
    ) -> Reply:
        via = ", ".join(f"1.1 {name}" for name in (*relay.via, self._name(relay.tenant)))
        body, headers = speech.spoken(relay.registration, via, context, content)
        return await self._peers.ask(relay.registration, method, path, (), headers, body)

    async def _remember(self, relay: Relay) -> None:
        async def work(tx: Transaction) -> None:
            await tx.put(relay.tenant, KIND, relay.id, relay.kept())

        await self._store.transact(work)


def _queue(relay: Relay) -> str:
    return f"{relay.tenant} {relay.subscription}" if relay.tenant else relay.subscription
