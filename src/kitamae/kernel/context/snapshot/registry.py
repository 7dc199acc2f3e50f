"""Snapshots made, found, changed, filled, deleted; their documents and what is in them are in the store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import orjson
import structlog

from kitamae.kernel.context.operations import Delete
from kitamae.kernel.context.operations.command import Command, Effect, Touched
from kitamae.kernel.context.query.tree import EntityQuery
from kitamae.kernel.context.snapshot.model import (
    CHANGED,
    GIVEN,
    KIND,
    QUERIES,
    Snapshot,
    checked,
    document,
    end,
)
from kitamae.kernel.context.store import InstanceQuery
from kitamae.kernel.problems import (
    AlreadyExists,
    BadRequest,
    NotFound,
    Problem,
    TooManyResults,
    Unprocessable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.snapshot.notices import SnapshotNotices
    from kitamae.kernel.context.store import Store, Transaction

ROOM: Final = "/snapshot "
"""How the tenants begin that snapshots lie under: no header names one with a slash."""
MOST: Final = 100
"""Snapshots of one tenant."""
LARGEST: Final = 100_000
"""Entities in one."""
_AT_ONCE: Final = 500
_WORK: Final = "snapshot-work"
"""By a snapshot's id, while it is filled: {until}, microseconds UTC."""
_LEASE: Final = 60.0
"""Seconds for which whoever fills a snapshot says so; then it is a failure, unless said again."""
_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Keep:
    """An entity as it was found, with its times; one that is there already stays."""

    entity: Entity

    def apply(self, before: Entity | None, now: int) -> Effect:
        """Created as it is."""
        if before is not None:
            return Effect("none", before, before)
        touched = [
            Touched(name, "created", one, None)
            for name, instances in self.entity["attrs"].items()
            for one in instances
        ]
        return Effect("created", None, self.entity, touched, list(self.entity["attrs"]))


