"""Reading with other sources (4.3.6, 5.7.1, 5.7.2): they are asked at the same time, and what they know is combined.

Each source is asked in the words of the request, with a Via header that names everybody who asked before; who finds
itself there asks nobody, so that registrations in a circle end. A source that does not answer becomes a warning.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import orjson

from kitamae.kernel.context.api import questions, selection, source
from kitamae.kernel.context.api.asked import only
from kitamae.kernel.context.api.questions import Source, Told
from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.query import match, parse
from kitamae.kernel.context.query.tree import TypeQ, Wanted
from kitamae.kernel.context.registration import combine, peers
from kitamae.kernel.context.registration.match import Question, relevant
from kitamae.kernel.context.registration.peers import Unanswered
from kitamae.kernel.context.veil import asked, hidden_in
from kitamae.kernel.problems import BadRequest, Problem, TooManyResults

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from kitamae.kernel.context.api.answer import Header
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.registration.model import Mode, Registration

_SPLIT_MOST: Final = 10_000
"""Entities here that are put together with their other parts before they are judged."""
_LOOP: Final = "a registration loop: this source asked before, so nobody is asked again"


@dataclass(slots=True)
class Sources:
    """Who may know something. `warnings`: what is known of those who are not asked; `apart`: see `veil.asked.apart`."""

    found: list[Source] = field(default_factory=list)
    warnings: list[Header] = field(default_factory=list)
    apart: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.found or self.warnings)


@dataclass(slots=True)
class Gathered:
    """Entity id -> what each source said of it, and the warnings about those that said nothing.

    `by`: entity id -> the registrations of who said something of it.
    """

    parts: dict[str, list[tuple[Mode, Entity]]] = field(default_factory=dict)
    warnings: list[Header] = field(default_factory=list)
    by: dict[str, list[str]] = field(default_factory=dict)


def of_entity(x: Exchange, request: Request, id: str) -> Sources:
    """Who may know something of that entity."""
    if not source.registered(request):
        return Sources()
    attrs = frozenset(selection.names(request.params, "attrs", request.context.expand))
    question = Question((Wanted(only(request) or TypeQ(), (id,)),), attrs, datasets=_datasets(request))
    offered = ("retrieveEntity", "queryEntity", "queryBatch")
    return sources(x, request, offered, lambda one: relevant(question, one))


def of_query(x: Exchange, request: Request, wanted: EntityQuery) -> Sources:
    """Who may know entities that the query selects. Raises BadRequest for an order, which nobody has of all of them; Forbidden."""
    may = permitted(request, wanted) if source.registered(request) else None
    if may is None:
        return Sources()
    question = question_of(request, may)
    found = sources(x, request, ("queryEntity", "queryBatch"), lambda one: relevant(question, one))
    found.apart = apart_in(request, may)
    if found.found and wanted.order:
        raise BadRequest("orderBy: what several sources answer has no order; ask for local=true (5.7.2.4)")
    return found


def permitted(request: Request, wanted: EntityQuery) -> EntityQuery | None:
    """The question as others may be asked it; None: nobody is. Who asks by what is hidden from him is refused before anybody hears of it.

    Attributes that he does not see are no more among those of the request. Raises Forbidden.
    """
    what = hidden_in(request.broker.store)
    may = asked.elsewhere(wanted, what) if what is not None else wanted
    if may is not None and may.attrs != wanted.attrs and "attrs" in request.params:
        seen = [
            one
            for one in request.params["attrs"].split(",")
            if request.context.expand(one.strip()) in may.attrs
        ]
        request.params = {**request.params, "attrs": ",".join(seen)}
    return may


def apart_in(request: Request, wanted: EntityQuery) -> frozenset[str]:
    """Types of which nothing is found by this question, whoever tells of it: see `veil.asked.apart`."""
    what = hidden_in(request.broker.store)
    return asked.apart(wanted, what) if what is not None else frozenset()


def combined(request: Request, local: Entity | None, parts: Iterable[tuple[Mode, Entity]]) -> Entity | None:
    """One entity of what is known of it here and elsewhere, as the caller sees one of all its types."""
    whole, what = combine.entity(local, parts), hidden_in(request.broker.store)
    return whole if whole is None or what is None else what.entity(whole)


def question_of(request: Request, wanted: EntityQuery) -> Question:
    """Which registrations concern a query: its context source filter (csf) narrows them. Raises BadRequest."""
    some = wanted.wanted or (Wanted(wanted.types, wanted.ids, wanted.id_pattern),)
    csf = request.params.get("csf")
    filters = () if csf is None else (parse.q(unquote(csf), request.context.expand),)
    around = None if is_split(request) else wanted.geo
    return Question(some, frozenset(wanted.attrs), filters, around=around, datasets=_datasets(request))


def _datasets(request: Request) -> frozenset[str]:
    return frozenset(request.params.get("datasetId", ()))


def sources(
    x: Exchange,
    request: Request,
    offered: Iterable[str],
    concerned: Callable[[Registration], tuple[int, ...]],
) -> Sources:
    """Who is asked: whoever offers one of these operations and has not asked before.

    `concerned`: by position, the information of a registration that concerns the request.
    """
    visited, operations = source.visited(x), frozenset(offered)
    found = Sources()
    for one in source.registered(request):
        if one.operations.isdisjoint(operations) or not (positions := concerned(one)):
            continue
        if request.alias in visited:
            found.warnings = [source.warning(request, peers.NO_ANSWER, _LOOP)]
        elif one.doc.get("contextSourceAlias") not in visited:
            found.found.append(Source(one, tuple(one.information[n] for n in positions)))
    return found


async def entity(x: Exchange, request: Request, id: str, sources: Sources) -> Gathered:
    """Ask for one entity."""
    return await gather(request, sources, lambda one: questions.one(x, request, one, id))


async def query(
    x: Exchange,
    request: Request,
    sources: Sources,
    wanted: EntityQuery,
    maps: Mapping[str, str] = MappingProxyType({}),
) -> Gathered:
    """Ask for all that match. `maps`: registration -> the entity map that its source made for this query."""
    split = is_split(request)
    return await gather(
        request, sources, lambda one: questions.many(x, request, one, wanted, split=split, maps=maps)
    )


def is_split(request: Request) -> bool:
    """May one entity be in parts at several sources (4.3.6.7)? Unless told, no: each judges what it has."""
    return bool(request.params.get("splitEntities", False))


async def gather(request: Request, sources: Sources, ask: Callable[[Source], Awaitable[Told]]) -> Gathered:
    """Ask them all at the same time. What is hidden from the caller here, no source tells him either."""
    what = hidden_in(request.broker.store)
    by = "attrs" in request.params or "datasetId" in request.params
    answers = await asyncio.gather(*map(ask, sources.found), return_exceptions=True)
    gathered = Gathered(warnings=[*sources.warnings])
    for one_of, answer in zip(sources.found, answers, strict=True):
        if isinstance(answer, (Unanswered, Problem)):
            code = answer.code if isinstance(answer, Unanswered) else peers.INVALID
            gathered.warnings.append(source.warning(request, code, f"{one_of.registration.id}: {answer}"))
        elif isinstance(answer, BaseException):
            raise answer
        else:
            gathered.warnings += answer.warnings
            for told in answer.entities:
                one = told if what is None else what.told(told, by=by)
                if one is None or not sources.apart.isdisjoint(one["type"]):
                    continue
                gathered.parts.setdefault(one["id"], []).append((one_of.registration.mode, one))
                gathered.by.setdefault(one["id"], []).append(one_of.registration.id)
    return gathered


async def page(request: Request, wanted: EntityQuery, gathered: Gathered) -> tuple[list[Entity], int]:
    """The slice of all that match, here and elsewhere, combined; and how many there are. What is here comes first."""
    if is_split(request):
        return await _judged(request, wanted, gathered)
    store, now = request.broker.store, request.broker.clock()
    ids = tuple(gathered.parts)
    here = await store.find(replace(wanted, ids=ids, offset=0, limit=len(ids), count=False)) if ids else None
    known = {orjson.loads(row.doc)["id"] for row in here.rows} if here is not None else set()
    others = [id for id in ids if id not in known]
    local = await store.find(replace(wanted, limit=max(wanted.limit, 1), count=True))
    count = local.count or 0
    kept = [one for row in local.rows if (one := expiry.alive(orjson.loads(row.doc), now)) is not None]
    ours = [combined(request, one, gathered.parts.get(one["id"], ())) for one in kept]
    skip = max(0, wanted.offset - count)
    room = max(0, wanted.limit - len(kept))
    more = [combined(request, None, gathered.parts[id]) for id in others[skip : skip + room]]
    shown = [one for one in (*ours[: wanted.limit], *more) if one is not None]
    return shown, count + len(others)


async def _judged(request: Request, wanted: EntityQuery, gathered: Gathered) -> tuple[list[Entity], int]:
    """The same, where entities are put together before they are judged. Raises TooManyResults."""
    found = [one for one in await together(request, wanted, gathered) if match.entity(wanted, one)]
    return found[wanted.offset : wanted.offset + wanted.limit], len(found)


def unjudged(wanted: EntityQuery) -> EntityQuery:
    """The same without what can only be judged of a whole entity."""
    return replace(wanted, q=None, geo=None, scope=None, attrs=(), datasets=())


async def together(request: Request, wanted: EntityQuery, gathered: Gathered) -> list[Entity]:
    """All that may match, here and elsewhere, put together. Raises TooManyResults."""
    every = replace(unjudged(wanted), offset=0)
    now = request.broker.clock()
    local = await request.broker.store.find(replace(every, limit=_SPLIT_MOST + 1, count=False))
    if len(local.rows) > _SPLIT_MOST:
        raise TooManyResults(f"splitEntities: more than {_SPLIT_MOST} entities here would have to be judged")
    kept = [one for row in local.rows if (one := expiry.alive(orjson.loads(row.doc), now)) is not None]
    ours = {one["id"] for one in kept}
    both: Sequence[Entity | None] = [
        *(combined(request, one, gathered.parts.get(one["id"], ())) for one in kept),
        *(combined(request, None, parts) for id, parts in gathered.parts.items() if id not in ours),
    ]
    return [one for one in both if one is not None]
