"""Reading with other sources (4.3.6, 5.7.1, 5.7.2): they are asked at the same time, and what they know is combined.

Each source is asked in the words of the request, with a Via header that names everybody who asked before; who finds
itself there asks nobody, so that registrations in a circle end. A source that does not answer becomes a warning.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson

from kitamae.kernel.context import read
from kitamae.kernel.context.api import selection, source
from kitamae.kernel.context.api.asked import only
from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.query import order
from kitamae.kernel.context.query.tree import TypeQ
from kitamae.kernel.context.registration import combine, peers
from kitamae.kernel.context.registration.match import Question, Wanted
from kitamae.kernel.context.registration.peers import Unanswered
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.api.answer import Header
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.registration.model import Mode, Registration

_PAGE: Final = 100
_PAGES: Final = 10
_ASKED: Final = frozenset(
    {
        "attrs",
        "coordinates",
        "datasetId",
        "expandValues",
        "geometry",
        "geoproperty",
        "georel",
        "id",
        "idPattern",
        "jsonKeys",
        "q",
        "scopeQ",
        "type",
    }
)
"""Parameters that choose; how the answer is to look is decided here."""


@dataclass(frozen=True, slots=True)
class Source:
    """A registration that concerns the request. `attrs`: what it may answer with; None: anything."""

    registration: Registration
    attrs: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Gathered:
    """Entity id -> what each source said of it, and the warnings about those that said nothing."""

    parts: dict[str, list[tuple[Mode, Entity]]]
    warnings: list[Header]


def of_entity(x: Exchange, request: Request, id: str) -> list[Source]:
    """Who may know something of that entity."""
    if not source.registered(request):
        return []
    attrs = frozenset(selection.names(request.params, "attrs", request.context.expand))
    question = Question((Wanted(only(request) or TypeQ(), (id,)),), attrs)
    return _sources(x, request, "retrieveEntity", question)


def of_query(x: Exchange, request: Request, wanted: EntityQuery) -> list[Source]:
    """Who may know entities that the query selects. Conditions are theirs to judge."""
    if not source.registered(request) or request.params.get("type") == "*":
        return []
    one = Wanted(wanted.types, wanted.ids, wanted.id_pattern)
    return _sources(x, request, "queryEntity", Question((one,), frozenset(wanted.attrs)))


def _sources(x: Exchange, request: Request, operation: str, question: Question) -> list[Source]:
    subscriptions, visited = request.broker.subscriptions, source.visited(x)
    if subscriptions is None or request.alias in visited:
        return []
    found = []
    for one, positions in subscriptions.registrations.discover(request.tenant, question):
        if operation in one.operations and one.doc.get("contextSourceAlias") not in visited:
            informed = [one.information[n].attrs for n in positions]
            found.append(Source(one, frozenset().union(*informed) if all(informed) else None))
    return found


async def entity(x: Exchange, request: Request, id: str, sources: Sequence[Source]) -> Gathered:
    """Ask for one entity."""
    params = [pair for pair in x.parameters() if pair[0] in ("type", "attrs", "datasetId")]
    path = f"entities/{quote(id, safe=':')}"

    async def ask(one: Source) -> list[Entity]:
        return await _ask(x, request, one, path, params)

    gathered = await _gather(request, sources, ask)
    return Gathered({id: gathered.parts.get(id, [])}, gathered.warnings)


async def query(x: Exchange, request: Request, sources: Sequence[Source]) -> Gathered:
    """Ask for all that match, page by page."""
    params = [pair for pair in x.parameters() if pair[0] in _ASKED]

    async def ask(one: Source) -> list[Entity]:
        found: list[Entity] = []
        for number in range(_PAGES):
            slice_ = [("limit", str(_PAGE)), ("offset", str(number * _PAGE))]
            page = await _ask(x, request, one, "entities", [*params, *slice_])
            found += page
            if len(page) < _PAGE:
                break
        return found

    return await _gather(request, sources, ask)


async def _gather(request: Request, sources: Sequence[Source], ask: Any) -> Gathered:
    answers = await asyncio.gather(*map(ask, sources), return_exceptions=True)
    gathered = Gathered({}, [])
    for asked, answer in zip(sources, answers, strict=True):
        if isinstance(answer, (Unanswered, Problem)):
            code = answer.code if isinstance(answer, Unanswered) else peers.INVALID
            gathered.warnings.append(source.warning(request, code, f"{asked.registration.id}: {answer}"))
        elif isinstance(answer, BaseException):
            raise answer
        else:
            for one in answer:
                gathered.parts.setdefault(one["id"], []).append((asked.registration.mode, one))
    return gathered


async def _ask(
    x: Exchange, request: Request, asked: Source, path: str, params: list[tuple[str, str]]
) -> list[Entity]:
    """Raises Unanswered; Problem for an answer whose words cannot be understood."""
    registration, subscriptions = asked.registration, request.broker.subscriptions
    if subscriptions is None:
        return []
    params = params + source.local_only(registration)
    if asked.attrs is not None:
        wanted = asked.attrs & (
            frozenset(selection.names(request.params, "attrs", request.context.expand)) or asked.attrs
        )
        params = [pair for pair in params if pair[0] != "attrs"]
        params.append(("attrs", ",".join(sorted(map(request.context.compact, wanted)))))
    _, headers = source.spoken(x, request, registration, request.context)
    reply = await subscriptions.peers.ask(registration, "GET", path, params, headers)
    if reply.status == 404:
        return []
    if not reply.done:
        raise Unanswered(f"it answers {reply.status}", peers.ERROR)
    content = reply.json()
    found = []
    for payload in content if isinstance(content, list) else [content]:
        if not isinstance(payload, dict):
            raise Unanswered("its answer is no entity", peers.INVALID)
        told_in = payload.pop("@context", None)  # without one: in the words of the request, as we asked
        context = request.context if told_in is None else await request.broker.contexts.resolve(told_in)
        told = read.entity(payload, context)
        if asked.attrs is not None:
            told["attrs"] = {name: some for name, some in told["attrs"].items() if name in asked.attrs}
        found.append(told)
    return found


async def page(request: Request, wanted: EntityQuery, gathered: Gathered) -> tuple[list[Entity], int]:
    """The slice of all that match, here and elsewhere, combined; and how many there are.

    In the order asked for; without one, what is here comes first, as without other sources.
    """
    store, now = request.broker.store, request.broker.clock()
    ids = tuple(gathered.parts)
    here = (
        await store.find(replace(wanted, ids=ids, order=(), offset=0, limit=len(ids), count=False))
        if ids
        else None
    )
    known = {orjson.loads(row.doc)["id"] for row in here.rows} if here is not None else set()
    others = [id for id in ids if id not in known]
    end = wanted.offset + wanted.limit
    if wanted.order:
        local = await store.find(replace(wanted, offset=0, limit=max(end, 1), count=True))
    else:
        local = await store.find(replace(wanted, limit=max(wanted.limit, 1), count=True))
    count = local.count or 0
    kept = [one for row in local.rows if (one := expiry.alive(orjson.loads(row.doc), now)) is not None]
    combined = [combine.entity(one, gathered.parts.get(one["id"], ())) for one in kept]
    more = [combine.entity(None, gathered.parts[id]) for id in others]
    if wanted.order:
        both = [one for one in (*combined, *more) if one is not None]
        both = order.sort(wanted.order, both, lambda one: order.places(wanted.order, one))
        shown = both[wanted.offset : end]
    else:
        skip = max(0, wanted.offset - count)
        room = max(0, wanted.limit - len(kept))
        shown = [one for one in (*combined[: wanted.limit], *more[skip : skip + room]) if one is not None]
    return shown, count + len(others)
