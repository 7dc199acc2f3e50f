"""Hot attributes: declared by a service or the city, their values kept in an index of their own.

A name stays hot: another worker may still need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from kitamae.adapters.postgres.entities import hot_key
from kitamae.adapters.postgres.named import queries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncpg import Connection

_SQL = queries("entity", "change")
_AT_ONCE: Final = 5_000


async def declare(db: Connection, names: Iterable[str]) -> dict[str, int]:
    """All hot attributes with their keys, these among them; what is there already is indexed first."""
    known = await read(db)
    for name in sorted(set(names) - known.keys()):
        async with db.transaction():
            await db.execute("LOCK TABLE entity IN SHARE ROW EXCLUSIVE MODE")  # nobody writes meanwhile
            await db.execute(_SQL["attributes_insert"], [name], [""])
            key = await db.fetchval(_SQL["hot_declare"], name)
            if key is not None:
                cursor = await db.cursor(_SQL["hot_candidates"], name)
                while found := await cursor.fetch(_AT_ONCE):
                    rows = [
                        (tenant, key, hot_key(orjson.loads(value)), entity)
                        for tenant, entity, value in found
                        if value != "null"
                    ]
                    await db.executemany(_SQL["hot_insert_one"], rows)
                await db.execute(_SQL["epoch_raise"])
    return await read(db)


async def read(db: Connection) -> dict[str, int]:
    """Expanded names with their keys."""
    return dict(await db.fetch(_SQL["hot_read"]))
