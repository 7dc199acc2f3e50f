"""A stand-in of the server where 気象庁 publishes its feeds, on this machine alone; it says in every answer that it is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from aiohttp import web

Listed = tuple[str, str, datetime]
"""(name of the message's file, the office that publishes it, when)"""


class StandIn:
    """`files`: what it has, by name; `away`: it answers nothing but 503; `ended`: what it says is gone for good (410); `asked`: how often each was asked for, and with what answer."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.away = False
        self.ended: set[str] = set()
        self.asked: Counter[tuple[str, int]] = Counter()
        self.forms: list[dict[str, str]] = []
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def feed(self) -> str:
        return f"http://127.0.0.1:{self.port}/feed"

    @property
    def hub(self) -> str:
        return f"http://127.0.0.1:{self.port}/hub"

    def lists(self, name: str, entries: Iterable[Listed], *, written: datetime | None = None) -> None:
        """A feed, as 気象庁 writes it; `written`: its own time."""
        self.files[name] = atom(self.feed, entries, written)

    async def __aenter__(self) -> StandIn:
        app = web.Application()
        app.router.add_get("/{folder}/{name}", self._get)
        app.router.add_post("/hub", self._post)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _get(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        content = self.files.get(name)
        tag = f'"{hash(content):x}"'
        if self.away:
            status = 503
        elif name in self.ended:
            status = 410
        elif content is None:
            status = 404
        else:
            status = 304 if request.headers.get("If-None-Match") == tag else 200
        self.asked[name, status] += 1
        headers = {"Server": "stand-in of data.jma.go.jp, for tests"} | (
            {"ETag": tag} if status in (200, 304) else {}
        )
        return web.Response(status=status, body=content if status == 200 else None, headers=headers)

    async def _post(self, request: web.Request) -> web.Response:
        self.forms.append({name: str(value) for name, value in (await request.post()).items()})
        return web.Response(status=202)


def atom(feed: str, entries: Iterable[Listed], written: datetime | None = None) -> bytes:
    """A feed (RFC 4287) of messages that lie at `feed`/../data/."""
    data = feed.rpartition("/")[0] + "/data"
    found = "".join(
        f"<entry><title>気象特別警報・警報・注意報</title><id>{data}/{escape(name)}</id><updated>{_text(at)}</updated>"
        f"<author><name>{escape(office)}</name></author>"
        f'<link type="application/xml" href="{data}/{escape(name)}"/><content type="text">【見出し】</content></entry>'
        for name, office, at in entries
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" lang="ja">'
        f"<title>高頻度（随時）</title><updated>{_text(written or datetime.now(UTC))}</updated><id>{feed}#1</id>{found}</feed>"
    ).encode()


def _text(at: datetime) -> str:
    return (at.astimezone(UTC) + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M:%S+09:00")
