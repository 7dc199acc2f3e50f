"""Subscriptions that other cities have a part in, over real HTTP on this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from api_client import link

from cities import ROOM, City, city
from receivers import Receiver

ALARM = "urn:ngsi-ld:Subscription:alarm"
LINK = {"link": link()}


def subscription(receiver: Receiver, **members: Any) -> dict[str, Any]:
    return {
        "id": ALARM,
        "type": "Subscription",
        "entities": [{"type": "Room"}],
        "notification": {"endpoint": {"uri": receiver.uri}},
        **members,
    }


async def until(check: Any) -> None:
    """What goes on in the background has come so far."""
    async with asyncio.timeout(10):
        while not check():
            await asyncio.sleep(0.01)


def copies(one: City) -> list[dict[str, Any]]:
    subscriptions = one.broker.subscriptions
    assert subscriptions is not None
    return [found.doc["given"] for found in subscriptions.listing("")]


def values(receiver: Receiver) -> list[Any]:
    return [entity["floor"]["value"] for message in receiver.messages for entity in message["data"]]


async def test_a_change_in_another_city_is_told_to_our_subscriber(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url)
    async with Receiver() as receiver:
        made = await kaga.client.post("subscriptions", subscription(receiver, q="floor>1"))
        assert made.status == 201
        await until(lambda: copies(nomi))
        (copy,) = copies(nomi)
        assert copy["notification"]["endpoint"]["uri"] == f"{kaga.url}/ngsi-ld/ex/remote-notify"
        assert receiver.uri not in str(copy)
        assert nomi.asked[0].headers["via"] == "1.1 kaga"
        (watched,) = (await kaga.client.get("csourceSubscriptions")).json()
        assert watched["entities"] == [{"type": "Room"}]
        for number, floor in ((1, 1), (2, 2)):
            await nomi.has(number, floor=floor)
        (message,) = await receiver.got(1)
        assert (message["subscriptionId"], message["data"][0]["id"]) == (ALARM, "urn:ngsi-ld:Room:2")
        assert (await kaga.client("DELETE", f"subscriptions/{ALARM}")).status == 204
        assert (await kaga.client.get("csourceSubscriptions")).json() == []
        await until(lambda: not copies(nomi))


async def test_what_is_closed_here_is_told_to_no_subscriber_whoever_tells_it(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    await kaga.closes("Room floor")
    await kaga.knows(nomi.url)
    async with Receiver() as receiver:
        assert (await kaga.client.post("subscriptions", subscription(receiver))).status == 201
        await until(lambda: copies(nomi))
        await nomi.has(1, floor=7719, depth=4)
        (message,) = await receiver.got(1)
        (entity,) = message["data"]
        assert "floor" not in entity
        assert entity["depth"]["value"] == 4


async def test_a_subscription_learns_nothing_of_what_is_closed_through_another_city(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    await kaga.closes("Room floor")
    await kaga.knows(nomi.url)
    async with Receiver() as receiver:
        by = subscription(receiver, id=f"{ALARM}:q", q="floor==7719")
        assert (await kaga.client.post("subscriptions", by)).status == 201
        only = subscription(receiver, id=f"{ALARM}:w", watchedAttributes=["floor"])
        assert (await kaga.client.post("subscriptions", only)).status == 201
        assert (await kaga.client.post("subscriptions", subscription(receiver))).status == 201
        await until(lambda: len(copies(nomi)) == 2)
        assert not any("q" in copy or "watchedAttributes" in copy for copy in copies(nomi))
        await nomi.has(1, floor=1, depth=4)
        await receiver.got(1)
        for floor in (7719, 7720):
            changed = {"floor": {"type": "Property", "value": floor}}
            assert (await nomi.client("PATCH", f"entities/{ROOM}/attrs", changed)).status == 204
        seen = {"depth": {"type": "Property", "value": 5}}
        assert (await nomi.client("PATCH", f"entities/{ROOM}/attrs", seen)).status == 204
        await receiver.got(2)
        assert [one["subscriptionId"] for one in receiver.messages] == [ALARM, ALARM]
        assert [one["data"][0]["depth"]["value"] for one in receiver.messages] == [4, 5]
        assert "floor" not in str(receiver.messages)
        gone = await nomi.client("DELETE", f"entities/{ROOM}")
        assert gone.status == 204


async def test_that_an_entity_is_gone_elsewhere_is_told(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url)
    await nomi.has(1, floor=1)
    async with Receiver() as receiver:
        triggered = subscription(receiver, notificationTrigger=["entityDeleted"])
        assert (await kaga.client.post("subscriptions", triggered)).status == 201
        await until(lambda: copies(nomi))
        assert (await nomi.client("DELETE", f"entities/{ROOM}")).status == 204
        (message,) = await receiver.got(1)
        (entity,) = message["data"]
        assert entity["id"] == ROOM
        assert "deletedAt" in entity


async def test_an_id_takes_precedence_over_a_pattern(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url)
    async with Receiver() as receiver:
        both = {"type": "Room", "id": ROOM, "idPattern": "Room:2$"}
        assert (
            await kaga.client.post("subscriptions", subscription(receiver, entities=[both]))
        ).status == 201
        await until(lambda: copies(nomi))
        await nomi.has(2, floor=2)
        await nomi.has(1, floor=1)
        await kaga.has(2, floor=2)
        await kaga.has(1, floor=3)
        await receiver.got(2)
        assert sorted(values(receiver)) == [1, 3]


async def test_a_copy_follows_the_subscription_and_the_registration(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    async with Receiver() as receiver:
        await kaga.client.post("subscriptions", subscription(receiver, q="floor>1"))
        assert copies(nomi) == []
        await kaga.knows(nomi.url)
        await until(lambda: copies(nomi))
        assert (await kaga.client.patch(f"subscriptions/{ALARM}", {"q": "floor>5"})).status == 204
        await until(lambda: [one["q"] for one in copies(nomi)] == ["floor>5"])
        await kaga.client.patch(f"subscriptions/{ALARM}", {"isActive": False})
        await until(lambda: not copies(nomi))
        await kaga.client.patch(f"subscriptions/{ALARM}", {"isActive": True})
        await until(lambda: copies(nomi))
        await kaga.client("DELETE", "csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:1")
        await until(lambda: not copies(nomi))


@pytest.mark.parametrize(
    ("members", "registered"),
    [
        ({"localOnly": True}, {}),
        ({}, {"mode": "auxiliary", "operations": ["retrieveOps"]}),
        ({}, {"operations": ["queryEntity"]}),
    ],
)
async def test_who_has_no_part_in_it_gets_no_copy(
    cities: tuple[City, City], members: dict[str, Any], registered: dict[str, Any]
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, **registered)
    async with Receiver() as receiver:
        await kaga.client.post("subscriptions", subscription(receiver, **members))
        await kaga.has(1, floor=1)
        await receiver.got(1)
    assert nomi.asked == []


async def test_a_copy_is_reduced_to_what_was_registered(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, {"entities": [{"type": "Room", "id": ROOM}], "propertyNames": ["floor"]})
    async with Receiver() as receiver:
        await kaga.client.post("subscriptions", subscription(receiver, watchedAttributes=["floor", "depth"]))
        await until(lambda: copies(nomi))
        (copy,) = copies(nomi)
        assert (copy["entities"], copy["watchedAttributes"]) == ([{"id": ROOM, "type": "Room"}], ["floor"])
        await nomi.has(2, floor=1)
        await nomi.has(1, floor=1, depth=7)
        (message,) = await receiver.got(1)
        assert message["data"] == [{"id": ROOM, "type": "Room", "floor": {"type": "Property", "value": 1}}]


async def test_names_keep_their_meaning_in_a_copy(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, {"entities": [{"type": "https://kaga.example/terms#Toilet"}]})
    async with Receiver() as receiver:
        told = subscription(receiver, entities=[{"type": "Toilet"}], q="floor>1")
        assert (await kaga.client.post("subscriptions", told, **LINK)).status == 201
        await until(lambda: copies(nomi))
        toilet = {"id": "urn:ngsi-ld:Toilet:1", "type": "Toilet", "floor": {"type": "Property", "value": 2}}
        await nomi.client.post("entities", toilet, **LINK)
        (message,) = await receiver.got(1)
        assert (message["data"][0]["type"], message["data"][0]["floor"]["value"]) == ("Toilet", 2)


async def test_entities_split_between_cities_are_judged_when_put_together(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url)
    await kaga.has(1, depth=5)
    async with Receiver() as receiver:
        told = subscription(receiver, q="floor>1;depth==5", splitEntities=True)
        await kaga.client.post("subscriptions", told)
        await until(lambda: copies(nomi))
        assert "q" not in copies(nomi)[0]
        await nomi.has(2, floor=9)
        await nomi.has(1, floor=1)
        await nomi.client.patch(f"entities/{ROOM}/attrs/floor", {"value": 2})
        (message,) = await receiver.got(1)
        assert {
            name: one["value"] for name, one in message["data"][0].items() if name in ("floor", "depth")
        } == {
            "floor": 2,
            "depth": 5,
        }


async def test_what_other_cities_have_of_a_split_entity_is_told_too(
    cities: tuple[City, City], tmp_path: Path
) -> None:
    kaga, nomi = cities
    async with Receiver() as receiver, city(tmp_path / "third", "hakusan") as hakusan:
        await kaga.knows(nomi.url)
        await kaga.knows(hakusan.url, number=2)
        await hakusan.has(1, depth=5)
        await nomi.has(1, floor=1)
        told = subscription(receiver, q="floor>1;depth==5", splitEntities=True)
        await kaga.client.post("subscriptions", told)
        await until(lambda: copies(nomi) and copies(hakusan))
        await nomi.client.patch(f"entities/{ROOM}/attrs/floor", {"value": 2})
        (message,) = await receiver.got(1)
        (entity,) = message["data"]
        assert (entity["floor"]["value"], entity["depth"]["value"]) == (2, 5)
        assert "modifiedAt" not in entity


async def test_cities_that_know_each_other_copy_once(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url)
    await nomi.knows(kaga.url)
    async with Receiver() as receiver:
        await kaga.client.post("subscriptions", subscription(receiver))
        await until(lambda: copies(nomi))
        await until(lambda: len(copies(kaga)) == 2)
        await nomi.has(1, floor=1)
        await receiver.got(1)
    assert (len(copies(kaga)), len(copies(nomi))) == (2, 1)


async def test_only_who_has_a_copy_may_tell_and_only_what_it_registered(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, {"entities": [{"type": "Room", "idPattern": ".*:1"}]})
    path = "ngsi-ld/ex/remote-notify"
    rooms = [{"id": f"urn:ngsi-ld:Room:{number}", "type": "Room", "floor": number} for number in (2, 1)]
    async with Receiver() as receiver:
        await kaga.client.post("subscriptions", subscription(receiver))
        await until(lambda: copies(nomi))
        for wrong in (ALARM, "urn:ngsi-ld:Subscription:guessed", 7):
            reply = await kaga.client.post(
                path, {"type": "Notification", "subscriptionId": wrong, "data": rooms}
            )
            assert reply.status == 404
        secret = copies(nomi)[0]["id"]
        broken = await kaga.client.post(path, {"type": "Notification", "subscriptionId": secret, "data": [7]})
        assert broken.status == 400
        reply = await kaga.client.post(
            path, {"type": "Notification", "subscriptionId": secret, "data": rooms}
        )
        assert reply.status == 200
        assert [one["id"] for one in (await receiver.got(1))[0]["data"]] == [ROOM]


async def test_a_dead_city_gets_its_copy_when_it_lives_and_none_is_forgotten(tmp_path: Path) -> None:
    async with Receiver() as receiver, city(tmp_path, "nomi") as nomi:
        async with city(tmp_path, "kaga") as kaga:
            assert kaga.broker.subscriptions is not None
            kaga.broker.subscriptions.relays._again = 0.05
            answer, tried = nomi.client, asyncio.Event()

            async def broken(*_: Any, **__: Any) -> Any:
                tried.set()
                raise ConnectionError

            nomi.client = broken  # type: ignore[assignment]
            await kaga.knows(nomi.url)
            await kaga.client.post("subscriptions", subscription(receiver))
            await asyncio.wait_for(tried.wait(), 10)
            assert copies(nomi) == []
            nomi.client = answer
            await until(lambda: copies(nomi))
        async with city(tmp_path, "kaga") as kaga:  # started anew, at another address
            await until(lambda: kaga.url in str(copies(nomi)))
            await nomi.has(1, floor=3)
            await receiver.got(1)
            assert values(receiver) == [3]
        assert len(copies(nomi)) == 1
