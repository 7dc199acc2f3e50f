"""Writing with other sources (4.3.6, 5.6.x): what stays here is committed first, then each owner is sent its part.

What is wrong with the request itself, or not allowed, is refused before anything is done anywhere. A part that an owner
did not take is told with its reason: nothing that was done elsewhere is undone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from kitamae.kernel.context.api import forward_v2, owner, source
from kitamae.kernel.context.api.asked import segment, simplified
from kitamae.kernel.context.api.write import Outcome, Plan, part_of
from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.registration import reword, share
from kitamae.kernel.context.registration.peers import Unanswered
from kitamae.kernel.context.veil import behind
from kitamae.kernel.problems import (
    AlreadyExists,
    AnsweredTwice,
    Conflict,
    Elsewhere,
    LoopDetected,
    NotFound,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kitamae.kernel.context.api.source import Asking
    from kitamae.kernel.context.api.write import Write
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.registration.model import Registration
    from kitamae.kernel.context.registration.peers import Reply
    from kitamae.kernel.context.registration.share import Part, Shares


async def plan(x: Asking, request: Request, write: Write) -> Plan | None:
    """None: all of it is ours. Raises NotSignedIn or Forbidden for a part that the caller may not write."""
    registrations = source.registered(request)
    if not registrations:
        return None
    entity = await kept(request, write.id)
    here = None if entity is None else entity["type"]
    types = write.types if here is None else frozenset((*here, *(write.types or ())))
    names = write.names(request.context)
    target = share.Target(write.id, types, write.only, names)
    shared = asked(x, request, target, registrations, {write.name})
    absent = (names or frozenset()).difference(shared.taken, entity["attrs"] if entity is not None else ())
    providers = forward_v2.providers(x, request, write, registrations, types or (), absent)
    shared.taken = shared.taken.union(*(mine for _, mine in providers))
    if not shared.elsewhere and not providers:
        return None
    known = tuple(here or sorted(types or ()))
    return Plan(write, names, shared, here is not None, known, tuple(providers))


def asked(
    x: Asking,
    request: Request,
    target: share.Target,
    registrations: Sequence[Registration],
    offered: Collection[str],
) -> Shares:
    """Whose is what. Raises NotSignedIn or Forbidden."""
    visited = source.visited(x)
    found = share.shares(target, registrations, offered, visited, circle=request.alias in visited)
    for part in found.sent:
        request.demand_types("write", target.types or part.types)
    return found


async def present(request: Request, id: str) -> list[str] | None:
    """The types of the entity, if it is here."""
    entity = await kept(request, id)
    return None if entity is None else entity["type"]


async def kept(request: Request, id: str) -> Entity | None:
    """The entity as it is here, if it is, whatever the caller may see of it: what a write does is none of his sight."""
    row = await behind(request.broker.store).row(request.tenant, id)
    return None if row is None else expiry.alive(orjson.loads(row.doc), request.broker.clock())


async def carry(x: Asking, request: Request, plan: Plan) -> list[Outcome]:
    """Do what is ours, then send every owner its part. Raises what is wrong with the request itself."""
    outcomes: list[Outcome] = []
    if (payload := ours(request.context, plan)) is not None:
        outcome = await _here(request, plan, payload)
        if outcome is not None:
            outcomes.append(outcome)
    theirs = await asyncio.gather(
        sent(x, request, plan.write, plan.shared), forward_v2.told(x, request, plan)
    )
    return [*outcomes, *theirs[0], *theirs[1]]


async def sent(x: Asking, request: Request, write: Write, shared: Shares) -> list[Outcome]:
    """Every owner its part, at the same time; and the parts that nobody can be sent."""
    told = await asyncio.gather(*(_send(x, request, write, part) for part in shared.sent))
    return [*unsent(shared, write.name), *told]


def unsent(shared: Shares, name: str) -> list[Outcome]:
    """The parts that nobody can be sent."""
    refused = "the source {} keeps this and does not offer {}"
    looped = "the source {} keeps this and asked for it itself, or would ask us again for {}"
    return [
        *(
            Outcome(part, AnsweredTwice(refused.format(part.registration.id, name)))
            for part in shared.refused
        ),
        *(Outcome(part, LoopDetected(looped.format(part.registration.id, name))) for part in shared.looped),
    ]


def ours(context: Context, plan: Plan) -> dict[str, Any] | None:
    """What of the payload is for us; None: nothing."""
    write, names, shared = plan.write, plan.names, plan.shared
    payload = write.payload or {}
    if names is None or not (shared.whole or shared.taken):
        return payload
    left = names - shared.taken
    alone = write.attribute is not None or write.types is not None  # a new entity, or one attribute
    if not left and (shared.whole or alone or plan.providers or not plan.here):
        return None
    if write.attribute is not None:
        return payload
    return part_of(payload, left, context)


async def _here(request: Request, plan: Plan, payload: dict[str, Any]) -> Outcome | None:
    write = plan.write
    try:
        effect = await write.do(request, write.id, write.means(payload))
    except NotFound as missing:
        # whoever answers for it in our place may have it all (5.6.6.4: locally "if it exists")
        return None if plan.names is None and plan.shared.whole else Outcome(None, missing)
    except Conflict as conflict:
        return Outcome(None, conflict)
    return Outcome(None, None, effect.updated, effect.not_updated, effect.verb == "created")


async def _send(x: Asking, request: Request, write: Write, part: Part) -> Outcome:
    context = request.context
    payload = write.payload
    if payload is not None and write.attribute is None and part.attrs is not None:
        payload = part_of(payload, part.attrs, context)
    try:
        words = await source.words(request, part.registration, context)
        path = write.path
        if write.attribute is not None:
            path = f"{path}/{segment(words.compact(write.attribute))}{write.after}"
        if payload is not None and words is not context:
            payload = _reworded(request, write, payload, words)
        reply = await owner.ask(
            x, request, part.registration, write.method, path, payload, words, also=write.also
        )
    except Unanswered as silence:
        return Outcome(part, owner.unreached(part.registration, silence))
    if reply.status == 207:
        return _partly(part, reply, context)
    if reply.done:
        return Outcome(part, updated=sorted(part.attrs or ()), created=reply.status == 201)
    refusal = owner.refusal(part.registration, reply)
    offered = part.registration.operations
    if write.instead is not None and write.instead.name in offered and isinstance(refusal, AlreadyExists):
        return await _send(x, request, write.instead, part)
    return Outcome(part, refusal)


def _reworded(request: Request, write: Write, payload: dict[str, Any], words: Context) -> dict[str, Any]:
    if write.attribute is not None:
        said: dict[str, Any] = reword.attribute(payload, request.context, words)
        return said
    return reword.entity(
        payload, request.context, words, simplified=write.name == "mergeEntity" and simplified(request)
    )


def _partly(part: Part, reply: Reply, context: Context) -> Outcome:
    """An owner who did some of it: UpdateResult (5.2.18) or BatchOperationResult (5.2.16)."""
    try:
        told = reply.json()
    except Unanswered:
        told = None
    left = told.get("notUpdated") if isinstance(told, dict) else None
    reason = f"the source {part.registration.id} says that it did only some of it"
    if not isinstance(left, list) or not left:
        return Outcome(part, Elsewhere(reason), not_updated=dict.fromkeys(sorted(part.attrs or ()), reason))
    found: dict[str, str] = {}
    for one in left:
        name = one.get("attributeName") if isinstance(one, dict) else None
        if isinstance(name, str):
            found[context.expand(name)] = str(one.get("reason", reason))[:300]
    done = sorted((part.attrs or frozenset()) - found.keys())
    return Outcome(part, Elsewhere(reason), updated=done, not_updated=found)
