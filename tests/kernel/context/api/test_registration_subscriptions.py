from __future__ import annotations

from typing import Any

from api_client import Client, link
from test_registrations import path, registration

from kitamae.kernel.context.broker import Broker
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.registry import Subscriptions
from receivers import Receiver

ID = "urn:ngsi-ld:Subscription:1"
PATH = f"csourceSubscriptions/{ID}"


def subscription(uri: str = "http://127.0.0.1:9/notify", **members: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "type": "Subscription",
        "entities": [{"type": "Toilet"}],
        "notification": {"endpoint": {"uri": uri}},
        **members,
    }


def told(message: dict[str, Any]) -> tuple[str, list[str]]:
    """Why, and of which registrations."""
    return message["triggerReason"], [one["id"].rsplit(":", 1)[-1] for one in message["data"]]


async def test_a_subscription_is_kept_shown_changed_and_forgotten(client: Client) -> None:
    made = await client.post("csourceSubscriptions", subscription(), link=link())
    assert (made.status, made.header("location")) == (201, f"/ngsi-ld/v1/{PATH}")
    assert (await client.post("csourceSubscriptions", subscription())).error == "AlreadyExists"
    shown = (await client.get(PATH, link=link())).json()
    assert (shown["entities"], shown["status"]) == ([{"type": "Toilet"}], "active")
    assert (await client.get("subscriptions")).json() == []  # they are another list
    assert [one["id"] for one in (await client.get("csourceSubscriptions")).json()] == [ID]
    assert (await client.patch(PATH, {"isActive": False})).status == 204
    assert (await client.get(PATH)).json()["status"] == "paused"
    assert (await client("DELETE", PATH)).status == 204
    assert (await client.get(PATH)).status == 404


async def test_what_is_no_subscription_is_refused(client: Client) -> None:
    for wrong in (
        {"notification": {}},
        {"type": "Registration"},
        {"watchedAttributes": []},
        {"q": "a=="},
        {"csf": "(a"},
        {"expiresAt": "2000-01-01T00:00:00Z"},
        {"temporalQ": {"timerel": "before"}},
        {"temporalQ": "before"},
        {"geoQ": {"georel": "near"}},
    ):
        made = await client.post("csourceSubscriptions", {**subscription(), **wrong})
        assert made.error == "BadRequestData", wrong
    assert (await client.patch(PATH, {"isActive": False})).status == 404


async def test_a_subscriber_is_told_what_matches_what_changed_and_what_matches_no_more(
    client: Client,
) -> None:
    async with Receiver() as receiver:
        await client.post("csourceRegistrations", registration(1), link=link())
        await client.post("csourceSubscriptions", subscription(receiver.uri), link=link())
        await receiver.got(1)
        both = [{"entities": [{"type": "Car"}]}, {"entities": [{"type": "Toilet"}]}]
        await client.post("csourceRegistrations", registration(2, *both), link=link())
        await client.patch(path(1), {"endpoint": "http://nomi.example"})
        await client.patch(path(1), {"information": [{"entities": [{"type": "Car"}]}]})
        await client.patch(path(1), {"endpoint": "http://hakusan.example"})  # is nobody's business any more
        await client("DELETE", path(2))
        messages = await receiver.got(5)
    assert [told(one) for one in messages] == [
        ("newlyMatching", ["1"]),
        ("newlyMatching", ["2"]),
        ("updated", ["1"]),
        ("noLongerMatching", ["1"]),
        ("noLongerMatching", ["2"]),
    ]
    assert {(one["type"], one["subscriptionId"]) for one in messages} == {("ContextSourceNotification", ID)}
    assert messages[1]["data"][0]["information"] == [{"entities": [{"type": "Toilet"}]}]
    assert messages[2]["data"][0]["endpoint"] == "http://nomi.example"
    assert len({one["id"] for one in messages}) == 5


async def test_a_subscription_that_turns_elsewhere_tells_what_came_and_what_went(client: Client) -> None:
    await client.post("csourceRegistrations", registration(1), link=link())
    await client.post("csourceRegistrations", registration(2, {"entities": [{"type": "Car"}]}))
    async with Receiver() as receiver:
        await client.post("csourceSubscriptions", subscription(receiver.uri), link=link())
        await client.patch(PATH, {"entities": [{"type": "Car"}]})
        messages = await receiver.got(3)
    assert [told(one) for one in messages] == [
        ("newlyMatching", ["1"]),
        ("newlyMatching", ["2"]),  # all that match now, and first (5.11.3.4)
        ("noLongerMatching", ["1"]),
    ]


async def test_conditions_are_on_the_source_its_place_and_its_time(client: Client) -> None:
    place = {"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": [136.3, 36.3]}
    past = {"timerel": "after", "timeAt": "2020-06-01T00:00:00Z"}
    async with Receiver() as receiver:
        conditions = {"csf": "depth>5", "geoQ": place, "temporalQ": past}
        await client.post("csourceSubscriptions", subscription(receiver.uri, **conditions), link=link())
        interval = {"startAt": "2019-01-01T00:00:00Z"}
        members = {
            "depth": 9,
            "location": {"type": "Point", "coordinates": [136.3, 36.3]},
            "observationInterval": interval,
        }
        for number, missing in enumerate((*members, "")):
            kept = {name: value for name, value in members.items() if name != missing}
            await client.post("csourceRegistrations", registration(number, **kept), link=link())
        await receiver.got(1)
        await client.patch(PATH, {"isActive": False})
        await client("DELETE", path(3))
        await client.patch(PATH, {"isActive": True})
        await client.post("csourceRegistrations", registration(3, **members), link=link())
        messages = await receiver.got(2)
    assert [told(one) for one in messages] == [("newlyMatching", ["3"]), ("newlyMatching", ["3"])]


async def test_with_an_interval_everything_that_matches_is_told_again_and_again(client: Client) -> None:
    await client.post("csourceRegistrations", registration(1), link=link())
    async with Receiver() as receiver:
        await client.post("csourceSubscriptions", subscription(receiver.uri, timeInterval=0.05), link=link())
        messages = await receiver.got(3)
    assert [told(one) for one in messages[:3]] == [
        ("newlyMatching", ["1"]),
        ("updated", ["1"]),
        ("updated", ["1"]),
    ]


async def test_what_is_owed_survives_a_restart(client: Client, broker: Broker) -> None:
    assert broker.subscriptions is not None
    async with Receiver() as receiver:
        await client.post("csourceSubscriptions", subscription(receiver.uri), link=link())
        await broker.subscriptions.close()
        await client.post("csourceRegistrations", registration(1), link=link())
        broker.subscriptions = Subscriptions(broker.store, broker.contexts, Destinations(loopback=True))
        await broker.subscriptions.start()
        messages = await receiver.got(1)
        assert told(messages[0]) == ("newlyMatching", ["1"])
        assert messages[0]["data"][0]["information"][0]["entities"] == [{"type": "Toilet"}]
        record = broker.subscriptions.to_registrations.get("", ID).record
        await broker.subscriptions.close()
        assert record.times_sent == 1
