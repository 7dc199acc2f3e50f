"""The API on the real embedded store."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from api_client import CITY_CONTEXT, CITY_DOCUMENT, Client

from cities import City, city
from kitamae.adapters.sqlite import store as sqlite
from kitamae.kernel.context.api import routes
from kitamae.kernel.context.broker import Broker, Limits
from kitamae.kernel.context.jsonld import Contexts
from kitamae.kernel.context.snapshot.registry import Snapshots
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.people.policy import Policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    store = await sqlite.open(tmp_path / "kitamae.db")
    contexts = Contexts(registered={CITY_CONTEXT: CITY_DOCUMENT})
    subscriptions = Subscriptions(store, contexts, Destinations(loopback=True))
    await subscriptions.start()
    told = Snapshots(subscriptions.of_snapshots)
    yield Broker(store, contexts, Policy(open=True), Limits(), subscriptions, snapshots=told)
    await subscriptions.close()
    await store.close()


@pytest.fixture
def client(broker: Broker) -> Client:
    return Client(routes(broker))


@pytest.fixture
async def cities(tmp_path: Path) -> AsyncIterator[tuple[City, City]]:
    async with AsyncExitStack() as stack:
        kaga = await stack.enter_async_context(city(tmp_path, "kaga"))
        nomi = await stack.enter_async_context(city(tmp_path, "nomi"))
        yield kaga, nomi
