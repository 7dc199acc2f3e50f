"""Writing with other sources (4.3.6, 5.6.x): what stays here is committed first, then each owner is sent its part.

What is wrong with the request itself, or not allowed, is refused before anything is done anywhere. A part that an owner
did not take is told with its reason: nothing that was done elsewhere is undone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from kitamae.kernel.context import read
from kitamae.kernel.context.api import owner, source
from kitamae.kernel.context.api.asked import segment, simplified
from kitamae.kernel.context.api.permission import change
from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.registration import reword, share
from kitamae.kernel.context.registration.peers import Unanswered
from kitamae.kernel.problems import (
    AnsweredTwice,
    Conflict,
    Elsewhere,
    LoopDetected,
    NotFound,
    Problem,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.operations import Operation
    from kitamae.kernel.context.query.tree import TypeQ
    from kitamae.kernel.context.registration.model import Registration
    from kitamae.kernel.context.registration.peers import Reply
    from kitamae.kernel.context.registration.share import Part, Shares


@dataclass(frozen=True, slots=True)
class Write:
    """One operation on one entity, as it came.

    `name`: as in clause 4.20. `path` below the API. `payload`: in the words of the request; None: there is none.
    `means`: what (a part of) the payload asks for here. `only`: types that the request asks for. `types`: those that
    the payload gives a new entity. `attribute`: the one that is in the path, expanded.
    """

    name: str
    method: str
    path: str
    id: str
    payload: dict[str, Any] | None
    means: Callable[[dict[str, Any]], Operation]
    only: TypeQ | None = None
    types: frozenset[str] | None = None
    attribute: str | None = None

    def names(self, context: Context) -> frozenset[str] | None:
        """The attributes that it writes, expanded; None: the entity itself."""
        if self.attribute is not None:
            return frozenset({self.attribute})
        if self.payload is None:
            return None
        return named(self.payload, context)


@dataclass(frozen=True, slots=True)
class Plan:
    """Whose is what of a write. `here`: we have the entity."""

    write: Write
    names: frozenset[str] | None
    shared: Shares
    here: bool


@dataclass(slots=True)
class Outcome:
    """What became of one part. `part` None: here. `updated`, `not_updated`: expanded attribute names."""

    part: Part | None
    problem: Problem | None = None
    updated: list[str] = field(default_factory=list)
    not_updated: dict[str, str] = field(default_factory=dict)

    @property
    def registration(self) -> dict[str, str]:
        """For a result: whose part it was."""
        return {} if self.part is None else {"registrationId": self.part.registration.id}


async def plan(x: Exchange, request: Request, write: Write) -> Plan | None:
    """None: all of it is ours. Raises NotSignedIn or Forbidden for a part that the caller may not write."""
    registrations = source.registered(request)
    if not registrations:
        return None
    here = await present(request, write.id)
    types = write.types if here is None else frozenset((*here, *(write.types or ())))
    names = write.names(request.context)
    target = share.Target(write.id, types, write.only, names)
    shared = asked(x, request, target, registrations, {write.name})
    return Plan(write, names, shared, here is not None) if shared.elsewhere else None


def asked(
    x: Exchange,
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
    row = await request.broker.store.row(request.tenant, id)
    entity = None if row is None else expiry.alive(orjson.loads(row.doc), request.broker.clock())
    return None if entity is None else entity["type"]


async def carry(x: Exchange, request: Request, plan: Plan) -> list[Outcome]:
    """Do what is ours, then send every owner its part. Raises what is wrong with the request itself."""
    outcomes = []
    if (payload := ours(request.context, plan)) is not None:
        outcome = await _here(request, plan, payload)
        outcomes += [outcome] if outcome is not None else []
    outcomes += unsent(plan.shared, plan.write.name)
    return [
        *outcomes,
        *await asyncio.gather(*(_send(x, request, plan.write, part) for part in plan.shared.sent)),
    ]


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
    if not left and (shared.whole or alone or not plan.here):
        return None
    if write.attribute is not None:
        return payload
    return part_of(payload, left, context)


def named(payload: dict[str, Any], context: Context) -> frozenset[str]:
    """The attributes in a payload, expanded."""
    return frozenset(map(context.expand, read.attributes_of(payload)))


def part_of(payload: dict[str, Any], attrs: frozenset[str], context: Context) -> dict[str, Any]:
    """The payload without the other attributes."""
    others = {name for name in read.attributes_of(payload) if context.expand(name) not in attrs}
    return {name: value for name, value in payload.items() if name not in others}


async def _here(request: Request, plan: Plan, payload: dict[str, Any]) -> Outcome | None:
    try:
        effect = await change(request, plan.write.id, plan.write.means(payload))
    except NotFound as missing:
        # whoever answers for it in our place may have it all (5.6.6.4: locally "if it exists")
        return None if plan.names is None and plan.shared.whole else Outcome(None, missing)
    except Conflict as conflict:
        return Outcome(None, conflict)
    return Outcome(None, None, effect.updated, effect.not_updated)


async def _send(x: Exchange, request: Request, write: Write, part: Part) -> Outcome:
    context = request.context
    payload = write.payload
    if payload is not None and write.attribute is None and part.attrs is not None:
        payload = part_of(payload, part.attrs, context)
    try:
        words = await source.words(request, part.registration, context)
        path = write.path
        if write.attribute is not None:
            path = f"{path}/{segment(words.compact(write.attribute))}"
        if payload is not None and words is not context:
            payload = _reworded(request, write, payload, words)
        reply = await owner.ask(x, request, part.registration, write.method, path, payload, words)
    except Unanswered as silence:
        return Outcome(part, owner.unreached(part.registration, silence))
    if reply.status == 207:
        return _partly(part, reply, context)
    if not reply.done:
        return Outcome(part, owner.refusal(part.registration, reply))
    return Outcome(part, updated=sorted(part.attrs or ()))


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
