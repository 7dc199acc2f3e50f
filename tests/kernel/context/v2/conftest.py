"""Both dialects on one embedded store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from v2_client import Client

from kitamae.adapters.mqtt.notifier import Notifier
from kitamae.adapters.sqlite import store as sqlite
from kitamae.kernel.context import api, v2
from kitamae.kernel.context.broker import Broker, Limits
from kitamae.kernel.context.jsonld import Contexts
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.context.v2.subscription.registry import Subscriptions as SubscriptionsV2
from kitamae.kernel.people.policy import Policy
from receivers import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    store = await sqlite.open(tmp_path / "kitamae.db")
    contexts = Contexts()
    subscriptions = Subscriptions(
        store, contexts, Destinations(loopback=True), mqtt=Notifier, first_pause=0.02, longest_pause=0.05
    )
    second = SubscriptionsV2(store, contexts, subscriptions)
    await second.start()
    await subscriptions.start()
    yield Broker(store, contexts, Policy(open=True), Limits(), subscriptions, second)
    await subscriptions.close()
    await store.close()


@pytest.fixture
def client(broker: Broker) -> Client:
    return Client(v2.routes(broker), "/v2")


@pytest.fixture
def ld(broker: Broker) -> Client:
    return Client(api.routes(broker), "/ngsi-ld/v1")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver
