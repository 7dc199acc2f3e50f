"""Reading history: one series (entity, attribute, dataset) after the other, each in the order of time asked for."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from kitamae.adapters.parquet import month
from kitamae.adapters.parquet.month import Wanted
from kitamae.adapters.sqlite import recall
from kitamae.adapters.sqlite.named import queries
from kitamae.kernel.context.query.match import NO_DATASET
from kitamae.kernel.context.store import Instance, Readings
from kitamae.kernel.problems import TooManyResults

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import apsw

    from kitamae.adapters.sqlite.recall import Read
    from kitamae.kernel.context.entity import Kind
    from kitamae.kernel.context.store import InstanceQuery

_SQL = queries("history")
_BY: Final = {
    "observedAt": "instances_observed",
    "createdAt": "instances_created",
    "modifiedAt": "instances_modified",
    "deletedAt": "instances_deleted",
}
MOST: Final = 200_000
"""Instances that one question may bring into memory; the last series is read to its end."""
_HEX: Final = re.compile(r"\.([0-9a-f]+)\Z")
_EVER: Final = (-(1 << 62), 1 << 62)


class Series(NamedTuple):
    """One entity's one attribute (and dataset)."""

    id: str
    entity: int
    attribute: int
    name: str
    dataset: str


def concerned(db: apsw.Connection, query: InstanceQuery) -> Iterator[Series]:
    """The series that a query may find something in: by entity as asked, then by attribute name and dataset."""
    wanted = named(db, query)
    names: dict[int, tuple[str, str]] = {}
    for id in query.entities:
        for (entity,) in _keys(db, query.tenant, id):
            for attribute, name, dataset in wanted if wanted is not None else attributes(db, entity, names):
                if _in(query.datasets, dataset):
                    yield Series(id, entity, attribute, name, dataset)


def named(db: apsw.Connection, query: InstanceQuery) -> list[tuple[int, str, str]] | None:
    """(key, name, dataset) of the attributes that a query names; None: it asks for all."""
    if not query.attrs:
        return None
    found = db.execute(_SQL["attributes_named"], (orjson.dumps(query.attrs).decode(),))
    return [(key, name, dataset) for key, name, dataset in found if _in(query.datasets, dataset)]


def any_of(
    db: apsw.Connection, entity: int, wanted: list[tuple[int, str, str]] | None, query: InstanceQuery
) -> bool:
    """Whether an entity has an instance that the query asks for; `wanted` is what `named` said of it."""
    asked = replace(query, last=None, limit=1)
    some = [
        Series("", entity, attribute, name, dataset)
        for attribute, name, dataset in (wanted if wanted is not None else attributes(db, entity, {}))
        if _in(query.datasets, dataset)
    ]
    return any(rows(db, asked, one, here=True) for one in some) or any(
        recall.holds(db, entity, one.attribute) and rows(db, asked, one) for one in some
    )


def before(db: apsw.Connection, entity: int, at: int, most: int) -> list[tuple[int, int, int]]:
    """(number, time, seq) of some of what `instance` holds of an entity of before a moment (microseconds UTC)."""
    found: list[tuple[int, int, int]] = []
    for attribute, _, _ in attributes(db, entity, {}):
        if len(found) < most:
            bound = (entity, attribute, at, most - len(found))
            old: list[Any] = db.execute(_SQL["instances_before"], bound).fetchall()
            found += old
    return found


def _keys(db: apsw.Connection, tenant: str, id: str) -> list[tuple[int]]:
    found: list[Any] = db.execute(_SQL["history_keys"], {"tenant": tenant, "id": id}).fetchall()
    return found


def _in(datasets: tuple[str, ...], dataset: str) -> bool:
    return not datasets or (dataset or NO_DATASET) in datasets


def attributes(
    db: apsw.Connection, entity: int, names: dict[int, tuple[str, str]]
) -> list[tuple[int, str, str]]:
    """What an entity has history of."""
    found: list[tuple[int, str, str]] = []
    at = 0
    while (at := db.execute(_SQL["next_attribute"], (entity, at)).get) is not None:
        if at not in names:
            names[at] = db.execute(_SQL["attribute_of_key"], (at,)).get
        found.append((at, *names[at]))
    return sorted(found, key=lambda one: one[1:])


def rows(
    db: apsw.Connection, query: InstanceQuery, one: Series, *, here: bool = False, read: Read = month.read
) -> list[tuple[Any, ...]]:
    """(number, seq, observed_at, created_at, modified_at, deleted_at, doc) in ascending order. `here`: not in files."""
    if query.instance is not None:
        return _named(db, one, query.instance, read)
    sql = _SQL["instances_all" if query.timerel is None else _BY[query.timeproperty]]
    if query.timerel is None and query.timeproperty != "observedAt":
        sql = _SQL[_BY[query.timeproperty]]
    newest = query.last is not None
    place = recall.HERE if here else table(db, query, one, read)
    told = sql.format(direction="DESC" if newest else "ASC", table=place)
    found = list(db.execute(told, _bound(query, one)))
    if newest:
        found.reverse()
    return found


