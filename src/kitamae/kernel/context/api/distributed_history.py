"""History with other sources (5.7.3, 5.7.4): what each remembers, put together instance by instance.

Figures (`aggregatedValues`, `lastN`, ...) are worked out here, of what all of them remember.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

import orjson

from kitamae.kernel.context import clock, read
from kitamae.kernel.context.api import distributed, questions, source
from kitamae.kernel.context.api.asked import only
from kitamae.kernel.context.api.distributed import Sources
from kitamae.kernel.context.api.past import Selected, select
from kitamae.kernel.context.api.questions import Source, Told
from kitamae.kernel.context.query import match
from kitamae.kernel.context.query.tree import TypeQ, Wanted
from kitamae.kernel.context.registration import combine, peers
from kitamae.kernel.context.registration.match import Question, relevant
from kitamae.kernel.context.registration.peers import Unanswered
from kitamae.kernel.context.temporal import write
from kitamae.kernel.context.veil import hidden_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.context.api.answer import Header
    from kitamae.kernel.context.api.evolution import Evolution
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.registration.model import Registration
    from kitamae.kernel.context.registration.peers import Reply
    from kitamae.kernel.context.store import Instance
    from kitamae.kernel.context.temporal.query import TemporalQuery

_WHEN: Final = ("timerel", "timeAt", "endTimeAt", "timeproperty", "lastN")
_PAGE: Final = 100
_PAGES: Final = 10
_STAMPS: Final = (("createdAt", "created_at"), ("modifiedAt", "modified_at"), ("deletedAt", "deleted_at"))


@dataclass(slots=True)
class Remembered:
    """Entity id -> what the entity is without its attributes, its instances, and by whose registration they came."""

    heads: dict[str, Entity] = field(default_factory=dict)
    instances: dict[str, list[Instance]] = field(default_factory=dict)
    warnings: list[Header] = field(default_factory=list)
    by: dict[str, list[str]] = field(default_factory=dict)


def of_entity(x: Exchange, request: Request, id: str, what: Evolution) -> Sources:
    """Who may remember that entity."""
    question = Question((Wanted(only(request) or TypeQ(), (id,)),), frozenset(what.attrs or ()))
    return _sources(x, request, ("retrieveTemporal",), question, what.when)


def of_query(x: Exchange, request: Request, wanted: EntityQuery, what: Evolution) -> Sources:
    """Who may remember entities that the query selects."""
    if not source.registered(request):
        return Sources()
    may = distributed.permitted(request, wanted)
    if may is None:
        return Sources()
    question = distributed.question_of(request, may)
    found = _sources(x, request, ("queryTemporal",), question, what.when)
    found.apart = distributed.apart_in(request, may)
    return found


def _sources(
    x: Exchange, request: Request, offered: Iterable[str], question: Question, when: TemporalQuery
) -> Sources:
    """A source that names no interval, and offers history, may have any."""

    def positions(one: Registration) -> tuple[int, ...]:
        if when.timerel is not None and (one.observation or one.management):
            return relevant(replace(question, time=when), one)
        return relevant(question, replace(one, observation=None, management=None))

    return distributed.sources(x, request, offered, positions)


async def one(x: Exchange, request: Request, sources: Sources, id: str) -> Remembered:
    """What they remember of one entity."""

    async def ask(asked: Source) -> Told:
        words = await source.words(request, asked.registration, request.context)
        params = _params(request, asked, words, ("datasetId",))
        for name in ("id", "idPattern", "type"):
            params.pop(name, None)
        reply = await questions.ask(
            x, request, asked, words, "GET", f"temporal/entities/{quote(id, safe=':')}", params
        )
        return await _told(request, asked, words, reply, found)

    found: dict[str, list[list[Instance]]] = {}
    gathered = await distributed.gather(request, sources, ask)
    gathered.parts = {id: gathered.parts[id]} if id in gathered.parts else {}
    return _remembered(gathered, found)


async def many(x: Exchange, request: Request, sources: Sources, wanted: EntityQuery) -> Remembered:
    """What they remember of all that match; conditions are theirs to judge, which entities are wanted is ours."""

    async def ask(asked: Source) -> Told:
        words = await source.words(request, asked.registration, request.context)
        conditions = questions.CONDITIONS if words is request.context else ()
        params = _params(request, asked, words, ("type", "id", "idPattern", "datasetId", *conditions))
        told = Told([], [])
        for number in range(_PAGES):
            slice_ = {"limit": str(_PAGE), "offset": str(number * _PAGE)}
            reply = await questions.ask(
                x, request, asked, words, "GET", "temporal/entities", {**params, **slice_}
            )
            page = await _told(request, asked, words, reply, found)
            told.entities += [one for one in page.entities if match.chosen(wanted, one)]
            told.warnings += page.warnings
            if len(page.entities) != _PAGE:
                break
        return told

    found: dict[str, list[list[Instance]]] = {}
    return _remembered(await distributed.gather(request, sources, ask), found)


def _params(request: Request, asked: Source, words: Context, known: tuple[str, ...]) -> dict[str, str]:
    found = questions.narrowed(request, asked, words, known)
    found |= {name: str(request.params[name]) for name in _WHEN if name in request.params}
    return {**found, "options": "sysAttrs"}


async def _told(
    request: Request,
    asked: Source,
    words: Context,
    reply: Reply,
    found: dict[str, list[list[Instance]]],
) -> Told:
    """Raises Unanswered; Problem for an answer whose words cannot be understood."""
    told = Told([], [])
    if said := reply.headers.get("ngsild-warning"):
        told.warnings.append(source.relayed(said))
    if reply.status == 404:
        return told
    if not reply.done:
        raise Unanswered(f"it answers {reply.status}", peers.ERROR)
    if reply.status == 206:
        text = f"{asked.registration.id}: it tells only some of the history, {reply.headers.get('content-range')}"
        told.warnings.append(source.warning(request, peers.ERROR, text))
    content = reply.json()
    now, what = request.broker.clock(), hidden_in(request.broker.store)
    for payload in content[: _PAGE * _PAGES] if isinstance(content, list) else [content]:
        if not isinstance(payload, dict):
            raise Unanswered("its answer is no entity", peers.INVALID)
        told_in = payload.pop("@context", None)
        context = words if told_in is None else await request.broker.contexts.resolve(told_in)
        entity = read.entity(payload, context, temporal=True)
        seen = entity if what is None else what.told(entity, by=True)  # of the time that was asked for
        if seen is None or not asked.registered(entity):
            continue
        entity = seen
        attrs = {
            name: some for name, some in entity["attrs"].items() if asked.attrs is None or name in asked.attrs
        }
        instances = write.instances(entity["id"], attrs, now)
        _stamp(instances, payload, context)
        found.setdefault(entity["id"], []).append(instances)
        told.entities.append({**entity, "attrs": {}})
    return told


def seen(request: Request, entities: Iterable[Entity], theirs: Remembered) -> Remembered:
    """What others remember of these, as the caller sees entities of all the types that they turned out to be of."""
    what = hidden_in(request.broker.store)
    if what is not None:
        for one in entities:
            names, told = what.of(one["type"]), theirs.instances.get(one["id"])
            if told is not None:
                theirs.instances[one["id"]] = [some for some in told if some.name not in names]
    return theirs


def _stamp(instances: list[Instance], payload: dict[str, Any], context: Context) -> None:
    """Their times and ids as the source has them, which a reader of payloads does not read."""
    by_name: dict[str, list[Json]] = {}
    for name in read.attributes_of(payload):
        given = payload[name]
        by_name.setdefault(context.expand(name), []).extend(given if isinstance(given, list) else [given])
    places: dict[str, int] = {}
    for one in instances:
        n = places.get(one.name, 0)
        places[one.name] = n + 1
        given = by_name.get(one.name, [])
        said = given[n] if n < len(given) and isinstance(given[n], dict) else {}
        members = cast("dict[str, Any]", one.attribute)
        for member, slot in _STAMPS:
            if isinstance(said.get(member), str):
                setattr(one, slot, clock.micros(said[member], member))
                members[member] = clock.text(getattr(one, slot))
        if isinstance(said.get("instanceId"), str):
            one.instance_id = said["instanceId"]


def _remembered(gathered: distributed.Gathered, found: dict[str, list[list[Instance]]]) -> Remembered:
    """An attribute that an auxiliary source tells is for those who have it from nobody else."""
    answer = Remembered(warnings=gathered.warnings, by=gathered.by)
    for id, parts in gathered.parts.items():
        head = combine.entity(None, parts)
        if head is not None:
            answer.heads[id] = head
        answer.instances[id] = [one for some in found.get(id, ()) for one in some]
    return answer


def together(ours: Entity | None, theirs: Entity | None) -> Entity | None:
    """The entity without its attributes."""
    return ours if theirs is None else combine.entity(ours, [("inclusive", theirs)])


async def page(request: Request, wanted: EntityQuery, what: Evolution, theirs: Remembered) -> Selected:
    """The page of what is remembered here, then elsewhere alone. Raises NotSignedIn, Forbidden."""
    local = await select(request.broker, replace(wanted, count=True), what)
    ids, count = tuple(theirs.heads), local.count or 0
    both = replace(wanted, ids=ids, offset=0, limit=len(ids), count=False)
    known = {one["id"] for one in (await select(request.broker, both, what)).entities} if ids else set()
    others = [id for id in ids if id not in known]
    skip, room = max(0, wanted.offset - count), max(0, wanted.limit - len(local.entities))
    shown = [together(one, theirs.heads.get(one["id"])) or one for one in local.entities]
    shown += [theirs.heads[id] for id in others[skip : skip + room]]
    for one in shown:
        request.demand_types("read", one["type"])
    count += len(others)
    more = wanted.offset + wanted.limit < count
    return replace(local, entities=shown, more=more, count=count if wanted.count else None)


def merged(
    ours: list[Instance], theirs: Iterable[Instance], when: TemporalQuery, names: Iterable[str] | None
) -> list[Instance]:
    """All of ours; of theirs one for each entity, attribute, dataset and time (4.5.5). Of each the newest `lastN`."""
    wanted = None if names is None else frozenset(names)
    found = [one for one in ours if wanted is None or one.name in wanted]
    there = {_place(one, when) for one in found}
    for one in theirs:
        if (wanted is None or one.name in wanted) and (place := _place(one, when)) not in there:
            there.add(place)
            found.append(one)
    found.sort(key=lambda one: (one.entity, one.name, _dataset(one), time_of(one, when) or 0))
    if when.last is None:
        return found
    newest: dict[tuple[str, str, str], list[Instance]] = {}
    for one in found:
        newest.setdefault((one.entity, one.name, _dataset(one)), []).append(one)
    kept = {id(one) for some in newest.values() for one in some[-when.last :]}
    return [one for one in found if id(one) in kept]


def _place(one: Instance, when: TemporalQuery) -> tuple[Any, ...]:
    at = one.observed_at if one.observed_at is not None else time_of(one, when)
    untold = orjson.dumps(one.attribute["v"]) if at is None else b""
    return one.entity, one.name, _dataset(one), at, untold


def _dataset(one: Instance) -> str:
    return one.attribute.get("datasetId", "")


def time_of(one: Instance, when: TemporalQuery) -> int | None:
    """When it was, by the time property that is asked for. Microseconds UTC."""
    match when.timeproperty:
        case "observedAt":
            return one.observed_at
        case "createdAt":
            return one.created_at
        case "modifiedAt":
            return one.modified_at
        case "deletedAt":
            return one.deleted_at
