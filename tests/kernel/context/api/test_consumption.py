from __future__ import annotations

import pytest
from api_client import Client, link, room

SPOT = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.3, 36.3]}}


async def test_pages_follow_each_other_without_gaps(client: Client) -> None:
    await client.post("entityOperations/create", [room(n) for n in range(5)])
    seen, path = [], "entities?type=Room&limit=2&count=true"
    while path:
        page = await client.get(path)
        assert page.header("ngsild-results-count") == "5"
        seen += [one["id"] for one in page.json()]
        following = [one for one in page.all("link") if 'rel="next"' in one]
        path = following[0][1 : following[0].index(">")].removeprefix("/ngsi-ld/v1/") if following else ""
    assert seen == [f"urn:ngsi-ld:Room:{n}" for n in range(5)]


async def test_a_full_last_page_promises_no_further_one(client: Client) -> None:
    await client.post("entityOperations/create", [room(n) for n in range(4)])
    page = await client.get("entities?type=Room&limit=2&offset=2")
    assert [one for one in page.all("link") if 'rel="next"' in one] == []
    assert [one for one in page.all("link") if 'rel="prev"' in one] != []


async def test_counting_needs_no_entities(client: Client) -> None:
    await client.post("entities", room(1))
    answer = await client.get("entities?type=Room&limit=0&count=true")
    assert (answer.json(), answer.header("ngsild-results-count")) == ([], "1")
    assert (await client.get("entities?type=Room&limit=0")).error == "BadRequestData"


async def test_q_and_near_select(client: Client) -> None:
    await client.post("entityOperations/create", [room(1, location=SPOT), room(2)])
    hot = await client.get("entities?type=Room&q=temperature>21")
    assert [one["id"] for one in hot.json()] == ["urn:ngsi-ld:Room:2"]
    near = await client.get(
        "entities?type=Room&georel=near;maxDistance==100&geometry=Point&coordinates=[136.3,36.3]"
    )
    assert [one["id"] for one in near.json()] == ["urn:ngsi-ld:Room:1"]


async def test_a_query_by_post_says_the_same(client: Client) -> None:
    await client.post("entityOperations/create", [room(n) for n in range(3)])
    query = {
        "type": "Query",
        "entities": [
            {"type": "Room", "id": "urn:ngsi-ld:Room:0"},
            {"type": "Room", "id": "urn:ngsi-ld:Room:2"},
        ],
        "q": "temperature>20",
        "pick": ["id"],
    }
    answer = await client.post("entityOperations/query", query)
    assert answer.json() == [{"id": "urn:ngsi-ld:Room:2"}]


async def test_each_entity_selector_is_for_itself(client: Client) -> None:
    cars = [{**room(n), "id": f"urn:ngsi-ld:Car:{n}", "type": "Car"} for n in range(3)]
    await client.post("entityOperations/create", [*(room(n) for n in range(3)), *cars])

    async def found(*selectors: dict[str, object], **more: object) -> list[str]:
        query = {"type": "Query", "entities": list(selectors), "pick": ["id"], **more}
        return [one["id"][12:] for one in (await client.post("entityOperations/query", query)).json()]

    room_1 = {"type": "Room", "id": "urn:ngsi-ld:Room:1"}
    assert await found(room_1, {"type": "Car", "idPattern": ":[02]$"}) == ["Room:1", "Car:0", "Car:2"]
    assert await found(room_1, {"type": "Car", "id": ["urn:ngsi-ld:Car:2", "urn:ngsi-ld:Room:2"]}) == [
        "Room:1",
        "Car:2",
    ], "an id of one selector is not that of another"
    assert await found(room_1, {"type": "Car"}, q="temperature>21") == ["Car:2"]
    page = {"type": "Query", "entities": [{"type": "Car", "idPattern": "[12]$"}, room_1]}
    answer = await client.post("entityOperations/query?limit=2&count=true", page)
    assert ([one["id"][12:] for one in answer.json()], answer.header("ngsild-results-count")) == (
        ["Room:1", "Car:1"],
        "3",
    )