def table(db: apsw.Connection, query: InstanceQuery, one: Series, read: Read = month.read) -> str:
    """The table that a question finds a series in."""
    wanted = Wanted(one.entity, one.attribute, *_EVER)
    if query.timeproperty == "observedAt":
        low, high = interval(query)
        newest = query.last is not None
        wanted = replace(
            wanted,
            low=low,
            high=high,
            observed=query.timerel is not None,
            latest=newest,
            most=min((most for most in (query.last, query.limit) if most is not None), default=None),
        )
    return recall.table(db, wanted, read)


def _bound(query: InstanceQuery, one: Series) -> dict[str, Any]:
    low, high = interval(query)
    most = min((most for most in (query.last, query.limit) if most is not None), default=-1)
    return {"entity": one.entity, "attribute": one.attribute, "low": low, "high": high, "most": most}


def _named(db: apsw.Connection, one: Series, id: str, read: Read) -> list[tuple[Any, ...]]:
    """The instance of that id, looked for where its id says that it stands, and then among those that brought one along."""
    where: dict[str, Any] = {"entity": one.entity, "attribute": one.attribute, "id": id}
    wanted = Wanted(one.entity, one.attribute, *_EVER)
    digits = _HEX.search(id)
    if digits and len(digits[1]) < 16:
        where["number"] = number = int(digits[1], 16)
        place = recall.table(db, replace(wanted, number=number), read)
        found = list(db.execute(_SQL["instance_by_number"].format(table=place), where))
        if found and derived_id(one, found[0][1], found[0][0]) == id:
            return found
    place = recall.table(db, replace(wanted, holding=orjson.dumps(id).decode()), read)
    return list(db.execute(_SQL["instance_by_id"].format(table=place), where))


def derived_id(one: Series, seq: int, number: int) -> str:
    """The instanceId of an instance that came without one: where it stands."""
    return f"urn:ngsi-ld:instance:{one.entity:x}.{one.attribute:x}.{seq:x}.{number:x}"


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


def instances(db: apsw.Connection, query: InstanceQuery) -> list[Instance]:
    """See `Store.instances`. Raises TooManyResults."""
    found: list[Instance] = []
    loads = orjson.loads
    for one in concerned(db, query):
        id, name = one.id, one.name
        _demand_fewer(len(found))
        for number, seq, observed_at, created_at, modified_at, deleted_at, doc in rows(db, query, one):
            attribute = loads(doc)
            found.append(
                Instance(
                    id,
                    name,
                    attribute.get("instanceId") or derived_id(one, seq, number),
                    attribute,
                    observed_at,
                    created_at,
                    modified_at,
                    deleted_at,
                )
            )
    return found


def _demand_fewer(read: int) -> None:
    if read > MOST:
        raise TooManyResults(
            f"more than {MOST:,} remembered instances: ask for fewer entities or attributes, or a shorter time"
        )


def readings(db: apsw.Connection, query: InstanceQuery) -> list[Readings]:
    """See `Store.readings`. Numbers come from the index alone: ten times quicker than whole instances. Raises TooManyResults."""
    query = replace(query, timeproperty="observedAt")
    newest = query.last is not None
    found: list[Readings] = []
    read = 0
    for one in concerned(db, query):
        _demand_fewer(read)
        place = table(db, query, one)
        sql = _SQL["readings"].format(direction="DESC" if newest else "ASC", table=place)
        bound = _bound(query, one) | {"observed": query.timerel is not None}
        ((numbers, times),) = db.execute(sql, bound)
        kind: Kind = "Property"
        points: list[tuple[Any, int]] = list(zip(orjson.loads(numbers), orjson.loads(times), strict=True))
        plain = "null" not in numbers
        if not plain:
            mixed = _SQL["readings_mixed"].format(direction="DESC" if newest else "ASC", table=place)
            points, kind = _mixed(db.execute(mixed, bound))
        read += len(points)
        if newest:
            points.reverse()
        if points:
            found.append(Readings(one.id, one.name, one.dataset, kind, plain, points))
    return found


def _mixed(told: Iterable[Any]) -> tuple[list[tuple[Any, int]], Kind]:
    """(number, time, document of what is no number)."""
    points: list[tuple[Any, int]] = []
    kind: Kind = "Property"
    for num, t, doc in told:
        if doc is None:
            points.append((num, t))
            continue
        attribute = orjson.loads(doc)
        kind = attribute["kind"]
        points.append((attribute["v"], t))
    return points, kind
