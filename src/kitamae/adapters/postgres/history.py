"""Writing history: an instance for every attribute that a change touched, and what the temporal API adds or drops."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.adapters.postgres import series
from kitamae.adapters.postgres.named import queries
from kitamae.adapters.sql.columns import dataset, numeric
from kitamae.kernel.context import clock
from kitamae.kernel.context.entity import NULL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncpg import Connection

    from kitamae.adapters.postgres.group import Given
    from kitamae.adapters.postgres.known import Known, Name
    from kitamae.kernel.context.store import Change, InstanceQuery

_SQL = queries("change", "history")
_micros = lru_cache(4_096)(clock.micros)

# What is only ever added is copied: half the work of INSERT ... SELECT FROM unnest, on either side.
CHANGE: Final = ("seq", "tenant", "entity", "variant", "verb", "at", "actor", "types", "key", "delta")
INSTANCE: Final = (
    "tenant", "entity", "attribute", "part", "t", "seq", "created_at", "modified_at", "deleted_at", "num", "observed",
    "whole", "doc",
)  # fmt: skip


async def write(
    db: Connection, changes: Sequence[Change], keys: Sequence[int], given: Sequence[Given], known: Known
) -> None:
    """Changes of the entities with these keys, what they leave in history, and history that was given as such."""
    if not changes and not given:
        return
    names = await known.names(db, _names(changes, given))
    rows: list[tuple[Any, ...]] = []
    dumps = orjson.dumps
    written = [
        (
            one.seq, one.tenant, one.entity, one.variant, one.verb, one.at, one.actor, dumps(one.types), key,
            dumps(_touched(one, key, names, rows)),
        )
        for one, key in zip(changes, keys, strict=True)
    ]  # fmt: skip
    for some in given:
        rows += _given(some, names)
    if written:
        await db.copy_records_to_table("change", columns=CHANGE, records=written)
    if rows:
        await db.copy_records_to_table("instance", columns=INSTANCE, records=rows)


def _names(changes: Sequence[Change], given: Sequence[Given]) -> Iterator[Name]:
    for change in changes:
        for one in change.touched:
            some = one.after or one.before
            if some is None:
                raise ValueError(f"{one.name}: an operation says that it touched what was never there")
            yield one.name, some.get("datasetId", "")
    for of in given:
        for instance in of.instances:
            yield instance.name, dataset(instance.attribute)


def _touched(change: Change, key: int, names: dict[Name, int], rows: list[tuple[Any, ...]]) -> list[Any]:
    """The change's delta; adds to `rows` what it leaves in history, one instance for each attribute that it touched."""
    tenant, seq, at = change.tenant, change.seq, change.at
    delta: list[Any] = []
    for part, one in enumerate(change.touched):
        after, before = one.after, one.before
        if after is None:
            assert before is not None  # `_names` saw to that
            name = names[one.name, before.get("datasetId", "")]
            gone: dict[str, Any] = {"kind": before["kind"], "v": NULL}
            if "datasetId" in before:
                gone["datasetId"] = before["datasetId"]
            created = _micros(before["createdAt"]) if "createdAt" in before else at
            doc = orjson.dumps(gone)
            rows.append((tenant, key, name, part, at, seq, created, at, at, None, False, False, doc))
            delta.append((one.name, one.verb, name, at, before))
            continue
        name = names[one.name, after.get("datasetId", "")]
        observed = "observedAt" in after
        t = _micros(after["observedAt"]) if observed else at
        new = one.verb == "created" or "createdAt" not in after
        created = at if new else _micros(after["createdAt"])
        num = numeric(after)
        doc = orjson.dumps(after)
        rows.append(
            (tenant, key, name, part, t, seq, created, at, None, num, observed, type(num) is int, doc)
        )
        delta.append((one.name, one.verb, name, t, None))
    return delta


def _given(of: Given, names: dict[Name, int]) -> Iterator[tuple[Any, ...]]:
    for part, one in enumerate(of.instances):
        attribute, observed = one.attribute, one.observed_at
        t = one.modified_at if observed is None else observed
        name = names[one.name, dataset(attribute)]
        if one.instance_id:
            attribute = {**attribute, "instanceId": one.instance_id}
        num = numeric(attribute)
        yield (
            of.tenant, of.entity, name, part, t, of.seq, one.created_at, one.modified_at, one.deleted_at, num,
            observed is not None, type(num) is int, orjson.dumps(attribute),
        )  # fmt: skip


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
    return int(await db.fetchval(_SQL["history_delete"], query.tenant, list(query.entities)))
