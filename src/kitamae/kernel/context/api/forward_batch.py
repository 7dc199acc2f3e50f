"""Many entities with other sources (5.6.7-5.6.10, 5.6.20): ours in one commit, then every owner its part in one request.

A source that does not offer the batch is sent its entities one by one, where it offers the operation that does the same. One that
speaks NGSIv2 is given updates of what is not here one by one too: of several it would say in words alone what it did not do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from kitamae.kernel.context import read
from kitamae.kernel.context.api import forward, forward_v2, owner, rendering, source
from kitamae.kernel.context.api.asked import segment, simplified
from kitamae.kernel.context.api.permission import change_all
from kitamae.kernel.context.api.single import CREATE, Kind, instead
from kitamae.kernel.context.api.write import named, part_of
from kitamae.kernel.context.operations import Append
from kitamae.kernel.context.operations.command import Effect
from kitamae.kernel.context.registration import reword, share
from kitamae.kernel.context.registration.peers import Unanswered
from kitamae.kernel.problems import AlreadyExists, Conflict, NotFound, Problem, Unprocessable

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.api.write import Given
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.operations import Operation
    from kitamae.kernel.context.registration.model import Registration
    from kitamae.kernel.context.registration.peers import Reply
    from kitamae.kernel.context.registration.share import Part, Shares

P = TypeVar("P")
_SINGLY: Final = 4  # requests under way at one source


@dataclass(slots=True)
class Element:
    """One element of the array. `payload`: an entity, or a fragment; None where there is only an id.

    `means`: what (a part of) the payload asks for here. `outcomes` fills: what we and each owner say.
    """

    id: str
    payload: dict[str, Any] | None
    context: Context
    operation: Operation | Problem
    means: Callable[[Any, Context], Operation]
    types: frozenset[str] | None = None
    outcomes: list[tuple[str | None, Effect | Problem | None]] = field(default_factory=list)
    created: bool = False

    def here(self, effect: Effect | Problem) -> None:
        """What became of our part."""
        self.outcomes.append((None, effect))
        self.created = self.created or (isinstance(effect, Effect) and effect.verb == "created")


async def carry(x: Exchange, request: Request, kind: Kind, elements: Sequence[Element]) -> None:
    """Do what is ours in one commit, then send every owner its part; what became of it is in the elements."""
    registrations = source.registered(request)
    offered = forward_v2.able(x, request, registrations) if kind == "update" else []
    ours: list[tuple[Element, Operation]] = []
    theirs: list[tuple[Element, Shares]] = []
    given: list[tuple[Element, Given]] = []
    for element in elements:
        try:
            here, shared = await _shared(x, request, kind, element, registrations, needed=bool(offered))
            providers = _providers(request, element, offered, shared, here)
            operation = _ours(element, shared)
        except Problem as problem:
            element.here(problem)
            continue
        if operation is not None:
            ours.append((element, operation))
        theirs.append((element, shared))
        given += [(element, one) for one in providers]
    effects = await change_all(request, [(one.id, operation) for one, operation in ours]) if ours else []
    for (element, _), effect in zip(ours, effects, strict=True):
        element.here(effect)
    sent: dict[str, tuple[Registration, list[tuple[Element, Part]]]] = {}
    for element, shared in theirs:
        told = element.outcomes[-1][1] if element.outcomes else None
        if not _doable(element):
            continue
        if isinstance(told, NotFound) and element.payload is None and shared.whole:
            element.outcomes.pop()
        for outcome in forward.unsent(shared, f"{kind}Batch"):
            element.outcomes.append((outcome.registration.get("registrationId"), outcome.problem))
        for part in shared.sent:
            one = part.registration
            sent.setdefault(one.id, (one, []))[1].append((element, part))
    turn = asyncio.Semaphore(_SINGLY)
    doable = [(element, one) for element, one in given if _doable(element)]
    await asyncio.gather(
        *(_send(x, request, kind, one, parts) for one, parts in sent.values()),
        *(
            _give(x, request, several, turn)
            for several in _in_turn(doable, lambda element, one: (element.id, one[0].id))
        ),
    )


def _in_turn(
    parts: Iterable[tuple[Element, P]], key: Callable[[Element, P], Hashable]
) -> list[list[tuple[Element, P]]]:
    """What must go one after the other, in the order of the batch: the last that a source is told is the last that was written."""
    found: dict[Hashable, list[tuple[Element, P]]] = {}
    for element, part in parts:
        found.setdefault(key(element, part), []).append((element, part))
    return [*found.values()]


def _doable(element: Element) -> bool:
    """Was what is ours done, or is it not here? What could not be done for another reason is done nowhere."""
    told = next((outcome for one, outcome in element.outcomes if one is None), None)
    return not isinstance(told, Problem) or isinstance(told, (NotFound, Conflict))


def _providers(
    request: Request, element: Element, offered: Sequence[Registration], shared: Shares, here: Entity | None
) -> list[Given]:
    """Who is given what of an update that is not `here`; it is then `taken`. Raises NotSignedIn, Forbidden, BadRequest."""
    operation = element.operation
    if not offered or not isinstance(operation, Append) or operation.no_overwrite:
        return []
    attrs = operation.fragment["attrs"]
    absent = attrs.keys() - shared.taken - (here["attrs"].keys() if here is not None else set())
    owners = forward_v2.owners(request, offered, element.id, element.types or (), absent)
    found: list[Given] = [
        (one, {name: [*map(read.complete, attrs[name])] for name in mine}) for one, mine in owners
    ]
    shared.taken = shared.taken.union(*(mine for _, mine in found))
    return found


async def _give(
    x: Exchange, request: Request, several: Sequence[tuple[Element, Given]], turn: asyncio.Semaphore
) -> None:
    """Updates of one entity for one provider, one after the other."""
    async with turn:
        for element, (one, attrs) in several:
            types = sorted(element.types or ())
            told = await forward_v2.tell(x, request, element.id, types, one, attrs)
            element.outcomes.append((one.id, told.problem))


async def _shared(
    x: Exchange,
    request: Request,
    kind: Kind,
    element: Element,
    registrations: Sequence[Registration],
    *,
    needed: bool,
) -> tuple[Entity | None, Shares]:
    """Whose it is, and the entity as it is here, read where its types are not given or where it is `needed`. Raises NotSignedIn, Forbidden."""
    here = None
    if element.types is None or needed:
        here = await forward.kept(request, element.id)
    if element.types is None and here is not None:
        element.types = frozenset(here["type"])
    names = None if element.payload is None else named(element.payload, element.context)
    target = share.Target(element.id, element.types, None, names)
    offered = {f"{kind}Batch", *(one.name for one in instead(kind, request))}
    return here, forward.asked(x, request, target, registrations, offered)


def _ours(element: Element, shared: Shares) -> Operation | None:
    if isinstance(element.operation, Problem):
        raise element.operation
    if element.payload is None or not (shared.whole or shared.taken):
        return element.operation
    left = named(element.payload, element.context) - shared.taken
    return element.means(part_of(element.payload, left, element.context), element.context) if left else None


async def _send(
    x: Exchange, request: Request, kind: Kind, one: Registration, parts: Sequence[tuple[Element, Part]]
) -> None:
    try:
        if f"{kind}Batch" in one.operations:
            await _together(x, request, kind, one, parts)
            return
    except Unanswered as silence:
        for element, _ in parts:
            element.outcomes.append((one.id, owner.unreached(one, silence)))
        return
    turn = asyncio.Semaphore(_SINGLY)

    async def alone(several: Sequence[tuple[Element, Part]]) -> None:
        async with turn:
            for element, part in several:
                try:
                    problem = await _alone(x, request, kind, one, element, part)
                except Unanswered as silence:
                    problem = owner.unreached(one, silence)
                element.outcomes.append((one.id, problem))

    await asyncio.gather(*(alone(several) for several in _in_turn(parts, lambda element, _: element.id)))


def _content(request: Request, kind: Kind, element: Element, part: Part, words: Context) -> dict[str, Any]:
    """What of the entity goes to the source, in its words."""
    payload = element.payload or {}
    if part.attrs is not None:
        payload = part_of(payload, part.attrs, element.context)
    if words is not element.context:
        short = kind == "merge" and simplified(request)
        return reword.entity(payload, element.context, words, simplified=short)
    return payload


async def _together(
    x: Exchange, request: Request, kind: Kind, one: Registration, parts: Sequence[tuple[Element, Part]]
) -> None:
    """One request for all of them."""
    first = parts[0][0].context
    alike = all(element.context is first for element, _ in parts)
    words = await source.words(request, one, first)
    contents: list[Json] = []
    for element, part in parts:
        if element.payload is None:
            contents.append(element.id)
        elif alike or words is not first:
            contents.append(_content(request, kind, element, part, words))
        else:  # each in words of its own
            content = _content(request, kind, element, part, element.context)
            contents.append({"@context": rendering.source(element.context), **content})
    reply = await owner.ask(x, request, one, "POST", f"entityOperations/{kind}", contents, words)
    told = _told(one, reply, [element.id for element, _ in parts])
    created = _created(kind, reply)
    for element, _ in parts:
        element.outcomes.append((one.id, told.get(element.id)))
        element.created = element.created or created is None or element.id in created


def _told(one: Registration, reply: Reply, ids: Sequence[str]) -> dict[str, Problem]:
    """Entity id -> what the owner says was wrong with it; whoever is not named was done."""
    if reply.status != 207:
        return {} if reply.done else dict.fromkeys(ids, owner.refusal(one, reply))
    return owner.errors(one, reply, ids)


def _created(kind: Kind, reply: Reply) -> frozenset[str] | None:
    """The ids that it created; None: all of them."""
    if kind == "create":
        return None
    if kind != "upsert" or reply.status != 201:
        return frozenset()
    try:
        ids = reply.json()
    except Unanswered:
        return frozenset()
    return frozenset(id for id in ids if isinstance(id, str)) if isinstance(ids, list) else frozenset()


async def _alone(
    x: Exchange, request: Request, kind: Kind, one: Registration, element: Element, part: Part
) -> Problem | None:
    """One entity of a batch, by the operation for one that does the same. Raises Unanswered."""
    words = await source.words(request, one, element.context)
    content = None if element.payload is None else _content(request, kind, element, part, words)
    problem: Problem | None = None
    for single in instead(kind, request):
        if single.name not in one.operations:
            continue
        path = single.path.format(segment(element.id))
        reply = await owner.ask(x, request, one, single.method, path, content, words, known=single.takes)
        problem = None if reply.done and reply.status != 207 else owner.refusal(one, reply)
        if single is CREATE and problem is None:
            element.created = True
        if not isinstance(problem, AlreadyExists):
            return problem
    if kind == "upsert":
        return Unprocessable(f"the source {one.id} has the entity, and offers nothing to {kind} it with")
    return problem
