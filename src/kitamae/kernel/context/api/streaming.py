"""All that a query selects, a line of JSON each (`Accept: application/x-ndjson`), however much: for whoever takes it all.

Nothing of it is kept: the store gives some hundred entities at a time, and is asked for more when the client has taken
those. The specification's own way, page by page, looks for every page anew.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import orjson

from kitamae.kernel.context import linked
from kitamae.kernel.context.api import distributed, negotiation, selection
from kitamae.kernel.context.api.answer import Answer
from kitamae.kernel.context.operations import expiry
from kitamae.kernel.problems import BadRequest, Problem, Unprocessable
from kitamae.kernel.turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.api.views import View
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.store import Row

_PAGED: Final = ("count", "entityMap", "join", "limit", "offset", "orderBy")
_TOGETHER: Final = 65_536
"""Bytes of lines that are handed over at once."""


async def query(x: Exchange, request: Request) -> Answer:
    """GET entities as lines, in the order of creation; what changes meanwhile is seen either way.

    Raises BadRequest for parameters of pages, Unprocessable where other sources would have to be asked.
    """
    if given := [name for name in _PAGED if name in request.params]:
        raise BadRequest(
            f"{', '.join(given)}: lines are given all, in the order of creation, without what they lead to"
        )
    wanted = selection.entities(request)
    request.demand_types("read", selection.types_of(wanted))
    if distributed.of_query(x, request, wanted):
        raise Unprocessable("lines are of what is here: add local=true, or ask page by page")
    view = x.application.views.asked(request, negotiation.JSON, x.headers.get(b"prefer"))
    if linked.depth(view.level.pick) or linked.depth(view.level.omit):
        raise BadRequest("pick and omit: lines do not follow relationships")
    headers = [
        (b"content-type", negotiation.ND_JSON.encode("ascii")),
        *view.headers[1:],
        *x.echo(request.tenant),
    ]
    if x.scope["method"] == "HEAD":
        return Answer(200, b"", headers)
    lines = _lines(request, view, request.broker.store.stream(wanted))
    first = await anext(lines, b"")  # what goes wrong at once is still an answer
    return Answer(200, _then(x, first, lines), headers)


async def _lines(request: Request, view: View, rows: AsyncIterator[Row]) -> AsyncGenerator[bytes]:
    turns = Turns()
    allowed: dict[tuple[str, ...], bool] = {}
    gathered: list[bytes] = []
    size = 0
    async for row in rows:
        await turns.next()
        entity = expiry.alive(orjson.loads(row.doc), request.broker.clock())
        if entity is None:
            continue
        types = tuple(entity["type"])
        if types not in allowed:
            allowed[types] = _may_read(request, types)
        if allowed[types] and (text := view.show(entity)):
            gathered += (text, b"\n")
            size += len(text)
        if size >= _TOGETHER:
            yield b"".join(gathered)
            gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)


def _may_read(request: Request, types: tuple[str, ...]) -> bool:
    try:
        request.demand_types("read", types)
    except Problem:
        return False
    return True


async def _then(x: Exchange, first: bytes, rest: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    """Until all is given, or nobody takes it any more."""
    gone = asyncio.create_task(_gone(x))
    try:
        yield first
        async for part in rest:
            if gone.done():
                break
            yield part
    finally:
        gone.cancel()
        await rest.aclose()


async def _gone(x: Exchange) -> None:
    while (await x.receive())["type"] != "http.disconnect":
        pass
