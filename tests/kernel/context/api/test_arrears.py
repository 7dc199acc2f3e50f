"""A receiver that never answers costs the city so much room and no more, and is told so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from api_client import Client

from kitamae.adapters.sqlite import store as sqlite
from kitamae.kernel.context import clock
from kitamae.kernel.context.api import routes
from kitamae.kernel.context.broker import Broker, Limits
from kitamae.kernel.context.jsonld import Contexts
from kitamae.kernel.context.subscription import bounds
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.people.policy import Policy
from receivers import Receiver

SUBSCRIPTIONS = "subscriptions/urn:ngsi-ld:Subscription:1"


class Away:
    """A city whose clock is moved by hand, and a receiver that is away."""

    def __init__(self, client: Client, broker: Broker, receiver: Receiver) -> None:
        self.client, self.broker, self.receiver = client, broker, receiver
        self.later = 0

    def now(self) -> int:
        return clock.now() + self.later

    async def drive(self, *speeds: int) -> None:
        for speed in speeds:
            car = {"id": "urn:ngsi-ld:Car:1", "type": "Car", "speed": {"type": "Property", "value": speed}}
            await self.client.post("entityOperations/upsert", [car])

    async def owed(self, count: int) -> None:
        """Until so many are."""
        async with asyncio.timeout(20):
            while sum(one for _, _, one in await self.broker.store.queues()) != count:
                await asyncio.sleep(0.01)

    async def shown(self) -> dict[str, Any]:
        found = (await self.client.get(SUBSCRIPTIONS)).json()
        told: dict[str, Any] = found["notification"]
        return told


@pytest.fixture
async def away(tmp_path: Path) -> AsyncIterator[Away]:
    store = await sqlite.open(tmp_path / "kitamae.db")
    contexts = Contexts()
    receiver = Receiver()
    await receiver.listen()
    await receiver.silence()
    quick = {"first_pause": 0.02, "longest_pause": 0.05, "settle_every": 0.01, "drop_every": 0.02}
    here: list[Away] = []
    subscriptions = Subscriptions(
        store,
        contexts,
        Destinations(loopback=True),
        now=lambda: here[0].now() if here else clock.now(),
        steady=lambda: time.monotonic() + (here[0].later / 1e6 if here else 0),
        most_owed=5,
        keep_for=3600,
        **quick,
    )
    await subscriptions.start()
    broker = Broker(store, contexts, Policy(open=True), Limits(), subscriptions)
    here.append(Away(Client(routes(broker)), broker, receiver))
    subscription = {
        "id": "urn:ngsi-ld:Subscription:1",
        "type": "Subscription",
        "entities": [{"type": "Car"}],
        "notification": {"endpoint": {"uri": receiver.uri}},
    }
    assert (await here[0].client.post("subscriptions", subscription)).status == 201
    yield here[0]
    await receiver.silence()
    await subscriptions.close()
    await store.close()


async def test_the_newest_are_kept_and_the_rest_counts_as_failed(away: Away) -> None:
    await away.drive(*range(12))
    await away.owed(5)
    told = await away.shown()
    assert told["status"] == "failed"
    assert told["timesFailed"] >= 7
    await away.receiver.listen()
    await away.receiver.got(5)
    assert [speed for _, speed in away.receiver.values] == [7, 8, 9, 10, 11]
    await away.owed(0)
    assert (await away.shown())["status"] == "ok"


async def test_what_one_receiver_is_owed_by_all_its_subscriptions_has_one_limit(away: Away) -> None:
    second = {
        "id": "urn:ngsi-ld:Subscription:2",
        "type": "Subscription",
        "entities": [{"type": "Car"}],
        "notification": {"endpoint": {"uri": f"{away.receiver.uri}?again"}},
    }
    assert (await away.client.post("subscriptions", second)).status == 201
    await away.drive(1, 2)
    await away.owed(4)
    sizes = {queue: size for queue, _, size in await away.broker.store.owing()}
    arrears = away.broker.subscriptions.dispatcher._arrears  # type: ignore[union-attr]
    arrears._most_bytes = sum(sizes.values()) - 1
    await away.owed(3)
    arrears._most_bytes = 1
    await away.owed(0)
    assert (await away.shown())["status"] == "failed"


async def test_nothing_is_kept_for_longer_than_was_promised(away: Away) -> None:
    await away.drive(1, 2, 3)
    away.later = 3601 * 1_000_000
    await away.owed(0)
    assert (await away.shown())["status"] == "failed"
    away.later = 0


async def test_a_tenant_has_so_many_subscriptions_and_none_of_any_size(
    away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {
        "type": "Subscription",
        "entities": [{"type": "Car"}],
        "notification": {"endpoint": {"uri": away.receiver.uri}},
    }
    monkeypatch.setattr(bounds, "MOST", 2)
    assert [(await away.client.post("subscriptions", more)).status for _ in range(2)] == [201, 403]
    assert (await away.client.post("subscriptions", more, ngsild_tenant="other")).status == 201
    monkeypatch.setattr(bounds, "LARGEST", 1_000)
    long = {"description": "x" * 2_000}
    assert (await away.client.post("subscriptions", more | long, ngsild_tenant="third")).status == 400
    assert (await away.client.patch(SUBSCRIPTIONS, long)).status == 400
