"""Who else knows something about the city: registrations, kept in the store and in memory (clauses 5.9 and 5.10)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.context.registration import conflict, match, validate
from kitamae.kernel.context.registration.model import compiled
from kitamae.kernel.problems import AlreadyExists, BadRequest, NotFound, Problem, TooMany

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.registration.match import Question
    from kitamae.kernel.context.registration.model import Registration
    from kitamae.kernel.context.store import Kept, Store, Transaction

    Watch = Callable[[Transaction, Registration | None, Registration | None], Awaitable[None]]

KIND: Final = "registration"
MOST: Final = 1_000
"""Of a tenant, unless told: each request that others may have a part in is compared with all of them."""
_log: Final = structlog.get_logger()


class Registrations:
    """`start` once, then create, update, delete, get, listing, discover.

    `watch`: told inside the transaction of each change, with the registration before and after, so that it owes what
    follows from that. `most`: of a tenant. `changed`: told that something is otherwise now.
    """

    def __init__(
        self,
        store: Store,
        watch: Watch,
        now: Callable[[], int] = clock.now,
        most: int = MOST,
    ) -> None:
        self._store, self._watch, self._now, self._most = store, watch, now, most
        self._here: dict[tuple[str, str], Registration] = {}
        self.changed: Callable[[], None] = lambda: None
        self._changing = asyncio.Lock()  # a conflict is looked for, then waited for the store

    async def start(self) -> None:
        """Read them all, and listen to other workers."""
        for tenant, id, doc in await self._store.documents(None, KIND):
            self._read(tenant, id, doc)
        self._store.on_documents(self._others)

    async def _others(self, kept: Sequence[Kept]) -> None:
        for one in kept:
            if one.kind == KIND and one.doc is not None:
                self._read(one.tenant, one.id, one.doc)
            elif one.kind == KIND:
                self._here.pop((one.tenant, one.id), None)
        if any(one.kind == KIND for one in kept):
            self.changed()

    def _read(self, tenant: str, id: str, doc: Json) -> None:
        """One that cannot be read is told of and left where it is."""
        try:
            self._here[tenant, id] = compiled(tenant, doc)
        except (Problem, KeyError, TypeError) as wrong:
            _log.error("a stored registration cannot be read", registration=id, why=str(wrong))

    async def create(self, tenant: str, payload: Json, context: Context) -> str:
        """Its id. Raises BadRequest, TooMany, AlreadyExists, AnsweredTwice."""
        doc = validate.whole(validate.fragment(payload, context))
        doc.setdefault("id", f"urn:ngsi-ld:ContextSourceRegistration:{uuid4()}")
        return await self.add(tenant, doc)

    async def add(self, tenant: str, doc: dict[str, Json]) -> str:
        """A document that was checked, of either dialect; its id. Raises as `create`."""
        now = self._now()
        new = compiled(tenant, {**doc, "createdAt": now, "modifiedAt": now})
        if new.expired(now):
            raise BadRequest("expiresAt: expected a time in the future")
        async with self._changing:
            old = self._here.get((tenant, new.id))
            if old is not None and not old.expired(now):
                raise AlreadyExists(f"the registration {new.id} exists already")
            if len(self.listing(tenant)) >= self._most:
                raise TooMany(f"there are {self._most:,} registrations; delete some that nobody needs")
            await self._keep(None, new)
        return new.id

    async def update(self, tenant: str, id: str, patch: Json, context: Context) -> None:
        """Replace members; null takes one away. Raises NotFound, BadRequest, AnsweredTwice."""
        async with self._changing:
            old = self.get(tenant, id)
            found = validate.fragment(patch, context, partial=True)
            if found.get("id", id) != id:
                raise BadRequest("id: a registration keeps its id")
            if not found:
                raise BadRequest("the fragment says nothing that could be updated")
            now = self._now()
            doc = validate.whole(validate.merged(old.doc, found))
            new = compiled(tenant, {**doc, "modifiedAt": now})
            if found.get("expiresAt") is not None and new.expired(now):
                raise BadRequest("expiresAt: expected a time in the future")
            await self._keep(old, new)

    async def put(self, tenant: str, doc: dict[str, Json]) -> None:
        """A document in the place of the one with its id. Raises NotFound, BadRequest, AnsweredTwice."""
        async with self._changing:
            old, now = self.get(tenant, doc["id"]), self._now()
            new = compiled(tenant, {**doc, "createdAt": old.doc["createdAt"], "modifiedAt": now})
            if new.expired(now):
                raise BadRequest("expires: expected a time in the future")
            await self._keep(old, new)

    async def delete(self, tenant: str, id: str) -> None:
        """Forget it. Raises NotFound."""
        async with self._changing:
            old = self.get(tenant, id)

            async def work(tx: Transaction) -> None:
                await tx.drop(tenant, KIND, id)
                await self._watch(tx, old, None)

            await self._store.transact(work)
            self._here.pop((tenant, id), None)
            self.changed()

    def get(self, tenant: str, id: str) -> Registration:
        """Raises NotFound, also for one whose time is over."""
        found = self._here.get((tenant, id))
        if found is None or found.expired(self._now()):
            raise NotFound(f"there is no registration {id}")
        return found

    def listing(self, tenant: str) -> list[Registration]:
        """Those of a tenant whose time is not over, in the order of their creation."""
        now = self._now()
        return [one for one in self._here.values() if one.tenant == tenant and not one.expired(now)]

    def __len__(self) -> int:
        return len(self._here)

    def discover(self, tenant: str, question: Question) -> list[tuple[Registration, tuple[int, ...]]]:
        """Those that match, with the positions of the information that does."""
        found = ((one, match.relevant(question, one)) for one in self.listing(tenant))
        return [(one, positions) for one, positions in found if positions]

    async def _keep(self, old: Registration | None, new: Registration) -> None:
        """Write it down with what that owes. Raises AnsweredTwice."""
        conflict.with_registrations(new, self.listing(new.tenant))
        if old is None or (old.information, old.mode) != (new.information, new.mode):
            await conflict.with_entities(new, self._store)

        async def work(tx: Transaction) -> None:
            if old is None or (old.information, old.mode) != (new.information, new.mode):
                await conflict.with_entity(new, tx)
            await tx.put(new.tenant, KIND, new.id, new.doc)
            await self._watch(tx, old, new)

        await self._store.transact(work)
        self._here[new.tenant, new.id] = new
        self.changed()
