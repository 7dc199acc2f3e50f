"""Rows of tables that are carried as they are: see `kernel.context.moving.tables`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from kitamae.adapters.postgres.flush import columns
from kitamae.adapters.postgres.named import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Connection

    from kitamae.kernel.context.moving.tables import Row, Table

_SQL: Final = queries("moving")


@cache
def _statement(name: str, table: Table) -> str:
    keyed, all_ = table.columns[: table.keyed], table.columns
    marks = [f"${n}::{kind}" for n, (_, kind) in enumerate((*keyed, *keyed), start=1)]
    return _SQL[name].format(
        table=table.name,
        columns=", ".join(table.names),
        key=", ".join(name for name, _ in keyed),
        ordered=", ".join(f'{name} COLLATE "C"' if kind == "text" else name for name, kind in keyed),
        after=", ".join(marks[: len(keyed)]),
        upto=", ".join(marks[len(keyed) :]),
        most=f"${len(marks) + 1}",
        arrays=", ".join(f"${n}::{kind}[]" for n, (_, kind) in enumerate(all_, start=1)),
        key_arrays=", ".join(f"${n}::{kind}[]" for n, (_, kind) in enumerate(keyed, start=1)),
        changed=", ".join(f"{name} = excluded.{name}" for name, _ in all_[table.keyed :]),
    )


async def between(db: Connection, table: Table, after: Row, upto: Row, most: int) -> list[Row]:
    """See `Rows.rows`."""
    return [tuple(row) for row in await db.fetch(_statement("rows_between", table), *after, *upto, most)]


async def put(db: Connection, table: Table, rows: Sequence[Row], gone: Sequence[Row]) -> None:
    """See `TakenRows.put_rows`; inside a transaction."""
    if gone:
        await db.execute(_statement("rows_drop", table), *columns(gone))
    if rows:
        await db.execute(_statement("rows_put", table), *columns(rows))
