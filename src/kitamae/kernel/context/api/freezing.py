"""Filling a snapshot (5.16.1.4): its queries are run as anybody's, over other sources too, and their results are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

from kitamae.kernel.context.api import distributed, distributed_history, query_object, selection
from kitamae.kernel.context.api.distributed_history import Remembered
from kitamae.kernel.context.api.evolution import asked
from kitamae.kernel.context.api.past import select
from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.query import match
from kitamae.kernel.context.query.tree import EntityQuery
from kitamae.kernel.context.snapshot import registry
from kitamae.kernel.context.snapshot.model import DETAILS, QUERIES
from kitamae.kernel.context.snapshot.registry import LARGEST
from kitamae.kernel.context.store import InstanceQuery
from kitamae.kernel.problems import Elsewhere, Problem, TooManyResults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kitamae.kernel.context.api.answer import Header
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.snapshot.model import Snapshot
    from kitamae.kernel.context.store import Instance, Transaction

_log: Final = structlog.get_logger(__name__)


async def fill(x: Exchange, request: Request, snapshot: Snapshot) -> None:
    """Run the queries, keep what they find, and say how it went. `request`: who asked for the snapshot."""
    broker = request.broker
    for member, details, run in zip(QUERIES, DETAILS, (_present, _past), strict=True):
        results = []
        for query in snapshot.given.get(member, ()):
            try:
                count, warnings = await run(x, request, snapshot, query)
                results.append(_result(count, warnings))
            except Problem as problem:
                results.append({"resultStatus": "failure", "problemDetails": problem.body()})
            except Exception:
                _log.exception("a snapshot could not be filled", snapshot=snapshot.id)
                results.append({"resultStatus": "failure", "problemDetails": Problem().body()})
        if results:
            snapshot.details[details] = results
    told = {one["resultStatus"] for some in snapshot.details.values() for one in some}
    snapshot.status = next(
        status
        for status, so in (
            ("success", told == {"success"}),
            ("partial", "success" in told),
            ("empty", "empty" in told),
            ("failure", True),
        )
        if so
    )
    await broker.snapshots.filled(broker.store, snapshot, broker.clock())


async def clone(request: Request, source: Snapshot, new: Snapshot) -> None:
    """Copy everything that is in the one into the other."""
    broker, store = request.broker, request.broker.store
    try:
        await registry.keep(store, new.room, [one async for one in _in(request, EntityQuery(source.room))])
        whole = InstanceQuery(source.room, ())
        remembered = await store.remembered(EntityQuery(source.room, limit=LARGEST), whole)
        for row in remembered.rows:
            head = orjson.loads(row.doc)
            if await store.row(new.room, head["id"]) is None:
                instances = await store.instances(replace(whole, entities=(head["id"],)))
                await _remember(request, new, head, instances)
        new.status, new.details = "success", source.details
    except Problem as problem:
        _log.warning("a snapshot could not be cloned", snapshot=new.id, why=str(problem))
        new.status = "failure"
    await broker.snapshots.filled(store, new, broker.clock())


def _result(count: int, warnings: list[Header]) -> dict[str, Any]:
    """ExecutionResultDetails (5.2.42); sources that did not answer are told with what the others found."""
    result: dict[str, Any] = {"resultStatus": "success" if count else "failure" if warnings else "empty"}
    if warnings:
        said = "; ".join(value.decode("ascii") for _, value in warnings)
        result["problemDetails"] = Elsewhere(f"not every source answered: {said}").body()
    return result


async def _present(
    x: Exchange, request: Request, snapshot: Snapshot, query: dict[str, Any]
) -> tuple[int, list[Header]]:
    asking = query_object.asked(replace(request, params={}), query)
    wanted = selection.entities(asking)
    request.demand_types("read", selection.types_of(wanted))
    sources = distributed.of_query(x, asking, wanted)
    gathered = await distributed.query(x, asking, sources, wanted)
    if distributed.is_split(asking):
        every = await distributed.together(asking, wanted, gathered)
        found = [entity for entity in every if match.entity(wanted, entity)]
    else:
        found = []
        async for one in _in(request, wanted):
            parts = gathered.parts.pop(one["id"], ())
            if (whole := distributed.combined(request, one, parts)) is not None:
                found.append(whole)
            _demand_room(len(found))
        others = (distributed.combined(request, None, parts) for parts in gathered.parts.values())
        found += [other for other in others if other is not None]
    _demand_room(len(found))
    await registry.keep(request.broker.store, snapshot.room, found)
    return len(found), gathered.warnings


async def _in(request: Request, wanted: EntityQuery) -> AsyncIterator[Entity]:
    now = request.broker.clock()
    async for row in request.broker.store.stream(wanted):
        one = expiry.alive(orjson.loads(row.doc), now)
        if one is not None:
            yield one


def _demand_room(count: int) -> None:
    if count > LARGEST:
        raise TooManyResults(f"the query finds more than {LARGEST} entities: no snapshot holds them")


async def _past(
    x: Exchange, request: Request, snapshot: Snapshot, query: dict[str, Any]
) -> tuple[int, list[Header]]:
    asking = query_object.asked(replace(request, params={}), query, temporal=True)
    what, wanted = asked(asking, required=True), selection.entities(asking)
    request.demand_types("read", selection.types_of(wanted))
    theirs = Remembered()
    if sources := distributed_history.of_query(x, asking, wanted, what):
        theirs = await distributed_history.many(x, asking, sources, wanted)
    ours = (await select(request.broker, replace(wanted, limit=LARGEST, offset=0), what)).entities
    heads = {one["id"]: one for one in ours}
    for id, head in theirs.heads.items():
        heads[id] = distributed_history.together(heads.get(id), head) or head
    _demand_room(len(heads))
    for id, head in heads.items():
        here = await request.broker.store.instances(what.history(request.tenant, (id,)))
        found = distributed_history.merged(here, theirs.instances.get(id, ()), what.when, what.attrs)
        await _remember(request, snapshot, head, found)
    return len(heads), theirs.warnings


async def _remember(request: Request, snapshot: Snapshot, head: Entity, instances: list[Instance]) -> None:
    """History in the snapshot; instances keep their ids, unless they are known there."""

    async def work(tx: Transaction) -> None:
        await tx.remember(snapshot.room, {**head, "attrs": {}})
        await tx.add_instances(snapshot.room, head["id"], [replace(one, instance_id="") for one in instances])

    await request.broker.store.transact(work)
