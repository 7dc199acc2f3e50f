"""Which entities: the parameters of a query, or the Query object of a POST, as an EntityQuery (5.7.2, 5.2.23)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import linked
from kitamae.kernel.context.api import joining, parameters
from kitamae.kernel.context.query import parse
from kitamae.kernel.context.query.pattern import checked
from kitamae.kernel.context.query.tree import SYSTEM, EntityQuery, TypeQ
from kitamae.kernel.problems import BadRequest, Unprocessable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.query.tree import Node

_LONG: Final = 32_768
"""Bytes of a question that is read beside the event loop."""
_GEO: Final = ("georel", "geometry", "coordinates", "geoproperty")


def entities(request: Request) -> EntityQuery:
    """The query that the URL parameters mean. Raises BadRequest, TooComplex; also for a query that is too wide."""
    params, expand = request.params, request.context.expand
    types = params.get("type")
    if types == "*" and params.get("local") is False:
        raise BadRequest("type=* asks for what is here, so local cannot be false")
    q = params.get("q")
    query = EntityQuery(
        tenant=request.tenant,
        ids=params.get("id", ()),
        id_pattern=_pattern(params.get("idPattern")),
        types=TypeQ() if types in (None, "*") else parse.type_q(types, expand),
        attrs=names(params, "attrs", expand),
        q=None
        if q is None
        else parse.q(
            q, expand, expand_values=params.get("expandValues", ()), json_keys=params.get("jsonKeys", ())
        ),
        geo=parse.geo({name: params[name] for name in _GEO if name in params}, expand),
        scope=parse.scope_q(params["scopeQ"]) if "scopeQ" in params else None,
        order=_order(params, expand),
    )
    if "csf" in params:
        parse.q(
            params["csf"], expand
        )  # sources are registered elsewhere; what cannot be read is wrong here too
    joining.demand_depth(linked.query_depth(query.q), request, "q")
    local = params.get("local", False) or types == "*"
    if not _narrow(query, local, expand):
        raise BadRequest("too wide: give one of type, attrs, q or georel, or ask for local=true")
    return page(request, query)


async def of_document(request: Request, size: int) -> EntityQuery:
    """`entities` for a Query object of so many bytes. A long one is read in a thread: to read and check thousands of
    positions takes its time.
    """
    return await asyncio.to_thread(entities, request) if size > _LONG else entities(request)


class Selections:
    """Queries that were read before, by the text of their parameters."""

    _MOST: Final = 4_000
    _LONGEST: Final = 512  # bytes; a longer text is read each time, or it would be a way to fill the memory

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, str, str], EntityQuery] = {}

    def asked(self, request: Request, query_string: bytes) -> EntityQuery:
        """`entities` for parameters that came in a URL."""
        key = (query_string, request.context.key, request.tenant)
        query = self._known.get(key)
        if query is None:
            query = entities(request)
            if len(query_string) > self._LONGEST:
                return query
            if len(self._known) >= self._MOST:
                del self._known[next(iter(self._known))]  # the oldest
            self._known[key] = query
        return query


def page(request: Request, query: EntityQuery) -> EntityQuery:
    """With the slice that limit, offset and count ask for (5.5.9, 6.3.10, 6.3.13). Raises BadRequest."""
    limits, params = request.broker.limits, request.params
    limit = params.get("limit", limits.page)
    offset = params.get("offset", 0)
    count = params.get("count", False) or "count" in params.get(
        "options", ()
    )  # so do some clients ask for it
    if limit > limits.page_most:
        raise BadRequest(f"limit: at most {limits.page_most}, got {limit}")
    if limit == 0 and not count:
        raise BadRequest("limit: 0 is for counting; give count=true with it")
    if offset > limits.offset_most:
        raise BadRequest(f"offset: at most {limits.offset_most}, got {offset}")
    return replace(query, limit=limit, offset=offset, count=count)


def and_one_more(query: EntityQuery) -> EntityQuery:
    """One entity more than the page holds: whether there is a next page is seen, not guessed."""
    return replace(query, limit=query.limit + 1) if query.limit else query


def types_of(query: EntityQuery) -> list[str]:
    """Every type that the query names."""
    return sorted({name for together in query.types.any_of for name in together})


def names(params: Mapping[str, Any], member: str, expand: Callable[[str], str]) -> tuple[str, ...]:
    """A list of attribute names, expanded."""
    given = params.get(member)
    return () if given is None else parse.names(given, expand, member)


def _order(params: Mapping[str, Any], expand: Callable[[str], str]) -> tuple[Any, ...]:
    if "orderBy" not in params:
        return ()
    return parse.order_by(
        params["orderBy"],
        expand,
        collation=params.get("collation"),
        order_from=params.get("orderFrom"),
        order_geometry=params.get("orderGeometry"),
    )


def _pattern(pattern: str | None) -> str | None:
    if pattern is not None:
        checked(pattern)
    return pattern


def _narrow(query: EntityQuery, local: bool, expand: Callable[[str], str]) -> bool:
    """Has it something that keeps it from meaning everything (5.7.2.4)?"""
    system = SYSTEM.union(map(expand, SYSTEM))
    return bool(
        local
        or query.types.any_of
        or any(name not in system for name in query.attrs)
        or (query.q is not None and any(name not in system for name in _asked(query.q)))
        or query.geo
    )


def _asked(node: Node) -> Iterable[str]:
    path = getattr(node, "path", None)
    if path is not None:
        yield path.names[0]
    for term in getattr(node, "terms", ()):
        yield from _asked(term)


def from_document(request: Request, document: Mapping[str, Any], *, temporal: bool = False) -> Request:
    """The same request with the members of a Query object (5.2.23) in the place of URL parameters.

    Raises BadRequest for a member that is of the wrong JSON type, and for what the object cannot say.
    """
    if document.get("type", "Query") != "Query":
        raise BadRequest(f"type: expected Query, got {document['type']!r:.80}")
    params: dict[str, Any] = dict(request.params)
    for member, value in document.items():
        if member in ("type", "id", "@context"):
            continue
        if member not in _MEMBERS or (member in ("temporalQ", "aggrParams") and not temporal):
            raise BadRequest(f"a Query has no member {member!r:.80}")
        _MEMBERS[member](params, member, value)
    if "aggrMethods" in params and not {"format", "options"} & params.keys():
        params["format"] = "aggregatedValues"  # a Query has no other way to say so
    if "entities" in params:
        params |= _one_selector(params.pop("entities"))
    return replace(request, params=params)


def _read(member: str, value: str) -> Any:
    try:
        return parameters.READERS[member](value)
    except BadRequest as wrong:
        raise type(wrong)(f"{member}: {wrong.detail}") from None


def _as_text(params: dict[str, Any], member: str, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{member}: expected a text, got {value!r:.80}")
    params[member] = _read(member, value)


def _as_list(params: dict[str, Any], member: str, value: Any) -> None:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise BadRequest(f"{member}: expected an array of texts that is not empty, got {value!r:.80}")
    params[member] = _read(member, ",".join(value))


def _as_boolean(params: dict[str, Any], member: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise BadRequest(f"{member}: expected true or false, got {value!r:.80}")
    params[member] = value


def _as_positive(params: dict[str, Any], member: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadRequest(f"{member}: expected a whole number from 1, got {value!r:.80}")
    params[member] = value


def _as_geo(params: dict[str, Any], member: str, value: Any) -> None:
    if not isinstance(value, dict) or value.keys() - {"@type", "type", *_GEO}:
        raise BadRequest(
            f"{member}: expected georel, geometry, coordinates and geoproperty, got {value!r:.80}"
        )
    params.update({name: value[name] for name in _GEO if name in value})


def _as_order(params: dict[str, Any], member: str, value: Any) -> None:
    if not isinstance(value, dict) or "orderBy" not in value:
        raise BadRequest(f"{member}: expected an object with orderBy, got {value!r:.80}")
    _as_list(params, "orderBy", value["orderBy"])
    if "coordinates" in value:
        params["orderFrom"] = value["coordinates"]
    for name, parameter in (("geometry", "orderGeometry"), ("collation", "collation")):
        if name in value:
            _as_text(params, parameter, value[name])


def _as_time(params: dict[str, Any], member: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise BadRequest(f"{member}: expected an object with timerel and timeAt, got {value!r:.80}")
    for name, given in value.items():
        match name:
            case "timerel" | "timeAt" | "endTimeAt" | "timeproperty":
                _as_text(params, name, given)
            case "lastN":
                _as_positive(params, name, given)
            case "aggrMethods" if isinstance(given, list):
                _as_list(params, name, given)
            case "aggrMethods" | "aggrPeriodDuration":
                _as_text(params, name, given)
            case "type" | "@type":
                pass
            case _:
                raise BadRequest(f"{member}: there is no member {name!r:.80}")


def _as_selectors(params: dict[str, Any], member: str, value: Any) -> None:
    """EntitySelector[] (5.2.33): alternatives, each an id, ids or an idPattern, and a type."""
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        raise BadRequest(f"{member}: expected an array of entity selectors that is not empty")
    params[member] = [_selector(one) for one in value]


def _selector(given: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in given.items():
        match name:
            case "id" if isinstance(value, list):
                _as_list(read, name, value)
            case "id" | "idPattern" | "type":
                _as_text(read, name, value)
            case _:
                raise BadRequest(f"entities: a selector has id, idPattern and type, not {name!r:.80}")
    return read


def _one_selector(selectors: list[dict[str, Any]]) -> dict[str, Any]:
    """Several selectors as one, where they differ in one member alone; an id goes before an idPattern. Raises Unprocessable where they do not."""
    selectors = [{k: v for k, v in one.items() if k != "idPattern" or "id" not in one} for one in selectors]
    if len(selectors) == 1:
        return selectors[0]
    members = {name for selector in selectors for name in selector}
    for name in ("type", "id"):
        rest = [{k: v for k, v in selector.items() if k != name} for selector in selectors]
        if (
            name in members
            and all(name in selector for selector in selectors)
            and rest.count(rest[0]) == len(rest)
        ):
            values = [selector[name] for selector in selectors]
            joined = ",".join(values) if name == "type" else tuple(id for ids in values for id in ids)
            return {**rest[0], name: joined}
    raise Unprocessable(
        "entities: selectors that differ in more than their types or their ids; ask one by one"
    )


_MEMBERS: Final[Mapping[str, Callable[[dict[str, Any], str, Any], None]]] = {
    "aggrParams": _as_time,
    "attrs": _as_list,
    "containedBy": _as_list,
    "csf": _as_text,
    "datasetId": _as_list,
    "entities": _as_selectors,
    "entityMap": _as_boolean,
    "entityMapLifetime": _as_text,
    "expandValues": _as_text,
    "geoQ": _as_geo,
    "join": _as_text,
    "joinLevel": _as_positive,
    "jsonKeys": _as_text,
    "lang": _as_text,
    "omit": _as_list,
    "ordering": _as_order,
    "pick": _as_list,
    "q": _as_text,
    "scopeQ": _as_text,
    "splitEntities": _as_boolean,
    "temporalQ": _as_time,
}
