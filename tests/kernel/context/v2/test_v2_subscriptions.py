from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from v2_client import Client
from v2_subscribing import body, put, subscribe

from kitamae.adapters.sqlite import store as sqlite
from kitamae.kernel.context import v2
from kitamae.kernel.context.broker import Broker
from kitamae.kernel.context.jsonld import Contexts
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.context.v2.subscription.registry import Subscriptions as SubscriptionsV2
from kitamae.kernel.people.policy import Policy
from receivers import Receiver

if TYPE_CHECKING:
    from pathlib import Path


async def last(client: Client, receiver: Receiver, count: int) -> list[dict[str, Any]]:
    """Exactly that many came: one more would have come before the mark."""
    await subscribe(client, {**body(receiver), "subject": {"entities": [{"id": "Mark"}]}})
    await put(client, "Mark", "Mark")
    got = await receiver.got(count + 1)
    for _ in range(50):
        if len(got) > count + 1:
            break
        await asyncio.sleep(0.01)
    assert len(got) == count + 1
    return [one for one in got if one.get("data", [{}])[0].get("id") != "Mark"]


async def test_a_change_is_told_and_the_same_value_again_is_not(client: Client, receiver: Receiver) -> None:
    id = await subscribe(client, body(receiver), fiware_service="kaga")
    for value in (1, 1, 2):
        await client.post(
            "entities?options=upsert,keyValues",
            {"id": "Room1", "type": "Room", "t": value},
            fiware_service="kaga",
        )
    got = await receiver.got(2)
    told = {"id": "Room1", "type": "Room", "t": {"type": "Number", "value": 1, "metadata": {}}}
    assert got[0] == {"subscriptionId": id, "data": [told]}
    assert [one["data"][0]["t"]["value"] for one in got] == [1, 2]
    headers = receiver.headers[0]
    assert (headers["ngsiv2-attrsformat"], headers["fiware-service"], headers["fiware-servicepath"]) == (
        "normalized",
        "kaga",
        "/",
    )


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ({"attrs": ["t"]}, [1, 2]),
        ({"attrs": ["other"]}, [5]),
        ({"expression": {"q": "t>1"}}, [2, 5]),
        ({"alterationTypes": ["entityCreate"]}, [1]),
        ({"alterationTypes": ["entityDelete"]}, [5]),
        ({"alterationTypes": ["entityUpdate"]}, [1, 2, 5]),
        ({"expression": {"mq": "t.m==1"}}, []),
    ],
    ids=str,
)
async def test_conditions_decide(client: Client, receiver: Receiver, condition: Any, told: list[int]) -> None:
    await subscribe(client, body(receiver, condition, attrsFormat="keyValues", attrs=["n"]))
    await put(client, t=1, n=1)
    await put(client, t=1)
    await client.patch("entities/Room1/attrs?options=keyValues", {"t": 2, "n": 2})
    await client.post("entities/Room1/attrs?options=keyValues", {"other": 1, "n": 5})
    await put(client, "Car1", "Car", t=9, n=9)
    await client.delete("entities/Room1")
    got = await last(client, receiver, len(told))
    assert [one["data"][0]["n"] for one in got] == told


async def test_who_asked_for_updates_is_told_which_of_them_changed_something(
    client: Client, receiver: Receiver
) -> None:
    condition = {"alterationTypes": ["entityUpdate"]}
    await subscribe(client, body(receiver, condition, attrsFormat="keyValues", attrs=["t", "alterationType"]))
    await put(client, t=1)
    await put(client, t=1)
    await put(client, t=2)
    got = [one["data"][0] for one in await last(client, receiver, 2)]
    assert [(one["t"], one["alterationType"]) for one in got] == [(1, "entityUpdate"), (2, "entityChange")]


@pytest.mark.parametrize(
    ("format", "message"),
    [
        ("keyValues", {"subscriptionId": "", "data": [{"id": "Room1", "type": "Room", "a": 1}]}),
        ("values", {"subscriptionId": "", "data": [[1]]}),
        ("simplifiedKeyValues", {"id": "Room1", "type": "Room", "a": 1}),
        (
            "simplifiedNormalized",
            {"id": "Room1", "type": "Room", "a": {"type": "Number", "value": 1, "metadata": {}}},
        ),
    ],
)
async def test_formats_of_notifications(
    client: Client, receiver: Receiver, format: str, message: Any
) -> None:
    id = await subscribe(client, body(receiver, attrsFormat=format, exceptAttrs=["b"]))
    await put(client, a=1, b=2)
    (got,) = await receiver.got(1)
    assert got == ({**message, "subscriptionId": id} if "subscriptionId" in message else message)


