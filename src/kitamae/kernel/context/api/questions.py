"""How one source is asked for entities: what it registered narrows the question, and the operations that it offers say how.

Conditions travel with the question, unless entities are split between sources (4.3.6.7) or the source is spoken to in other
words than the caller's: then all that it has of these types is asked for, and judged here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson

from kitamae.kernel.context import read
from kitamae.kernel.context.api import source
from kitamae.kernel.context.api.asked import only
from kitamae.kernel.context.operations import expiry
from kitamae.kernel.context.query import match, pattern
from kitamae.kernel.context.query.tree import EntityQuery, TypeQ
from kitamae.kernel.context.registration import peers, speech
from kitamae.kernel.context.registration.peers import Unanswered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.api.answer import Header
    from kitamae.kernel.context.api.source import Asking
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.registration.model import EntityInfo, Information, Registration
    from kitamae.kernel.context.registration.peers import Reply

_PAGE: Final = 100
_PAGES: Final = 10
_CHOICE: Final = ("type", "id", "idPattern")
CONDITIONS: Final = (
    *("q", "scopeQ", "georel", "geometry", "coordinates", "geoproperty"),
    *("expandValues", "jsonKeys"),
)
_TIMES: Final = {"options": "sysAttrs"}
"""Of two instances the newer one stands (4.5.5), so they are asked when they were written."""
_GEO: Final = ("georel", "geometry", "coordinates", "geoproperty")


@dataclass(frozen=True, slots=True)
class Source:
    """A registration that concerns the request, with the information in it that does."""

    registration: Registration
    informed: tuple[Information, ...]

    @property
    def attrs(self) -> frozenset[str] | None:
        """What it may answer with; None: anything."""
        named = [one.attrs for one in self.informed]
        return frozenset().union(*named) if all(named) else None

    @property
    def entities(self) -> tuple[EntityInfo, ...] | None:
        """Which entities it knows; None: any."""
        named = [one.entities for one in self.informed]
        return tuple(info for some in named for info in some) if all(named) else None

    def knows(self, id: str) -> bool:
        """Could it know an entity with that id?"""
        return self.entities is None or any(_has_id(info, id) for info in self.entities)

    def registered(self, entity: Entity) -> bool:
        """Did it say that it knows such an entity? What else it tells is not believed."""
        return self.entities is None or any(_is(entity, info) for info in self.entities)


def _is(entity: Entity, info: EntityInfo) -> bool:
    return _has_id(info, entity["id"]) and set(info.types) <= set(entity["type"])


def _has_id(info: EntityInfo, id: str) -> bool:
    if info.id is not None:
        return info.id == id
    return info.id_pattern is None or bool(pattern.compiled(info.id_pattern)(id))


@dataclass(slots=True)
class Told:
    """What a source told: entities, and warnings of its own about those that it asked."""

    entities: list[Entity]
    warnings: list[Header]


async def one(x: Asking, request: Request, asked: Source, id: str) -> Told:
    """All that it knows of one entity. Raises Unanswered; Problem for what cannot be understood."""
    if "v2" in asked.registration.doc:
        return await _over_v2(x, request, asked, EntityQuery(ids=(id,), types=only(request) or TypeQ()))
    words = await source.words(request, asked.registration, request.context)
    params = narrowed(request, asked, words, ("type", "datasetId"), id=id)
    if "retrieveEntity" in asked.registration.operations:
        params.pop("id")
        if "type" not in request.params:
            params.pop("type", None)
        path = f"entities/{quoted(id)}"
        reply = await ask(x, request, asked, words, "GET", path, {**params, **_TIMES})
        told = await _told(request, asked, words, reply)
    else:
        told = await _page(x, request, asked, words, params, 0)
    told.entities = [entity for entity in _believed(request, asked, told.entities) if entity["id"] == id]
    return told


async def many(
    x: Asking,
    request: Request,
    asked: Source,
    wanted: EntityQuery,
    *,
    split: bool,
    maps: Mapping[str, str],
) -> Told:
    """All that it has that match, page by page, or with `split` all that may. Raises as `one`.

    `maps`: registration -> the entity map that its source made for this query.
    """
    if "v2" in asked.registration.doc:
        told = await _over_v2(x, request, asked, wanted)
        told.entities = [one for one in told.entities if split or _fits(one, wanted, judged=False)]
        return told
    words = await source.words(request, asked.registration, request.context)
    judged_there = words is request.context and not split
    params = for_query(request, asked, words, split=split)
    map = maps.get(asked.registration.id)
    told = Told([], [])
    for number in range(_PAGES):
        page = await _page(x, request, asked, words, params, number * _PAGE, map)
        told.entities += _believed(request, asked, page.entities)
        told.warnings += page.warnings
        if len(page.entities) != _PAGE:  # the last page, or from somebody who knows no pages
            break
    if not split:
        told.entities = [entity for entity in told.entities if _fits(entity, wanted, judged_there)]
    return told


async def _over_v2(x: Asking, request: Request, asked: Source, wanted: EntityQuery) -> Told:
    """It is asked for entities and attributes; conditions are judged here, so with one for all attributes that it has."""
    dialect, errand = source.errand(x, request)
    judged = wanted.q is not None or wanted.geo is not None or bool(request.params.get("splitEntities"))
    attrs = (
        frozenset() if judged else frozenset(map(request.context.expand, _names(request.params.get("attrs"))))
    )
    return Told(await dialect.query(errand, asked.registration, (wanted,), attrs), [])


def _believed(request: Request, asked: Source, entities: list[Entity]) -> list[Entity]:
    """Without what the source did not register, and without what has expired."""
    now = request.broker.clock()
    found = (expiry.alive(one, now) for one in entities if asked.registered(one))
    return [one for one in found if one is not None]


def for_query(request: Request, asked: Source, words: Context, *, split: bool) -> dict[str, str]:
    """What a query is narrowed to for this source; without conditions where they are judged here."""
    judged_there = words is request.context and not split
    known = (*_CHOICE, "datasetId", *(CONDITIONS if judged_there else ()))
    return narrowed(request, asked, words, known, attrs=judged_there)


def _fits(entity: Entity, wanted: EntityQuery, judged: bool) -> bool:
    """What was not asked for is not believed; conditions that were judged there are theirs to judge."""
    if wanted.ids and entity["id"] not in wanted.ids:
        return False
    if wanted.id_pattern is not None and not pattern.compiled(wanted.id_pattern)(entity["id"]):
        return False
    if not match.types(wanted.types, entity["type"]) or not match.chosen(wanted, entity):
        return False
    return judged or match.entity(wanted, entity)


def narrowed(
    request: Request,
    asked: Source,
    words: Context,
    known: tuple[str, ...],
    *,
    id: str | None = None,
    attrs: bool = True,
) -> dict[str, str]:
    """The parameters for this source, in its words."""
    params = request.params
    found = {name: _text(params[name]) for name in known if name in params}
    infos = asked.entities or ()
    ids = [info.id for info in infos if info.id is not None]
    if id is not None:
        found["id"] = id
    elif "id" in found:
        found["id"] = ",".join(filter(asked.knows, params["id"]))
    elif infos and len(ids) == len(infos):
        found["id"] = ",".join(dict.fromkeys(ids))
    elif len(infos) == 1 and infos[0].id_pattern and not {"id", "idPattern"} & found.keys():
        found["idPattern"] = infos[0].id_pattern
    if infos and ("type" not in found or words is not request.context):
        found["type"] = ",".join(dict.fromkeys(_types(info, words) for info in infos))
    wanted = frozenset(map(request.context.expand, _names(params.get("attrs")))) if attrs else frozenset()
    if asked.attrs is not None:
        wanted = (asked.attrs & wanted) or asked.attrs
    if wanted:
        found["attrs"] = ",".join(sorted(map(words.compact, wanted)))
    return found


def _types(info: EntityInfo, words: Context) -> str:
    names = [words.compact(one) for one in info.types]
    return names[0] if len(names) == 1 else f"({';'.join(names)})"


def _names(given: str | None) -> list[str]:
    return [] if given is None else [name.strip() for name in given.split(",")]


def _text(value: Any) -> str:
    match value:
        case str():
            return value
        case tuple():
            return ",".join(value)
        case _:
            return orjson.dumps(value).decode()


async def _page(
    x: Asking,
    request: Request,
    asked: Source,
    words: Context,
    params: dict[str, str],
    offset: int,
    map: str | None = None,
) -> Told:
    slice_ = {"limit": str(_PAGE), "offset": str(offset), **_TIMES}
    if "queryEntity" in asked.registration.operations:
        reply = await ask(x, request, asked, words, "GET", "entities", {**params, **slice_}, map=map)
        return await _told(request, asked, words, reply)
    reply = await ask(
        *(x, request, asked, words, "POST", "entityOperations/query", slice_),
        content=_document(params),
        map=map,
    )
    return await _told(request, asked, words, reply)


async def ask(
    x: Asking,
    request: Request,
    asked: Source,
    words: Context,
    method: str,
    path: str,
    params: dict[str, str],
    content: Json = None,
    map: str | None = None,
) -> Reply:
    """One request to a source. Raises Unanswered."""
    registration, subscriptions = asked.registration, request.broker.subscriptions
    if subscriptions is None:
        raise Unanswered("other sources are not spoken to")
    body, headers = source.spoken(x, request, registration, words, content)
    if map is not None:
        headers["NGSILD-EntityMap"] = map
    pairs = [*params.items(), *speech.local_only(registration)]
    return await subscriptions.peers.ask(registration, method, path, pairs, headers, body)


def quoted(name: str) -> str:
    """A name or an id as one segment of a path at a source."""
    return quote(name, safe=":")


def _document(params: dict[str, str]) -> dict[str, Json]:
    """A Query object (5.2.23) that says the same."""
    ids = params["id"].split(",") if "id" in params else [None]
    selector = {name: params[name] for name in ("type", "idPattern") if name in params}
    selectors = [selector if id is None else {**selector, "id": id} for id in ids]
    found: dict[str, Json] = {"type": "Query"}
    if selectors != [{}]:
        found["entities"] = selectors
    for name in ("attrs", "datasetId"):
        if name in params:
            found[name] = params[name].split(",")
    for name in ("q", "scopeQ", "expandValues", "jsonKeys"):
        if name in params:
            found[name] = params[name]
    if "georel" in params:
        found["geoQ"] = {name: params[name] for name in _GEO if name in params}
    return found


async def _told(request: Request, asked: Source, words: Context, reply: Reply) -> Told:
    """Raises Unanswered; Problem for an answer whose words cannot be understood."""
    told = Told([], [])
    if said := reply.headers.get("ngsild-warning"):
        told.warnings.append(source.relayed(said))
    if reply.status == 404:
        return told
    if not reply.done:
        raise Unanswered(f"it answers {reply.status}", peers.ERROR)
    content = reply.json()
    for payload in content[: _PAGE * _PAGES] if isinstance(content, list) else [content]:
        if not isinstance(payload, dict):
            raise Unanswered("its answer is no entity", peers.INVALID)
        told_in = payload.pop("@context", None)  # without one: in the words in which we asked
        context = words if told_in is None else await request.broker.contexts.resolve(told_in)
        entity = read.entity(payload, context, theirs=True)
        if asked.attrs is not None:
            entity["attrs"] = {name: some for name, some in entity["attrs"].items() if name in asked.attrs}
        told.entities.append(entity)
    return told
