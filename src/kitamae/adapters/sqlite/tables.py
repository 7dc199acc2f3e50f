"""Rows of tables that are carried as they are: see `kernel.context.moving.tables`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from kitamae.adapters.sqlite.named import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from kitamae.kernel.context.moving.tables import Row, Table

_SQL: Final = queries("moving")


@cache
def _statement(name: str, table: Table) -> str:
    return _SQL[name].format(
        table=table.name,
        columns=", ".join(table.names),
        key=", ".join(table.names[: table.keyed]),
        of_key=", ".join("?" * table.keyed),
        of_all=", ".join("?" * len(table.columns)),
    )


def between(db: apsw.Connection, table: Table, after: Row, upto: Row, most: int) -> list[Row]:
    """See `Rows.rows`."""
    return list(db.execute(_statement("rows_between", table), (*after, *upto, most)).fetchall())


def put(db: apsw.Connection, table: Table, rows: Sequence[Row], gone: Sequence[Row]) -> None:
    """See `TakenRows.put_rows`; inside a transaction."""
    db.executemany(_statement("rows_drop", table), gone)
    db.executemany(_statement("rows_put", table), rows)
