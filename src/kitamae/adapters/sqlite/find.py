"""Queries over many entities: SQL says as much as it can, `query.match` decides what SQL could not say exactly."""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.adapters.sql.plan import type_alone
from kitamae.adapters.sqlite import census, series, translate
from kitamae.adapters.sqlite.named import queries
from kitamae.adapters.sqlite.pool import TooLong
from kitamae.kernel.context.query import geometry, match, order
from kitamae.kernel.context.store import Found, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import apsw

    from kitamae.adapters.sql.plan import Plan
    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.store import InstanceQuery

    Linked = Callable[[str], Entity | None]

_SQL = queries("entity", "history")
_READ, _BY_KEY = _SQL["entity_read"], _SQL["entity_by_key"]
_ROW: Final = "e.key, e.version, e.doc"

QUICK: Final = 100  # documents, or corners of a place, that the event loop may look into for one query
_LAST: Final = "\U0010ffff"  # behind every id


def find(db: apsw.Connection, query: EntityQuery, hot: tuple[str, ...], *, quick: bool = False) -> Found:
    """See `Store.find`. `quick`: raises TooLong rather than look into many documents."""
    if quick and query.geo is not None and geometry.size(query.geo.geometry) > QUICK:
        raise TooLong  # SQLite counts its own steps, and each of them may now be a long one
    plan = translate.where(query, hot)
    if plan.exact and plan.order is not None:
        return _exactly(db, query, plan)
    most = QUICK if quick else None
    if plan.order is None:
        return _sorted(db, query, plan, most)
    end = query.offset + query.limit
    rows: list[Row] = []
    seen = 0
    for row in _matching(db, query, plan, most):
        seen += 1
        if query.offset < seen <= end:
            rows.append(row)
        elif seen > end and not query.count:
            break
    return Found(rows, seen if query.count else None)


def _exactly(db: apsw.Connection, query: EntityQuery, plan: Plan) -> Found:
    """SQL says it all."""
    rows = [
        Row(*row)
        for row in db.execute(
            f"{plan.select(_ROW)} LIMIT :most OFFSET :skip",
            {**plan.params, "most": query.limit, "skip": query.offset},
        )
    ]
    if not query.count:
        return Found(rows)
    if rows and len(rows) < query.limit:
        return Found(rows, query.offset + len(rows))
    if (one := type_alone(query)) is not None:
        return Found(rows, census.count(db, query.tenant, one))
    return Found(rows, db.execute(f"SELECT count(*) FROM {plan.source} WHERE {plan.where}", plan.params).get)


def _sorted(db: apsw.Connection, query: EntityQuery, plan: Plan, most: int | None) -> Found:
    """In an order that only the kernel knows. What is kept of each match is where it stands, not its document."""
    placed: order.First[tuple[int, order.Places]] = order.First(
        order.page_end(query), query.order, lambda pair: pair[1]
    )
    seen = 0
    for row in _matching(db, query, plan, most):
        if seen == most:
            raise TooLong
        seen += 1
        placed.add((row.key, order.places(query.order, orjson.loads(row.doc))))
    found = (db.execute(_BY_KEY, (key,)).fetchone() for key, _ in placed.found()[query.offset :])
    return Found([Row(*row) for row in found if row], seen if query.count else None)


def _matching(db: apsw.Connection, query: EntityQuery, plan: Plan, most: int | None = None) -> Iterator[Row]:
    """Those that match, in order. Raises TooLong when more than `most` documents would have to be looked into."""
    linked = linker(db, query)
    looked = 0
    for key, version, doc, unsure in db.execute(plan.select(f"{_ROW}, {plan.unsure}"), plan.params):
        if unsure:
            if looked == most:
                raise TooLong
            looked += 1
            if not match.entity(query, orjson.loads(doc), linked):
                continue
        yield Row(key, version, doc)


def linker(db: apsw.Connection, query: EntityQuery) -> Linked:
    """Finds the entity that a relationship leads to, if it is there for who asks."""

    def linked(id: str) -> Entity | None:
        row = db.execute(_READ, (query.tenant, id, "")).fetchone()
        found: Entity | None = orjson.loads(row[2]) if row else None
        return found if found is not None and query.without.isdisjoint(found["type"]) else None

    return linked


def chunk(
    db: apsw.Connection, query: EntityQuery, hot: tuple[str, ...], after: int, size: int
) -> tuple[list[Row], int | None]:
    """Matches among the next `size` candidates after a key, and the last key looked at; None: there are no more."""
    plan = translate.where(replace(query, order=()), hot)
    key = plan.key
    found: list[Any] = db.execute(
        f"SELECT {_ROW}, {plan.unsure} FROM {plan.source} WHERE {plan.where} AND {key} > :after"
        f" ORDER BY {key} LIMIT :size",
        {**plan.params, "after": after, "size": size},
    ).fetchall()
    linked = linker(db, query)
    rows = [
        Row(key, version, doc)
        for key, version, doc, unsure in found
        if not unsure or match.entity(query, orjson.loads(doc), linked)
    ]
    return rows, found[-1][0] if len(found) == size else None


def remembered(
    db: apsw.Connection,
    query: EntityQuery,
    history: InstanceQuery,
    hot: tuple[str, ...],
    after: str | None = None,
) -> Found:
    """See `Store.remembered`. A living entity is judged by its present state, a deleted one by its last."""
    plan = translate.where(query, hot)
    falling = bool(query.order) and query.order[0].descending  # by id is the only order that history has
    way = "DESC" if falling else "ASC"
    low, high = ("", after) if falling else (after, "")
    beyond = {"low": low or "", "high": high or _LAST}
    living: Any = db.execute(
        f"SELECT e.id, e.key, NULL, NULL, {plan.unsure} FROM {plan.source} WHERE {plan.where} AND e.id > :low"
        f" AND e.id < :high ORDER BY e.id {way}, e.variant {way}",
        {**plan.params, **beyond},
    )  # without documents: all of them are sorted, and few are looked at
    past: Any = db.execute(
        _SQL["past_named" if query.ids else "past_of_tenant"],
        {"tenant": query.tenant, "ids": orjson.dumps(query.ids).decode(), **beyond},
    )
    if falling:
        past = reversed(past.fetchall())
    linked = linker(db, query)
    wanted = series.named(db, history)
    rows: list[Row] = []
    seen = 0
    end = query.offset + query.limit
    for _, key, version, doc, unsure in heapq.merge(living, past, key=_id, reverse=falling):
        if not series.any_of(db, key, wanted, history):
            continue
        row = Row(key, version, doc) if doc is not None else Row(*db.execute(_BY_KEY, (key,)).get)
        if unsure and not match.entity(query, orjson.loads(row.doc), linked):
            continue
        seen += 1
        if query.offset < seen <= end:
            rows.append(row)
        elif seen > end and not query.count:
            break
    return Found(rows, seen if query.count else None)


def _id(row: tuple[Any, ...]) -> str:
    return str(row[0])
