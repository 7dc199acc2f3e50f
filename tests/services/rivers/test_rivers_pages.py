"""The rivers' pages over a real store: what is seen, in each language, and what open pages are told."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import html5lib
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from kitamae.adapters.sqlite import store as sqlite
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.observations import Observations
from kitamae.kernel.problems import Problem
from kitamae.sdk.audience import Audience
from kitamae.sdk.changes import Changes
from kitamae.sdk.context import Reading
from kitamae.sdk.manifest import Manifest
from kitamae.sdk.problems import TooManyRequests
from kitamae.sdk.reader import Reader
from kitamae.sdk.room import Room
from kitamae.services.rivers import pages
from kitamae.web.page import ShellPage
from kitamae.web.shell import City, Entry, Shell

FOLDER = Path(pages.__file__).parent
UDANI = "/rivers/172065/1700000063"


def gauge(
    code: str, name: str, level: float | None = None, ago: int = 0, city: str = "172065"
) -> dict[str, Any]:
    thing: dict[str, Any] = {
        "id": f"urn:ngsi-ld:RiverGauge:{city}:{code}",
        "type": "RiverGauge",
        "名称": {"type": "Property", "value": name},
        "観測開始水位": {"type": "Property", "value": 23.04, "unitCode": "MTR"},
        "危険水位": {"type": "Property", "value": 24.09, "unitCode": "MTR"},
        "氾濫開始水位": {"type": "Property", "value": 24.39, "unitCode": "MTR"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.4, 36.3]}},
    }
    if level is not None:
        at = (datetime.now(UTC) - timedelta(minutes=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
        thing["水位"] = {"type": "Property", "value": level, "unitCode": "MTR", "observedAt": at}
    return thing


class Town:
    """Some gauges behind the service's pages."""

    def __init__(self, room: Room, door: Observations, client: httpx2.AsyncClient) -> None:
        self.room, self.door, self.client = room, door, client

    async def hear(self, *entities: dict[str, Any]) -> None:
        assert await self.door.hear(entities) == [""] * len(entities)

    async def page(self, path: str = "/rivers", lang: str = "ja") -> str:
        answer = await self.client.get(path, params={"lang": lang})
        assert answer.status_code == 200, answer.text
        html5lib.HTMLParser(strict=True).parse(answer.text)
        return answer.text


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    store = await sqlite.open(tmp_path / "kitamae.db")
    reader = Reader(store, CORE)
    manifest = Manifest.read(FOLDER / "manifest.toml")
    shell = Shell(
        reader,
        City({"ja": "加賀市", "ja_Hira": "かがし", "en": "Kaga City"}),
        [Entry("/rivers", manifest.name)],
    )
    changes = Changes(CORE.expand)
    store.on_commit(changes.heard)
    room = Room(manifest, None, reader, ShellPage(shell, FOLDER), changes)

    async def problem(_: Request, error: Exception) -> PlainTextResponse:
        assert isinstance(error, Problem)
        return PlainTextResponse(error.detail, error.status)

    app = Starlette(routes=pages.routes(room), exception_handlers={Problem: problem})
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://here") as client:
        yield Town(room, Observations(store, CORE), client)
    await store.close()


async def test_a_gauge_that_never_reported_is_shown_as_unreported_and_never_as_low(town: Town) -> None:
    await town.hear(gauge("1700000063", "宇谷川（宇谷町）"))
    text = await town.page()
    assert "未報告" in text
    assert "まだ報告がありません" in text
    assert "観測をはじめる高さより低い" not in text
    assert "<meter" not in text


async def test_each_state_is_said_in_words_with_the_time_of_the_report(town: Town) -> None:
    await town.hear(
        gauge("1", "一の川", 24.5),
        gauge("2", "二の川", 24.2),
        gauge("3", "三の川", 23.5),
        gauge("4", "四の川", 23.5, ago=90),
    )
    text = await town.page()
    words = [
        "氾濫がはじまる高さをこえています",
        "危険な高さをこえています",
        "水位が上がり、観測しています",
        "いまの水位は分かりません",
    ]
    assert [text.index(word) for word in words] == sorted(text.index(word) for word in words)
    assert text.count("時点") == 4


