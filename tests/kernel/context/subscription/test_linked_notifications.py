"""Notifications that look beyond the entity that changed: conditions and answers that follow its relationships."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kitamae.adapters.sqlite.store import open as open_store
from kitamae.kernel.context import read
from kitamae.kernel.context.jsonld import CORE, Contexts
from kitamae.kernel.context.operations import Command, Upsert
from kitamae.kernel.context.subscription import linked
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.problems import BadRequest
from receivers import Receiver

STREET = {"id": "urn:ngsi-ld:Street:1", "type": "Street", "name": "湯の曲輪"}
PLACE: dict[str, Any] = {"type": "Point", "coordinates": [136.3, 36.3]}
CAR = {
    "id": "urn:ngsi-ld:Car:1",
    "type": "Car",
    "speed": 3,
    "on": {"object": STREET["id"]},
    "location": {"type": "GeoProperty", "value": PLACE},
}


def upsert(**entity: Any) -> Command:
    return Command("", entity["id"], Upsert(read.entity(entity, CORE), "update"))


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """Told of cars where there is a street: the data of the last notification."""
    store = await open_store(tmp_path / "kitamae.db")
    subscriptions = Subscriptions(store, Contexts(), Destinations(loopback=True), settle_every=0.01)
    await subscriptions.start()

    async def of(notification: dict[str, Any], **more: Any) -> Any:
        endpoint = {"uri": receiver.uri, **notification.pop("endpoint", {})}
        asked = {"format": "concise", **notification, "endpoint": endpoint}
        document = {"type": "Subscription", "entities": [{"type": "Car"}], "notification": asked, **more}
        await subscriptions.create("", document, CORE)
        lost = {**CAR, "id": "urn:ngsi-ld:Car:0", "on": {"object": "urn:x:nowhere"}}
        for entity in (STREET, lost, CAR):
            await store.apply([upsert(**entity)])
        return (await receiver.got(1 if "q" in more else 2))[-1]["data"]

    async with Receiver() as receiver:
        yield of
        await subscriptions.close()
        await store.close()


async def test_what_an_entity_leads_to_is_told_inside_it(told: Any) -> None:
    (car,) = await told({"join": "inline"})
    assert car["on"]["entity"] == STREET


async def test_or_beside_it_and_once(told: Any) -> None:
    first, second = await told({"join": "flat", "attributes": ["on"]})
    assert set(first) == {"id", "type", "on"}
    assert second == STREET


async def test_a_receiver_of_geojson_gets_features(told: Any) -> None:
    features = (await told({"join": "inline", "endpoint": {"accept": "application/geo+json"}}))["features"]
    assert features[0]["geometry"] == PLACE
    assert features[0]["properties"]["on"]["entity"] == STREET


async def test_a_condition_may_ask_what_is_at_the_other_end(told: Any) -> None:
    (car,) = await told({}, q='on{name}=="湯の曲輪"')
    assert car["id"] == CAR["id"]  # and not Car:0, which was written before and leads nowhere


async def test_too_many_links_are_left_out_and_the_subscriber_is_told_all_the_same(
    told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linked, "MOST", 0)
    (car,) = await told({"join": "flat"})
    assert car["on"] == {"object": STREET["id"]}


@pytest.mark.parametrize("wrong", [{"join": "sideways"}, {"join": "flat", "joinLevel": 0}, {"joinLevel": 11}])
async def test_other_words_are_refused(told: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="join"):
        await told(wrong)
