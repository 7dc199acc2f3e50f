"""Which entities: the parameters of a query as an EntityQuery (5.7.2). A Query object says the same: `query_object`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import linked
from kitamae.kernel.context.api import joining
from kitamae.kernel.context.query import parse
from kitamae.kernel.context.query.pattern import checked
from kitamae.kernel.context.query.tree import SYSTEM, EntityQuery, TypeQ, Wanted
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.query.tree import Node

_LONG: Final = 32_768
"""Bytes of a question that is read beside the event loop."""
GEO: Final = ("georel", "geometry", "coordinates", "geoproperty")


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
        types=_types(types, expand),
        attrs=names(params, "attrs", expand),
        q=None
        if q is None
        else parse.q(
            q, expand, expand_values=params.get("expandValues", ()), json_keys=params.get("jsonKeys", ())
        ),
        geo=parse.geo({name: params[name] for name in GEO if name in params}, expand),
        scope=parse.scope_q(params["scopeQ"]) if "scopeQ" in params else None,
        order=_order(params, expand),
        wanted=tuple(_wanted(one, expand) for one in params.get("selectors", ())),
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


def _types(given: str | None, expand: Callable[[str], str]) -> TypeQ:
    return TypeQ() if given in (None, "*") else parse.type_q(given, expand)


def _wanted(given: Mapping[str, Any], expand: Callable[[str], str]) -> Wanted:
    """One of several entity selectors (5.2.33)."""
    return Wanted(_types(given.get("type"), expand), given.get("id", ()), _pattern(given.get("idPattern")))


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