@pytest.mark.parametrize(
    ("lang", "word"),
    [("ja", "危険な高さ"), ("ja_Hira", "あぶない たかさを こえて"), ("en", "Above the dangerous level")],
)
async def test_the_pages_speak_each_language(town: Town, lang: str, word: str) -> None:
    await town.hear(gauge("1700000063", "宇谷川（宇谷町）", 24.2))
    assert word in await town.page("/rivers", lang)
    assert word in await town.page(UDANI, lang)
    if lang == "en":
        text = re.sub(
            r'<(\w+)[^>]* lang="ja[^"]*"[^>]*>.*?</\1>', "", await town.page("/rivers", "en"), flags=re.DOTALL
        )
        body = text[text.index("<main") : text.index("</main>")]
        assert not re.search(r">[^<]*[ぁ-ん][^<]*<", body), "an English page says nothing in kana but names"


async def test_an_old_level_has_no_bar_that_could_look_calm(town: Town) -> None:
    await town.hear(gauge("1", "一の川", 23.0, ago=31), gauge("2", "二の川", 23.0))
    assert (await town.page()).count("<meter") == 1
    assert "<meter" not in await town.page("/rivers/172065/1")


async def test_history_is_a_chart_and_a_table_with_the_same_values(town: Town) -> None:
    for minute, level in ((30, 23.1), (20, 23.4), (10, 24.2)):
        await town.hear(gauge("1700000063", "宇谷川（宇谷町）", level, ago=minute))
    text = await town.page(UDANI)
    cells = re.findall(r'<td class="n">([\d.]+) m</td>', text)
    assert cells == ["24.20", "23.40", "23.10"]
    drawn = await town.client.get(UDANI + "/chart.svg")
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert "危険水位 24.09" in drawn.text
    spec = pages.levels(
        pages.logic.gauge(gauge("1", "川", 24.2)),
        await town.room.context.history("urn:ngsi-ld:RiverGauge:172065:1700000063", "水位"),
        "ja",
    )
    assert [row["level"] for row in spec["layer"][0]["data"]["values"]] == [23.1, 23.4, 24.2]


async def test_a_line_breaks_where_nothing_was_reported(town: Town) -> None:
    for minute, level in ((300, 23.1), (290, 23.2), (20, 23.4), (10, 23.5)):
        await town.hear(gauge("1", "川", level, ago=minute))
    readings = await town.room.context.history("urn:ngsi-ld:RiverGauge:172065:1", "水位")
    spec = pages.levels(pages.logic.gauge(gauge("1", "川", 23.5)), readings, "en")
    assert [row["part"] for row in spec["layer"][0]["data"]["values"]] == [0, 0, 1, 1]


async def test_what_is_not_believed_is_a_cross_and_no_part_of_the_line(town: Town) -> None:
    readings = [
        Reading(datetime.now(UTC) - timedelta(minutes=minute), level)
        for minute, level in ((20, 23.1), (10, 99.0))
    ]
    spec = pages.levels(pages.logic.gauge(gauge("1", "川", 23.1)), readings, "ja", {readings[1].at})
    assert [row["level"] for row in spec["layer"][0]["data"]["values"]] == [23.1]
    assert spec["layer"][1]["data"]["values"][0]["level"] < 25


async def test_on_a_phone_the_chart_is_as_wide_as_the_phone(town: Town) -> None:
    await town.hear(gauge("1700000063", "宇谷川（宇谷町）", 24.2))
    assert f'srcset="{UDANI}/chart.svg?lang=ja&amp;narrow=1"' in await town.page(UDANI)
    for address, least, most in (("/chart.svg", 600, 800), ("/chart.svg?narrow=1", 240, 320)):
        drawn = (await town.client.get(UDANI + address)).text
        width = re.search(r'<svg[^>]* width="(\d+)', drawn)
        assert width
        assert least < int(width[1]) < most


