"""Bad input through the door: each gets the specification's error, nothing is half-written, the next request works."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from api_client import Client, link, room

from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.policy import Policy

if TYPE_CHECKING:
    from kitamae.kernel.context.broker import Broker

MEGABYTE = 1_000_000


async def refused(client: Client, method: str, path: str, status: int, error: str = "", **how: Any) -> None:
    """It is refused like this, nothing of it is there, and the broker goes on."""
    answer = await client(method, path, **how)
    assert answer.status == status, answer.body
    if error:
        assert answer.error == error
        assert answer.header("content-type") == "application/json"
    assert (await client.get("entities?local=true")).json() == []
    assert (await client.post("entities", room(1))).status == 201
    assert (await client("DELETE", "entities/urn:ngsi-ld:Room:1")).status == 204


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"{",
        b'{"id": "urn:a:1", "type": "T",}',
        b'{"id": "urn:a:1", "type": NaN}',
        b"\xff\xfe",
        b'{"id": "urn:a:\xe3\x81", "type": "T"}',
        b'{"id": "urn:a:1", "type": "\\ud800"}',
        b"[" * 10_000 + b"]" * 10_000,
        b'{"id":"urn:a:1","type":"T","p":{"type":"Property","value":'
        + b'{"a":' * 10_000
        + b"1"
        + b"}" * 10_002,
        b"\x00",
        b"[]",
        b"1",
        b"null",
    ],
)
async def test_what_is_no_json_object_is_an_invalid_request(client: Client, body: bytes) -> None:
    await refused(client, "POST", "entities", 400, "InvalidRequest", body=body)


def nested(levels: int, inner: str = "1", opened: str = "[", closed: str = "]") -> str:
    return opened * levels + inner + closed * levels


@pytest.mark.parametrize("levels", [255, 600, 1_000, 1_020])
@pytest.mark.parametrize("how", [{}, {"opened": '{"a":', "closed": "}", "inner": '"\\u0000"'}])
async def test_what_is_nested_too_deeply_is_refused_wherever_it_stands(
    client: Client, levels: int, how: dict[str, str]
) -> None:
    deep = nested(levels, **how)
    for path, document in (
        ("entities", '{"id":"urn:a:1","type":"T","p":{"type":"Property","value":%s}}'),
        (
            "entities",
            '{"id":"urn:a:1","type":"T","p":{"type":"GeoProperty","value":{"type":"Polygon","coordinates":%s}}}',
        ),
        ("entityOperations/upsert", '[{"id":"urn:a:1","type":"T","p":{"type":"Property","value":%s}}]'),
        ("entityOperations/query", '{"type":"Query","entities":[{"type":"T"}],"geoQ":%s}'),
        (
            "subscriptions",
            '{"type":"Subscription","entities":[{"type":"T"}],"notification":{"endpoint":{"uri":%s}}}',
        ),
    ):
        await refused(client, "POST", path, 400, "BadRequestData", body=(document % deep).encode())


@pytest.mark.parametrize("levels", [255, 1_020])
async def test_a_context_that_is_nested_too_deeply_is_refused(client: Client, levels: int) -> None:
    body = f'{{"@context":{nested(levels)},"type":"Query","entities":[{{"type":"T"}}]}}'
    headers = {"content-type": "application/ld+json"}
    await refused(
        client, "POST", "entityOperations/query", 400, "BadRequestData", body=body.encode(), headers=headers
    )


async def test_coordinates_that_are_nested_too_deeply_are_refused(client: Client) -> None:
    where = f"entities?type=T&georel=within&geometry=Polygon&coordinates={nested(1_000)}"
    await refused(client, "GET", where, 400, "BadRequestData")


def thing(**members: Any) -> dict[str, Any]:
    return {"id": "urn:ngsi-ld:Thing:1", "type": "Thing", **members}


def place(*coordinates: Any, type: str = "Point") -> dict[str, Any]:
    return thing(location={"type": "GeoProperty", "value": {"type": type, "coordinates": list(coordinates)}})


@pytest.mark.parametrize(
    "entity",
    [
        thing(p={"type": "Propperty", "value": 1}),
        thing(p={"type": "Property"}),
        thing(p={"type": "Relationship", "object": "not a uri"}),
        thing(p={"type": "Property", "value": 1, "observedAt": "yesterday"}),
        thing(p={"type": "Property", "value": "a\0b"}),
        thing(p={"type": "Property", "value": "urn:ngsi-ld:null"}),
        place(36.3, 136.3),  # latitude and longitude swapped
        place(136.3, 91),
        place(181, 36.3),
        place("136.3", "36.3"),
        place([136.3, 36.3], type="Point"),
        place([[136, 36], [137, 36], [137, 37]], type="Polygon"),
        {"id": "not a uri", "type": "T"},
        {"type": "T"},
        {"id": "urn:a:1"},
        {"id": "urn:a:1", "type": []},
        {"id": "urn:ngsi-ld:Thing:1", "type": "Thing", "@context": "https://kaga.example/context.jsonld"},
    ],
)
async def test_what_is_no_entity_is_bad_request_data(client: Client, entity: dict[str, Any]) -> None:
    await refused(client, "POST", "entities", 400, "BadRequestData", content=entity)


async def test_a_repeated_member_counts_as_its_last_one(client: Client) -> None:
    body = b'{"id":"urn:ngsi-ld:Thing:1","type":"A","type":"B"}'
    assert (await client("POST", "entities", body=body)).status == 201
    assert (await client.get("entities/urn:ngsi-ld:Thing:1")).json()["type"] == "B"


@pytest.mark.parametrize(
    ("headers", "status", "error"),
    [
        ({"content-type": "application/ld+json"}, 400, "BadRequestData"),  # no @context in the body
        ({"link": link("https://nowhere.example/c.jsonld")}, 504, "LdContextNotAvailable"),
        ({"link": link("not a url")}, 400, "BadRequestData"),
        ({"link": f"{link()}, {link('https://kaga.example/2')}"}, 400, "BadRequestData"),
        ({"ngsild-tenant": "a b/../c"}, 400, "BadRequestData"),
        ({"content-type": ""}, 400, "InvalidRequest"),
        ({"content-type": "text/plain"}, 415, ""),
        ({"content-type": "application/merge-patch+json"}, 415, ""),
        ({"content-length": "many"}, 411, ""),
    ],
)
async def test_headers_that_do_not_fit(
    client: Client, headers: dict[str, str], status: int, error: str
) -> None:
    await refused(client, "POST", "entities", status, error, content=thing(), headers=headers)


async def test_a_body_of_a_hundred_megabytes_is_refused_unread(client: Client) -> None:
    big = [b" " * MEGABYTE] * 100
    announced = await client("POST", "entities", chunks=big)
    assert (announced.status, announced.read, announced.header("connection")) == (413, 0, "close")
    chunked = await client("POST", "entities", chunks=big, announced=False)
    assert (chunked.status, chunked.body, chunked.read) == (411, b"", 0)
    lying = await client("POST", "entities", chunks=big, headers={"content-length": "100"})
    assert lying.status == 413
    assert lying.read <= 2


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ("type=T&q=" + "a" * 100_000, 403, "TooComplexQuery"),
        ("type=T&q=" + "(" * 10_000, 403, "TooComplexQuery"),
        ("type=T&q=a==", 400, "BadRequestData"),
        ("type=T&q=%00", 400, "BadRequestData"),
        ("type=T&q=%ff", 400, "InvalidRequest"),
        ("type=T&nonsense=1", 400, "InvalidRequest"),
        ("type=T&type=U", 400, "InvalidRequest"),
        ("type=T&limit=-1", 400, "BadRequestData"),
        ("type=T&limit=999999999999999999999999", 400, "BadRequestData"),
        ("type=T&limit=1001", 400, "BadRequestData"),
        ("type=T&offset=" + "9" * 18, 400, "BadRequestData"),
        ("type=T&count=yes", 400, "BadRequestData"),
        ("type=T&id=not-a-uri", 400, "BadRequestData"),
        ("type=T&idPattern=(", 400, "BadRequestData"),
        ("type=T&georel=near;maxDistance==1&geometry=Point&coordinates=[36.3,136.3]", 400, "BadRequestData"),
        ("type=T&georel=beside&geometry=Point&coordinates=[136.3,36.3]", 400, "BadRequestData"),
        ("type=T&options=everything", 400, "InvalidRequest"),
        ("type=T&geometryProperty=location", 400, "BadRequestData"),
        ("type=*&local=false", 400, "BadRequestData"),
        ("id=urn:a:1", 400, "BadRequestData"),
        ("", 400, "BadRequestData"),
    ],
)
async def test_queries_that_cannot_be_answered(client: Client, query: str, status: int, error: str) -> None:
    await refused(client, "GET", f"entities?{query}", status, error)


async def test_an_id_longer_than_any_is_refused(client: Client) -> None:
    await refused(client, "GET", "entities/urn:a:" + "1" * 100_000, 400, "BadRequestData")
    await refused(client, "GET", "entities/urn:a:%ff", 400, "BadRequestData")
    await refused(client, "GET", "entities/urn:a:%00", 400, "BadRequestData")


async def test_wrong_verbs_are_told_the_right_ones(client: Client) -> None:
    answer = await client("PUT", "entities", {})
    assert answer.status == 405
    assert set((answer.header("allow") or "").split(", ")) == {"DELETE", "GET", "HEAD", "OPTIONS", "POST"}
    options = await client("OPTIONS", "entities/urn:a:1")
    assert (options.status, options.header("allow")) == (204, "DELETE, GET, HEAD, OPTIONS, PATCH, PUT")
    assert (await client.get("nonsense")).status == 404


async def test_only_what_can_be_written_is_acceptable(client: Client) -> None:
    await client.post("entities", room(1))
    path = "entities/urn:ngsi-ld:Room:1"
    refusal = await client.get(path, accept="text/html")
    assert (refusal.status, refusal.json()["available"][0]) == (406, "application/json")
    for accept, media in (
        ("application/ld+json, application/json", "application/json"),
        ("application/json;q=0.1, application/ld+json;q=0.9", "application/ld+json"),
        ("application/json;q=0, */*", "application/ld+json"),
        ("application/*;q=0.5, application/geo+json", "application/geo+json"),
        ("text/html, */*;q=0.1", "application/json"),
    ):
        assert (await client.get(path, accept=accept)).header("content-type") == media, accept
    assert (await client.get("types", accept="application/geo+json")).status == 406


async def test_a_full_disk_refuses_the_write_and_keeps_what_is_there(client: Client, broker: Broker) -> None:
    await client.post("entities", room(1))
    db = broker.store._writer.writing.db  # type: ignore[attr-defined]  # the disk ends here
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")
    wide = [room(n, text={"type": "Property", "value": "x" * 50_000}) for n in range(2, 12)]
    single = await client.post("entities", wide[0])
    batch = await client.post("entityOperations/create", wide)
    assert (single.status, batch.status) == (507, 507)
    assert [one["id"] for one in (await client.get("entities?type=Room")).json()] == ["urn:ngsi-ld:Room:1"]
    db.execute("PRAGMA max_page_count = 1000000")
    assert (await client.post("entities", wide[0])).status == 201


async def test_who_is_not_signed_in_reads_and_does_not_write(client: Client, broker: Broker) -> None:
    await client.post("entities", room(1))
    broker.policy = Policy()
    refusal = await client("POST", "entities", chunks=[b"x"] * 3, headers={"content-length": "3"})
    assert (refusal.status, refusal.read, refusal.header("www-authenticate")) == (401, 0, "Bearer")
    assert (await client("DELETE", "entities/urn:ngsi-ld:Room:1")).status == 401
    assert (await client.get("subscriptions")).status == 401
    assert (await client.get("entities/urn:ngsi-ld:Room:1")).status == 200


async def test_staff_may_write(client: Client, broker: Broker) -> None:
    broker.policy = Policy()
    client.principal = Principal("p1", "staff", assurance=2)
    assert (await client.post("entities", room(1))).status == 201
    (change,) = await broker.store.changes(0, 10)
    assert change.actor == "p1"


async def test_a_token_for_one_type_writes_no_other(client: Client, broker: Broker) -> None:
    await client.post("entityOperations/create", [room(1), thing()])
    broker.policy = Policy()
    own = "https://uri.etsi.org/ngsi-ld/default-context/Room"
    client.principal = Principal("d1", "device", frozenset({f"write:entity:{own}", f"write:{own}"}), 1)
    update = {"temperature": {"type": "Property", "value": 1}}
    assert (await client.patch("entities/urn:ngsi-ld:Room:1/attrs", update)).status == 204
    assert (await client.patch("entities/urn:ngsi-ld:Thing:1/attrs", update)).status == 403
    assert (await client.post("entities", {"id": "urn:ngsi-ld:Thing:2", "type": "Thing"})).status == 403
    widened = await client.patch("entities/urn:ngsi-ld:Room:1", {"type": ["Room", "Thing"]})
    assert widened.status == 403


EVERYTHING = (
    Principal("s1", "staff", assurance=2, tenants=frozenset({""})),
    Principal("t1", "service", frozenset({"write:*"}), 1, tenants=frozenset({""})),
    Principal("operator", "system", assurance=3),
)


@pytest.mark.parametrize("who", EVERYTHING, ids=lambda one: one.role)
async def test_a_type_that_nobody_declared_is_written_by_nobody_who_may_write_everything(
    client: Client, broker: Broker, who: Principal
) -> None:
    broker.policy = Policy(declared=frozenset({"https://uri.etsi.org/ngsi-ld/default-context/Room"}))
    client.principal = who
    trip = {"id": "urn:ngsi-ld:Trip:1", "type": "Trip"}
    assert (await client.post("entities", trip)).status == 403
    both = await client.post("entityOperations/upsert", [room(1), trip])
    assert (both.status, both.json()["success"]) == (207, ["urn:ngsi-ld:Room:1"])
    assert (await client.patch("entities/urn:ngsi-ld:Room:1", {"type": ["Room", "Trip"]})).status == 403
    past = {**trip, "lastStop": [{"type": "Property", "value": "x", "observedAt": "2026-01-01T00:00:00Z"}]}
    assert (await client.post("temporal/entities", past)).status == 403
    assert (await client.get("entities?local=true&pick=id")).json() == [{"id": "urn:ngsi-ld:Room:1"}]


async def test_what_is_of_a_type_that_nobody_declares_any_more_is_not_changed_but_may_be_deleted(
    client: Client, broker: Broker
) -> None:
    for n in range(3):
        await client.post("entities", room(n))
    broker.policy = Policy(declared=frozenset())
    client.principal = EVERYTHING[0]
    update = {"temperature": {"type": "Property", "value": 1}}
    assert (await client.patch("entities/urn:ngsi-ld:Room:1/attrs", update)).status == 403
    assert (await client("DELETE", "entities/urn:ngsi-ld:Room:1/attrs/temperature")).status == 403
    assert (await client("DELETE", "entities/urn:ngsi-ld:Room:0")).status == 204
    assert (await client("DELETE", "temporal/entities/urn:ngsi-ld:Room:0")).status == 204
    assert (await client("DELETE", "entities?type=Room")).status == 204
    client.principal = Principal("d1", "device", frozenset({"write:x"}), 1, tenants=frozenset({""}))
    assert (await client("DELETE", "temporal/entities/urn:ngsi-ld:Room:1")).status == 403


async def test_something_broken_is_a_500_and_the_next_request_works(
    client: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(type(broker.store), "row", None)
        answer = await client.get("entities/urn:ngsi-ld:Room:1")
        assert (answer.status, answer.error) == (500, "InternalError")
        assert b"NoneType" not in answer.body
    assert (await client.get("entities/urn:ngsi-ld:Room:1")).status == 404


async def test_over_a_socket_the_server_goes_on_after_bodies_that_never_end(client: Client) -> None:
    config = uvicorn.Config(
        client.application, port=0, log_level="warning", lifespan="off", http="httptools", ws="none"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]

    async def said(request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(4096), 5)
        writer.close()
        return answer

    head = b"POST /ngsi-ld/v1/entities HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    try:
        assert b" 413 " in await said(head + b"Content-Length: 100000000\r\n\r\n" + b" " * MEGABYTE)
        assert b" 411 " in await said(
            head + b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b" " * 65_536
        )
        body = b'{"id":"urn:ngsi-ld:Thing:1","type":"Thing"}'
        assert b" 201 " in await said(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        gone = b"DELETE /ngsi-ld/v1/entities/urn:ngsi-ld:Thing:1 HTTP/1.1\r\nHost: x\r\n\r\n"
        answer = await said(gone)
        assert b" 204 " in answer
        assert b"content-length" not in answer.lower()
    finally:
        server.should_exit = True
        await serving
