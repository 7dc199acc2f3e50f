"""Queries over many entities: SQL says as much as it can, `query.match` decides what SQL could not say exactly."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.adapters.sqlite import series, translate
from kitamae.adapters.sqlite.named import queries
from kitamae.adapters.sqlite.pool import TooLong
from kitamae.kernel.context.query import match
from kitamae.kernel.context.store import Found, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import apsw

    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.store import InstanceQuery

_SQL = queries("entity", "history")
_READ = _SQL["entity_read"]

QUICK: Final = 200  # documents that the event loop may look into for one query


def find(db: apsw.Connection, query: EntityQuery, hot: tuple[str, ...], *, quick: bool = False) -> Found:
    """See `Store.find`. `quick`: raises TooLong rather than look into many documents."""
    plan = translate.where(query, hot)
    if plan.exact:
        return _exactly(db, query, plan)
    rows: list[Row] = []
    seen = 0
    end = query.offset + query.limit
    for row, _ in _matching(db, query, plan, QUICK if quick else None):
        seen += 1
        if query.offset < seen <= end:
            rows.append(row)
        elif seen > end and not query.count:
            break
    return Found(rows, seen if query.count else None)


def _exactly(db: apsw.Connection, query: EntityQuery, plan: translate.Plan) -> Found:
    rows = [
        Row(*row)
        for row in db.execute(
            f"SELECT key, version, doc FROM entity WHERE {plan.sql} ORDER BY key LIMIT :_limit OFFSET :_offset",
            {**plan.params, "_limit": query.limit, "_offset": query.offset},
        )
    ]
    count = None
    if query.count:
        if query.offset == 0 and len(rows) < query.limit:
            count = len(rows)
        else:
            count = db.execute(f"SELECT count(*) FROM entity WHERE {plan.sql}", plan.params).get
    return Found(rows, count)


def _matching(
    db: apsw.Connection, query: EntityQuery, plan: translate.Plan, most: int | None = None
) -> Iterator[tuple[Row, Entity]]:
    """Candidates that match, in the order of creation. Raises TooLong after `most` candidates."""
    linked = linker(db, query.tenant)
    candidates = db.execute(
        f"SELECT key, version, doc FROM entity WHERE {plan.sql} ORDER BY key", plan.params
    )
    for looked, row in enumerate(candidates):
        if looked == most:
            raise TooLong
        entity = orjson.loads(row[2])
        if match.entity(query, entity, linked):
            yield Row(*row), entity


def linker(db: apsw.Connection, tenant: str) -> Callable[[str], Entity | None]:
    """Finds the entity that a relationship leads to."""

    def linked(id: str) -> Entity | None:
        row = db.execute(_READ, (tenant, id, "")).fetchone()
        return orjson.loads(row[2]) if row else None

    return linked


def chunk(
    db: apsw.Connection, query: EntityQuery, hot: tuple[str, ...], after: int, size: int
) -> tuple[list[Row], int | None]:
    """Matches among the next `size` candidates after a key, and the last key looked at; None: there are no more."""
    plan = translate.where(query, hot)
    found = list(
        db.execute(
            f"SELECT key, version, doc FROM entity WHERE ({plan.sql}) AND key > :_after ORDER BY key LIMIT :_size",
            {**plan.params, "_after": after, "_size": size},
        )
    )
    linked = linker(db, query.tenant)
    rows = [Row(*row) for row in found if plan.exact or match.entity(query, orjson.loads(row[2]), linked)]
    return rows, found[-1][0] if len(found) == size else None


def remembered(
    db: apsw.Connection, query: EntityQuery, history: InstanceQuery, hot: tuple[str, ...]
) -> Found:
    """See `Store.remembered`. A living entity is judged by its present state, a deleted one by its last."""
    plan = translate.where(query, hot)
    living = db.execute(
        f"SELECT id, key, version, doc FROM entity WHERE {plan.sql} ORDER BY id, variant", plan.params
    )
    past = db.execute(_SQL["past_of_tenant"], (query.tenant,))
    linked = linker(db, query.tenant)
    wanted = series.named(db, history)
    rows: list[Row] = []
    seen = 0
    end = query.offset + query.limit
    for _, key, version, doc in heapq.merge(living, past, key=_id):
        if match.entity(query, orjson.loads(doc), linked) and series.any_of(db, key, wanted, history):
            seen += 1
            if query.offset < seen <= end:
                rows.append(Row(key, version, doc))
            elif seen > end and not query.count:
                break
    return Found(rows, seen if query.count else None)


def _id(row: tuple[Any, ...]) -> str:
    return str(row[0])