async def test_selectors_that_no_entity_could_be_held_against_are_refused(client: Client) -> None:
    many = [{"type": "Room", "idPattern": f"{n}$", "id": f"urn:x:{n}"} for n in range(101)]
    query = {"type": "Query", "entities": [{"type": f"T{n}", "idPattern": f"{n}$"} for n in range(101)]}
    refused = await client.post("entityOperations/query", query)
    assert (refused.status, refused.error) == (403, "TooComplexQuery")
    assert (await client.post("entityOperations/query", {"type": "Query", "entities": many})).status == 200
    named = [{"type": f"T{n}", "id": [f"urn:x:{n}:{i}" for i in range(600)]} for n in range(2)]
    refused = await client.post("entityOperations/query", {"type": "Query", "entities": named})
    assert refused.error == "TooComplexQuery"
    wide = {"type": "Query", "entities": [{"type": "Room"}, {"id": "urn:x:1"}]}
    assert (await client.post("entityOperations/query", wide)).error == "BadRequestData"
    wrong = {"type": "Query", "entities": [{"type": "Room", "idPattern": "("}, {"type": "Car"}]}
    assert (await client.post("entityOperations/query", wrong)).error == "BadRequestData"


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        ("options=keyValues", {"id": "urn:ngsi-ld:Room:1", "type": "Room", "temperature": 21}),
        ("format=simplified&pick=temperature", {"temperature": 21}),
        ("format=simplified&omit=id,type", {"temperature": 21}),
        ("format=concise&omit=temperature", {"id": "urn:ngsi-ld:Room:1", "type": "Room"}),
    ],
)
async def test_the_form_of_an_answer(client: Client, parameters: str, shown: object) -> None:
    await client.post("entities", room(1))
    assert (await client.get(f"entities/urn:ngsi-ld:Room:1?{parameters}")).json() == shown


async def test_system_attributes_are_shown_when_they_are_asked_for(client: Client) -> None:
    await client.post("entities", room(1))
    answer = await client.get("entities/urn:ngsi-ld:Room:1?options=sysAttrs")
    assert {"createdAt", "modifiedAt"} <= answer.json().keys()
    assert "createdAt" in answer.json()["temperature"]


async def test_attributes_that_an_entity_has_not_are_not_found(client: Client) -> None:
    await client.post("entities", room(1))
    assert (await client.get("entities/urn:ngsi-ld:Room:1?attrs=humidity")).status == 404
    assert (await client.get("entities/urn:ngsi-ld:Room:1?attrs=temperature")).status == 200
    assert (await client.get("entities/urn:ngsi-ld:Room:1?type=Bus")).status == 404


async def test_geojson_is_a_feature_with_its_context_unless_the_client_prefers_it_apart(
    client: Client,
) -> None:
    await client.post("entities", room(1, location=SPOT))
    feature = await client.get("entities/urn:ngsi-ld:Room:1", accept="application/geo+json")
    assert feature.json()["geometry"] == SPOT["value"]
    assert "@context" in feature.json()
    apart = await client.get("entities?type=Room", accept="application/geo+json", prefer="body=json")
    assert apart.json()["type"] == "FeatureCollection"
    assert "@context" not in apart.json()
    assert apart.header("link") is not None


async def test_an_expired_entity_is_gone_though_its_answer_was_kept(client: Client) -> None:
    now = client.application.broker.clock()
    client.application.broker.clock = lambda: now
    await client.post("entities", room(1, expiresAt="2999-01-01T00:00:00Z"))
    assert (await client.get("entities/urn:ngsi-ld:Room:1")).status == 200
    client.application.broker.clock = lambda: 40_000_000_000_000_000
    assert (await client.get("entities/urn:ngsi-ld:Room:1")).status == 404


