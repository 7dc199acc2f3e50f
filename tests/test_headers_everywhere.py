"""No answer leaves without its headers, whatever the address, and no page carries a script or a style of its own."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from serving import SAME, Served, serving

KAGA = Path(__file__).resolve().parent.parent / "cities" / "kaga"
OTHERS = ("/static/kitamae.css", "/static/kitamae.js", "/static/kitamae.svg", "/openapi.json", "/nowhere", "/entity/nobody", "/ledger/checkpoint", "/metrics")  # fmt: skip
DRAWN = ("text/html", "image/svg")


async def every_address(served: Served) -> list[tuple[str, str]]:
    paths = (await served.client.get("/openapi.json")).json()["paths"]
    described = [
        (method, re.sub(r"{[^}]*}", "urn:x:1", path)) for path, methods in paths.items() for method in methods
    ]
    return described + [("get", path) for path in OTHERS]


async def asked(served: Served, method: str, address: str, headers: dict[str, str]) -> httpx2.Response:
    """What is answered within a while: a stream of events has no end."""
    sent: list[Any] = []
    told = False

    async def receive() -> dict[str, Any]:
        nonlocal told
        if not told:
            told = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    path, _, query = address.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method.upper(), "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(b"host", b"127.0.0.1:8080"), *((name.lower().encode(), value.encode()) for name, value in headers.items())],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8080), "state": {},
    }  # fmt: skip
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1 if path.endswith("events") else 20):
            await served.kitamae(scope, receive, send)
    start = next(one for one in sent if one["type"] == "http.response.start")
    body = b"".join(one.get("body", b"") for one in sent[1:])
    headers_sent = [(name, value) for name, value in start["headers"] if name.lower() != b"content-encoding"]
    return httpx2.Response(start["status"], headers=headers_sent, content=body)


def lacking(answer: Any) -> list[str]:
    """What this answer should say and does not."""
    headers, kind = answer.headers, answer.headers.get("content-type", "")
    rules = headers.get("content-security-policy", "")
    found = [] if headers.get("x-content-type-options") == "nosniff" else ["nosniff"]
    found += (
        []
        if headers.get("strict-transport-security") == "max-age=31536000"
        else ["strict-transport-security"]
    )
    found += [] if headers.get("x-request-id") else ["x-request-id"]
    if kind.startswith(DRAWN):
        parts = dict(part.strip().partition(" ")[::2] for part in rules.split(";"))
        found += [
            name
            for name in (
                "default-src",
                "script-src",
                "style-src",
                "base-uri",
                "form-action",
                "frame-ancestors",
            )
            if name not in parts
        ]
        found += [word for word in ("unsafe", "http:", "https:", "*") if word in rules]
        found += [
            name
            for name in ("referrer-policy", "permissions-policy", "cross-origin-opener-policy")
            if name not in headers
        ]
    elif kind.startswith(
        (
            "application/json",
            "application/ld+json",
            "application/geo+json",
            "application/problem+json",
            "text/plain",
        )
    ):
        found += (
            []
            if "default-src 'none'" in rules and "frame-ancestors 'none'" in rules
            else ["content-security-policy"]
        )
    for cookie in headers.get_list("set-cookie"):
        found += [flag for flag in ("HttpOnly", "Secure", "SameSite") if flag.lower() not in cookie.lower()]
    if kind.startswith("text/html"):
        page = answer.text
        found += re.findall(
            r"<script(?![^>]*\bsrc=)[^>]*>(?!\s*</script>)|\son[a-z]+=\"|\sstyle=\"|<style\b|javascript:",
            page,
        )
    return found


@pytest.mark.parametrize("wants", ["text/html", "application/json"])
async def test_every_answer_of_every_address_carries_its_headers(tmp_path: Path, wants: str) -> None:
    async with serving(
        tmp_path / "data", city=KAGA, public_url="https://city.example.jp", demo_residents=True
    ) as served:
        await served.loaded()
        wrong: dict[str, list[str]] = {}
        kinds = set()
        addresses = await every_address(served)
        for method, address in addresses:
            headers = {**SAME, "accept": wants}
            answer = await asked(served, method, address, headers)
            kinds.add(answer.headers.get("content-type", "").partition(";")[0])
            if missing := lacking(answer):
                wrong[f"{method} {address}"] = missing
    assert len(addresses) > 100
    assert {"text/html", "application/problem+json"} & kinds
    assert wrong == {}
