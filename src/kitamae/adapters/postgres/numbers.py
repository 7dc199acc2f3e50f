"""Numbers in the order of commits, from the transaction's own number: no sequence, no gap that hides a late commit.

A number is `(transaction + base) << 20 | n`. Two transactions that write the same entity have numbers in the order of
their commits, because whoever finds a later number than its own under a lock begins again (`writer.py`). Below
`(xmin + base) << 20`, where xmin is the oldest transaction that is still under way, nothing can appear any more: that
is the horizon that readers of changes and of what is owed keep behind. `base` is 0 until a city moves to a server
whose transactions are numbered lower than those of its old one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.adapters.postgres.named import queries
from kitamae.kernel.problems import TooLarge

if TYPE_CHECKING:
    from asyncpg import Connection

_SQL = queries("change")

BITS: Final = 20
MOST: Final = 1 << BITS
"""Numbers of one transaction."""
MARGIN: Final = 1_000_000
"""Transactions that may have left numbers where they are not looked for (see `last_number`)."""


async def base(db: Connection, high: int = 0) -> int:
    """What is added to a transaction's number; raised first where what is stored has higher numbers than this server.

    `high`: another number that those to come must be above.
    """
    found = int(await db.fetchval(_SQL["base_read"]))
    row = await db.fetchrow(_SQL["last_number"])
    behind = (max(int(row["number"]), high) >> BITS) - (int(row["next"]) + found)
    if behind >= 0:
        found += behind + MARGIN
        await db.execute(_SQL["base_raise"], found)
    return found


class Numbers:
    """The numbers of one transaction."""

    __slots__ = ("_next", "first")

    def __init__(self, transaction: int) -> None:
        """`transaction`: its own number, base added."""
        self.first = transaction << BITS
        self._next = self.first

    def next(self) -> int:
        """The next one. Raises TooLarge when there are no more."""
        self._next += 1
        if self._next - self.first >= MOST:
            raise TooLarge(f"more than {MOST:,} rows in one transaction: do it in several parts")
        return self._next
