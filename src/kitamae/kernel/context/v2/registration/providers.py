"""Who else may know or keep something of an NGSIv2 request, and what they say (Orion's manual, "Context providers").

What is here comes first: others fill in what is missing, entities or attributes, and take the updates of what is not here.
All that concern a question are asked at the same time; one that does not answer is missed, and counted.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from kitamae.kernel.context.api import questions, source
from kitamae.kernel.context.api.questions import Source
from kitamae.kernel.context.broker import Request
from kitamae.kernel.context.query import match
from kitamae.kernel.context.query.tree import ScopeQ, TypeQ, Wanted
from kitamae.kernel.context.registration import dialect, speech
from kitamae.kernel.context.registration.dialect import Errand
from kitamae.kernel.context.registration.match import Question, relevant
from kitamae.kernel.context.registration.peers import Unanswered
from kitamae.kernel.context.v2 import correlator
from kitamae.kernel.context.v2 import query as queries
from kitamae.kernel.context.v2.registration import ask
from kitamae.kernel.context.veil import hidden_in
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.registration.model import Mode, Registration
    from kitamae.kernel.context.registration.peers import Peers
    from kitamae.kernel.context.v2.exchange import Exchange

_log = structlog.get_logger()
Parts = dict[str, list[tuple["Mode", "Entity"]]]
"""Entity id -> what each of the others said of it, in the order in which they were registered."""


def _possible(x: Exchange) -> list[Registration]:
    """Nobody, where this request came from ourselves, or has gone round too often."""
    if "skipForwarding" in x.params.get("options", "").split(","):
        return []
    found = source.registered(x.request)
    if not found or correlator.count(x.correlator, "cbfwd") >= correlator.MOST:
        return []
    visited = source.visited(x)
    return [] if x.request.alias in visited else found


def _errand(x: Exchange, peers: Peers) -> Errand:
    via = speech.via(x.headers, x.request.alias)
    return Errand(peers, x.request.tenant, x.request.context, via, x.correlator)


def _offers(x: Exchange, registration: Registration, mode: str) -> bool:
    own = registration.doc.get("v2")
    if own is None:
        return mode == "query" and not registration.operations.isdisjoint(("queryEntity", "queryBatch"))
    if not dialect.offers(registration, mode):
        return False
    wanted, root = queries.scope(x.paths)
    if wanted is None and root is None:
        return True
    if own["path"] == "/":
        return root is not None
    return wanted is not None and match.scope(ScopeQ(wanted.any_of), [own["path"]])


async def gather(x: Exchange, wanted: Sequence[EntityQuery], attrs: frozenset[str]) -> Parts:
    """What others know. `wanted`: alternatives; `attrs`: expanded names that are asked for, none: any."""
    subscriptions, found, what = x.broker.subscriptions, _possible(x), hidden_in(x.broker.store)
    if subscriptions is None or not found:
        return {}
    question = Question(tuple(Wanted(one.types, one.ids) for one in wanted), attrs)
    asked = [one for one in found if _offers(x, one, "query") and relevant(question, one)]
    errand = _errand(x, subscriptions.peers)
    answers = await asyncio.gather(*(_told(x, errand, one, wanted, attrs) for one in asked))
    parts: Parts = {}
    for registration, entities in zip(asked, answers, strict=True):
        for told in entities:
            entity = told if what is None else what.told(told, by=bool(attrs))
            if entity is not None and any(match.entity(one, entity) for one in wanted):
                parts.setdefault(entity["id"], []).append((registration.mode, entity))
    return parts


async def _told(
    x: Exchange, errand: Errand, one: Registration, wanted: Sequence[EntityQuery], attrs: frozenset[str]
) -> list[Entity]:
    try:
        if "v2" in one.doc:
            entities = await ask.query(errand, one, wanted, attrs)
        else:
            entities = [entity for each in wanted for entity in await _over_ngsi_ld(x, one, each, attrs)]
    except (Unanswered, Problem) as trouble:
        _count(x, one, str(trouble))
        return []
    _count(x, one, None)
    return entities


async def _over_ngsi_ld(
    x: Exchange, one: Registration, wanted: EntityQuery, attrs: frozenset[str]
) -> list[Entity]:
    """A source that was registered over NGSI-LD is asked in NGSI-LD, without the conditions: they are judged here."""
    context = x.request.context
    params: dict[str, Any] = {}
    if wanted.types.any_of:
        params["type"] = ",".join(context.compact(some[0]) for some in wanted.types.any_of)
    if wanted.ids:
        params["id"] = wanted.ids
    if attrs:
        params["attrs"] = ",".join(sorted(map(context.compact, attrs)))
    request = Request(x.broker, x.request.principal, x.request.tenant, context, params)
    asked = Source(one, one.information)
    told = await questions.many(x, request, asked, wanted, split=False, maps={})
    return told.entities


async def update(x: Exchange, id: str, type: str | None, attrs: Mapping[str, Json]) -> set[str]:
    """Attributes that are not here, given to whoever registered them; the names that are durable there."""
    subscriptions, found = x.broker.subscriptions, _possible(x)
    if subscriptions is None or not found:
        return set()
    types = TypeQ() if type is None else TypeQ(((x.words.expand(type),),))
    wanted = (Wanted(types, (x.inner(id),)),)
    offered = [one for one in found if "v2" in one.doc and _offers(x, one, "update")]
    shares: dict[str, tuple[Registration, dict[str, Json]]] = {}
    for name, given in attrs.items():
        question = Question(wanted, frozenset((x.words.expand(name),)))
        owner = next((one for one in offered if relevant(question, one)), None)
        if owner is not None:
            shares.setdefault(owner.id, (owner, {}))[1][name] = given
    if not shares:
        return set()
    x.request.demand_types("write", () if type is None else (x.words.expand(type),))
    done: set[str] = set()
    for owner, part in shares.values():
        try:
            await ask.update(_errand(x, subscriptions.peers), owner, id, type, part)
        except Unanswered as trouble:
            _count(x, owner, str(trouble))
        else:
            _count(x, owner, None)
            done |= part.keys()
    return done


def _count(x: Exchange, registration: Registration, trouble: str | None) -> None:
    """What GET registrations shows as forwardingInformation."""
    kept = x.broker.subscriptions_v2
    if trouble is not None:
        _log.warning("a context provider did not answer", registration=registration.id, why=trouble)
    if kept is None:
        return
    record = kept.forwarded(registration.tenant, registration.id)
    if trouble is None:
        record.sent(x.broker.clock())
    else:
        record.failed(x.broker.clock(), trouble)
