from __future__ import annotations

from typing import Any

import pytest
from api_client import Client, link, room

from kitamae.kernel.context.api import routes
from kitamae.kernel.context.broker import Broker
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.people.policy import Policy

TOILET = "https://kaga.example/terms#Toilet"


def registration(number: int = 1, *information: Any, **members: Any) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:ContextSourceRegistration:{number}",
        "type": "ContextSourceRegistration",
        "information": list(information) or [{"entities": [{"type": "Toilet"}]}],
        "endpoint": "http://nomi.example:1026",
        **members,
    }


def path(number: int = 1) -> str:
    return f"csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:{number}"


async def found(client: Client, query: str, **headers: str) -> list[int]:
    """The numbers of the registrations that match."""
    reply = await client.get(f"csourceRegistrations?{query}", **headers)
    assert reply.status == 200, reply.body
    return [int(one["id"].rsplit(":", 1)[-1]) for one in reply.json()]


async def test_a_registration_is_kept_shown_changed_and_forgotten(client: Client) -> None:
    made = await client.post("csourceRegistrations", registration(depth=3), link=link())
    assert (made.status, made.header("location")) == (201, f"/ngsi-ld/v1/{path()}")
    shown = (await client.get(path(), link=link())).json()
    assert shown == registration(depth=3, mode="inclusive", operations=["federationOps"])
    assert (await client.get(path())).json()["information"][0]["entities"] == [{"type": TOILET}]
    assert (await client.patch(path(), {"endpoint": "http://hakusan.example", "depth": None})).status == 204
    shown = (await client.get(path(), link=link())).json()
    assert (shown["endpoint"], "depth" in shown) == ("http://hakusan.example", False)
    assert shown["information"] == [{"entities": [{"type": "Toilet"}]}]
    assert "createdAt" not in shown
    assert "createdAt" in (await client.get(f"{path()}?options=sysAttrs")).json()
    assert (await client("DELETE", path())).status == 204
    assert (await client.get(path())).status == 404
    assert (await client("DELETE", path())).status == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "Registration"},
        {"information": []},
        {"information": [{}]},
        {"information": None},
        {"information": [{"entities": [{"id": "urn:ngsi-ld:Toilet:1"}]}]},
        {"information": [{"entities": [{"type": "Toilet", "id": "no uri"}]}]},
        {"information": [{"entities": [{"type": "Toilet", "idPattern": "("}]}]},
        {"information": [{"attributes": ["name"]}]},
        {"endpoint": "ftp://nomi.example"},
        {"endpoint": None},
        {"mode": "shared"},
        {"operations": ["fly"]},
        {"operations": []},
        {"expiresAt": "2000-01-01T00:00:00Z"},
        {"observationInterval": {"startAt": "2020-01-01T00:00:00Z", "endAt": "2019-01-01T00:00:00Z"}},
        {"managementInterval": {"endAt": "2019-01-01T00:00:00Z"}},
        {"location": {"type": "Point", "coordinates": ["east"]}},
        {"scope": "a//b"},
        {"contextSourceInfo": [{"key": "X-Token", "value": 5}]},
        {"contextSourceInfo": [{"key": "X-Token", "value": "a\r\nHost: b"}]},
        {"management": {"timeout": 0}},
        {"management": {"cacheDuration": "soon"}},
        {"mode": "auxiliary", "operations": ["updateEntity"]},
        {"mode": "exclusive"},
        {"mode": "exclusive", "information": [{"entities": [{"type": "A", "id": "urn:a:1"}]}]},
        {"mode": "exclusive", "information": [{"entities": [{"type": "A"}], "propertyNames": ["b"]}]},
    ],
    ids=str,
)
async def test_what_is_no_registration_is_refused(client: Client, wrong: dict[str, Any]) -> None:
    assert (await client.post("csourceRegistrations", {**registration(), **wrong})).error == "BadRequestData"
    assert await found(client, "type=*") == []


async def test_a_registration_is_made_once_and_keeps_its_id(client: Client) -> None:
    await client.post("csourceRegistrations", registration())
    assert (await client.post("csourceRegistrations", registration())).error == "AlreadyExists"
    other = {"id": "urn:ngsi-ld:ContextSourceRegistration:2"}
    assert (await client.patch(path(), other)).error == "BadRequestData"
    assert (await client.patch(path(), {"endpoint": "urn:ngsi-ld:null"})).error == "BadRequestData"
    assert (await client.patch(path(7), {"type": "wrong"})).status == 404
    assert (await client.get("csourceRegistrations/name")).error == "BadRequestData"


