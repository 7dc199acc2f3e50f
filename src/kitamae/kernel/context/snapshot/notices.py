"""Whoever made a snapshot with an `endpoint` is told there that it is filled (5.16.6, 5.3.4).

What is owed commits with the status, and goes out like every notification: at least once, with the same id whenever it is
sent again, only to where the operator allows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.context import clock
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.snapshot.model import DETAILS, KIND
from kitamae.kernel.context.subscription import message
from kitamae.kernel.context.subscription.model import Letter, Record, Subscription
from kitamae.kernel.context.subscription.read import compile_subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.operations.command import Effect
    from kitamae.kernel.context.snapshot.model import Snapshot
    from kitamae.kernel.context.store import Kept, Store, Transaction

_NAMES: Final = (DETAILS[0], "temporalSnapshotQueriesDetails")
"""How table 5.3.4-1 calls what 5.2.41 calls `DETAILS`."""


def _queue(tenant: str, id: str) -> str:
    """Apart from those of subscriptions: no tenant's name has a slash in it."""
    return f"/snapshots {tenant} {id}"


class _Voice:
    """A SnapshotNotification is its own envelope."""

    kind: Final = "snapshot-notice"
    """There is no such document: how deliveries went is not kept."""

    def __init__(self, to: Subscription) -> None:
        self._to = to

    def payload(self, effect: Effect, at: int) -> bytes | None:
        """Changes of entities are nothing to it."""
        return None

    async def claim(self, tx: Transaction) -> bool:
        """Whatever is owed is told."""
        return True

    def letter(self, payloads: Sequence[bytes], number: str) -> Letter:
        """The last one: what a snapshot is now."""
        body = orjson.dumps({"id": number, **orjson.loads(payloads[-1])})
        return Letter("POST", self._to.receiver.uri, message.headers(self._to, number), body)


class SnapshotNotices:
    """`start` before what is owed is sent; `find` is given to the dispatcher, `demand_allowed` says where to one may send."""

    def __init__(self, store: Store, demand_allowed: Callable[[str], None]) -> None:
        self._store, self._demand_allowed = store, demand_allowed
        self._here: dict[str, Subscription] = {}

    async def start(self) -> None:
        """Read them all, and listen to other workers."""
        for tenant, id, doc in await self._store.documents(None, KIND):
            self._keep(tenant, id, doc["given"])
        self._store.on_documents(self._others)

    async def _others(self, kept: Sequence[Kept]) -> None:
        for one in kept:
            if one.kind == KIND and one.doc is None:
                self._here.pop(_queue(one.tenant, one.id), None)
            elif one.kind == KIND and one.doc is not None and _queue(one.tenant, one.id) not in self._here:
                self._keep(one.tenant, one.id, one.doc["given"])

    def find(self, queue: str) -> Subscription | None:
        """By its queue of owed notifications."""
        return self._here.get(queue)

    def demand(self, given: dict[str, Json]) -> None:
        """Raises BadRequest, Unprocessable for an endpoint that may not be told."""
        if "endpoint" in given:
            self._demand_allowed(given["endpoint"])

    def keep(self, snapshot: Snapshot) -> None:
        """Before it is filled."""
        self._keep(snapshot.tenant, snapshot.id, snapshot.given)

    def _keep(self, tenant: str, id: str, given: dict[str, Json]) -> None:
        if "endpoint" not in given:
            self._here.pop(_queue(tenant, id), None)
            return
        endpoint = {"uri": given["endpoint"], "receiverInfo": given.get("receiverInfo", [])}
        doc: Any = {"given": {"id": id, "notification": {"endpoint": endpoint}}, "terms": {}}
        plain = compile_subscription(tenant, doc, CORE, Record())
        queue = _queue(tenant, id)
        self._here[queue] = replace(plain, voice=_Voice(plain), queue=queue, kind=_Voice.kind)

    def forget(self, snapshot: Snapshot) -> None:
        """It is gone, and nobody is owed anything about it."""
        self._here.pop(_queue(snapshot.tenant, snapshot.id), None)

    async def owe(self, tx: Transaction, snapshot: Snapshot, now: int) -> None:
        """Inside the transaction that says how it is. `now`: microseconds UTC."""
        if "endpoint" in snapshot.given:
            told = orjson.dumps(_told(snapshot, now))
            await tx.owe(snapshot.tenant, _queue(snapshot.tenant, snapshot.id), 0, told)


def _told(snapshot: Snapshot, now: int) -> dict[str, Json]:
    """As 5.3.4 has it, without the `id`."""
    shown = snapshot.shown()
    found = {
        "type": "SnapshotNotification",
        "notifiedAt": clock.text(now),
        "snapshotId": snapshot.id,
        **{name: shown[name] for name in ("snapshotStatus", "snapshotPriority", "expiresAt")},
    }
    return found | {new: shown[old] for old, new in zip(DETAILS, _NAMES, strict=True) if old in shown}
