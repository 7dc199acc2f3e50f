from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.v2 import query
from kitamae.kernel.context.v2.names import Words
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from v2_client import Client

WORDS = Words(CORE)


def thing(id: str, type: str = "Room", **attrs: Any) -> dict[str, Any]:
    return {"id": id, "type": type, **attrs}


def at(latitude: float, longitude: float) -> dict[str, Any]:
    return {"value": f"{latitude}, {longitude}", "type": "geo:point"}


@pytest.fixture(autouse=True)
async def there(client: Client) -> None:
    exact = {"accuracy": {"value": 0.1, "type": "Number"}}
    rough = {
        "accuracy": {"value": 0.9, "type": "Number"},
        "how": {"value": {"by": "hand"}, "type": "StructuredValue"},
    }
    entities = [
        thing(
            "Room1",
            温度={"value": 10, "metadata": exact},
            location=at(36.30, 136.30),
            tags={"value": ["a", "b"]},
        ),
        thing(
            "Room2", 温度={"value": 20, "metadata": rough}, location=at(36.31, 136.30), name={"value": "5"}
        ),
        thing(
            "Room3",
            温度={"value": 30},
            address={"value": {"city": {"kana": "かが"}}},
            location=at(37.0, 136.30),
        ),
        thing("Car1", "Car", seen={"value": "2026-11-21T00:00:00Z", "type": "DateTime"}, on={"value": True}),
        thing(
            "urn:ngsi-ld:Car:2",
            "Car",
            seen={"value": "2026-11-22T12:00:00Z", "type": "DateTime"},
            **{"a.b": {"value": 1}},
        ),
    ]
    done = await client.post("op/update", {"actionType": "append", "entities": entities})
    assert done.status == 204, done.body


async def ids(client: Client, **params: str) -> str:
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in params.items())
    answer = await client.get(f"entities?{text}")
    assert answer.status == 200, answer.body
    return " ".join(one["id"] for one in answer.json())


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("温度>10", "Room2 Room3"),
        ("温度>=10;温度<30", "Room1 Room2"),
        ("温度==10..20", "Room1 Room2"),
        ("温度:10,30", "Room1 Room3"),
        ("温度!=10", "Room2 Room3"),
        ("!温度", "Car1 urn:ngsi-ld:Car:2"),
        ("温度;!address", "Room1 Room2"),
        ("address.city.kana==かが", "Room3"),
        ("address.city.kana~=^か", "Room3"),
        ("name==5", ""),
        ("name=='5'", "Room2"),
        ("tags==b", "Room1"),
        ("on==true", "Car1"),
        ("seen>2026-11-21", "urn:ngsi-ld:Car:2"),
        ("seen>=2026-11-21", "Car1 urn:ngsi-ld:Car:2"),
        ("seen==2026-11-21..2026-11-22T00:00:00Z", "Car1"),
        ("seen<2026-11-21T09:00:01+09:00", "Car1"),
        ("'a.b'==1", "urn:ngsi-ld:Car:2"),
        ("dateCreated>2020-01-01;温度", "Room1 Room2 Room3"),
        ("dateModified>2120-01-01", ""),
    ],
)
async def test_values_are_asked_for(client: Client, q: str, found: str) -> None:
    assert await ids(client, q=q) == found