async def test_a_registration_without_an_id_is_given_one(client: Client) -> None:
    new = registration()
    del new["id"]
    location = (await client.post("csourceRegistrations", new)).header("location")
    assert location is not None
    assert (await client.get(location.removeprefix("/ngsi-ld/v1/"))).status == 200


async def test_an_expiry_can_be_taken_away(client: Client) -> None:
    await client.post("csourceRegistrations", registration(expiresAt="2100-01-01T00:00:00Z"))
    assert (await client.patch(path(), {"expiresAt": None})).status == 204
    assert "expiresAt" not in (await client.get(path())).json()


async def test_sources_are_found_by_entities_and_attributes(client: Client) -> None:
    one = {"entities": [{"type": "Room", "id": "urn:ngsi-ld:Room:1"}], "propertyNames": ["temperature"]}
    two = {"entities": [{"type": "Room", "idPattern": ".*:2$"}], "relationshipNames": ["isPartOf"]}
    for number, information in ((1, one), (2, two), (3, {"propertyNames": ["temperature"]})):
        await client.post("csourceRegistrations", registration(number, information))
    assert await found(client, "type=Room") == [1, 2, 3]
    assert await found(client, "type=Car") == [3]
    assert await found(client, "id=urn:ngsi-ld:Room:1") == [1, 3]
    assert await found(client, "type=Room&id=urn:ngsi-ld:Room:2") == [2, 3]
    assert await found(client, "type=Room&idPattern=.*Room:1") == [1, 2, 3]  # of two patterns nobody can say
    assert await found(client, "type=Room&idPattern=.*Room:7") == [2, 3]
    assert await found(client, "attrs=temperature") == [1, 3]
    assert await found(client, "type=Room&attrs=isPartOf,humidity") == [2]
    assert await found(client, "type=Room&limit=1&offset=1") == [2]
    page = await client.get("csourceRegistrations?type=Room&limit=2&count=true")
    assert page.header("ngsild-results-count") == "3"
    for wide in ("", "?limit=5"):
        assert (await client.get(f"csourceRegistrations{wide}")).error == "BadRequestData"


async def test_sources_are_found_by_their_properties_places_and_scopes(client: Client) -> None:
    near = {"type": "Point", "coordinates": [136.3, 36.3]}
    far = {"type": "Point", "coordinates": [139.7, 35.7]}
    await client.post(
        "csourceRegistrations", registration(1, depth=3, location=near, scope="/Kaga/Yamashiro")
    )
    await client.post("csourceRegistrations", registration(2, depth=9, location=far))
    assert await found(client, "type=*&csf=depth<5") == [1]
    assert await found(client, 'csf=endpoint=="http://nomi.example:1026"') == [1, 2]
    assert await found(client, "type=*&scopeQ=/Kaga/%23") == [1]
    place = "georel=near;maxDistance==2000&geometry=Point&coordinates=[136.3,36.301]"
    assert await found(client, place) == [1]
    assert await found(client, f"{place}&geoproperty=observationSpace") == []


async def test_sources_are_found_by_the_attributes_that_a_query_asks_for(client: Client) -> None:
    warm = {"entities": [{"type": "Room"}], "propertyNames": ["temperature", "location"]}
    wet = {"entities": [{"type": "Room"}], "propertyNames": ["humidity"], "relationshipNames": ["isPartOf"]}
    anything = {"entities": [{"type": "Room"}]}
    place = {"type": "Point", "coordinates": [136.3, 36.3]}
    for number, information in ((1, warm), (2, wet), (3, anything)):
        await client.post("csourceRegistrations", registration(number, information, depth=9, location=place))
    assert await found(client, "q=temperature>20") == [1, 3]
    assert await found(client, "q=isPartOf.depth==1;createdAt>2020-01-01T00:00:00Z") == [2, 3]
    assert await found(client, "type=Room&q=depth==9") == [3], "not a condition on the source: that is csf"
    assert await found(client, "georel=near;maxDistance==9&geometry=Point&coordinates=[136.3,36.3]") == [1, 3]
    assert await found(client, "type=Room&pick=id,type,humidity") == [2, 3]
    assert await found(client, "type=Room&pick=isPartOf{name}") == [2, 3]
    assert await found(client, "type=Room&pick=id,type") == [1, 2, 3]
    assert await found(client, "type=Room&omit=humidity,isPartOf") == [1, 3]
    assert await found(client, "type=Room&omit=humidity,isPartOf{name}") == [1, 2, 3]
    assert await found(client, "type=Room&lang=ja&geometryProperty=location") == [1, 2, 3]
    assert (await client.get("csourceRegistrations?omit=humidity")).error == "BadRequestData"
    assert (await client.get("csourceRegistrations?attrs=a&pick=b")).error == "BadRequestData"


