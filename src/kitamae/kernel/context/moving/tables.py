"""Tables whose rows are carried as they are: what the vault keeps with the state, and persons' keys, which lie apart.

They have the same names and columns on every store. Row by row they are compared and copied: sealed stays sealed, and who carries them
needs no key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Row: TypeAlias = tuple[Any, ...]
Kind: TypeAlias = Literal["text", "integer", "bigint", "bytea"]

_FIRST: Final[dict[Kind, Any]] = {"text": "", "integer": -1, "bigint": -1, "bytea": b""}
_LAST: Final[dict[Kind, Any]] = {
    "text": "\U0010ffff", "integer": (1 << 31) - 1, "bigint": (1 << 63) - 1, "bytea": b"\xff" * 65,
}  # fmt: skip


class Table(NamedTuple):
    """The first `keyed` columns are its key; of texts by code point."""

    name: str
    columns: tuple[tuple[str, Kind], ...]
    keyed: int

    @property
    def names(self) -> list[str]:
        """Of all columns."""
        return [name for name, _ in self.columns]

    @property
    def first(self) -> Row:
        """Before every row."""
        return tuple(_FIRST[kind] for _, kind in self.columns[: self.keyed])

    @property
    def last(self) -> Row:
        """Behind every row."""
        return tuple(_LAST[kind] for _, kind in self.columns[: self.keyed])

    def key(self, row: Row) -> Row:
        """Of a row."""
        return row[: self.keyed]


def _table(name: str, keyed: int, /, **columns: Kind) -> Table:
    return Table(name, tuple(columns.items()), keyed)


VAULT: Final = (
    _table("vault_erased", 2, person="text", klass="text", upto="integer"),
    _table(
        "vault_record", 2, tenant="text", id="text", person="text", klass="text", version="integer", kind="text",
        created="bigint", modified="bigint", due="bigint", fields="bytea",
    ),
    _table(
        "vault_receipt", 1, number="bigint", tenant="text", person="text", at="bigint", who="text", purpose="text",
        basis="text", session="text", version="integer", sealed="bytea",
    ),
)  # fmt: skip
"""With the state."""

MARK: Final = _table("mark", 1, name="text", value="bigint")
MOVING: Final = "moving"
"""The mark of half a copy of keys, which nobody opens: of which city."""
WHOLE: Final = "whole"
"""The mark of a copy from which nothing is missing, until the city is there: of which city."""

DATA_KEY: Final = _table(
    "data_key", 3, person="text", klass="text", version="integer", made="bigint", city="text", key="bytea"
)
KEYS: Final = (
    _table("erased", 2, person="text", klass="text", upto="integer", at="bigint", until="bigint"),
    DATA_KEY,
    _table("tag", 4, tenant="text", field="text", tag="bytea", record="text", person="text", klass="text"),
    _table("ended", 2, kind="text", id="text", until="bigint", doc="bytea"),
    MARK,
)
"""Apart. Erasures come first: half a copy knows them before the keys that they destroyed there."""


class Rows(Protocol):
    """Where rows are. Raises Problem."""

    async def rows(self, table: Table, after: Row, upto: Row, most: int) -> list[Row]:
        """Those with keys behind `after` (`upto` included), in order, all columns of each."""
        ...


class TakenRows(Rows, Protocol):
    """Where they come; durable when it returns."""

    async def put_rows(self, table: Table, rows: Sequence[Row], gone: Sequence[Row]) -> None:
        """In one commit: drop those with the keys `gone`, keep the others in the place of what has their keys."""
        ...


class Keys(TakenRows, Protocol):
    """Persons' keys on their way: they are filled where nobody uses them yet."""

    async def begin(self, alias: str) -> None:
        """Take in the keys of the city of that alias, or go on with it. Raises Conflict where there are others."""
        ...

    async def whole(self, *, so: bool) -> None:
        """Nothing is missing: whoever is the city may open them. Not `so`: half a copy again, as after `begin`."""
        ...

    async def finish(self) -> None:
        """The city is where they are: no mark is left. Where this fails, whoever opens them does it."""
        ...

    async def close(self) -> None:
        """Let go."""
        ...


class Copy:
    """These tables, from one place to another, until nothing differs. `copied` rows so far."""

    AT_ONCE: Final = 50  # a record may be a file that somebody sent

    def __init__(self, source: Rows, target: TakenRows, tables: Sequence[Table]) -> None:
        self._source, self._target, self._tables = source, target, tables
        self.copied = 0

    async def round(self) -> int:
        """Compare everything, copy what differs; how much that was."""
        return sum([await self._compare(one) for one in self._tables])

    async def _compare(self, table: Table) -> int:
        after, found = table.first, 0
        while after != table.last:
            there = {
                table.key(row): row for row in await self._source.rows(table, after, table.last, self.AT_ONCE)
            }
            upto = max(there) if len(there) == self.AT_ONCE else table.last
            here = {table.key(row): row for row in await self._target.rows(table, after, upto, 1 << 31)}
            wanted = [row for key, row in there.items() if here.get(key) != row]
            gone = sorted(here.keys() - there.keys() - ({(MOVING,)} if table is MARK else set()))
            if wanted or gone:
                await self._target.put_rows(table, wanted, gone)
                self.copied += len(wanted)
                found += len(wanted) + len(gone)
            after = upto
        return found
