"""Conditions in PostgreSQL's words, and keys out of the table of hot values. $1 is the tenant.

JSONB compares as `query.match` does where both sides are of one scalar type: numbers by value, texts and booleans by
equality. Texts are ordered by code point (COLLATE "C"). Times and patterns are left to `match`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.adapters.postgres.entities import hot_key
from kitamae.adapters.sql.conditions import MOST_EXACT, MOST_WAYS, Conditions, either, in_kv
from kitamae.kernel.context.query.tree import Moment, Op, Range

if TYPE_CHECKING:
    from kitamae.kernel.context.query.tree import Compare, Path, Scalar

_NOWHERE: Final = "\ufffe\uffff"
"""In the place of NUL, which PostgreSQL's text cannot hold: equal to nothing that is stored."""


class PostgresConditions(Conditions):
    """`hot`: expanded names of the attributes that are indexed, with their keys."""

    tenant = "$1"

    def __init__(self, tenant: str, hot: dict[str, int], *, filtered: bool) -> None:
        super().__init__(filtered=filtered)
        self.params: list[Any] = [tenant]
        self._hot = hot
        self._bound: dict[tuple[str, str, Any], str] = {}

    def bind(self, value: Any, type: str = "text") -> str:
        if isinstance(value, str) and "\0" in value:
            value = value.replace("\0", _NOWHERE)
        key = (type, str(value.__class__), value)
        if key not in self._bound:
            self.params.append(value)
            self._bound[key] = f"${len(self.params)}::{type}"
        return self._bound[key]

    def bind_list(self, values: tuple[str, ...]) -> str:
        """A list of texts."""
        return self.bind(tuple(one.replace("\0", _NOWHERE) for one in values), "text[]")

    def bind_json(self, value: Scalar) -> str:
        """A scalar, as JSONB."""
        if isinstance(value, str):
            value = value.replace("\0", _NOWHERE)
        return self.bind(orjson.dumps(value).decode(), "jsonb")

    def one_of(self, column: str, values: tuple[str, ...]) -> str:
        return f"{column} = ANY({self.bind_list(values)})"

    def exists(self, name: str) -> str:
        return f"e.kv ? {self.bind(name)}"

    def at(self, path: Path) -> str:
        if not path.inside:
            return f"(e.kv -> {self.bind(path.names[0])})"
        return f"(e.kv #> {self.bind_list((path.names[0], *path.inside))})"

    def kind(self, at: str) -> str:
        return f"jsonb_typeof({at})"

    def is_text(self, at: str) -> str:
        return f"{self.kind(at)} = 'string'"

    def is_number(self, at: str) -> str:
        return f"{self.kind(at)} = 'number'"

    def equals(self, at: str, wanted: bool | float | str) -> str:
        return f"{at} = {self.bind_json(wanted)}"

    def compares(self, at: str, op: Op, wanted: float | str) -> str:
        if isinstance(wanted, str):
            return f"({at} #>> '{{}}') COLLATE \"C\" {op} {self.bind(wanted)}"
        return f"{at} {op} {self.bind_json(wanted)}"

    def at_moment(self, at: str, op: Op, wanted: Moment) -> str:
        self.exact = False
        return self.is_text(at)

    def matches(self, at: str, op: Op, pattern: str) -> str:
        return self.is_text(at)

    def since(self, column: str, op: Op, microseconds: int) -> str:
        return f"{column} {'=' if op is Op.EQUAL else op} {self.bind(microseconds, 'bigint')}"

    # --- indexes
    def hot_keys(self, compare: Compare) -> str | None:
        path = compare.path
        attribute = self._hot.get(path.names[0])
        if attribute is None or path.inside or not in_kv(path) or len(compare.values) > MOST_WAYS:
            return None
        ranges = [self._hot_range(compare.op, wanted) for wanted in compare.values]
        if not all(ranges):
            return None
        which = either([*(one for one in ranges if one), "value = '[]'"])
        key = self.bind(attribute, "integer")
        return (
            f"SELECT entity FROM hot WHERE tenant = $1 AND attribute = {key} AND {which}"  # noqa: S608
            " UNION ALL SELECT key FROM entity WHERE tenant = $1 AND NOT plain"
        )

    def _hot_range(self, op: Op, wanted: Scalar | Range) -> str | None:
        match op, wanted:
            case Op.EQUAL, Range(low, high):
                one, other = self._hot_range(Op.GREATER_EQUAL, low), self._hot_range(Op.LESS_EQUAL, high)
                return f"({one} AND {other})" if one and other else None
            case _, Moment() | Range():
                return None
            case Op.EQUAL, bool() | str():
                return f"value = {self.bind(hot_key(wanted).replace(chr(0), _NOWHERE), 'jsonb')}"
            case Op.EQUAL, int() | float() if abs(wanted) <= MOST_EXACT:
                return f"value = {self.bind_json(wanted)}"
            case Op.GREATER | Op.GREATER_EQUAL, int() | float() if (
                not isinstance(wanted, bool) and abs(wanted) <= MOST_EXACT
            ):
                return f"(value {op} {self.bind_json(wanted)} AND value < 'false')"  # numbers come before booleans
            case Op.LESS | Op.LESS_EQUAL, int() | float() if (
                not isinstance(wanted, bool) and abs(wanted) <= MOST_EXACT
            ):
                return f"(value {op} {self.bind_json(wanted)} AND jsonb_typeof(value) = 'number')"
        return None
