"""Purge: delete all that a query selects, or attributes of it (5.6.21, 6.4.3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from kitamae.kernel.context.api import selection
from kitamae.kernel.context.api.batch import Results
from kitamae.kernel.context.api.permission import change_all
from kitamae.kernel.context.operations import Purge
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.api.answer import Answer
    from kitamae.kernel.context.api.exchange import Exchange

_AT_ONCE: Final = 500
"""Entities in one commit."""


async def purge(x: Exchange) -> Answer:
    """DELETE entities; `drop` and `keep` name the attributes that go or stay."""
    request = await x.request()
    wanted = selection.entities(request)
    expand = request.context.expand
    drop, keep = (frozenset(selection.names(request.params, member, expand)) for member in ("drop", "keep"))
    if drop and keep:
        raise BadRequest("drop and keep say opposite things: give one of them")
    operation = Purge(drop, keep)
    found: list[str] = [orjson.loads(row.doc)["id"] async for row in request.broker.store.stream(wanted)]
    results = Results()
    for start in range(0, len(found), _AT_ONCE):
        chunk = found[start : start + _AT_ONCE]
        for id, effect in zip(
            chunk, await change_all(request, [(id, operation) for id in chunk]), strict=True
        ):
            results.add(id, effect)
    return results.answer(x, request)
