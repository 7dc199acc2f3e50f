"""A register to take along: all of it as CSV or JSON, one entry as JSON, its changes as an Atom feed (RFC 4287)."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

import orjson
from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.registers import entry as entries_
from kitamae.web.languages import say
from kitamae.web.registers import source

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from kitamae.kernel.registers import Entry
    from kitamae.web.page import ShellPage
    from kitamae.web.registers.source import Registers

_ATOM: Final = "http://www.w3.org/2005/Atom"
_FEED: Final = 100
_OPEN: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=60",
    "X-Content-Type-Options": "nosniff",
}
_NEVER: Final = ("nonce",)
ElementTree.register_namespace("", _ATOM)


def routes(page: ShellPage, of: Registers, address: str) -> list[BaseRoute]:
    """`/registers/<name>.csv`, `.json`, `.atom`, and `/registers/<name>/<id>.json`."""

    async def as_csv(request: Request) -> Response:
        """A register as CSV (UTF-8 with a mark, as Japanese spreadsheets expect): a line for each entry."""
        name = request.path_params["name"]
        return Response(
            _csv(await source.entries(of, name)), media_type="text/csv", headers=_file(name, "csv")
        )

    async def as_json(request: Request) -> Response:
        """A register as JSON: every entry with its changes."""
        name = request.path_params["name"]
        told = {"register": name, "entries": [entries_.public(one) for one in await source.entries(of, name)]}
        return Response(orjson.dumps(told), media_type="application/json", headers=_OPEN)

    async def entry_as_json(request: Request) -> Response:
        """One entry as JSON. `sha256` of its last change is over the same without `changes`, names in order, no spaces."""
        found = await source.one(of, request.path_params["name"], request.path_params["id"])
        return Response(orjson.dumps(entries_.public(found)), media_type="application/json", headers=_OPEN)

    async def feed(request: Request) -> Response:
        """A register's changes as an Atom feed, newest first."""
        name = request.path_params["name"]
        found = await source.entries(of, name)
        city = say(page.shell.city.name, "ja")
        return Response(_atom(address, name, city, found), media_type="application/atom+xml", headers=_OPEN)

    return [
        Route("/registers/{name}.csv", as_csv, methods=["GET"]),
        Route("/registers/{name}.json", as_json, methods=["GET"]),
        Route("/registers/{name}.atom", feed, methods=["GET"]),
        Route("/registers/{name}/{id}.json", entry_as_json, methods=["GET"]),
    ]


def _file(name: str, ending: str) -> dict[str, str]:
    return {**_OPEN, "Content-Disposition": f'attachment; filename="{name}.{ending}"'}


def _csv(found: list[Entry]) -> bytes:
    names = list(dict.fromkeys(name for one in found for name in one["said"] if name not in _NEVER))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["id", "state", *names, "changed_at"])
    for one in found:
        cells = [_cell(one["said"].get(name, "")) for name in names]
        writer.writerow([one["id"], one["state"], *cells, one["changes"][-1]["at"]])
    return out.getvalue().encode("utf-8-sig")


def _cell(value: Any) -> str:
    """Flat; what a spreadsheet would take for a formula is made a text."""
    if value is None:
        return ""
    if isinstance(value, dict) and isinstance(value.get("ja"), str):
        value = value["ja"]
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = " ".join(value)
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    number = text.removeprefix("-").replace(".", "", 1).isdigit()
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not number else text


def _atom(base: str, name: str, city: str, found: list[Entry]) -> bytes:
    changes = sorted(
        ((made, one) for one in found for made in one["changes"]),
        key=lambda pair: pair[0]["number"],
        reverse=True,
    )[:_FEED]
    here = f"{base}/registers/{name}"
    feed = ElementTree.Element(f"{{{_ATOM}}}feed")
    _add(feed, "id", here)
    _add(feed, "title", f"{city}: {_TITLES[name]}")
    _add(feed, "updated", changes[0][0]["at"] if changes else "1970-01-01T00:00:00Z")
    _add(_add(feed, "author"), "name", city)
    _add(feed, "link", rel="self", href=f"{here}.atom", type="application/atom+xml")
    _add(feed, "link", rel="alternate", href=here, type="text/html")
    for made, one in changes:
        entry = _add(feed, "entry")
        _add(entry, "id", f"{here}/{one['id']}#{made['number']}")
        _add(entry, "title", f"{_title(one)}: {made['what']}")
        _add(entry, "updated", made["at"])
        _add(entry, "link", rel="alternate", href=f"{here}/{one['id']}")
        _add(entry, "content", f"{made['what']} ({made['by']}); SHA-256 {made['sha256']}", type="text")
    body: bytes = ElementTree.tostring(feed, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body


_TITLES: Final = {
    "services": "サービスの登録簿",
    "pias": "個人情報影響評価の登録簿",
    "sensors": "センサー・カメラの登録簿",
    "incidents": "情報の事故の記録",
}


def _title(entry: Entry) -> str:
    name = entry["said"].get("name")
    return name["ja"] if isinstance(name, dict) else str(entry["said"].get("title", entry["id"]))


def _add(parent: ElementTree.Element, tag: str, text: str = "", **attributes: str) -> ElementTree.Element:
    made = ElementTree.SubElement(parent, f"{{{_ATOM}}}{tag}", attributes)
    made.text = "".join(letter for letter in text if letter >= " " or letter in "\t\n") or None
    return made