@pytest.mark.parametrize(
    ("mq", "found"),
    [
        ("温度.accuracy<0.5", "Room1"),
        ("温度.accuracy", "Room1 Room2"),
        ("温度.how.by==hand", "Room2"),
        ("!温度.accuracy;温度.dateCreated>2020-01-01", "Room3"),
    ],
)
async def test_metadata_are_asked_for(client: Client, mq: str, found: str) -> None:
    assert await ids(client, mq=mq) == found


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"georel": "near;maxDistance:2000", "geometry": "point", "coords": "36.3,136.3"}, "Room1 Room2"),
        ({"georel": "near;minDistance:2000", "geometry": "point", "coords": "36.3,136.3"}, "Room3"),
        ({"georel": "coveredBy", "geometry": "box", "coords": "36.4,136.4;36.305,136.2"}, "Room2"),
        (
            {
                "georel": "coveredBy",
                "geometry": "polygon",
                "coords": "36,136;36,137;36.305,137;36.305,136;36,136",
            },
            "Room1",
        ),
        ({"georel": "disjoint", "geometry": "line", "coords": "36.30,136.2;36.30,136.4"}, "Room2 Room3"),
        ({"georel": "equals", "geometry": "point", "coords": "37,136.3"}, "Room3"),
    ],
)
async def test_places_are_asked_for(client: Client, params: dict[str, str], found: str) -> None:
    assert await ids(client, **params) == found


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"id": "Room1,urn:ngsi-ld:Car:2"}, "Room1 urn:ngsi-ld:Car:2"),
        ({"idPattern": "^Room[12]$"}, "Room1 Room2"),
        ({"idPattern": "ngsi"}, "urn:ngsi-ld:Car:2"),
        ({"idPattern": ".*", "type": "Car"}, "Car1 urn:ngsi-ld:Car:2"),
        ({"typePattern": "^R"}, "Room1 Room2 Room3"),
        ({"typePattern": "^Nothing"}, ""),
        ({"type": "Room,Car", "orderBy": "!温度", "limit": "2"}, "Room3 Room2"),
        ({"orderBy": "type,!id", "offset": "2", "limit": "2"}, "Room3 Room2"),
        ({"attrs": "温度", "id": "Car1"}, "Car1"),
    ],
)
async def test_entities_are_selected_and_sorted(client: Client, params: dict[str, str], found: str) -> None:
    assert await ids(client, **params) == found


async def test_how_many_there_are_is_told(client: Client) -> None:
    answer = await client.get("entities?type=Room&options=count&limit=1")
    assert (len(answer.json()), answer.headers["fiware-total-count"]) == (1, "3")


async def test_op_query_asks_for_alternatives(client: Client) -> None:
    document = {
        "entities": [
            {"idPattern": "1$", "type": "Room"},
            {"id": "Car1"},
            {"idPattern": ".*", "typePattern": "^C"},
        ],
        "attrs": ["温度", "seen"],
        "expression": {"q": "!on"},
    }
    answer = await client.post("op/query?options=count,keyValues", document)
    assert answer.headers["fiware-total-count"] == "2"
    assert answer.json() == [
        {"id": "Room1", "type": "Room", "温度": 10},
        {"id": "urn:ngsi-ld:Car:2", "type": "Car", "seen": "2026-11-22T12:00:00.000Z"},
    ]
    for wrong in (
        {},
        {"entities": []},
        {"entities": [{"id": "a", "idPattern": "b"}]},
        {"attrs": "a"},
        {"what": 1},
    ):
        assert (await client.post("op/query", wrong)).error == (400, "BadRequest")


async def test_types_are_listed_with_their_attributes(client: Client) -> None:
    (car, room) = (await client.get("types")).json()
    assert (car["type"], car["count"]) == ("Car", 2)
    assert car["attrs"] == {
        "a.b": {"types": ["Number"]},
        "on": {"types": ["Boolean"]},
        "seen": {"types": ["DateTime"]},
    }
    assert room["attrs"]["location"] == {"types": ["geo:point"]}
    answer = await client.get("types?options=values,count&limit=1")
    assert (answer.json(), answer.headers["fiware-total-count"]) == (["Car"], "2")
    assert (await client.get("types/Car?options=noAttrDetail")).json()["attrs"]["on"] == {"types": []}
    assert (await client.get("types", fiware_servicepath="/Kaga")).json() == []
    assert (await client.get("types?options=values", fiware_servicepath="/")).json() == ["Car", "Room"]
    assert (await client.get("types/Boat")).error == (404, "NotFound")


async def test_op_update_does_what_it_is_told(client: Client) -> None:
    async def told(action: str, *entities: dict[str, Any]) -> Any:
        answer = await client.post(
            "op/update?options=keyValues", {"actionType": action, "entities": list(entities)}
        )
        return answer.status

    assert await told("append", thing("N", a=1), thing("Room1", a=1)) == 204
    assert await told("appendStrict", thing("N", a=2)) == 422
    assert await told("appendStrict", thing("N", b=2)) == 204
    assert await told("update", thing("N", a=3), thing("Missing", a=1)) == 422
    assert (await client.get("entities/N?options=keyValues")).json() == thing("N", a=3, b=2)
    assert await told("replace", thing("N", c=1)) == 204
    assert await told("delete", thing("N", c=0), {"id": "Room1"}) == 204
    assert (await client.get("entities/N?options=keyValues")).json() == thing("N")
    assert (await client.get("entities/Room1")).status == 404
    assert await told("wrong", thing("N")) == 400