@pytest.mark.parametrize(("days", "form"), [(1, "%-m/%-d %H:%M"), (30, "%-m/%-d"), (300, "%Y/%-m")])
def test_the_chart_tells_the_time_as_exactly_as_its_span_asks_for(days: int, form: str) -> None:
    now = datetime.now(UTC)
    readings = [Reading(now - timedelta(days=days), 23.1), Reading(now, 23.2)]
    spec = pages.levels(pages.logic.gauge(gauge("1", "川", 23.2)), readings, "ja")
    assert spec["layer"][0]["encoding"]["x"]["axis"]["format"] == form


async def test_a_gauge_without_history_says_so_and_has_no_chart(town: Town) -> None:
    await town.hear(gauge("1700000063", "宇谷川（宇谷町）"))
    assert "記録はまだありません" in await town.page(UDANI)
    assert (await town.client.get(UDANI + "/chart.svg")).status_code == 404


async def test_a_gauge_that_is_not_there_is_not_found(town: Town) -> None:
    assert (await town.client.get("/rivers/172065/9")).status_code == 404
    assert (await town.client.get("/rivers/x/9")).status_code == 404


async def test_no_gauges_at_all_is_said(town: Town) -> None:
    assert "水位計のデータがまだありません" in await town.page()


async def test_an_open_page_is_told_of_a_change_with_the_new_card(town: Town) -> None:
    await town.hear(gauge("1700000063", "宇谷川（宇谷町）", 23.5, ago=10))
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/rivers/events",
        "query_string": b"lang=en",
        "headers": [],
        "scheme": "http",
        "server": ("here", 80),
    }
    audience = Audience()
    stream = pages._stream(town.room, Request(scope), audience)
    assert (await anext(stream)).startswith(b"retry:")
    assert len(audience) == 1
    await town.hear(gauge("1700000063", "宇谷川（宇谷町）", 24.2))
    async with asyncio.timeout(5):
        event = (await anext(stream)).decode()
    name, data = event.strip().split("\n")
    told = json.loads(data.removeprefix("data: "))
    assert name == "event: gauge"
    assert told["id"] == "gauge-172065-1700000063"
    assert f'id="{told["id"]}"' in told["html"]
    assert "Above the dangerous level" in told["html"]
    await stream.aclose()
    assert len(audience) == 0, "a page that is closed is forgotten"