async def test_builtins_and_only_what_changed(client: Client, receiver: Receiver) -> None:
    await put(client, a=1, b=2)
    document = body(receiver, metadata=["previousValue", "actionType"], onlyChangedAttrs=True)
    await subscribe(client, document)
    await client.patch("entities/Room1/attrs?options=keyValues", {"a": 5, "b": 2})
    (got,) = await receiver.got(1)
    assert got["data"][0] == {
        "id": "Room1",
        "type": "Room",
        "a": {
            "type": "Number",
            "value": 5,
            "metadata": {
                "previousValue": {"type": "Number", "value": 1},
                "actionType": {"type": "Text", "value": "update"},
            },
        },
    }


async def test_of_what_stayed_the_previous_value_is_what_it_is(client: Client, receiver: Receiver) -> None:
    await put(client, a=1, b=2)
    await subscribe(client, body(receiver, metadata=["previousValue"]))
    await client.patch("entities/Room1/attrs?options=keyValues", {"a": 5})
    (got,) = await receiver.got(1)
    previous = {name: got["data"][0][name]["metadata"]["previousValue"]["value"] for name in ("a", "b")}
    assert previous == {"a": 1, "b": 2}


async def test_a_custom_notification_fills_its_macros(client: Client, receiver: Receiver) -> None:
    document = body(receiver)
    document["notification"] = {
        "httpCustom": {
            "url": f"{receiver.uri}/${{id}}",
            "method": "PUT",
            "headers": {"X-Value": "v${t}", "Content-Type": "application/vnd.x+json"},
            "qs": {"type": "${type}"},
            "json": {"t": "${t}", "text": "is ${t} at ${where}", "all": ["${where}"]},
        }
    }
    await subscribe(client, document)
    await put(client, t=1.5)
    (got,) = await receiver.got(1)
    assert got == {"t": 1.5, "text": "is 1.5 at null", "all": [None]}
    headers = receiver.headers[0]
    assert (headers["x-value"], headers["content-type"]) == ("v1.5", "application/vnd.x+json")
    assert headers["ngsiv2-attrsformat"] == "custom"


async def test_a_subscription_is_shown_changed_and_forgotten(
    client: Client, ld: Client, receiver: Receiver
) -> None:
    document = {**body(receiver), "throttling": 0, "expires": "2120-01-01T00:00:00Z"}
    id = await subscribe(client, document)
    shown = (await client.get(f"subscriptions/{id}")).json()
    assert shown["expires"] == "2120-01-01T00:00:00.000Z"
    assert (shown["id"], shown["status"], shown["description"]) == (id, "active", "rooms")
    assert shown["notification"]["attrsFormat"] == "normalized"
    listed = await client.get("subscriptions?options=count")
    assert (listed.json(), listed.headers["fiware-total-count"]) == ([shown], "1")
    assert (await ld.get("subscriptions")).json() == []
    assert (await client.patch(f"subscriptions/{id}", {"status": "inactive"})).status == 204
    await put(client, t=1)
    assert (await client.get(f"subscriptions/{id}")).json()["status"] == "inactive"
    assert (await client.patch(f"subscriptions/{id}", {"status": "active"})).status == 204
    await put(client, t=2)
    (got,) = await receiver.got(1)
    assert got["data"][0]["t"]["value"] == 2
    shown = (await client.get(f"subscriptions/{id}")).json()
    assert (
        await client.patch(f"subscriptions/{id}", shown)
    ).status == 204  # as it was read, counters and all
    assert (await client.delete(f"subscriptions/{id}")).status == 204
    assert (await client.get(f"subscriptions/{id}")).error == (404, "NotFound")
    assert (await client.patch(f"subscriptions/{id}", {"status": "active"})).error == (404, "NotFound")


async def test_a_subscription_may_be_made_expired(client: Client, receiver: Receiver) -> None:
    id = await subscribe(client, {**body(receiver), "expires": "2000-01-01T00:00:00Z"})
    assert (await client.get(f"subscriptions/{id}")).json()["status"] == "expired"
    await put(client, t=1)
    assert await last(client, receiver, 0) == []


async def test_what_ngsi_ld_writes_is_told_in_v2(client: Client, ld: Client, receiver: Receiver) -> None:
    await subscribe(client, body(receiver, attrsFormat="keyValues"))
    await ld.post(
        "entities", {"id": "urn:ngsi-ld:Room:1", "type": "Room", "t": {"type": "Property", "value": 1}}
    )
    (got,) = await receiver.got(1)
    assert got["data"] == [{"id": "urn:ngsi-ld:Room:1", "type": "Room", "t": 1}]


