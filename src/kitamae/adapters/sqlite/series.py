"""Reading history: one series (entity, attribute, dataset) after the other, each in the order of time asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from kitamae.adapters.sqlite.named import queries
from kitamae.kernel.context.store import Instance

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

    from kitamae.kernel.context.store import InstanceQuery

_SQL = queries("history")
_BY: Final = {
    "observedAt": "instances_observed",
    "createdAt": "instances_created",
    "modifiedAt": "instances_modified",
    "deletedAt": "instances_deleted",
}
_EVER: Final = (-(1 << 62), 1 << 62)
_ID: Final = re.compile(r"urn:ngsi-ld:instance:([0-9a-f]+)\.([0-9a-f]+)\.(-?[0-9a-f]+)\.([0-9a-f]+)\Z")
DEFAULT: Final = ("", "@none")


class Series(NamedTuple):
    """One entity's one attribute (and dataset)."""

    id: str
    entity: int
    attribute: int
    name: str
    dataset: str


def instance_id(entity: int, attribute: int, t: int, seq: int) -> str:
    """The id of an instance that nobody gave another."""
    return f"urn:ngsi-ld:instance:{entity:x}.{attribute:x}.{t:x}.{seq:x}"


def concerned(db: apsw.Connection, query: InstanceQuery) -> Iterator[Series]:
    """The series that a query may find something in: by entity as asked, then by attribute name and dataset."""
    named = None
    if query.attrs:
        named = list(db.execute(_SQL["attributes_named"], (orjson.dumps(query.attrs).decode(),)))
    names: dict[int, tuple[str, str]] = {}
    for id in query.entities:
        keys = db.execute(_SQL["history_keys"], {"tenant": query.tenant, "id": id}).fetchall()
        for (entity,) in keys:
            for attribute, name, dataset in named if named is not None else _attributes(db, entity, names):
                if not query.datasets or dataset in query.datasets or (not dataset and "@none" in query.datasets):
                    yield Series(id, entity, attribute, name, dataset)


def _attributes(
    db: apsw.Connection, entity: int, names: dict[int, tuple[str, str]]
) -> list[tuple[int, str, str]]:
    """What an entity has history of."""
    found: list[tuple[int, str, str]] = []
    at = 0
    while row := db.execute(_SQL["next_attribute"], (entity, at)).fetchone():
        at = row[0]
        if at not in names:
            names[at] = db.execute(_SQL["attribute_of_key"], (at,)).fetchone()
        found.append((at, *names[at]))
    return sorted(found, key=lambda one: one[1:])


def rows(db: apsw.Connection, query: InstanceQuery, one: Series) -> list[tuple[Any, ...]]:
    """(t, seq, observed_at, created_at, modified_at, deleted_at, given_id, doc) in ascending order."""
    where: dict[str, Any] = {"entity": one.entity, "attribute": one.attribute}
    if query.instance is not None:
        if (parts := _ID.match(query.instance)) and (int(parts[1], 16), int(parts[2], 16)) == one[1:3]:
            key = {"t": int(parts[3], 16), "seq": int(parts[4], 16)}
            if found := db.execute(_SQL["instance_by_key"], {**where, **key}).fetchall():
                return list(found)
        return list(db.execute(_SQL["instance_by_given_id"], {**where, "id": query.instance}))
    low, high = interval(query)
    sql = _SQL["instances_all" if query.timerel is None else _BY[query.timeproperty]]
    if query.timerel is None and query.timeproperty != "observedAt":
        sql = _SQL[_BY[query.timeproperty]]
    where |= {"low": low, "high": high, "most": -1 if query.limit is None else query.limit}
    if query.last is None:
        return list(db.execute(sql.format(direction="ASC"), where))
    where["most"] = query.last if query.limit is None else min(query.last, query.limit)
    found = list(db.execute(sql.format(direction="DESC"), where))
    found.reverse()
    return found


def interval(query: InstanceQuery) -> tuple[int, int]:
    """The interval asked for, its start included and its end not (clause 4.11)."""
    low, high = _EVER
    if query.timerel is None or query.at is None:
        return low, high
    if query.timerel == "before":
        return low, query.at
    if query.timerel == "after":
        return query.at + 1, high
    return query.at, high if query.end is None else query.end


def instances(db: apsw.Connection, query: InstanceQuery) -> list[Instance]:
    """See `Store.instances`."""
    found: list[Instance] = []
    loads = orjson.loads
    for one in concerned(db, query):
        id, entity, attribute, name, _ = one
        found += [
            Instance(
                id,
                name,
                given_id or f"urn:ngsi-ld:instance:{entity:x}.{attribute:x}.{t:x}.{seq:x}",
                loads(doc),
                observed_at,
                created_at,
                modified_at,
                deleted_at,
            )
            for t, seq, observed_at, created_at, modified_at, deleted_at, given_id, doc in rows(
                db, query, one
            )
        ]
    return found
