"""Snapshots as resources (5.16, 6.36-6.38); the header NGSILD-Snapshot (6.3.22) sends other requests into one.

They are kept, renewed and deleted with the store behind (`x.broker`): what goes is all that is in them, whoever may see what.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from kitamae.kernel.context.api import freezing, negotiation
from kitamae.kernel.context.api.answer import Answer, created
from kitamae.kernel.context.api.asked import segment, uri
from kitamae.kernel.context.api.rendering import in_context
from kitamae.kernel.context.snapshot import model
from kitamae.kernel.problems import BadRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Broker, Request
    from kitamae.kernel.context.snapshot.model import Snapshot

WHAT: Final = "snapshot"
_PATH: Final = "/ngsi-ld/v1/snapshots/"


async def create(x: Exchange) -> Answer:
    """POST snapshots: 201 at once; it is filled in the background."""
    request, payload = await x.document()
    request.demand("write", WHAT)
    broker = x.broker
    new = await broker.snapshots.create(broker.store, request.tenant, payload, broker.clock())
    _begin(x, request, new, freezing.fill(x, request, new))
    return _made(x, request, new)


async def clone(x: Exchange, id: str) -> Answer:
    """POST snapshots/{id}/clone."""
    request, payload = await x.document()
    request.demand("write", WHAT)
    broker, source = x.broker, await _find(x, request, id)
    new = await broker.snapshots.create(broker.store, request.tenant, payload, broker.clock(), source)
    _begin(x, request, new, freezing.clone(request, source, new))
    return _made(x, request, new)


def _begin(x: Exchange, request: Request, new: Snapshot, work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(_held(x.broker, new, work))
    x.application.background.add(task)
    task.add_done_callback(x.application.background.discard)


async def _held(broker: Broker, new: Snapshot, work: Coroutine[Any, Any, None]) -> None:
    holding = asyncio.create_task(broker.snapshots.hold(broker.store, new, broker.clock))
    try:
        await work
    finally:
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)


def _made(x: Exchange, request: Request, new: Snapshot) -> Answer:
    answer = created(f"{_PATH}{segment(new.id)}")
    answer.headers += x.echo(request.tenant)
    return answer


async def retrieve(x: Exchange, id: str) -> Answer:
    """GET snapshots/{id}: how it is."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request = await x.request()
    request.demand("read", "entity:*")
    return in_context(x, request, media, (await _find(x, request, id)).shown())


async def update(x: Exchange, id: str) -> Answer:
    """PATCH snapshots/{id}: its priority, its lifetime."""
    request, payload = await x.document()
    request.demand("write", WHAT)
    broker, found = x.broker, await _find(x, request, id)
    found = await broker.snapshots.update(broker.store, found, payload, broker.clock())
    return in_context(x, request, negotiation.JSON, found.shown())


async def delete(x: Exchange, id: str) -> Answer:
    """DELETE snapshots/{id}, with everything in it."""
    request = await x.request()
    request.demand("write", WHAT)
    await x.broker.snapshots.delete(x.broker.store, await _find(x, request, id))
    return Answer(204, None, x.echo(request.tenant))


async def purge(x: Exchange) -> Answer:
    """DELETE snapshots: those whose members meet `q`."""
    request = await x.request()
    request.demand("write", WHAT)
    if "q" not in request.params:
        raise BadRequest("q is missing: it says which snapshots go")
    condition = model.condition(request.params["q"])
    broker = x.broker
    every = await broker.snapshots.listing(broker.store, request.tenant, broker.clock())
    gone = [one for one in every if model.meets(one, condition)]
    if not gone:
        raise NotFound("no snapshot meets the condition")
    for one in gone:
        await broker.snapshots.delete(broker.store, one)
    return Answer(204, None, x.echo(request.tenant))


async def _find(x: Exchange, request: Request, id: str) -> Snapshot:
    uri(id, "the snapshot's id")
    broker = x.broker
    return await broker.snapshots.find(broker.store, request.tenant, id, broker.clock())
