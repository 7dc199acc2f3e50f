"""What the worker keeps, against a server of ours that stands in for a city: one that is slow, and one that was released anew."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from browser.test_outlives import CONTROLLED, until
from kitamae.web import worker

GROUND = "/map/basemap.pmtiles"
WHOLE = b"PMTiles" + bytes(1_000)
BEFORE_IT = """async () => {
  for (const [name, addresses] of [["kept-first", ["/old", "/static/a.css?v=1", "/static/a.css?v=2", "/static/lone.js?v=1"]],
    ["kept-second", ["/page?lang=en", "/static/a.css?v=3", "/static/named.css?v=1", "/static/named.css?v=2"]]]) {
    const cache = await caches.open(name);
    for (const one of addresses) await cache.put(one, new Response(one.startsWith("/page") ? '<link href="/static/named.css?v=1">' : one));
  }
}"""
KEPT = """async () => {
  const all = [];
  for (const name of await caches.keys())
    for (const one of await (await caches.open(name)).keys()) all.push(`${new URL(one.url).pathname}${new URL(one.url).search}`);
  return all.sort();
}"""


class City:
    """`slow`: seconds from the head of a part of the map's ground to its body. `asked`: how often for the whole of it, and for parts."""

    def __init__(self) -> None:
        self.slow, self.asked, self.drawing = 0.0, Counter[str](), "/static/a.css?v=4"
        city = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                city.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        part = "Range" in to.headers
        kind, body = "text/html", b""
        if to.path == "/sw.js":
            shell: Any = SimpleNamespace(worker=True, kept={"/page": SimpleNamespace(outside=True)})
            kind, body = "text/javascript", worker.text(shell).encode()
        elif to.path == "/page":
            body = f'<link href="{self.drawing}">'.encode()
        elif to.path == "/begin":
            body = b"<h1>begin"
        elif to.path == GROUND:
            body = WHOLE[:7] if part else WHOLE
            self.asked["part" if part else "whole"] += 1
        to.send_response(206 if part else 200)
        to.send_header("Content-Type", kind)
        to.send_header("ETag", '"x"')
        to.send_header("Content-Length", str(len(body)))
        to.end_headers()
        to.wfile.flush()
        if to.path == GROUND:
            time.sleep(self.slow)
        to.wfile.write(body)


@pytest.fixture
def city() -> Iterator[City]:
    made = City()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def page(chromium, city):
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{city.address}/begin")
    yield page
    context.close()


def works(page) -> None:
    page.evaluate("navigator.serviceWorker.register('/sw.js')")
    until(page, CONTROLLED)


def test_a_part_of_the_map_that_comes_slowly_comes_whole_and_the_whole_is_fetched_once(city, page):
    works(page)
    city.slow = 2.6
    parts = page.evaluate(
        "async (at) => Promise.all([1, 2, 3, 4].map(async () => (await fetch(at, {headers: {Range: 'bytes=0-6'}})).text()))",
        GROUND,
    )
    assert parts == ["PMTiles"] * 4
    until(page, f"async () => (await caches.match('{GROUND}')) !== undefined")
    assert city.asked == {"part": 4, "whole": 1}


def test_of_what_a_former_release_kept_what_nothing_needs_any_more_goes(city, page):
    page.evaluate(BEFORE_IT)
    works(page)
    until(page, "async () => (await caches.keys()).length === 1")
    kept = ["/page", "/page?lang=en", "/static/a.css?v=4", "/static/lone.js?v=1", "/static/named.css?v=1"]
    assert page.evaluate(KEPT) == kept
    city.drawing = "/static/a.css?v=5"
    page.goto(f"{city.address}/page")
    page.goto(f"{city.address}/begin")
    page.evaluate("fetch('/static/a.css?v=6').then((one) => one.text())")
    until(page, f"async () => !(await ({KEPT})()).includes('/static/a.css?v=4')")
    assert [one for one in page.evaluate(KEPT) if "a.css" in one] == [
        "/static/a.css?v=5",
        "/static/a.css?v=6",
    ]