async def test_sources_of_history_are_found_by_time_alone(client: Client) -> None:
    year = {"startAt": "2020-01-01T00:00:00Z", "endAt": "2021-01-01T00:00:00Z"}
    await client.post("csourceRegistrations", registration(1))
    await client.post("csourceRegistrations", registration(2, observationInterval=year))
    await client.post(
        "csourceRegistrations", registration(3, managementInterval={"startAt": year["startAt"]})
    )
    assert await found(client, "type=*") == [1]
    assert await found(client, "type=*&timerel=before&timeAt=2020-06-01T00:00:00Z") == [2]
    assert await found(client, "type=*&timerel=before&timeAt=2019-06-01T00:00:00Z") == []
    assert await found(client, "type=*&timerel=after&timeAt=2022-06-01T00:00:00Z") == []
    later = "timerel=after&timeAt=2022-06-01T00:00:00Z&timeproperty=modifiedAt"
    assert await found(client, f"type=*&{later}") == [3]
    between = "timerel=between&timeAt=2019-06-01T00:00:00Z&endTimeAt=2020-06-01T00:00:00Z"
    assert await found(client, f"type=*&{between}") == [2]
    assert (await client.get("csourceRegistrations?type=*&timerel=before")).error == "BadRequestData"


ROOM = {"entities": [{"type": "Room", "id": "urn:ngsi-ld:Room:1"}], "propertyNames": ["temperature"]}


async def test_what_is_answered_for_exclusively_nobody_else_answers_for(client: Client) -> None:
    assert (await client.post("csourceRegistrations", registration(1, ROOM, mode="exclusive"))).status == 201
    for mode in ("exclusive", "redirect"):
        assert (
            await client.post("csourceRegistrations", registration(2, ROOM, mode=mode))
        ).error == "Conflict"
    other = {**ROOM, "propertyNames": ["humidity"]}
    assert (await client.post("csourceRegistrations", registration(3, other, mode="exclusive"))).status == 201
    assert (await client.patch(path(3), {"information": [ROOM]})).error == "Conflict"
    assert (await client.post("csourceRegistrations", registration(4, ROOM))).status == 201  # inclusive
    assert (await client.patch(path(4), {"mode": "redirect"})).error == "Conflict"
    assert (await client.patch(path(1), {"endpoint": "http://nomi.example"})).status == 204  # not with itself


async def test_redirections_may_overlap(client: Client) -> None:
    for number in (1, 2):
        reply = await client.post("csourceRegistrations", registration(number, ROOM, mode="redirect"))
        assert reply.status == 201


async def test_what_is_kept_here_is_not_answered_for_elsewhere(client: Client) -> None:
    await client.post("entities", room(1))
    whole = {"entities": [{"type": "Room"}]}
    like = {"entities": [{"type": "Room", "idPattern": "urn:ngsi-ld:Room:.*"}]}
    for information, mode in (
        (ROOM, "exclusive"),
        (ROOM, "redirect"),
        (whole, "redirect"),
        (like, "redirect"),
    ):
        made = await client.post("csourceRegistrations", registration(1, information, mode=mode))
        assert made.error == "Conflict", (information, mode)
    other = {**ROOM, "propertyNames": ["humidity"]}
    assert (await client.post("csourceRegistrations", registration(1, other, mode="exclusive"))).status == 201
    assert (await client.post("csourceRegistrations", registration(2, whole, mode="inclusive"))).status == 201


async def test_registrations_survive_a_restart_and_end_in_time(client: Client, broker: Broker) -> None:
    await client.post("csourceRegistrations", registration(1, expiresAt="2100-01-01T00:00:00Z"), link=link())
    await client.post("csourceRegistrations", registration(2), ngsild_tenant="nomi")
    again = Subscriptions(broker.store, broker.contexts, now=broker.clock)
    await again.registrations.start()
    assert [one.id[-1] for one in again.registrations.listing("")] == ["1"]
    assert again.registrations.get("", registration()["id"]).information[0].entities[0].types == (TOILET,)
    late = Subscriptions(broker.store, broker.contexts, now=lambda: 4_200_000_000_000_000)
    await late.registrations.start()
    assert late.registrations.listing("") == []
    assert [one.id[-1] for one in late.registrations.listing("nomi")] == ["2"]


async def test_sources_are_not_shown_to_everybody(broker: Broker) -> None:
    broker.policy = Policy()
    client = Client(routes(broker))
    for method, where in (("GET", "csourceRegistrations?type=*"), ("GET", path()), ("DELETE", path())):
        assert (await client(method, where)).status == 401
    assert (await client.post("csourceRegistrations", registration())).status == 401
    assert (await client.get("csourceSubscriptions")).status == 401
