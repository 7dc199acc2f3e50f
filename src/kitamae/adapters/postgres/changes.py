"""Reading the order of changes, each put together again from its delta and from what history holds of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from kitamae.adapters.postgres.named import queries
from kitamae.kernel.context.operations.command import Touched
from kitamae.kernel.context.store import Change

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_SQL = queries("change")


async def after(db: Connection, seq: int, most: int, base: int) -> list[Change]:
    """Behind the horizon, in the order of commits. What was forgotten, or deleted from history, is not told."""
    return await whole(db, await db.fetch(_SQL["changes_after"], seq, most, base))


async def others(db: Connection, seq: int, horizon: int, own: list[int], most: int) -> list[Change]:
    """After a number and below the horizon, without those of some transactions."""
    return await whole(db, await db.fetch(_SQL["changes_of_others"], seq, horizon, own, most))


async def whole(db: Connection, rows: list[Record]) -> list[Change]:
    """Rows of `change` as they are read, put together."""
    found: list[Change] = []
    places: list[tuple[int, int, int, int, int]] = []
    stands: list[tuple[list[Touched], Touched]] = []
    for number, tenant, entity, variant, verb, at, actor, types, key, delta in rows:
        touched: list[Touched] = []
        for part, entry in enumerate(orjson.loads(delta) if delta else ()):
            if len(entry) == 4:  # it came from another store, and says all
                touched.append(Touched(*entry))
                continue
            name, how, attribute, t, before = entry
            places.append((key, attribute, t, number, part))
            stands.append((touched, Touched(name, how, None, before)))
        found.append(Change(number, tenant, entity, variant, verb, at, actor, orjson.loads(types), touched))
    if places:
        columns = (list(column) for column in zip(*places, strict=True))
        for n, doc in await db.fetch(_SQL["change_instances"], *columns):
            touched, one = stands[n - 1]
            if one.before is None:
                one.after = orjson.loads(doc)
            touched.append(one)
    return found
