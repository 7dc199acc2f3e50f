"""The situation page in a real browser: the nearest safe shelter, its sheet, the wall, its weight; and gauges that are in danger and in doubt."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from served_city import servers

from browser.keyboard import pressed, typed
from browser.people import anybody
from browser.seen import LANGUAGES, PHONE, draw, invalid, read_strictly, sideways, wrong
from browser.town import free_port

KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"
KINMEI, SHIOYA = (f"urn:ngsi-ld:EvacuationShelter:172065:E17206000{n}111" for n in ("02", "01"))
GAUGE = "urn:ngsi-ld:RiverGauge:172065:1700000063"
NEAR = "/disaster?near=塩屋町"
HERE = {"longitude": 136.25302, "latitude": 36.29467}
"""At 塩屋地区会館."""
TURN = 12_500
"""Milliseconds after which the wall has turned."""


def said(at, **values):
    return {name: {"type": "Property", "value": one, "observedAt": at} for name, one in values.items()}


def ago(**past):
    return (datetime.now(UTC) - timedelta(**past)).isoformat(timespec="seconds").replace("+00:00", "Z")


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Kaga with a warning of rain, two open shelters and a gauge that rose into danger and then said what cannot be."""
    with servers() as start:
        city = start("--city", str(KAGA), "--open", data=tmp_path_factory.mktemp("town") / "data")
        alert = {"id": "urn:ngsi-ld:Alert:17206:rain", "type": "Alert"}
        alert |= said(
            ago(minutes=1), 名称="大雨警報", 警戒レベル=3, 状態="発表中", 有効期限="2126-01-01T00:00:00Z"
        )
        assert city.ask("POST", "/ngsi-ld/v1/entityOperations/upsert", [alert])[0] in (201, 204)
        for _ in range(300):
            if city.ask("GET", f"/ngsi-ld/v1/entities/{GAUGE}")[0] == 200:
                break
            threading.Event().wait(0.2)
        for id in (SHIOYA, KINMEI):
            opened = said(ago(minutes=1), 開設状況="開設", 避難者数=41)
            assert city.ask("PATCH", f"/ngsi-ld/v1/entities/{id}/attrs", opened)[0] == 204
        for minutes, level in ((40, 23.5), (30, 24.2), (20, 24.25), (10, 55.55)):
            read = {"水位": said(ago(minutes=minutes), 水位=level)["水位"] | {"unitCode": "MTR"}}
            assert city.ask("PATCH", f"/ngsi-ld/v1/entities/{GAUGE}/attrs", read)[0] == 204
        yield city


def looked_at(page, town, path, name, languages=LANGUAGES):
    for lang in languages:
        page.goto(f"{town.address}{path}{'&' if '?' in path else '?'}lang={lang}")
        assert wrong(page) == [], (path, lang)
        draw(page, name, lang, page.viewport_size["width"])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_html_validate_finds_nothing_while_it_rains_and_shelters_are_open(town, tmp_path, lang):
    paths = (
        "/disaster",
        NEAR,
        "/disaster/print",
        NEAR.replace("?", "/print?"),
        "/disaster/wall",
        "/congestion",
    )
    assert invalid(tmp_path, town.address, paths, lang) == []


def order(page):
    return page.locator("#open-shelters > li").evaluate_all("all => all.map(({ id }) => id.slice(-5))")


def test_the_nearest_safe_shelter_is_found_without_script_and_by_a_device_that_tells_nobody(chromium, town):
    page = anybody(chromium, PHONE, java_script_enabled=False)
    page.goto(f"{town.address}/disaster?lang=ja")
    typed(page, page.get_by_label("どこから避難しますか"), "しおやまち")
    pressed(page, page.get_by_role("button", name="さがす"))
    page.get_by_text("を先に、近い順です").wait_for()
    assert order(page) == ["02111", "01111"], "designated before near"
    assert page.locator("button[type=button]:visible").count() == 0
    draw(page, "near without script", "ja", PHONE)
    page.goto(f"{town.address}{NEAR}&size=larger&lang=ja")
    assert sideways(page) == 0
    page = anybody(chromium, PHONE, geolocation=HERE, permissions=["geolocation"])
    looked_at(page, town, NEAR, "near")
    for lang in LANGUAGES:
        read_strictly(httpx2.get(f"{town.address}{NEAR}&lang={lang}").text)
    page.goto(f"{town.address}/disaster?lang=ja&size=standard")
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    page.get_by_role("button", name="いまいる場所から近い順にならべる").click()
    page.get_by_text("この機器の外へ送っていません").wait_for()
    assert order(page) == ["02111", "01111"]
    assert page.locator("#open-shelters .way").all_inner_texts()[1].startswith("0 m、")
    assert page.locator("#open-shelters .way").first.inner_text() == "9.5 km、北東の方向。歩いて約240分"
    assert not [url for url in sent if "136." in url or "near=" in url]
    assert wrong(page) == []


