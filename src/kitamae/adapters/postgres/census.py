"""How many entities there are of each type, attribute and kind, from the counts of shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from kitamae.adapters.postgres.named import queries

if TYPE_CHECKING:
    from asyncpg import Connection

    from kitamae.adapters.sql.columns import Shape

_SQL = queries("entity")


async def _shapes(db: Connection, tenant: str) -> list[tuple[Shape, int]]:
    return [(orjson.loads(shape), n) for shape, n in await db.fetch(_SQL["census_read"], tenant)]


async def types(db: Connection, tenant: str) -> dict[str, int]:
    """See `Store.types`."""
    found: dict[str, int] = {}
    for (names, _), n in await _shapes(db, tenant):
        for name in names:
            found[name] = found.get(name, 0) + n
    return found


async def count(db: Connection, tenant: str, type: str) -> int:
    """Entities of a type; "": of any."""
    return sum(n for (names, _), n in await _shapes(db, tenant) if not type or type in names)


async def attributes(db: Connection, tenant: str, type: str | None) -> dict[str, dict[str, Any]]:
    """See `Store.attributes`."""
    found: dict[str, dict[str, Any]] = {}
    shapes = await _shapes(db, tenant)
    for (names, attrs), n in shapes:
        if type is None or type in names:
            for name, *kinds in attrs:
                one = found.setdefault(name, {"count": 0, "kinds": [], "types": []})
                one["count"] += n
                one["kinds"] = sorted({*one["kinds"], *kinds})
    for (names, attrs), _ in shapes:
        for name, *_ in attrs:
            if name in found:
                found[name]["types"] = sorted({*found[name]["types"], *names})
    return found
