"""A subscription's payload, and its life in the registry."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from memory_store import MemoryStore

from kitamae.kernel.context import clock
from kitamae.kernel.context.jsonld import CORE, Contexts, compile_context
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.read import shown
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.context.subscription.validate import validate
from kitamae.kernel.problems import AlreadyExists, BadRequest, LdContextUnavailable, NotFound, Unprocessable

ENDPOINT = {"endpoint": {"uri": "http://a.example/n"}}


def payload(**more: Any) -> dict[str, Any]:
    return {"type": "Subscription", "entities": [{"type": "Car"}], "notification": ENDPOINT, **more}


def notifying(**more: Any) -> dict[str, Any]:
    return payload(notification={**ENDPOINT, **more})


def at(**more: Any) -> dict[str, Any]:
    return payload(notification={"endpoint": {"uri": "http://a.example/n", **more}})


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ([], "object"),
        ({}, "type"),
        ({"type": "Subscription"}, "notification"),
        ({"type": "Subscription", "notification": ENDPOINT}, "entities"),
        (payload(type="Registration"), "type"),
        (payload(id="not a uri"), "id"),
        (payload(entities=[]), "entities"),
        (payload(entities=[{"id": "urn:x:1"}]), "entities[0].type"),
        (payload(entities=[{"type": "Car", "idPattern": "("}]), "pattern"),
        (payload(watchedAttributes=[]), "watchedAttributes"),
        (payload(notificationTrigger=["entityChanged"]), "notificationTrigger[0]"),
        (payload(throttling=-1), "throttling"),
        (payload(throttling=True), "throttling"),
        (payload(throttling=5, timeInterval=5), "timeInterval"),
        (payload(timeInterval=0), "timeInterval"),
        (payload(q="speed>"), "q"),
        (payload(csf="(("), "q"),
        (payload(geoQ={"geometry": "Point", "coordinates": [0, 0]}), "geoQ.georel"),
        (payload(isActive="yes"), "isActive"),
        (payload(expiresAt="tomorrow"), "expiresAt"),
        (payload(datasetId=[]), "datasetId"),
        (payload(notification={}), "notification.endpoint"),
        (notifying(format="xml"), "notification.format"),
        (notifying(attributes=[]), "notification.attributes"),
        (notifying(pick=[]), "notification.pick"),
        (notifying(pick=["a"], attributes=["b"]), "attributes"),
        (notifying(pick=["a"], omit=["a"]), "omit"),
        (notifying(format="keyValues", showChanges=True), "showChanges"),
        (notifying(format="simplified", showChanges=True), "showChanges"),
        (notifying(sysAttrs="true"), "notification.sysAttrs"),
        (at(uri="ftp://a.example/"), "uri"),
        (at(accept="text/html"), "accept"),
        (at(timeout=0), "timeout"),
        (at(receiverInfo=[{"key": "X"}]), "value"),
        (at(receiverInfo=[{"key": 1, "value": "x"}]), "key"),
        (at(receiverInfo=[{"key": "Host", "value": "x"}]), "Host"),
        (at(receiverInfo=[{"key": "X y", "value": "x"}]), "X y"),
        (at(receiverInfo=[{"key": "X", "value": "a\r\nB: c"}]), "value"),
    ],
)
def test_a_wrong_subscription_is_refused_by_its_place(wrong: Any, place: str) -> None:
    with pytest.raises(BadRequest) as caught:
        validate(wrong)
    assert place in caught.value.detail


async def test_what_is_not_offered_is_said_so(city: Any) -> None:
    with pytest.raises(Unprocessable):
        await city.create("", at(uri="mqtt://a.example/topic"), CORE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"uri": "mqtt://a.example"},
        {"uri": "mqtt://a.example/"},
        {"uri": "mqtt://a.example/rooms/+"},
        {"uri": "mqtt://a.example/rooms/%23"},
        {"uri": "mqtt://a.example:port/rooms"},
        {"uri": "mqtt:///rooms"},
        {"uri": "mqtt://a.example/rooms", "notifierInfo": [{"key": "MQTT-QoS", "value": "3"}]},
        {"uri": "mqtt://a.example/rooms", "notifierInfo": [{"key": "MQTT-Version", "value": "mqtt4"}]},
    ],
    ids=str,
)
def test_an_mqtt_endpoint_names_a_topic_and_what_mqtt_knows(wrong: Any) -> None:
    with pytest.raises(BadRequest):
        validate(at(**wrong))


def test_members_that_are_not_a_clients_to_give_are_left_out() -> None:
    given = validate(payload(status="expired", __context="x", notification={**ENDPOINT, "timesSent": 42}))
    assert "status" not in given
    assert "__context" not in given
    assert given["notification"] == ENDPOINT


@pytest.fixture
async def city() -> Any:
    store: Any = MemoryStore()
    subscriptions = Subscriptions(store, Contexts(), Destinations())
    await subscriptions.start()
    yield subscriptions
    await subscriptions.close()


async def test_a_subscription_has_a_life(city: Subscriptions) -> None:
    id_ = await city.create("", payload(), CORE)
    with pytest.raises(AlreadyExists):
        await city.create("", payload(id=id_), CORE)
    view = shown(city.get("", id_), CORE, clock.now())
    assert view["status"] == "active"
    await city.update("", id_, {"isActive": False}, CORE)
    assert shown(city.get("", id_), CORE, clock.now())["status"] == "paused"
    await city.delete("", id_)
    with pytest.raises(NotFound):
        city.get("", id_)
    with pytest.raises(NotFound):
        await city.delete("", id_)
    with pytest.raises(NotFound):
        await city.update("", id_, {"isActive": True}, CORE)


@pytest.mark.parametrize(
    "patch",
    [
        {},
        {"type": "Subscription"},
        {"notification": None},
        {"notification": "urn:ngsi-ld:null"},
        {"notification": {"format": "keyValues"}},
        {"expiresAt": "2020-01-01T00:00:00Z"},
        {"id": "urn:s:other"},
        {"entities": None},
        [],
    ],
)
async def test_a_wrong_update_changes_nothing(city: Subscriptions, patch: Any) -> None:
    id_ = await city.create("", payload(description="川"), CORE)
    before = city.get("", id_)
    with pytest.raises(BadRequest):
        await city.update("", id_, patch, CORE)
    assert city.get("", id_) is before


async def test_an_optional_member_can_be_taken_away(city: Subscriptions) -> None:
    id_ = await city.create("", payload(description="川", q="speed>1"), CORE)
    await city.update("", id_, {"q": None, "description": "urn:ngsi-ld:null"}, CORE)
    found = city.get("", id_)
    assert found.q is None
    assert "description" not in shown(found, CORE, clock.now())


async def test_updates_at_the_same_time_lose_nothing_of_each_other(city: Subscriptions) -> None:
    id_ = await city.create("", payload(), CORE)
    await asyncio.gather(
        *(city.update("", id_, {name: "川"}, CORE) for name in ("description", "subscriptionName")),
        city.update("", id_, {"q": "speed>1"}, CORE),
    )
    assert {"description", "subscriptionName", "q"} <= shown(city.get("", id_), CORE, clock.now()).keys()


async def test_an_update_that_comes_with_a_deletion_brings_nothing_back(city: Subscriptions) -> None:
    id_ = await city.create("", payload(), CORE)
    await asyncio.gather(
        city.delete("", id_), city.update("", id_, {"description": "川"}, CORE), return_exceptions=True
    )
    with pytest.raises(NotFound):
        city.get("", id_)


async def test_an_expiry_in_the_past_is_refused(city: Subscriptions) -> None:
    with pytest.raises(BadRequest, match="expiresAt"):
        await city.create("", payload(expiresAt="2020-01-01T00:00:00Z"), CORE)


async def test_names_are_shown_in_the_readers_words_and_mean_what_they_meant(city: Subscriptions) -> None:
    mine = compile_context({"速さ": "https://v.example/speed", "くるま": "https://v.example/Car"}, {})
    yours = compile_context({"speed": "https://v.example/speed", "Car": "https://v.example/Car"}, {})
    id_ = await city.create(
        "",
        payload(
            entities=[{"type": "くるま|Bus"}],
            watchedAttributes=["速さ"],
            notification={**ENDPOINT, "pick": ["id", "速さ"]},
        ),
        mine,
    )
    view = shown(city.get("", id_), yours, clock.now())
    assert view["entities"] == [{"type": "Car|Bus"}]
    assert view["watchedAttributes"] == ["speed"]
    assert view["notification"]["pick"] == ["id", "speed"]
    await city.update("", id_, {"entities": [{"type": "Car"}]}, yours)
    found = city.get("", id_)
    assert found.selectors[0].types.any_of == (("https://v.example/Car",),)
    assert found.watched == {"https://v.example/speed"}
    assert found.context.compact("https://v.example/speed") == "速さ", (
        "messages stay in the subscriber's words"
    )


async def test_a_context_for_messages_must_be_had(city: Subscriptions) -> None:
    with pytest.raises(LdContextUnavailable):
        await city.create("", payload(jsonldContext="https://nowhere.example/c.jsonld"), CORE)
    with pytest.raises(BadRequest):
        await city.create("", payload(jsonldContext="urn:x:c"), CORE)


async def test_a_subscription_means_the_same_after_a_restart_without_its_context() -> None:
    store: Any = MemoryStore()
    remote = "https://c.example/c.jsonld"

    async def fetch(url: str) -> Any:
        return {"@context": {"speed": "https://v.example/speed", "Car": "https://v.example/Car"}}

    contexts = Contexts(fetch)
    first = Subscriptions(store, contexts)
    await first.start()
    id_ = await first.create(
        "", payload(q="speed>1", watchedAttributes=["speed"]), await contexts.resolve(remote)
    )
    before = first.get("", id_)
    await first.close()
    again = Subscriptions(store, Contexts())
    await again.start()
    after = again.get("", id_)
    assert (after.selectors, after.q, after.watched) == (before.selectors, before.q, before.watched)
    await again.close()


async def test_a_stored_subscription_that_cannot_be_read_rests_and_keeps_what_it_is_owed() -> None:
    store: Any = MemoryStore()
    city = Subscriptions(store, Contexts(), Destinations())
    await city.start()
    id_ = await city.create("", payload(q="speed>1"), CORE)
    await city.close()
    store.docs["", "subscription", id_]["given"]["q"] = "speed>("
    await store.owe("", id_, 1, b"{}")
    store.reborn()
    again = Subscriptions(store, Contexts(), Destinations())
    await again.start()
    assert again.get("", id_).status(clock.now()) == "paused"
    await again.close()
    assert len(store.owed_rows) == 1