@pytest.mark.parametrize(
    ("action", "sent", "error", "description"),
    [
        (
            "update",
            [thing("F", a=1), {"id": "G", "a": 1}],
            (404, "NotFound"),
            "F/Room - [entity itself], G - [entity itself]",
        ),
        ("replace", [thing("F", a=1), thing("N", a=1)], (422, "PartialUpdate"), "F/Room - [entity itself]"),
        (
            "update",
            [thing("N", b=1), thing("F", a=1)],
            (422, "Unprocessable"),
            "N/Room - [ b ], F/Room - [entity itself]",
        ),
        ("update", [thing("N", a=1, b=1)], (422, "PartialUpdate"), "N/Room - [ b ]"),
        (
            "delete",
            [thing("N", a=1, b=1), thing("F")],
            (422, "PartialUpdate"),
            "N/Room - [ b ], F/Room - [entity itself]",
        ),
        (
            "appendStrict",
            [thing("N", a=1), thing("M", a=1)],
            (422, "Unprocessable"),
            "N/Room - [ a ], M/Room - [ a ]",
        ),
        ("appendStrict", [thing("N", a=1, b=1)], (422, "PartialUpdate"), "N/Room - [ a ]"),
    ],
    ids=str,
)
async def test_op_update_says_what_was_not_done(
    client: Client, action: str, sent: list[Any], error: Any, description: str
) -> None:
    first = {"actionType": "append", "entities": [thing("N", a=0), thing("M", a=0)]}
    assert (await client.post("op/update?options=keyValues", first)).status == 204
    answer = await client.post("op/update?options=keyValues", {"actionType": action, "entities": sent})
    assert answer.error == error
    assert answer.json()["description"].partition(": ")[2] == description


async def test_a_batch_that_cannot_be_read_changes_nothing(client: Client) -> None:
    sent = {"actionType": "append", "entities": [thing("N", a={"value": 1}), {"id": "a b", "type": "Room"}]}
    assert (await client.post("op/update", sent)).error == (400, "BadRequest")
    assert (await client.get("entities/N")).status == 404


async def test_near_entities_come_in_the_order_of_their_distance(client: Client) -> None:
    for id, latitude in (("far", 36.9), ("near", 36.31), ("middle", 36.5)):
        place = {"type": "geo:point", "value": f"{latitude},136.3"}
        await client.post("entities", {"id": id, "type": "Place", "location": place})
    near = "type=Place&attrs=none&options=keyValues&georel=near;maxDistance:100000&geometry=point&coords=36.3,136.3"
    read = (await client.get(f"entities?{near}&orderBy=geo:distance")).json()
    assert [one["id"] for one in read] == ["near", "middle", "far"]
    read = (await client.get(f"entities?{near}&orderBy=!geo:distance")).json()
    assert [one["id"] for one in read] == ["far", "middle", "near"]
    assert (await client.get("entities?orderBy=geo:distance")).error == (400, "BadRequest")


@pytest.mark.parametrize("order", ["a,a", "a,!a", "a,b,!a", "id,id", ",", "a,"])
async def test_an_order_that_says_a_thing_twice_or_nothing_is_refused(client: Client, order: str) -> None:
    assert (await client.get(f"entities?orderBy={order}")).error == (400, "BadRequest")


async def test_a_notification_of_another_broker_is_written_here(client: Client) -> None:
    notification = {
        "subscriptionId": "5aeb0ee97d4ef10a12a0262f",
        "data": [thing("Room1", 温度={"value": 99})],
    }
    assert (await client.post("op/notify", notification)).status == 200
    assert await ids(client, q="温度==99") == "Room1"
    assert (await client.post("op/notify", {"data": []})).error == (400, "BadRequest")


@pytest.mark.parametrize(
    "q",
    [
        "",
        ";;",
        "a==",
        "a>",
        "==1",
        "a>1,2",
        "a>true",
        "a~=(",
        "a==1..x",
        "a>null",
        "a==1..null",
        "a==1..",
        "a==..1",
        "a()==1",
        "a=1",
        "a.b.'c",
        "a>1..2",
    ],
)
async def test_what_cannot_be_read_is_refused(client: Client, q: str) -> None:
    assert (await client.get(f"entities?q={quote(q, safe='')}")).error == (400, "BadRequest")


