"""The city in one process with the test: what a browser and a client see."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web

from kitamae.hourly import every_hour
from serving import SAME, Served, serving

KAGA = Path(__file__).resolve().parent.parent / "cities" / "kaga"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data") as one:
        yield one


@pytest.fixture
async def kaga(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=KAGA) as one:
        yield one


async def test_a_link_signs_staff_in_lets_them_write_and_sign_out(served: Served) -> None:
    client = served.client
    link = await served.kitamae.sign_in_link()
    page = await client.get(link)
    assert page.status_code == 200
    code = link.rpartition("/")[2]
    assert f'value="{code}"' in page.text
    again = await client.get(link)
    assert f'value="{code}"' in again.text, "looking at the page must spend nothing"

    entered = await client.post("/sign-in", data={"code": code}, headers=SAME)
    assert (entered.status_code, entered.headers["location"]) == (303, "/staff")
    assert "HttpOnly" in entered.headers["set-cookie"]
    assert (await client.post("/sign-in", data={"code": code}, headers=SAME)).status_code == 403

    staff = await client.get("/staff")
    csrf = re.search(r'name="csrf" value="([0-9a-f]{64})"', staff.text)
    assert csrf
    entity = {"id": "urn:x:1", "type": "Town"}
    assert (await client.post("/ngsi-ld/v1/entities", json=entity)).status_code == 403
    assert (await client.post("/ngsi-ld/v1/entities", json=entity, headers=SAME)).status_code == 201

    assert (await client.post("/sign-out", data={"csrf": "0" * 64}, headers=SAME)).status_code == 403
    assert (await client.get("/staff")).status_code == 200
    out = await client.post("/sign-out", data={"csrf": csrf[1]}, headers=SAME)
    assert out.status_code == 303
    assert (await client.get("/staff")).status_code == 303


async def test_a_page_of_another_site_can_neither_sign_in_nor_out(served: Served) -> None:
    code = (await served.kitamae.sign_in_link()).rpartition("/")[2]
    for headers in ({}, {"Origin": "https://evil.example"}):
        assert (await served.client.post("/sign-in", data={"code": code}, headers=headers)).status_code == 403
        out = await served.client.post("/sign-out", headers=headers)  # a Lax cookie does not come with it
        assert (out.status_code, out.headers.get("set-cookie")) == (403, None)
    assert (await served.client.post("/sign-in", data={"code": code}, headers=SAME)).status_code == 303


async def test_what_is_sent_to_the_sign_in_page_may_be_anything(served: Served) -> None:
    for sent in ({}, {"code": ""}, {"code": "x" * 10_000}, {"code": "ÿ\x00"}, {"other": "x"}):
        answer = await served.client.post("/sign-in", data=sent, headers=SAME)
        assert answer.status_code == 403
        assert "<form" in answer.text


async def test_an_error_is_a_page_in_the_readers_language(served: Served) -> None:
    wanted = {"Accept": "text/html", "Accept-Language": "ja"}
    page = await served.client.get("/nowhere", headers=wanted)
    assert page.status_code == 404
    assert 'lang="ja"' in page.text
    assert "ページ" in page.text
    page = await served.client.get("/nowhere", headers={**wanted, "Accept-Language": "en"})
    assert 'lang="en"' in page.text
    data = await served.client.get("/nowhere", headers={"Accept": "application/json"})
    assert data.headers["content-type"] == "application/problem+json"


async def test_a_method_that_a_page_does_not_have_is_answered(served: Served) -> None:
    assert (await served.client.post("/", headers=SAME)).status_code == 405


async def test_metrics_are_for_this_machine_or_a_token(served: Served) -> None:
    answer = await served.client.get("/metrics")
    assert answer.status_code == 200
    assert "kitamae_requests_total" in answer.text
    proxied = {"X-Forwarded-For": "192.0.2.1"}
    assert (await served.client.get("/metrics", headers=proxied)).status_code == 401
    people = served.kitamae.city.people
    for scope, status in (("write:*", 403), ("operate:system:metrics", 200)):
        token, _ = await people.tokens.issue("prometheus", [scope])
        headers = {**proxied, "Authorization": f"Bearer {token}"}
        assert (await served.client.get("/metrics", headers=headers)).status_code == status


async def test_health_says_ready_when_the_city_is_loaded(kaga: Served) -> None:
    await kaga.loaded()
    for path in ("/health", "/health/live", "/health/ready"):
        assert (await kaga.client.get(path)).status_code == 200


async def test_a_second_start_writes_nothing(tmp_path: Path) -> None:
    states = []
    for _ in range(2):
        async with serving(tmp_path / "data", city=KAGA) as one:
            await one.loaded()
            changes = await one.kitamae.city.store.changes(0, 100_000)
            states.append((len(changes), changes[-1].seq))
    assert states[0][0] > 500
    assert states[0] == states[1]


async def test_the_citys_words_are_what_a_request_without_context_means(kaga: Served) -> None:
    await kaga.loaded()
    answer = await kaga.client.get("/ngsi-ld/v1/entities?type=EvacuationShelter&limit=1&count=true")
    assert int(answer.headers["ngsild-results-count"]) == 62
    address = re.search(r"<([^>]+)>", answer.headers["link"])
    assert address
    context = await kaga.client.get(address[1])
    assert context.status_code == 200
    assert "EvacuationShelter" in str(context.json()["@context"])


async def test_a_service_is_a_page_and_an_interface_and_both_answer_errors_as_the_house_does(
    kaga: Served,
) -> None:
    await kaga.loaded()
    assert (await kaga.client.get("/places")).status_code == 200
    found = await kaga.client.get("/api/places/search", params={"limit": 1})
    assert len(found.json()) == 1
    for path, status in (("/api/places/search?limit=0", 400), ("/api/places/nowhere", 404)):
        wrong = await kaga.client.get(path)
        assert wrong.status_code == status
        assert wrong.headers["content-type"] == "application/problem+json"
    described = (await kaga.client.get("/api/places/openapi.json")).json()
    assert "/search" in described["paths"]


async def test_who_subscribed_is_told_also_of_what_happened_while_it_was_away(tmp_path: Path) -> None:
    heard: list[Any] = []
    there = True

    async def receive(request: web.Request) -> web.Response:
        if not there:
            return web.Response(status=503)
        heard.extend((await request.json())["data"])
        return web.Response()

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/"

    async with serving(tmp_path / "data", open=True) as one:
        subscription = {
            "type": "Subscription",
            "entities": [{"type": "Town"}],
            "notification": {"endpoint": {"uri": address}},
        }
        made = await one.client.post("/ngsi-ld/v1/subscriptions", json=subscription)
        assert made.status_code == 201
        await one.client.post("/ngsi-ld/v1/entities", json=town("urn:x:1"))
        await until(lambda: len(heard) == 1)
        there = False
        await one.client.post("/ngsi-ld/v1/entities", json=town("urn:x:2"))
    there = True
    async with serving(tmp_path / "data", open=True):
        await until(lambda: "urn:x:2" in {entity["id"] for entity in heard})
    await runner.cleanup()


def town(id: str) -> dict[str, Any]:
    return {"id": id, "type": "Town", "n": {"type": "Property", "value": 1}}


async def until(condition: Any) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came true")


async def test_a_city_whose_folder_is_not_in_order_is_named_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "city").mkdir()
    (tmp_path / "city" / "city.toml").write_text("id = 'x'")
    with pytest.raises(Exception, match=r"city\.toml|context"):
        async with serving(tmp_path / "data", city=tmp_path / "city"):
            pass


async def test_a_broker_is_called_what_its_operator_says_else_by_a_name_that_it_keeps(tmp_path: Path) -> None:
    async def alias(**settings: Any) -> str:
        async with serving(tmp_path / "data", open=True, **settings) as one:
            identity = (await one.client.get("/ngsi-ld/v1/info/sourceIdentity")).json()
        return str(identity["contextSourceAlias"])

    own = await alias()
    assert own.startswith("kitamae-")
    assert await alias(alias="kaga") == "kaga"
    assert await alias() == own


async def test_one_tidying_that_fails_is_told_and_keeps_no_other_from_being_done(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    city, done = served.kitamae.city, asyncio.Event()

    async def fails() -> int:
        raise RuntimeError("a table is locked")

    async def last(*_: Any) -> None:
        done.set()

    monkeypatch.setattr(city.people, "tidy", fails)
    monkeypatch.setattr(city.broker.snapshots, "tidy", last)
    with structlog.testing.capture_logs() as told:
        tidying = asyncio.create_task(every_hour(city.people.tidy, city.broker.snapshots.tidy))
        await asyncio.wait_for(done.wait(), 5)
        tidying.cancel()
        await asyncio.gather(tidying, return_exceptions=True)
    ((what, level),) = [(one["what"], one["log_level"]) for one in told if "what" in one]
    assert ("fails" in what, level) == (True, "error")


async def test_an_order_that_fails_keeps_neither_old_orders_nor_what_is_past_its_time(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    city, done = served.kitamae.city, []

    async def fails() -> int:
        raise RuntimeError("a record is damaged")

    async def tidied(name: str) -> None:
        done.append(name)

    monkeypatch.setattr(city._rooms.links, "tidy", fails)
    monkeypatch.setattr(city._rooms.orders, "expire", fails)
    monkeypatch.setattr(city._rooms.orders, "tidy", partial(tidied, "orders"))
    monkeypatch.setattr(city._kept, "sweep", partial(tidied, "kept"))
    tidying = asyncio.create_task(every_hour(*city._of_persons()))
    async with asyncio.timeout(5):
        while len(done) < 2:
            await asyncio.sleep(0)
    tidying.cancel()
    await asyncio.gather(tidying, return_exceptions=True)
    assert done == ["orders", "kept"]