async def test_service_paths_of_a_subscription(client: Client, receiver: Receiver) -> None:
    await subscribe(client, body(receiver), fiware_servicepath="/Kaga/#")
    for path in ("/", "/Kanazawa", "/Kaga/Hashitate"):
        await client.post("entities", {"id": "R", "type": "Room"}, fiware_servicepath=path)
    await receiver.got(1)
    assert receiver.headers[0]["fiware-servicepath"] == "/Kaga/Hashitate"
    assert len(receiver.messages) == 1


async def test_what_was_owed_at_a_restart_is_delivered_after_it(tmp_path: Path, receiver: Receiver) -> None:
    async def run(*, deliver: bool) -> tuple[Broker, Any]:
        store = await sqlite.open(tmp_path / "k.db")
        contexts = Contexts()
        elder = Subscriptions(store, contexts, Destinations(loopback=True))
        younger = SubscriptionsV2(store, contexts, elder)
        await younger.start()
        await elder.start(deliver=deliver)
        broker = Broker(store, contexts, Policy(open=True), subscriptions=elder, subscriptions_v2=younger)

        async def close() -> None:
            await elder.close()
            await store.close()

        return broker, close

    broker, close = await run(deliver=False)
    client = Client(v2.routes(broker), "/v2")
    id = await subscribe(client, body(receiver))
    await put(client, t=7)
    await close()
    broker, close = await run(deliver=True)
    (got,) = await receiver.got(1)
    assert (got["subscriptionId"], got["data"][0]["t"]["value"]) == (id, 7)
    await close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": {}},
        {"subject": {"entities": [{}]}},
        {"subject": {"entities": [{"id": "a", "idPattern": "b"}]}},
        {"subject": {"entities": [{"idPattern": "("}]}},
        {"subject": {"entities": [{"id": "a"}], "condition": {"expression": {"q": "a=="}}}},
        {"subject": {"entities": [{"id": "a"}], "condition": {"alterationTypes": ["x"]}}},
        {"notification": {}},
        {"notification": {"http": {"url": "ftp://a"}}},
        {"notification": {"http": {"url": "http://10.0.0.1/"}}},
        {"notification": {"httpCustom": {"url": "http://${host}/"}}},
        {"notification": {"kafka": {"url": "kafka://a:9092", "topic": "b"}}},
        {"notification": {"http": {"url": "http://127.0.0.1/"}, "mqtt": {"url": "mqtt://a", "topic": "b"}}},
        {"notification": {"mqtt": {"url": "mqtt://127.0.0.1/path", "topic": "b"}}},
        {"notification": {"mqtt": {"url": "mqtt://u:p@127.0.0.1", "topic": "b"}}},
        {"notification": {"mqtt": {"url": "mqtt://127.0.0.1", "topic": "b/#"}}},
        {"notification": {"mqtt": {"url": "mqtt://127.0.0.1", "topic": "b", "qos": 3}}},
        {"notification": {"mqtt": {"url": "mqtt://127.0.0.1", "topic": "b", "user": "a"}}},
        {"notification": {"mqtt": {"url": "mqtt://10.0.0.1", "topic": "b"}}},
        {"notification": {"http": {"url": "http://127.0.0.1/"}, "covered": True}},
        {"notification": {"http": {"url": "http://127.0.0.1/"}, "attrs": [], "covered": True}},
        {"notification": {"http": {"url": "http://127.0.0.1/"}, "maxFailsLimit": 0}},
        {"notification": {"http": {"url": "http://127.0.0.1/"}, "attrs": ["a"], "exceptAttrs": ["b"]}},
        {"notification": {"httpCustom": {"url": "http://127.0.0.1/", "payload": "x", "json": {}}}},
        {"notification": {"httpCustom": {"url": "http://127.0.0.1/", "payload": "<x>"}}},
        {"notification": {"httpCustom": {"url": "http://127.0.0.1/", "headers": {}}}},
        {"notification": {"httpCustom": {"url": "http://127.0.0.1/", "method": "EAT"}}},
        {"notification": {"httpCustom": {"url": "http://127.0.0.1/", "json": {"a": "${humidity/100}"}}}},
        {"notification": {"httpCustom": {"url": "http://127.0.0.1/", "json": {"a": ["${a|uppercase}"]}}}},
        {"notification": {"httpCustom": {"url": "http://127.0.0.1/", "ngsi": {"a": 1}}}},
        {
            "notification": {
                "httpCustom": {"url": "http://127.0.0.1/", "ngsi": {"a": {"metadata": {"b": {}}}}}
            }
        },
        {"subject": {"entities": [{"id": "a"}], "condition": {"jexlExpression": "a>1"}}},
        {"description": "x" * 1025},
        {"description": "<x>"},
        {"notification": {"http": {"url": "http://127.0.0.1/"}, "attrsFormat": "x"}},
        {"expires": 5},
        {"notification": {"http": {"url": "http://127.0.0.1/"}, "attrs": ["a", "a"]}},
        {"notification": {"http": {"url": "http://127.0.0.1/"}, "exceptAttrs": []}},
        {"subject": {"entities": [{"id": "a"}], "condition": {"attrs": ["a", "a"]}}},
        {"throttling": -1},
        {"status": "x"},
        {"unknown": 1},
    ],
    ids=str,
)
async def test_what_is_no_subscription_is_refused(
    client: Client, receiver: Receiver, wrong: dict[str, Any]
) -> None:
    answer = await client.post("subscriptions", {**body(receiver), **wrong})
    assert answer.error == (400, "BadRequest")


