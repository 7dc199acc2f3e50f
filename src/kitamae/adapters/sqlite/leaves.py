"""The ledger's leaves, read and placed: see `Store.leaves`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.adapters.sqlite.named import queries
from kitamae.kernel.context.store import Leaf, Placed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

_SQL = queries("ledger")


def after(db: apsw.Connection, number: int, most: int) -> list[Leaf]:
    """See `Store.leaves`. There is one writer: numbers are in the order of commits."""
    return [Leaf(*row) for row in db.execute(_SQL["leaves_after"], (number, most))]


def placed(db: apsw.Connection) -> Placed:
    """See `Store.placed`."""
    row = db.execute(_SQL["placed_last"]).fetchone()
    return Placed(0, 0) if row is None else Placed(*row)


def place(db: apsw.Connection, steps: Sequence[Placed]) -> None:
    """See `Store.place`."""
    db.executemany(_SQL["placed_insert"], steps)


def index(db: apsw.Connection, number: int) -> int | None:
    """See `Store.index`."""
    row = db.execute(_SQL["leaf_index"], {"number": number}).fetchone()
    return None if row is None else int(row[0])
