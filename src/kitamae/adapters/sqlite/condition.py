# ruff: noqa: S608  # put together from text of this file and parameter names; every value and path is bound
"""Conditions in SQLite's words, and keys out of the indexes of hot attributes.

`kv ->> path` gives JSON text as TEXT, numbers as INTEGER or REAL, true and false as 1 and 0, null as NULL, arrays and
objects as their JSON text. No affinity applies, so '20' is not 20; what remains to be told apart is told by
`json_type`: 1 from true, and a text from an array. SQLite orders numbers before texts: `< ''` says "a number".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apsw

from kitamae.adapters.sql.conditions import MOST_EXACT, MOST_WAYS, Conditions, in_kv
from kitamae.adapters.sqlite import hot
from kitamae.kernel.context.query.tree import Moment, Op, Range

if TYPE_CHECKING:
    from kitamae.kernel.context.query.tree import Compare, Geo, Path, Scalar


class SqliteConditions(Conditions):
    """`declared`: expanded names of the attributes that are indexed."""

    tenant = ":tenant"

    def __init__(self, tenant: str, declared: frozenset[str], *, filtered: bool) -> None:
        super().__init__(filtered=filtered)
        self.params: dict[str, Any] = {"tenant": tenant}
        self._hot = declared
        self._bound: dict[tuple[type, str | int | float], str] = {}

    def bind(self, value: str | int | float) -> str:
        key = (type(value), value)
        if key not in self._bound:
            name = f"p{len(self.params)}"
            self.params[name] = value
            self._bound[key] = ":" + name
        return self._bound[key]

    def one_of(self, column: str, values: tuple[str, ...]) -> str:
        return f"{column} IN ({', '.join(map(self.bind, values))})"

    def place(self, geo: Geo) -> str:
        """The relation to a place, for an entity that is known to have that GeoProperty; it may have several."""
        path = json_path((geo.geoproperty,))
        if path is None:
            return self.anything()
        asked = f"p{len(self.params)}"
        self.params[asked] = apsw.pyobject(geo)  # only our own function understands it
        return self.several(f"place_related(e.kv -> {self.bind(path)}, :{asked})")

    def exists(self, name: str) -> str:
        path = json_path((name,))
        return self.anything() if path is None else f"{self.kind(self.bind(path))} IS NOT NULL"

    def at(self, path: Path) -> str | None:
        found = json_path((path.names[0], *path.inside))
        return None if found is None else self.bind(found)

    def kind(self, at: str) -> str:
        return f"json_type(e.kv, {at})"

    def is_text(self, at: str) -> str:
        return f"{self.kind(at)} = 'text'"

    def is_number(self, at: str) -> str:
        return f"{self.kind(at)} IN ('integer', 'real')"

    def equals(self, at: str, wanted: bool | float | str) -> str:
        if isinstance(wanted, bool):
            return f"{self.kind(at)} = '{'true' if wanted else 'false'}'"
        same = f"e.kv ->> {at} = {self.bind(wanted)}"
        return f"({same} AND {self.is_number(at)})" if wanted in (0, 1) else same

    def compares(self, at: str, op: Op, wanted: float | str) -> str:
        return f"e.kv ->> {at} {op} {self.bind(wanted)}"

    def at_moment(self, at: str, op: Op, wanted: Moment) -> str:
        told = f"moment_at(e.kv ->> {at}, {self.bind(wanted.kind)})"
        return f"({self.is_text(at)} AND {told} {op} {self.bind(wanted.at)})"

    def matches(self, at: str, op: Op, pattern: str) -> str:
        found = f"text_matches(e.kv ->> {at}, {self.bind(pattern)})"
        return f"({self.is_text(at)} AND {found if op is Op.MATCH else f'NOT {found}'})"

    def since(self, column: str, op: Op, microseconds: int) -> str:
        return f"{column} {op} {self.bind(microseconds)}"

    # --- indexes
    def hot_keys(self, compare: Compare) -> str | None:
        path = compare.path
        name = path.names[0]
        if name not in self._hot or path.inside or not in_kv(path):
            return None
        expression = hot.value(name)
        ranges = [self._hot_range(expression, compare.op, wanted) for wanted in compare.values]
        if not all(ranges) or len(ranges) > MOST_WAYS:
            return None
        # arrays and objects are in the index as the JSON text that begins with their bracket
        ranges += [
            f"{expression} >= '[' AND {expression} < '\\'",
            f"{expression} >= '{{' AND {expression} < '|'",
        ]
        found = [f"SELECT key FROM entity WHERE tenant = :tenant AND {one}" for one in ranges]
        return " UNION ALL ".join([*found, "SELECT key FROM entity WHERE tenant = :tenant AND plain = 0"])

    def _hot_range(self, expression: str, op: Op, wanted: Scalar | Range) -> str | None:
        match op, wanted:
            case Op.EQUAL, Range(low, high):
                one = self._hot_range(expression, Op.GREATER_EQUAL, low)
                other = self._hot_range(expression, Op.LESS_EQUAL, high)
                return f"{one} AND {other}" if one and other else None
            case _, Moment() | Range():
                return None
            case Op.EQUAL, bool():
                return f"{expression} = {self.bind(int(wanted))}"
            case Op.EQUAL | Op.GREATER | Op.GREATER_EQUAL | Op.LESS | Op.LESS_EQUAL, str():
                text = "" if op in (Op.EQUAL, Op.GREATER, Op.GREATER_EQUAL) else f" AND {expression} >= ''"
                return f"{expression} {op} {self.bind(wanted)}{text}"
            case Op.EQUAL, int() | float() if abs(wanted) <= MOST_EXACT:
                return f"{expression} = {self.bind(wanted)}"
            case Op.GREATER | Op.GREATER_EQUAL, int() | float() if abs(wanted) <= MOST_EXACT:
                return f"{expression} {op} {self.bind(wanted)} AND {expression} < ''"
            case Op.LESS | Op.LESS_EQUAL, int() | float() if abs(wanted) <= MOST_EXACT:
                return f"{expression} {op} {self.bind(wanted)}"
        return None


def json_path(steps: tuple[str, ...]) -> str | None:
    """`$."a"."b"`; None for a name with a quote, backslash or control character, which no IRI has."""
    if any('"' in step or "\\" in step or not step.isprintable() for step in steps):
        return None
    return "$" + "".join(f'."{step}"' for step in steps)