async def test_what_goes_without_saying_is_shown_and_what_says_nothing_is_not(client: Client) -> None:
    patch = {"id": "E", "A": {"value": 1}, "B": {"value": "${t}"}, "C": {"value": [1], "type": "Own"}}
    told = [{"ngsi": patch}, {"payload": ""}, {"payload": None}]
    shown = []
    for custom in told:
        document = {
            "description": "",
            "subject": {"entities": [{"id": "Room1"}]},
            "notification": {"httpCustom": {"url": "http://127.0.0.1:9/", **custom}},
        }
        made = await client.post("subscriptions", document)
        assert made.status == 201, made.body
        one = (await client.get(made.headers["location"].removeprefix("/v2/"))).json()
        assert "description" not in one
        shown.append(one["notification"]["httpCustom"])
    assert shown[0]["ngsi"] == {
        "id": "E",
        "A": {"type": "Number", "value": 1},
        "B": {"type": "Text", "value": "${t}"},
        "C": {"type": "Own", "value": [1]},
    }
    assert ("payload" in shown[1], shown[2]["payload"]) == (False, None)


async def test_who_is_told_of_every_update_is_told_of_what_was_written_also_where_it_is_the_same(
    client: Client, receiver: Receiver
) -> None:
    document = body(receiver)
    condition = {"attrs": ["a", "b"], "alterationTypes": ["entityUpdate"], "notifyOnMetadataChange": False}
    document["subject"]["condition"] = condition
    document["notification"]["onlyChangedAttrs"] = True
    await put(client, a=1, b=1)
    await subscribe(client, document)
    for a, b in ((1, 1), (1, 2)):
        await client.patch("entities/Room1/attrs?options=keyValues", {"a": a, "b": b})
    again = {"a": {"value": 1, "metadata": {"from": {"value": "x"}}}}
    await client.patch("entities/Room1/attrs", again)
    got = [one["data"][0] for one in await receiver.got(3)]
    assert [sorted(one.keys() - {"id", "type"}) for one in got] == [["a", "b"], ["b"], ["a"]]


async def test_a_subscription_is_about_the_service_path_that_its_change_names(
    client: Client, receiver: Receiver
) -> None:
    id = await subscribe(client, body(receiver), fiware_servicepath="/a")
    assert (await client.patch(f"subscriptions/{id}", {"description": "x"})).status == 204
    assert (await client.get(f"subscriptions/{id}", fiware_servicepath="/a")).status == 200
    moved = await client.patch(f"subscriptions/{id}", {"description": "y"}, fiware_servicepath="/b")
    assert moved.status == 204
    assert (await client.get("subscriptions", fiware_servicepath="/a")).json() == []
    assert [one["id"] for one in (await client.get("subscriptions", fiware_servicepath="/b")).json()] == [id]
    for path, value in (("/a", 1), ("/b", 2)):
        given = {"id": f"R{value}", "type": "Room", "t": {"value": value}}
        assert (await client.post("entities", given, fiware_servicepath=path)).status == 201
    (got,) = await receiver.got(1)
    assert got["data"][0]["t"]["value"] == 2
    wrong = await client.patch(f"subscriptions/{id}", {"description": "z"}, fiware_servicepath="b")
    assert wrong.status == 400
