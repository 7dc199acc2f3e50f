"""The one place that turns a Problem into an answer: problem+json for programs, a page for readers."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import orjson

from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Headers = list[tuple[bytes, bytes]]
    ErrorPage = Callable[[Mapping[str, Any], Problem, str], bytes]


def answer(
    scope: Mapping[str, Any], problem: Problem, request: str, page: ErrorPage
) -> tuple[int, Headers, bytes]:
    """Status, headers and body. `request` is the number under which the log tells more."""
    headers: Headers = []
    if wants_page(scope):
        headers.append((b"content-type", b"text/html; charset=utf-8"))
        body = page(scope, problem, request)
    else:
        headers.append((b"content-type", b"application/problem+json"))
        body = orjson.dumps({**problem.body(), "instance": f"urn:kitamae:request:{request}"}, default=str)
    headers.append((b"content-length", str(len(body)).encode()))
    headers.append((b"cache-control", b"no-store"))
    if problem.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="kitamae"'))
    if problem.more.get("allow"):
        headers.append((b"allow", str(problem.more["allow"]).encode("latin-1", "replace")))
    if "retryAfter" in problem.more:
        headers.append((b"retry-after", str(problem.more["retryAfter"]).encode()))
    return problem.status, headers, b"" if scope["method"] == "HEAD" else body


def wants_page(scope: Mapping[str, Any]) -> bool:
    """A browser asks for text/html before anything else that we could send; the broker's API never sends pages."""
    if scope["path"].startswith(("/ngsi-ld", "/v2", "/health", "/metrics")):
        return False
    for name, value in scope["headers"]:
        if name == b"accept":
            accepted = value.decode("latin-1").lower()
            places = [
                accepted.find(kind) for kind in ("text/html", "application/json", "application/problem+json")
            ]
            page, *data = (place if place >= 0 else len(accepted) for place in places)
            return page < min(data)
    return False


def plain_page(scope: Mapping[str, Any], problem: Problem, request: str) -> bytes:
    """A page that needs nothing: for when the shell itself cannot be drawn."""
    title, detail = html.escape(problem.title), html.escape(problem.detail)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><h1>{title}</h1><p>{detail}</p>'
        f'<p>{problem.status} · {html.escape(request)}</p><p><a href="/">Kitamae</a></p></html>'
    ).encode()
