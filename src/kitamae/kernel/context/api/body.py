"""Reading a request's body: bounded, strict, and never more than one limit's worth of it in memory."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.people import mynumber
from kitamae.kernel.problems import BadRequest, InvalidRequest, LengthRequired, TooLarge
from kitamae.kernel.turns import LARGE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from kitamae.kernel.context.api.routing import Route
    from kitamae.kernel.context.broker import Limits
    from kitamae.kernel.context.entity import Json

    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_LENGTH_DIGITS: Final = 15
DEEPEST: Final = 254
"""Arrays and objects within each other: what orjson writes, and far from what Python's own stack bears."""


class Gone(Exception):
    """The client left before it had sent everything: there is nobody to answer."""


def most(limits: Limits, route: Route) -> int:
    """Bytes of a body: what only asks may be sent by anybody, and so may be less long than what is to be kept."""
    return min(limits.body, limits.question) if route.needs is None else limits.body


def length(header: bytes | None, most: int) -> int:
    """The Content-Length, in bytes. Raises LengthRequired (also for a chunked body), TooLarge."""
    if header is None or not header.isdigit():
        raise LengthRequired
    if len(header) > _LENGTH_DIGITS or int(header) > most:
        raise TooLarge(f"a body of {header.decode()} bytes: at most {most} are read")
    return int(header)


async def read(receive: Receive, expected: int, most: int) -> bytes:
    """All of it. Raises TooLarge when more arrives than was announced or allowed."""
    message = await receive()
    if message["type"] != "http.request":
        raise Gone
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        parts.append(part := message.get("body", b""))
        size += len(part)
        if size > min(expected, most):
            raise TooLarge(f"more than {min(expected, most)} bytes arrived")
    return b"".join(parts)


async def document(body: bytes) -> Json:
    """See `parse`; a large one in two turns of the loop, and without a search for garbage while its parts are made."""
    if len(body) < LARGE:
        return parse(body)
    found = _parsed(body)
    await asyncio.sleep(0)
    _demand_readable(found, body)
    return found


def parse(body: bytes) -> Json:
    """JSON as RFC 8259 has it. Raises InvalidRequest saying where; BadRequest for a character NUL; HoldsMyNumber.

    A repeated member counts as its last one, like in every browser; more than DEEPEST levels are refused, because
    what reads the document goes as deep as it does; a lone surrogate or broken UTF-8 is not JSON. NUL is refused because neither SQL nor a line of a log
    can carry it.
    """
    found = _parsed(body)
    _demand_readable(found, body)
    return found


def _parsed(body: bytes) -> Json:
    if not body or body.isspace():
        raise InvalidRequest("the body is empty: expected a JSON document")
    collecting = gc.isenabled() and len(body) >= LARGE
    if collecting:
        gc.disable()
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as broken:
        raise InvalidRequest(f"the body is not JSON: {str(broken)[:200]}") from None
    finally:
        if collecting:
            gc.enable()


def _demand_readable(document: Json, body: bytes) -> None:
    if body.count(b"{") + body.count(b"[") > DEEPEST:
        _demand_shallow(document)
    mynumber.demand_unlabelled(body, document)
    if b"\\u0000" in body and _has_nul(document):
        raise BadRequest("the body holds the character NUL (\\u0000), which no value can carry")


def _demand_shallow(document: Json) -> None:
    try:
        orjson.dumps(document)
    except orjson.JSONEncodeError:
        raise BadRequest(f"the body has more than {DEEPEST} arrays and objects within each other") from None


def _has_nul(value: Json) -> bool:
    match value:
        case str():
            return "\0" in value
        case list():
            return any(map(_has_nul, value))
        case dict():
            return any("\0" in name or _has_nul(member) for name, member in value.items())
        case _:
            return False