async def test_half_a_geo_query_is_refused(client: Client) -> None:
    for params in (
        "georel=equals",
        "georel=near&geometry=point&coords=1,1",
        "georel=equals&geometry=point&coords=x",
    ):
        assert (await client.get(f"entities?{params}")).error == (400, "BadRequest")


@given(st.text(st.sampled_from("ab.;:=!<>~',1 ()[]{}か\\\"2026-11-21T"), max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (query.q, query.mq):
        with contextlib.suppress(Problem):
            parse(text, WORDS)


async def test_a_page_of_nothing_tells_how_many_there_are(client: Client) -> None:
    for path in ("entities", "types", "subscriptions", "registrations"):
        answer = await client.get(f"{path}?limit=0&options=count")
        assert (answer.status, answer.json()) == (200, [])
        assert int(answer.headers["fiware-total-count"]) == len((await client.get(path)).json())
    assert (await client.post("op/query?limit=0", {"attrs": ["a"]})).json() == []


async def test_near_may_have_both_distances_and_none_at_all(client: Client) -> None:
    await client.post("entities", thing("Here", "Place", location=at(36.3, 136.3)))
    await client.post("entities", thing("There", "Place", location=at(36.4, 136.3)))
    where = "type=Place&geometry=point&coords=36.3,136.3&georel=near"
    for georel, found in (
        (";minDistance:0", ["Here", "There"]),
        (";maxDistance:0", ["Here"]),
        (";minDistance:1000;maxDistance:20000", ["There"]),
        (";minDistance:1000;maxDistance:2000", []),
    ):
        answer = await client.get(f"entities?{where}{georel}")
        assert answer.status == 200, answer.body
        assert [one["id"] for one in answer.json()] == found


async def test_deprecated_attributes_of_a_query_choose_and_show(client: Client) -> None:
    for id, name in (("A", "a"), ("B", "b"), ("AB", "a")):
        await client.post("entities?options=keyValues", thing(id, "Old", **{name: 1, "other": 2}))
    asked = {"entities": [{"idPattern": ".*", "type": "Old"}], "attributes": ["a"]}
    assert (await client.post("op/query?options=keyValues", asked)).json() == [
        thing("A", "Old", a=1),
        thing("AB", "Old", a=1),
    ]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("a==null", "Null"),
        ("a:null", "Null"),
        ("a!=null", "Inside,One,Text"),
        ("a=='null'", "Text"),
        ("a.b==null", "Inside"),
        ("a==1,null", "Null,One"),
        ("a:null,'null'", "Null,Text"),
        ("a!=1,null", "Inside,Text"),
        ("a", "Inside,Null,One,Text"),
        ("!a", "None"),
    ],
)
async def test_null_is_a_value_that_can_be_asked_for(client: Client, q: str, found: str) -> None:
    values = {"Null": None, "One": 1, "Text": "null", "Inside": {"b": None}}
    for id, value in values.items():
        await client.post("entities?options=keyValues", thing(id, "Nulls", a=value))
    await client.post("entities?options=keyValues", thing("None", "Nulls", c=1))
    read = (await client.get(f"entities?type=Nulls&q={quote(q)}")).json()
    assert ",".join(sorted(one["id"] for one in read)) == found


async def test_service_paths_in_q_and_in_an_order(client: Client) -> None:
    for id, path in (("E1", "/Madrid/A"), ("E2", "/Barcelona/B"), ("E3", "/")):
        made = await client.post("entities", {"id": id, "type": "Spot"}, fiware_servicepath=path)
        assert made.status == 201

    async def found(query: str) -> list[str]:
        return [one["id"] for one in (await client.get(f"entities?type=Spot&{query}")).json()]

    assert await found("q=servicePath:/Madrid/A") == ["E1"]
    assert await found("q=servicePath==/,/Barcelona/B") == ["E2", "E3"]
    assert await found("q=servicePath~=^/Mad") == ["E1"]
    assert await found("orderBy=servicePath") == ["E3", "E2", "E1"]
    assert await found("orderBy=!servicePath") == ["E1", "E2", "E3"]
