"""`/staff/feeds` in a real browser: what arrives, what was not taken, in five languages, on a phone and a desk, with and without script."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from bulletins import jma
from jma_standin import atom
from served_city import servers

from bare_kaga import bare
from browser.people import anybody, by_link
from browser.seen import in_order

NOW = datetime.now(UTC)
AREA = b"</Area></Item>"
STRANGE = "</Area><Area><Name>加賀市</Name><Code>1720688</Code></Area></Item>".encode()


@pytest.fixture
def agency() -> Iterator[str]:
    """A stand-in of 気象庁's server on loopback: one message that is none, one of a code that the city does not know, one of both."""
    at = NOW.isoformat(timespec="seconds")
    messages = {
        "broken.xml": b"<Report>",
        "ended.xml": jma(("大雨警報", "03", "発表"), at=at, area=("加賀市", "1720699")),
        "both.xml": jma(("雷注意報", "14", "発表"), at=at).replace(AREA, STRANGE),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            listed = [(one, "金沢地方気象台", NOW) for one in messages] if name.startswith("extra") else []
            feed = atom(f"http://{self.headers['Host']}/feed", listed, NOW)
            body = feed if self.path.startswith("/feed/") else messages[name]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/feed"
    server.shutdown()
    server.server_close()


def test_the_page_of_feeds_is_in_order_in_every_language_and_size(chromium, agency, tmp_path, monkeypatch):
    monkeypatch.setenv("KITAMAE_JMA", agency)
    monkeypatch.setenv("KITAMAE_DELIVER_TO", "127.0.0.0/8")
    with servers() as start:
        town = start("--city", str(bare(tmp_path / "city")), data=tmp_path / "data")
        desk = by_link(anybody(chromium), town.link)
        desk.get_by_role("link", name="気象庁からの電文の受信").click()
        for _ in range(50):
            if "電文として読めませんでした" in desk.inner_text("main"):
                break
            desk.wait_for_timeout(200)
            desk.reload()
        shown = desk.inner_text("main")
        assert "市の地域が、市の設定にない番号で書かれています" in shown
        assert "加賀市 (1720699" in shown
        assert "加賀市 (1720688" in shown
        assert "取り戻しています" in shown, "its long feed is older than the start"
        in_order(desk, town.address, ("/staff/feeds",), "feeds")
