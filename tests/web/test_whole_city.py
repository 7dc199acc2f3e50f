"""The shell on the real broker: every link leads somewhere, and what clients write can be read by people."""

from __future__ import annotations

import asyncio
import html
import re
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from kitamae.app import Kitamae
from kitamae.directory.lock import Lock
from kitamae.settings import Settings

KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"
A_FEW = 4
"""Pages of one kind that are followed: sixty shelters have the same links."""


@asynccontextmanager
async def city(data, **chosen):
    with Lock(data) as lock:
        kitamae = Kitamae(Settings.chosen(data=data, **chosen), lock)
        async with kitamae.running():
            while kitamae.city.loading:
                await asyncio.sleep(0.02)
            transport = httpx2.ASGITransport(app=kitamae, client=("127.0.0.1", 1))
            async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
                client.headers["accept"] = "text/html, */*"
                yield client


async def test_every_link_of_every_page_leads_somewhere(tmp_path):
    broken, seen, per_kind, posted = {}, set(), Counter(), set()
    async with city(tmp_path / "data", city=KAGA) as client:
        waiting = ["/"]
        while waiting:
            address = waiting.pop(0)
            kind = re.sub(r"urn(:|%3A)[^/?]*", "urn", urlsplit(address).path)
            if address in seen or per_kind[kind] == A_FEW or address.endswith("/events"):
                continue
            seen.add(address)
            per_kind[kind] += 1
            answer = await client.get(address, follow_redirects=True)
            if answer.status_code == 405 and address in posted:
                continue  # it is there, for those who send the form
            if answer.status_code != 200:
                broken[address] = answer.status_code
            elif answer.headers["content-type"].startswith("text/html"):
                waiting += map(html.unescape, re.findall(r'(?:href|src|action)="(/[^"#]+)', answer.text))
                posted.update(re.findall(r'<form action="(/[^"#]+)" method="post"', answer.text))
    assert broken == {}
    assert {"/map", "/places", "/rivers", "/data", "/accessibility", "/sign-in", "/entity/urn"} <= set(
        per_kind
    )
    assert len(seen) > 80


async def test_counts_on_the_home_page_are_those_of_the_source(tmp_path):
    async with city(tmp_path / "data", city=KAGA) as client:
        page = (await client.get("/")).text
        listed = (await client.get("/map")).text
    for kind, count in (("EvacuationShelter", 62), ("EvacuationSite", 53), ("PublicToilet", 17)):
        assert re.search(rf'href="/kind/{kind}".*?<p class="count">{count}件', page, re.DOTALL)
    assert listed.count('<li class="place"') == 62 + 53 + 17 + 7 + 3 + 4
    assert listed.count("どの災害のときに使えるか分かっていません") == 29


async def test_an_empty_broker_welcomes_and_shows_what_strangers_write_with_any_id_and_type(tmp_path):
    things = [
        {"id": "urn:x:a/b?c=1%20#d", "type": "https://example.org/ns/Thing#One", "https://example.org/ns/a/b": {"type": "Property", "value": 1}},
        {"id": "https://example.org/things/1", "type": "Hut", "name": {"type": "Property", "value": "<b>小屋</b>"}},
    ]  # fmt: skip
    async with city(tmp_path / "data", open=True) as client:
        assert "まだデータがありません" in (await client.get("/")).text
        for thing in things:
            assert (await client.post("/ngsi-ld/v1/entities", json=thing)).status_code == 201
        page = (await client.get("/data")).text
        kinds = [html.unescape(link) for link in re.findall(r'href="(/kind/[^"]+)"', page)]
        assert len(kinds) == 2
        for link in kinds:
            listed = await client.get(link)
            assert listed.status_code == 200
            [entity] = re.findall(r'<h2><a href="(/entity/[^"]+)"', listed.text)
            shown = await client.get(html.unescape(entity))
            assert shown.status_code == 200
            assert "<b>小屋" not in shown.text
