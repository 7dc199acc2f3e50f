"""Reading history: all series (entity, attribute, dataset) of a question at once, each in the order of time asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from kitamae.adapters.postgres.named import queries
from kitamae.kernel.context.query.match import NO_DATASET
from kitamae.kernel.context.store import Instance, Readings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Connection, Record

    from kitamae.kernel.context.entity import Kind
    from kitamae.kernel.context.store import InstanceQuery

_SQL = queries("history")
_BY: Final = {
    "observedAt": "t",
    "createdAt": "created_at",
    "modifiedAt": "modified_at",
    "deletedAt": "deleted_at",
}
_DERIVED: Final = re.compile(
    r"urn:ngsi-ld:instance:([0-9a-f]+)\.([0-9a-f]+)\.([0-9a-f]+)\.(-?[0-9a-f]+)\.([0-9a-f]+)"
)
_EVER: Final = (-(1 << 62), 1 << 62)


class Series(NamedTuple):
    """One entity's one attribute (and dataset)."""

    id: str
    entity: int
    attribute: int
    name: str
    dataset: str


async def concerned(db: Connection, query: InstanceQuery) -> list[Series]:
    """The series that a query may find something in: by entity as asked, then by attribute name and dataset."""
    keys = await db.fetch(_SQL["history_keys"], query.tenant, list(query.entities))
    wanted = await named(db, query)
    if wanted is not None:
        return [Series(id, key, *one) for id, key in keys for one in wanted]
    of = await attributes(db, [key for _, key in keys], query)
    return [Series(id, key, *one) for id, key in keys for one in of.get(key, ())]


async def named(db: Connection, query: InstanceQuery) -> list[tuple[int, str, str]] | None:
    """(key, name, dataset) of the attributes that a query names; None: it asks for all."""
    if not query.attrs:
        return None
    found = await db.fetch(_SQL["attributes_named"], list(query.attrs))
    return [(key, name, dataset) for key, name, dataset in found if _in(query.datasets, dataset)]


async def attributes(
    db: Connection, keys: Sequence[int], query: InstanceQuery
) -> dict[int, list[tuple[int, str, str]]]:
    """What entities have history of: entity -> (key, name, dataset), by name and dataset."""
    found: dict[int, list[tuple[int, str, str]]] = {}
    for entity, key, name, dataset in await db.fetch(_SQL["attributes_of"], list(keys)):
        if _in(query.datasets, dataset):
            found.setdefault(entity, []).append((key, name, dataset))
    for some in found.values():
        some.sort(key=lambda one: one[1:])
    return found


def _in(datasets: tuple[str, ...], dataset: str) -> bool:
    return not datasets or (dataset or NO_DATASET) in datasets


async def rows(db: Connection, query: InstanceQuery, found: Sequence[Series]) -> list[Record]:
    """(n, observed, t, created_at, modified_at, deleted_at, doc, seq, part), n counting the series from 1, ascending."""
    which = [one.entity for one in found], [one.attribute for one in found]
    if query.instance is not None:
        return await _named(db, query.instance, *which)
    low, high = interval(query)
    last = query.last is not None
    most = min((one for one in (query.last, query.limit) if one is not None), default=None)
    observed = query.timerel is not None and query.timeproperty == "observedAt"
    sql = _SQL["instances"].format(
        by=_BY[query.timeproperty],
        which="i.observed" if observed else "true",
        direction="DESC" if last else "ASC",
    )
    answer: list[Record] = await db.fetch(sql, *which, low, high, most)
    return answer


async def _named(db: Connection, id: str, entities: list[int], attributes: list[int]) -> list[Record]:
    """The instance with that id, among these series: where its id says that it stands, or it brought the id along."""
    if place := _DERIVED.fullmatch(id):
        entity, attribute, *where = (int(part, 16) for part in place.groups())
        if (entity, attribute) in zip(entities, attributes, strict=True) and max(where) < 1 << 62:
            found: list[Record] = await db.fetch(
                _SQL["instance_at"], entities, attributes, entity, attribute, *where
            )
            if found := [row for row in found if b'"instanceId"' not in row["doc"] or _id(row) == id]:
                return found
    told = await db.fetch(_SQL["instance_by_id"], entities, attributes, b'"instanceId":' + orjson.dumps(id))
    return [row for row in told if _id(row) == id]


def _id(row: Record) -> str | None:
    """The id that an instance was given."""
    found: str | None = orjson.loads(row["doc"]).get("instanceId")
    return found


def derived_id(of: Series, seq: int, t: int, part: int) -> str:
    """The instanceId of an instance that came without one: where it stands."""
    return f"urn:ngsi-ld:instance:{of.entity:x}.{of.attribute:x}.{seq:x}.{t:x}.{part:x}"


def interval(query: InstanceQuery) -> tuple[int, int]:
    """The interval asked for, its start included and its end not (clause 4.11)."""
    low, high = _EVER
    if query.timerel is None or query.at is None:
        return low, high
    if query.timerel == "before":
        return low, query.at
    if query.timerel == "after":
        return query.at, high
    return query.at, high if query.end is None else query.end


async def instances(db: Connection, query: InstanceQuery) -> list[Instance]:
    """See `Store.instances`."""
    found = await concerned(db, query)
    loads = orjson.loads
    answer = []
    for n, observed, t, created_at, modified_at, deleted_at, doc, seq, part in await rows(db, query, found):
        one = found[n - 1]
        attribute = loads(doc)
        answer.append(
            Instance(
                one.id,
                one.name,
                attribute.get("instanceId") or derived_id(one, seq, t, part),
                attribute,
                t if observed else None,
                created_at,
                modified_at,
                deleted_at,
            )
        )
    return answer


async def readings(db: Connection, query: InstanceQuery) -> list[Readings]:
    """See `Store.readings`."""
    found = await concerned(db, query)
    low, high = interval(query)
    most = min((one for one in (query.last, query.limit) if one is not None), default=None)
    sql = _SQL["readings"].format(direction="ASC" if query.last is None else "DESC")
    which = [one.entity for one in found], [one.attribute for one in found]
    told: dict[int, list[Record]] = {}
    for row in await db.fetch(sql, *which, low, high, most, query.timerel is not None):
        told.setdefault(row["n"], []).append(row)
    return [_readings(found[n - 1], some) for n, some in told.items()]


def _readings(of: Series, told: list[Record]) -> Readings:
    points: list[tuple[Any, int]] = []
    kind: Kind = "Property"
    plain = True
    for _, num, whole, t, doc in told:
        if doc is None:
            points.append((int(num) if whole else num, t))
            continue
        attribute = orjson.loads(doc)
        plain, kind = False, attribute["kind"]
        points.append((attribute["v"], t))
    return Readings(of.id, of.name, of.dataset, kind, plain, points)