class Snapshots:
    """Their documents are in the store, and who fills one says so there, so that any worker can tell. `notices` tells who wants to know
    that one is filled; None: nobody is told.
    """

    def __init__(self, notices: SnapshotNotices | None = None) -> None:
        self.notices = notices
        self._used: dict[str, int] = {}

    async def create(
        self,
        store: Store,
        tenant: str,
        payload: Json,
        now: int,
        source: Snapshot | None = None,
    ) -> Snapshot:
        """A new one, which is still to be filled; `source`: it is a clone of that.

        Raises BadRequest, AlreadyExists, Unprocessable.
        """
        given = checked(payload, GIVEN)
        if self.notices is not None:
            self.notices.demand(given)
        elif "endpoint" in given:
            raise Unprocessable("endpoint: nobody is notified here")
        if source is None and not any(given.get(name) for name in QUERIES):
            raise BadRequest(
                "snapshotQueries or snapshotTemporalQueries: a snapshot says what is to be in it"
            )
        if source is not None and any(name in given for name in QUERIES):
            raise BadRequest("a clone has what the other snapshot has: no snapshotQueries")
        if len(await self.listing(store, tenant, now)) >= MOST:
            raise TooManyResults(f"there are {MOST} snapshots already: delete one first")
        id = given.pop("id", None) or f"urn:ngsi-ld:Snapshot:{uuid4()}"
        if source is not None:
            given |= {name: source.given[name] for name in QUERIES if name in source.given}
        new = Snapshot(tenant, id, f"{ROOM}{uuid4()}", given, now, now, end(given, now), now)

        async def work(tx: Transaction) -> None:
            old = await tx.get(tenant, KIND, id)
            if old is not None and old["expires"] > now:
                raise AlreadyExists(f"there is a snapshot {id} already")
            await tx.put(tenant, KIND, id, document(new))
            await tx.put(tenant, _WORK, id, _lease(now))

        await store.transact(work)
        if self.notices is not None:
            self.notices.keep(new)
        return new

    async def find(self, store: Store, tenant: str, id: str, now: int) -> Snapshot:
        """Raises NotFound, also for one whose time is over."""
        doc = await store.get(tenant, KIND, id)
        if doc is None or doc["expires"] <= now:
            raise NotFound(f"there is no snapshot {id}")
        return await self._read(store, tenant, id, doc, now)

    async def _read(self, store: Store, tenant: str, id: str, doc: dict[str, Any], now: int) -> Snapshot:
        found = Snapshot(tenant, id, **doc)
        found.used = max(found.used, self._used.get(found.room, 0))
        if found.status == "preparing":
            at_work = await store.get(tenant, _WORK, id)
            if at_work is None or at_work["until"] <= now:
                then = await store.get(tenant, KIND, id)  # it may have been filled between the two
                if then is not None and then["room"] == found.room and then["status"] != "preparing":
                    return await self._read(store, tenant, id, then, now)
                found.status = "failure"  # the server was stopped meanwhile
        return found

    async def hold(self, store: Store, snapshot: Snapshot, now: Callable[[], int]) -> None:
        """Say that it is being filled, until cancelled; a store that cannot write now is asked again in a while."""
        while True:
            await asyncio.sleep(_LEASE / 3)

            async def work(tx: Transaction) -> None:
                if await tx.get(snapshot.tenant, _WORK, snapshot.id) is not None:
                    await tx.put(snapshot.tenant, _WORK, snapshot.id, _lease(now()))

            try:
                await store.transact(work)
            except Problem as problem:
                _log.warning("a snapshot's lease is not renewed", snapshot=snapshot.id, why=str(problem))

    def use(self, snapshot: Snapshot, now: int) -> None:
        """Somebody works with it."""
        self._used[snapshot.room] = now

    async def listing(self, store: Store, tenant: str, now: int) -> list[Snapshot]:
        """Those of a tenant; what is left of those whose time is over goes."""
        there = await store.documents(tenant, KIND)
        found = [await self._read(store, where, id, doc, now) for where, id, doc in there]
        for one in found:
            if one.expires <= now:
                await self.delete(store, one)
        return [one for one in found if one.expires > now]

    async def tidy(self, store: Store, now: int) -> None:
        """What is left of those whose time is over goes, of every tenant; what nobody fills any more is a failure."""
        for tenant, id, doc in await store.documents(None, KIND):
            found = await self._read(store, tenant, id, doc, now)
            if found.expires <= now:
                await self.delete(store, found)
            elif found.status != doc["status"]:
                await self.filled(store, found, now)

    async def update(self, store: Store, snapshot: Snapshot, payload: Json, now: int) -> Snapshot:
        """Its priority and its lifetime, counted from now. Raises BadRequest."""
        given = checked(payload, CHANGED)
        snapshot.given |= given
        snapshot.modified = now
        if "snapshotLifetime" in given:
            snapshot.expires = end(given, now)

        async def work(tx: Transaction) -> None:
            doc = await tx.get(snapshot.tenant, KIND, snapshot.id)
            if doc is not None and doc["room"] == snapshot.room:
                changed = {"given": snapshot.given, "modified": now, "expires": snapshot.expires}
                await tx.put(snapshot.tenant, KIND, snapshot.id, {**doc, **changed})

        await store.transact(work)
        return snapshot

    async def filled(self, store: Store, snapshot: Snapshot, now: int) -> None:
        """It is what it will be, and whoever wants to know is told; unless it was deleted meanwhile, or given up."""

        async def work(tx: Transaction) -> None:
            doc = await tx.get(snapshot.tenant, KIND, snapshot.id)
            if doc is None or doc["room"] != snapshot.room or doc["status"] != "preparing":
                return
            changed = {"status": snapshot.status, "details": snapshot.details, "modified": now}
            await tx.put(snapshot.tenant, KIND, snapshot.id, {**doc, **changed})
            await tx.drop(snapshot.tenant, _WORK, snapshot.id)
            if self.notices is not None:
                told = Snapshot(snapshot.tenant, snapshot.id, **{**doc, **changed})
                await self.notices.owe(tx, told, now)

        await store.transact(work)

    async def delete(self, store: Store, snapshot: Snapshot) -> None:
        """With everything in it."""

        async def work(tx: Transaction) -> None:
            await tx.drop(snapshot.tenant, KIND, snapshot.id)
            await tx.drop(snapshot.tenant, _WORK, snapshot.id)

        await store.transact(work)
        self._used.pop(snapshot.room, None)
        if self.notices is not None:
            self.notices.forget(snapshot)
        await _empty(store, snapshot.room)


def _lease(now: int) -> dict[str, Json]:
    return {"until": now + round(_LEASE * 1_000_000)}


async def keep(store: Store, room: str, entities: Iterable[Entity]) -> None:
    """Put entities into a snapshot. Raises Problem."""
    commands = [Command(room, entity["id"], Keep(entity)) for entity in entities]
    for start in range(0, len(commands), _AT_ONCE):
        for effect in await store.apply(commands[start : start + _AT_ONCE]):
            if isinstance(effect, Problem):
                raise effect


async def _empty(store: Store, room: str) -> None:
    """Forget all that lies there: the entities, their history, and what their changes said."""
    for id in await _ids(store, room):
        await store.apply([Command(room, id, Delete())])

        async def work(tx: Transaction, id: str = id) -> None:
            await tx.drop_instances(InstanceQuery(room, (id,)))

        await store.transact(work)
        await store.erase(room, id)


async def _ids(store: Store, room: str) -> set[str]:
    ids = {orjson.loads(row.doc)["id"] async for row in store.stream(EntityQuery(room))}
    remembered = await store.remembered(EntityQuery(room, limit=LARGEST), InstanceQuery(room, ()))
    return ids | {orjson.loads(row.doc)["id"] for row in remembered.rows}
