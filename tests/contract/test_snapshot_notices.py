"""Whoever wants to know of a snapshot is told once, whichever of several workers fills it and whichever sends."""

from __future__ import annotations

import asyncio
from pathlib import Path

from stores import Opener, open_sqlite

from kitamae.kernel.context.broker import Broker
from kitamae.kernel.context.jsonld import Contexts
from kitamae.kernel.context.snapshot.model import Snapshot
from kitamae.kernel.context.snapshot.registry import Snapshots
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.registry import Subscriptions
from receivers import Receiver

QUERIES = [{"type": "Query", "entities": [{"type": "Room"}]}]


async def test_each_of_many_snapshots_is_told_once(opener: Opener, tmp_path: Path) -> None:
    stores = [await opener(tmp_path)]
    if opener is not open_sqlite:
        stores.append(await opener(tmp_path))
    workers = []
    for store in stores:
        subscriptions = Subscriptions(store, Contexts(), Destinations(loopback=True))
        await subscriptions.start()
        workers.append(
            Broker(
                store,
                Contexts(),
                subscriptions=subscriptions,
                snapshots=Snapshots(subscriptions.of_snapshots),
            )
        )
    async with Receiver() as receiver:
        made: list[Snapshot] = []
        for number in range(8):
            one = workers[number % len(workers)]
            given = {"id": f"urn:x:{number}", "snapshotQueries": QUERIES, "endpoint": receiver.uri}
            made.append(await one.snapshots.create(one.store, "kaga", given, one.clock()))
        for number, snapshot in enumerate(made):
            one = workers[number % len(workers)]
            snapshot.status = "empty"
            await one.snapshots.filled(one.store, snapshot, one.clock())
        await receiver.got(8, within=30)
        async with asyncio.timeout(10):
            while await stores[0].queues():
                await asyncio.sleep(0.02)
        told = sorted(
            message["snapshotId"] for message in receiver.messages
        )  # nothing is owed any more: no second one comes
        assert told == [f"urn:x:{number}" for number in range(8)]
        assert {headers["NGSILD-Tenant"] for headers in receiver.headers} == {"kaga"}
    for one in workers:
        assert one.subscriptions is not None
        await one.subscriptions.close()
        await one.store.close()
