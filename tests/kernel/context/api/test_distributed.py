"""Brokers that ask each other, over real HTTP on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from api_client import CITY_CONTEXT, CITY_DOCUMENT, Client, Reply, link
from test_registrations import registration

from kitamae.adapters.sqlite import store as sqlite
from kitamae.kernel.context.api import routes
from kitamae.kernel.context.broker import Broker, Limits
from kitamae.kernel.context.jsonld import Contexts
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.people.policy import Policy

LINK = {"link": link()}
ROOM = "urn:ngsi-ld:Room:1"


@dataclass
class City:
    """A broker that others can ask; `asked`: what came over HTTP."""

    client: Client
    broker: Broker
    url: str = ""
    asked: list[web.Request] = field(default_factory=list)

    async def knows(self, other: str, *information: Any, number: int = 1, **members: Any) -> None:
        information = information or ({"entities": [{"type": "Room"}]},)
        members = {"endpoint": other, **members}
        made = await self.client.post("csourceRegistrations", registration(number, *information, **members))
        assert made.status == 201, made.body

    async def has(self, number: int, **attrs: Any) -> None:
        made = await self.client.post("entities", room(number, **attrs))
        assert made.status == 201, made.body

    async def ids(self, query: str) -> list[int]:
        reply = await self.client.get(f"entities?{query}")
        assert reply.status == 200, reply.body
        return [int(one["id"].rsplit(":", 1)[-1]) for one in reply.json()]

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        path = request.raw_path.removeprefix("/ngsi-ld/v1/")
        kept = ("accept", "via", "link", "ngsild-tenant", "x-token")
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        reply = await self.client("GET", path, headers=headers)
        return web.Response(status=reply.status, body=reply.body)


@asynccontextmanager
async def city(folder: Path, name: str) -> AsyncIterator[City]:
    store = await sqlite.open(folder / f"{name}.db")
    contexts = Contexts(registered={CITY_CONTEXT: CITY_DOCUMENT})
    subscriptions = Subscriptions(store, contexts, Destinations(loopback=True))
    await subscriptions.start()
    broker = Broker(store, contexts, Policy(open=True), Limits(), subscriptions, alias=name)
    one = City(Client(routes(broker)), broker)
    app = web.Application()
    app.router.add_get("/{tail:.*}", one.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield one
    finally:
        await runner.cleanup()
        await subscriptions.close()
        await store.close()


@pytest.fixture
async def cities(tmp_path: Path) -> AsyncIterator[tuple[City, City]]:
    async with AsyncExitStack() as stack:
        kaga = await stack.enter_async_context(city(tmp_path, "kaga"))
        nomi = await stack.enter_async_context(city(tmp_path, "nomi"))
        yield kaga, nomi


def room(number: int, **attrs: Any) -> dict[str, Any]:
    shown = {name: {"type": "Property", "value": value} for name, value in attrs.items()}
    return {"id": f"urn:ngsi-ld:Room:{number}", "type": "Room", **shown}


def seen(value: Any, at: str) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": at}


async def test_what_another_city_has_is_read_here(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.has(1, temperature=20)
    assert (await kaga.client.get(f"entities/{ROOM}")).status == 404
    await kaga.knows(nomi.url)
    reply = await kaga.client.get(f"entities/{ROOM}?options=keyValues")
    assert reply.json() == {"id": ROOM, "type": "Room", "temperature": 20}
    assert nomi.asked[0].headers["via"] == "1.1 kaga"
    for query in ("?local=true", "?type=Car"):
        assert (await kaga.client.get(f"entities/{ROOM}{query}")).status == 404
    assert (await kaga.client.get("entities/urn:ngsi-ld:Room:2")).status == 404


async def test_of_two_that_observed_the_newest_stands(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    old, new = "2026-11-21T00:00:00Z", "2026-11-21T01:00:00Z"
    await kaga.client.post("entities", {**room(1, floor=2), "a": seen(1, old), "b": seen(1, new)})
    await nomi.client.post("entities", {**room(1, floor=3, depth=4), "a": seen(2, new), "b": seen(2, old)})
    await kaga.knows(nomi.url)
    shown = (await kaga.client.get(f"entities/{ROOM}?options=keyValues")).json()
    assert shown == {"id": ROOM, "type": "Room", "floor": 2, "a": 2, "b": 1, "depth": 4}


@pytest.mark.parametrize(
    ("mode", "floor"), [("inclusive", 2), ("auxiliary", 2), ("exclusive", 3), ("redirect", 3)]
)
async def test_the_mode_says_whose_word_stands(cities: tuple[City, City], mode: str, floor: int) -> None:
    kaga, nomi = cities
    information = {"entities": [{"type": "Room", "id": ROOM}], "propertyNames": ["floor", "depth"]}
    await kaga.knows(nomi.url, information, mode=mode)
    await kaga.has(1, floor=2, name="here")
    await nomi.has(1, floor=3, depth=4, name="there", secret=5)
    shown = (await kaga.client.get(f"entities/{ROOM}?options=keyValues")).json()
    assert shown == {"id": ROOM, "type": "Room", "floor": floor, "name": "here", "depth": 4}
    assert nomi.asked[-1].query["attrs"] == "depth,floor"  # nothing else is asked for
    await kaga.client.get(f"entities/{ROOM}?attrs=depth,name")
    assert nomi.asked[-1].query["attrs"] == "depth"


async def test_a_query_finds_what_is_here_and_elsewhere_once_and_page_by_page(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    for number in (1, 2, 3):
        await kaga.has(number, floor=number)
    for number in (3, 4, 5):
        await nomi.has(number, floor=number, depth=1)
    await kaga.knows(nomi.url)
    assert await kaga.ids("type=Room") == [1, 2, 3, 4, 5]
    assert await kaga.ids("type=Room&local=true") == [1, 2, 3]
    assert await kaga.ids("type=Room&limit=2&offset=2") == [3, 4]
    assert await kaga.ids("type=Room&limit=2&offset=4") == [5]
    assert await kaga.ids("type=Room&limit=2&offset=6") == []
    assert await kaga.ids("type=Room&q=floor>2;floor<5") == [3, 4]
    assert await kaga.ids("type=Room&orderBy=floor;desc&limit=3") == [5, 4, 3]
    page = await kaga.client.get("entities?type=Room&limit=2&offset=2&count=true&options=keyValues")
    assert page.header("ngsild-results-count") == "5"
    assert any('rel="next"' in one for one in page.all("link"))
    assert [one.get("depth") for one in page.json()] == [1, 1]
    assert (await kaga.client.get("entities?type=Car")).json() == []


async def test_many_elsewhere_come_in_several_pages(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.client.post("entityOperations/create", [room(number, floor=1) for number in range(250)])
    await kaga.knows(nomi.url)
    assert len(await kaga.ids("type=Room&limit=1000")) == 250
    assert len(nomi.asked) == 3


async def test_names_are_understood_in_the_words_of_the_request(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    toilet = {"id": "urn:ngsi-ld:Toilet:1", "type": "Toilet", "floor": {"type": "Property", "value": 2}}
    await nomi.client.post("entities", toilet, **LINK)
    await kaga.knows(nomi.url, {"entities": [{"type": "https://kaga.example/terms#Toilet"}]})
    found = await kaga.client.get("entities?type=Toilet&q=floor==2&attrs=floor&options=keyValues", **LINK)
    assert found.json() == [{"id": "urn:ngsi-ld:Toilet:1", "type": "Toilet", "floor": 2}]
    assert (await kaga.client.get("entities?type=Toilet")).json() == []


async def test_cities_that_know_each_other_do_not_ask_in_circles(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url)
    await nomi.knows(kaga.url)
    await kaga.has(1, floor=1)
    await nomi.has(2, floor=2)
    assert await kaga.ids("type=Room") == [1, 2]
    assert await nomi.ids("type=Room") == [2, 1]
    assert (len(kaga.asked), len(nomi.asked)) == (2, 2)  # nomi asks kaga once more, which then asks nobody
    kaga.asked.clear()
    await kaga.client("DELETE", "csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:1")
    await kaga.knows(nomi.url, contextSourceAlias="nomi")
    await nomi.ids("type=Room")
    assert [one.headers["via"] for one in kaga.asked] == ["1.1 nomi"]


async def test_a_source_that_does_not_answer_is_a_warning(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.has(1, floor=1)
    await kaga.knows("http://127.0.0.1:9")
    await kaga.knows("http://10.0.0.1", number=2)  # the operator does not allow it
    await kaga.knows(nomi.url, number=3, tenant="nowhere")  # 404: it has none of it
    for path in ("entities?type=Room", f"entities/{ROOM}"):
        reply = await kaga.client.get(path)
        assert reply.status == 200
        warnings = reply.all("ngsild-warning")
        assert [one.split(" ")[:2] for one in warnings] == [["199", "kaga"], ["199", "kaga"]]
        assert "does not allow" in warnings[1]


async def test_a_source_is_asked_as_it_wants_to_be(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    info = [
        {"key": "X-Token", "value": "abc"},
        {"key": "X-From", "value": "urn:ngsi-ld:request"},
        {"key": "Host", "value": "elsewhere.example"},
        {"key": "NGSILD-Tenant", "value": "south"},
    ]
    await kaga.knows(nomi.url, tenant="north", contextSourceInfo=info, management={"localOnly": True})
    await nomi.client.post("entities", room(1, floor=7), ngsild_tenant="north")
    reply = await kaga.client.get(f"entities/{ROOM}?options=keyValues", x_from="a desk")
    assert reply.json()["floor"] == 7
    headers = nomi.asked[0].headers
    assert (headers["x-token"], headers["x-from"], headers["ngsild-tenant"]) == ("abc", "a desk", "north")
    assert headers["host"] != "elsewhere.example"
    assert nomi.asked[0].query["local"] == "true"


async def test_only_sources_that_offer_the_operation_are_asked(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await nomi.has(1, floor=1)
    await kaga.knows(nomi.url, operations=["queryEntity"])
    assert (await kaga.client.get(f"entities/{ROOM}")).status == 404
    assert await kaga.ids("type=Room") == [1]


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (403, b"", "299"),
        (302, b"", "299"),
        (200, b"no JSON", "111"),
        (200, b"[1]", "111"),
        (200, b"{}", "111"),
    ],
)
async def test_a_warning_says_what_kind_of_answer_came(
    cities: tuple[City, City], monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, code: str
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url)

    async def answer(method: str, path: str, **_: Any) -> Reply:
        return Reply(status, [], body, 0)

    monkeypatch.setattr(nomi, "client", answer)
    reply = await kaga.client.get(f"entities/{ROOM}")
    assert reply.status == 404
    assert (reply.header("ngsild-warning") or "").startswith(f"{code} kaga ")


async def test_an_answer_without_a_context_is_in_the_words_of_the_request(
    cities: tuple[City, City], monkeypatch: pytest.MonkeyPatch
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, {"entities": [{"type": "https://kaga.example/terms#Toilet"}]})
    body = b'[{"id":"urn:ngsi-ld:Toilet:1","type":"Toilet","floor":{"type":"Property","value":2}}]'

    async def answer(method: str, path: str, **_: Any) -> Reply:
        return Reply(200, [], body, 0)

    monkeypatch.setattr(nomi, "client", answer)
    (shown,) = (await kaga.client.get("entities?type=Toilet&options=keyValues", **LINK)).json()
    assert shown == {"id": "urn:ngsi-ld:Toilet:1", "type": "Toilet", "floor": 2}