def test_the_sheet_is_a4_and_the_wall_turns_stops_and_says_when_it_is_old(chromium, town, tmp_path):
    page = anybody(chromium, PHONE)
    looked_at(page, town, "/disaster/print?near=塩屋町", "print")
    page.goto(f"{town.address}/disaster/print?near=塩屋町&lang=ja")
    page.pdf(path=str(tmp_path / "a4.pdf"), prefer_css_page_size=True)
    assert b"/MediaBox [0 0 594.95996 841.91998]" in (tmp_path / "a4.pdf").read_bytes()
    looked_at(page, town, "/disaster/wall", "wall")
    wall = anybody(chromium, 1280)
    wall.clock.install()
    looked_at(wall, town, "/disaster/wall", "wall", ("ja", "en"))
    wall.goto(f"{town.address}/disaster/wall?lang=ja")
    assert wall.locator(".turned:visible").count() == 1
    assert wall.locator("#what").is_visible()
    wall.clock.fast_forward(TURN)
    assert wall.locator("#sheet-1").is_visible()
    pressed(wall, wall.get_by_role("button", name="止める"))
    assert wall.locator(".turned:visible").count() == 2
    pressed(wall, wall.get_by_role("button", name="動かす"))
    alert = said(ago(seconds=0), 名称="大雨特別警報", 警戒レベル=5)
    assert town.ask("PATCH", "/ngsi-ld/v1/entities/urn:ngsi-ld:Alert:17206:rain/attrs", alert)[0] == 204
    for _ in range(50):
        wall.clock.run_for(30_500)
        wall.wait_for_timeout(100)
        if "警戒レベル5" in wall.locator("main").text_content():
            break
    assert "警戒レベル5" in wall.locator("main").text_content(), "it takes over what is new by itself"
    wall.context.set_offline(True)
    wall.clock.run_for(16 * 60_000)
    assert wall.locator("[data-when-old]").is_visible()
    assert wrong(wall) == []
    calm = anybody(chromium, 1280, reduced_motion="reduce")
    calm.goto(f"{town.address}/disaster/wall?lang=ja")
    assert calm.locator(".turned:visible").count() == 2, "no motion: all of it, one below the other"


@pytest.mark.parametrize("script", [True, False])
def test_a_gauge_in_danger_and_in_doubt_is_readable_on_a_phone(chromium, town, script):
    page = anybody(chromium, PHONE, java_script_enabled=script)
    path = f"/rivers/172065/{GAUGE.rpartition(':')[2]}"
    for _ in range(100):
        page.goto(f"{town.address}{path}?lang=ja")
        if page.get_by_text("この川ではありえない値です").count():
            break
        page.wait_for_timeout(300)
    assert page.get_by_text("55.55 m").count(), "marked, and still there"
    if not script:
        draw(page, "gauge without script", "ja", PHONE)
        assert page.locator("button[type=button]:visible").count() == 0
        assert sideways(page) == 0
        return
    looked_at(page, town, path, "gauge")
    looked_at(page, town, "/rivers", "rivers", ("ja_Hira", "en"))


class Counted(threading.Thread):
    """A way to the city on which every byte to the browser is counted."""

    def __init__(self, to):
        super().__init__(daemon=True)
        self.to, self.bytes, self.listening = to, 0, socket.create_server(("127.0.0.1", free_port()))
        self.address = f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def run(self):
        while True:
            try:
                browser, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.both, args=(browser,), daemon=True).start()

    def both(self, browser):
        with browser, socket.create_connection(self.to) as server:
            back = threading.Thread(target=self.pipe, args=(server, browser, True), daemon=True)
            back.start()
            self.pipe(browser, server, False)
            back.join()

    def pipe(self, one, other, counted):
        with suppress(OSError):
            while some := one.recv(65_536):
                other.sendall(some)
                if counted:
                    self.bytes += len(some)
        for end in (one, other):  # the other direction ends with this one
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def test_the_first_view_is_under_150_kb_with_every_shelter_open(chromium, town):
    all_of_them = json.loads(town.ask("GET", "/ngsi-ld/v1/entities?type=EvacuationShelter&limit=1000")[2])
    opened = [
        {"id": one["id"], "type": one["type"], **said(ago(seconds=0), 開設状況="開設", 避難者数=41)}
        for one in all_of_them
    ]
    assert town.ask("POST", "/ngsi-ld/v1/entityOperations/upsert?options=update", opened)[0] in (201, 204)
    host, _, port = town.address.removeprefix("http://").partition(":")
    way = Counted((host, int(port)))
    way.start()
    page = anybody(chromium, PHONE)
    page.goto(f"{way.address}/disaster", wait_until="networkidle")
    for _ in range(100):
        if page.evaluate("async () => (await caches.match('/disaster', {ignoreSearch: true})) !== undefined"):
            break
        page.wait_for_timeout(100)
    page.wait_for_timeout(1_000)
    assert page.locator("#open-shelters > li").count() == len(all_of_them) == 62
    print(f"first view, 62 open shelters, with headers and what the worker keeps: {way.bytes} bytes")
    assert 20_000 < way.bytes < 150_000
    page.context.close()
    way.listening.shutdown(socket.SHUT_RDWR)  # closing alone does not wake who accepts
    way.join(10)
    way.listening.close()