async def test_an_open_page_is_told_when_a_level_has_become_old_though_nothing_was_reported(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await town.hear(gauge("1", "一の川", 24.5), gauge("2", "二の川"))
    monkeypatch.setattr(pages, "TICK", 0.01)
    reader = Request(
        {"type": "http", "method": "GET", "path": "/rivers/events", "query_string": b"", "headers": []}
    )
    async with aclosing(pages._stream(town.room, reader, Audience())) as stream:
        assert (await anext(stream)).startswith(b"retry:")
        later = datetime.now(UTC) + timedelta(minutes=31)
        monkeypatch.setattr(pages, "_now", lambda: later)
        async with asyncio.timeout(5):
            told = ""
            while not told.startswith("event"):
                told = (await anext(stream)).decode()
    assert "gauge-172065-1" in told
    assert "いまの水位は分かりません" in told


async def test_who_leaves_before_the_stream_has_begun_is_not_counted_for_ever(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(_: Room) -> list[Any]:
        raise asyncio.CancelledError

    monkeypatch.setattr(pages, "_gauges", gone)
    audience = Audience()
    with pytest.raises(asyncio.CancelledError):
        await anext(pages._stream(town.room, Request({"type": "http", "headers": []}), audience))
    assert len(audience) == 0


def listener(address: str) -> Request:
    return Request({"type": "http", "headers": [], "client": (address, 1)})


async def test_a_crowd_that_comes_in_one_moment_is_no_more_than_may_listen(town: Town) -> None:
    audience = Audience(most=1)
    with audience.seat(listener("192.0.2.1")):
        stream = pages._stream(town.room, listener("192.0.2.2"), audience)
        async with asyncio.timeout(5):
            assert [part async for part in stream] == [b"retry: 60000\n\n"]
        assert len(audience) == 1


async def test_one_address_does_not_take_every_seat_and_gets_them_back(town: Town) -> None:
    audience = Audience(of_one=2)
    streams = [pages._stream(town.room, listener("2001:db8::" + str(n)), audience) for n in range(3)]
    firsts = [await anext(one) for one in streams]
    assert [first.startswith(b"retry: 5000") for first in firsts] == [True, True, False]
    with pytest.raises(TooManyRequests):
        audience.demand(listener("2001:db8::9"))
    audience.demand(listener("192.0.2.1"))
    for one in streams:
        await one.aclose()
    assert len(audience) == 0
    audience.demand(listener("2001:db8::9"))


@pytest.mark.parametrize("code", ["9" * 5_000, "-1", "%00", "..", "１７"])
async def test_any_number_for_a_municipality_is_only_not_found(town: Town, code: str) -> None:
    for path in (f"/rivers/{code}/1", f"/rivers/{code}/1/chart.svg"):
        assert (await town.client.get(path)).status_code == 404


async def test_a_gauge_that_was_written_oddly_spoils_no_page(town: Town) -> None:
    odd = gauge("2", "二の川", 1e308)
    odd["名称"] = [odd["名称"], {**odd["名称"], "datasetId": "urn:a:1"}]
    odd["危険水位"] = [{"type": "Property", "value": 1, "datasetId": "urn:a:1"}]
    odd["観測開始水位"] = {"type": "Relationship", "object": "urn:a:1"}
    await town.hear(gauge("1", "一の川", 23.5), odd)
    text = await town.page()
    assert "一の川" in text
    assert "二の川" in text
    await town.page("/rivers/172065/2")


@pytest.mark.parametrize(
    "level",
    [
        {"type": "Property", "value": "高い"},
        {"type": "Property", "value": True},
        {"type": "Property", "value": [1.5]},
        {"type": "Property", "value": 1e300},
        {"type": "Property", "value": 1.5, "observedAt": "9999-12-31T23:59:59Z"},
        {"type": "Relationship", "object": "urn:x:1"},
        {"type": "LanguageProperty", "languageMap": {"ja": "高い"}},
        {"type": "VocabProperty", "vocab": "high"},
        {"type": "ListProperty", "valueList": [1.5]},
        {"type": "JsonProperty", "json": {"level": 1.5}},
    ],
)
async def test_what_is_no_level_spoils_neither_the_list_nor_the_history_nor_the_chart(
    town: Town, level: dict[str, Any]
) -> None:
    written = gauge("1700000063", "宇谷川（宇谷町）")
    await town.hear(written | {"水位": {"observedAt": "2026-01-01T00:00:00Z"} | level})
    await town.page()
    assert "記録はまだありません" in await town.page(UDANI)
    assert (await town.client.get(f"{UDANI}/chart.svg")).status_code == 404
    await town.hear(gauge("1700000063", "宇谷川（宇谷町）", 23.5))
    assert "23.50 m" in await town.page(UDANI)
    assert (await town.client.get(f"{UDANI}/chart.svg")).status_code == 200


async def test_the_stream_and_its_files_are_served(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in (("rivers.js", "javascript"), ("rivers.css", "css")):
        answer = await town.client.get(f"/rivers/static/{name}")
        assert kind in answer.headers["content-type"]
    monkeypatch.setattr(Audience, "__len__", lambda _: 500)
    assert (await town.client.get("/rivers/events")).status_code == 503
