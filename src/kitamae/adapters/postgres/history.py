"""Writing history: an instance for every attribute that a change touched, and what the temporal API adds or drops."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from kitamae.adapters.postgres import series
from kitamae.adapters.postgres.named import queries
from kitamae.adapters.sqlite.columns import dataset, typed
from kitamae.kernel.context import clock
from kitamae.kernel.context.entity import NULL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncpg import Connection

    from kitamae.adapters.postgres.group import Left
    from kitamae.adapters.postgres.known import Known, Name
    from kitamae.kernel.context.entity import Attribute, Json
    from kitamae.kernel.context.store import InstanceQuery

_SQL = queries("history")
_micros = lru_cache(4_096)(clock.micros)


def derived_id(entity: int, attribute: int, t: int, seq: int, part: int) -> str:
    """The instanceId of an instance that came without one: where it stands."""
    return f"urn:ngsi-ld:instance:{entity:x}.{attribute:x}.{t:x}.{seq:x}.{part:x}"


async def write(db: Connection, left: Sequence[Left], known: Known) -> None:
    """What a group leaves in history."""
    if not left:
        return
    names = await known.names(db, (name for one in left for name in _names(one)))
    rows = [row for one in left for row in _rows(one, names)]
    if rows:
        await db.execute(_SQL["instance_insert"], *(list(column) for column in zip(*rows, strict=True)))


def _names(left: Left) -> Iterator[Name]:
    for touched in left.touched:
        some = touched.after or touched.before
        if some is not None:
            yield touched.name, dataset(some)
    for given in left.given:
        yield given.name, dataset(given.attribute)


def _rows(left: Left, names: dict[Name, int]) -> Iterator[tuple[Any, ...]]:
    tenant, entity, seq, at = left.tenant, left.entity, left.seq, left.at
    for part, touched in enumerate(left.touched):
        attribute = touched.after
        if attribute is None:
            before = touched.before
            if before is None:
                continue
            key = names[touched.name, dataset(before)]
            created = _micros(before["createdAt"]) if "createdAt" in before else at
            id = derived_id(entity, key, at, seq, part)
            yield tenant, entity, key, part, at, seq, created, at, at, None, False, False, _gone(before, id)
            continue
        key = names[touched.name, dataset(attribute)]
        observed = _micros(attribute["observedAt"]) if "observedAt" in attribute else None
        t = at if observed is None else observed
        if "instanceId" not in attribute:
            attribute = {**attribute, "instanceId": derived_id(entity, key, t, seq, part)}
        created = at
        if touched.verb != "created" and "createdAt" in attribute:
            created = _micros(attribute["createdAt"])
        num = typed(attribute)[0]
        doc = orjson.dumps(attribute)
        yield (
            tenant, entity, key, part, t, seq, created, at, None, num, observed is not None, type(num) is int, doc
        )  # fmt: skip
    for part, given in enumerate(left.given):
        attribute, observed = given.attribute, given.observed_at
        t = given.modified_at if observed is None else observed
        key = names[given.name, dataset(attribute)]
        id = given.instance_id or derived_id(entity, key, t, seq, part)
        num = typed(attribute)[0]
        doc = orjson.dumps({**attribute, "instanceId": id})
        yield (
            tenant, entity, key, part, t, seq, given.created_at, given.modified_at, given.deleted_at, num,
            observed is not None, type(num) is int, doc,
        )  # fmt: skip


def _gone(before: Attribute, id: str) -> bytes:
    """The instance that says that an attribute was deleted."""
    gone: dict[str, Json] = {**{k: before[k] for k in ("kind", "datasetId") if k in before}, "v": NULL}
    gone["instanceId"] = id
    return orjson.dumps(gone)


async def drop(db: Connection, query: InstanceQuery) -> int:
    """Delete for good what `query` finds; how many."""
    found = await series.concerned(db, query)
    gone = [
        (found[row["n"] - 1].entity, found[row["n"] - 1].attribute, row["t"], row["seq"], row["part"])
        for row in await series.rows(db, query, found)
    ]
    if gone:
        await db.execute(_SQL["instances_delete"], *(list(column) for column in zip(*gone, strict=True)))
    return len(gone)


async def drop_all(db: Connection, query: InstanceQuery) -> int:
    """The whole history of some entities."""
    done: str = await db.execute(_SQL["history_delete"], query.tenant, list(query.entities))
    return int(done.rpartition(" ")[2])
