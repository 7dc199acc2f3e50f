"""The disaster page in a real browser when the server is gone, when it is slow, and after a worker with a mistake in it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Error
from served_city import Served, servers

from browser.seen import violations, wrong
from browser.town import free_port

KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"
BROKEN = """
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => event.respondWith(new Response("<h1>broken", {headers: {"Content-Type": "text/html"}})));
"""
SHELTER = "urn:ngsi-ld:EvacuationShelter:172065:E1720600002111"
CONTROLLED = "navigator.serviceWorker.controller !== null"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Served, int]]:
    """A city with a warning in force and one open shelter, and its port."""
    port = free_port()
    with servers() as start:
        city = start("--city", str(KAGA), "--open", "--port", str(port), data=tmp_path / "data")
        warn(city)
        yield city, port


def warn(city: Served) -> None:
    at = (
        datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    )  # a count that is a day old is not known any more

    def said(**values: object) -> dict[str, object]:
        return {name: {"type": "Property", "value": one, "observedAt": at} for name, one in values.items()}

    alert = {"id": "urn:ngsi-ld:Alert:17206:rain", "type": "Alert"} | said(
        名称="大雨警報", 警戒レベル=3, 状態="発表中", 有効期限="2126-01-01T00:00:00Z"
    )
    assert city.ask("POST", "/ngsi-ld/v1/entityOperations/upsert", [alert])[0] in (201, 204)
    opened = said(開設状況="開設", 避難者数=41)
    for _ in range(100):
        if (got := city.ask("PATCH", f"/ngsi-ld/v1/entities/{SHELTER}/attrs", opened)[0]) != 404:
            break
        threading.Event().wait(0.2)
    assert got == 204
    for _ in range(300):
        if (
            b'count">41' in city.ask("GET", "/snapshot/disaster.html")[2]
            and "41人" in city.ask("GET", "/disaster")[2].decode()
        ):
            return  # the pages are drawn at most once a second
        threading.Event().wait(0.1)
    raise AssertionError("the pages never showed the count")


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One that is only read."""
    with servers() as start:
        city = start("--city", str(KAGA), "--open", data=tmp_path_factory.mktemp("standing") / "data")
        warn(city)
        yield city


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 320, "height": 800}, locale="ja-JP")
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


def until(page, expression: str) -> None:
    """The page's own policy lets nothing be evaluated in it again and again: asked from here. It may be loaded anew meanwhile."""
    for _ in range(300):
        with suppress(Error):
            if page.evaluate(expression):
                return
        page.wait_for_timeout(100)
    raise AssertionError(f"never: {expression}")


def look_for_a_new_worker(page) -> None:
    """A browser does so by itself a moment after a visit, and each visit begins that moment anew: it is asked to do so now."""
    with suppress(Error):  # the page goes while it is asked, when the new worker takes over
        page.evaluate(
            "async () => { for (const one of await navigator.serviceWorker.getRegistrations()) one.update().catch(() => 0) }"
        )


def kept(page, city: Served):
    """Open the page and wait until the browser has it."""
    page.goto(f"{city.address}/disaster")
    until(page, CONTROLLED)
    until(page, "async () => (await caches.match('/disaster', {ignoreSearch: true})) !== undefined")
    page.reload()
    assert "41人" in page.inner_text("main")


def test_with_the_server_killed_a_reload_shows_the_warning_and_the_shelters_with_their_time(place, page):
    city, _ = place
    kept(page, city)
    city.kill()
    page.reload()
    shown = page.inner_text("main")
    assert "大雨警報" in shown
    assert "41人" in shown
    assert "時点" in page.inner_text(".asof")
    assert not page.evaluate("document.querySelector('.asof').classList.contains('old')")
    assert page.evaluate("getComputedStyle(document.body).fontFamily").startswith('"Noto Sans JP"'), (
        "its look"
    )
    assert violations(page) == []
    page.goto(f"{city.address}/disaster?lang=en")
    assert "大雨警報" in page.inner_text("main"), "in the language that is there, rather than not at all"


def test_what_is_older_than_fifteen_minutes_turns_red_and_says_so(standing, page):
    page.clock.install()
    page.goto(f"{standing.address}/disaster")
    assert not page.is_visible("[data-when-old]")
    page.clock.fast_forward("16:00")
    assert page.is_visible("[data-when-old]")
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.asof')).backgroundColor") == "rgb(169, 0, 0)"
    )
    assert violations(page) == []