async def test_head_is_get_without_a_body(client: Client) -> None:
    await client.post("entities", room(1))
    head = await client("HEAD", "entities/urn:ngsi-ld:Room:1")
    get = await client.get("entities/urn:ngsi-ld:Room:1")
    assert (head.status, head.body) == (200, b"")
    assert head.header("content-length") == str(len(get.body))


async def test_linked_entities_come_inline_or_beside(client: Client) -> None:
    house = {"id": "urn:ngsi-ld:House:1", "type": "House", "name": {"type": "Property", "value": "Hashitate"}}
    inside = room(1, isIn={"type": "Relationship", "object": "urn:ngsi-ld:House:1"})
    await client.post("entityOperations/create", [house, inside])
    inline = await client.get("entities/urn:ngsi-ld:Room:1?join=inline&pick=isIn{name}")
    assert inline.json()["isIn"]["entity"] == {"name": house["name"]}
    flat = await client.get("entities?type=Room&join=flat&format=simplified")
    assert [one["id"] for one in flat.json()] == ["urn:ngsi-ld:Room:1", "urn:ngsi-ld:House:1"]


async def test_a_circle_of_relationships_ends(client: Client) -> None:
    def node(a: int, b: int) -> dict[str, object]:
        return {
            "id": f"urn:ngsi-ld:Node:{a}",
            "type": "Node",
            "next": {"type": "Relationship", "object": f"urn:ngsi-ld:Node:{b}"},
        }

    await client.post("entityOperations/create", [node(1, 2), node(2, 1)])
    answer = await client.get("entities/urn:ngsi-ld:Node:1?join=inline&joinLevel=9")
    assert answer.json()["next"]["entity"]["next"] == {"type": "Relationship", "object": "urn:ngsi-ld:Node:1"}


async def test_following_further_than_is_joined_is_refused(client: Client) -> None:
    for asked in (
        "pick=a{b}",
        "q=a{b}==1",
        "join=inline&pick=a{b{c}}",
        "join=inline&joinLevel=2&omit=a{b{c{d}}}",
    ):
        assert (await client.get(f"entities?type=Room&{asked}")).error == "BadRequestData", asked


async def test_types_and_attributes_are_discovered(client: Client) -> None:
    await client.post("entityOperations/create", [room(1), room(2)])
    assert (await client.get("types")).json()["typeList"] == ["Room"]
    (details,) = (await client.get("types?details=true")).json()
    assert details["attributeNames"] == ["temperature"]
    information = (await client.get("types/Room")).json()
    assert (information["entityCount"], information["attributeDetails"][0]["attributeTypes"]) == (
        2,
        ["Property"],
    )
    assert (await client.get("types/Bus")).status == 404
    assert (await client.get("attributes")).json()["attributeList"] == ["temperature"]
    assert (await client.get("attributes/temperature")).json()["attributeCount"] == 2


async def test_names_are_shown_in_the_words_of_the_reader(client: Client) -> None:
    await client.post("entities", {"id": "urn:ngsi-ld:Toilet:1", "type": "Toilet"}, link=link())
    assert (await client.get("types", link=link())).json()["typeList"] == ["Toilet"]
    assert (await client.get("types")).json()["typeList"] == ["https://kaga.example/terms#Toilet"]


async def test_another_tenant_sees_nothing_and_one_that_is_not_there_is_named(client: Client) -> None:
    await client.post("entities", room(1), ngsild_tenant="nomi")
    assert (await client.get("entities/urn:ngsi-ld:Room:1")).status == 404
    own = await client.get("entities/urn:ngsi-ld:Room:1", ngsild_tenant="nomi")
    assert (own.status, own.header("ngsild-tenant")) == (200, "nomi")
    nowhere = await client.get("entities/urn:ngsi-ld:Room:1", ngsild_tenant="hakusan")
    assert (nowhere.status, nowhere.error, nowhere.header("ngsild-tenant")) == (
        404,
        "NonexistentTenant",
        "hakusan",
    )