def test_with_the_server_killed_the_map_opens_with_its_ground(map_library, place, page):
    city, _ = place
    kept(page, city)
    page.click(".island button")
    page.wait_for_selector(".island[data-opened]")
    until(page, "async () => (await caches.match('/map/basemap.pmtiles')) !== undefined")
    city.kill()
    page.reload()
    page.click(".island button")
    page.wait_for_selector(".island[data-opened]")
    assert page.locator(".map .pin").count() == 1
    whole = "async () => (await fetch('/map/basemap.pmtiles', {headers: {Range: 'bytes=0-6'}})).text()"
    assert page.evaluate(whole) == "PMTiles"


def test_a_server_that_answers_too_late_is_not_waited_for(place, page):
    city, port = place
    kept(page, city)
    city.kill()
    with answering(port, {}, seconds=30):
        page.reload()
        assert "大雨警報" in page.inner_text("main")


def test_a_broken_release_of_the_worker_is_recovered_from(tmp_path, page):
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    register = b"<script>navigator.serviceWorker.register('/sw.js', {updateViaCache: 'none'})</script>"
    with answering(
        port, {"/sw.js": ("text/javascript", BROKEN.encode()), "/disaster": ("text/html", register)}
    ):
        page.goto(f"{address}/disaster")
        until(page, CONTROLLED)
        page.reload()
        assert page.inner_text("h1") == "broken"
    with servers() as start:
        start("--city", str(KAGA), "--port", str(port), data=tmp_path / "data")
        for _ in range(20):
            page.goto(f"{address}/disaster")
            if page.inner_text("h1") == "災害の情報":
                break
            look_for_a_new_worker(page)
            page.wait_for_timeout(500)
        assert page.inner_text("h1") == "災害の情報"


def test_switched_off_it_goes_from_every_browser_with_all_that_it_kept(place, page, tmp_path, monkeypatch):
    city, port = place
    kept(page, city)
    city.stop()
    monkeypatch.setenv("KITAMAE_WORKER", "false")
    with servers() as start:
        start("--city", str(KAGA), "--open", "--port", str(port), data=tmp_path / "data")
        page.goto(f"{city.address}/places")
        look_for_a_new_worker(page)
        until(
            page,
            "async () => (await navigator.serviceWorker.getRegistrations()).length + (await caches.keys()).length === 0",
        )


def test_nothing_that_was_drawn_for_one_person_is_kept(standing, page):
    city = standing
    kept(page, city)
    page.goto(f"{city.address}/my")
    page.goto(f"{city.address}/disaster?from=elsewhere")
    names = page.evaluate(
        "async () => { const all = []; for (const name of await caches.keys())"
        " for (const one of await (await caches.open(name)).keys()) all.push(new URL(one.url).pathname); return all }"
    )
    assert {one for one in names if not one.startswith("/static/")} == {"/disaster"}, json.dumps(names)
    queries = page.evaluate("async () => (await caches.match('/disaster?from=elsewhere')) === undefined")
    assert queries, "an address that another reader would not have"


@contextmanager
def answering(port: int, answers: dict[str, tuple[str, bytes]], seconds: float = 0) -> Iterator[None]:
    """A server on a port: these answers, or none for `seconds`."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            over.wait(seconds)
            kind, body = answers.get(self.path, ("text/plain", b""))
            self.send_response(200 if self.path in answers else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        over.set()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "name",
    [
        "disaster.html",
        "disaster.ja-Hira.html",
        "disaster.en.html",
        "disaster.zh-Hans.html",
        "disaster.ko.html",
    ],
)
def test_the_plain_copy_is_in_order_on_a_phone_and_turns_red_by_itself(standing, page, name):
    page.clock.install()
    page.goto(f"{standing.address}/snapshot/{name}")
    assert "41" in page.inner_text("main")
    assert wrong(page) == []
    assert not page.is_visible("[data-when-old]")
    page.clock.fast_forward("16:00")
    assert page.is_visible("[data-when-old]")
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.asof')).backgroundColor") == "rgb(169, 0, 0)"
    )
