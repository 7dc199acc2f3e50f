# ruff: noqa: S608  # put together from text of this file and parameter names; every value and path is bound
"""Conditions of `q` on one row's `kv`, in SQL that is true for every row that matches.

`kv ->> path` gives JSON text as TEXT, numbers as INTEGER or REAL, true and false as 1 and 0, null as NULL, arrays and
objects as their JSON text. No affinity applies, so '20' is not 20; what remains to be told apart is told by
`json_type`: 1 from true, and a text from an array. SQLite orders numbers before texts: `< ''` says "a number".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import apsw

from kitamae.adapters.sql.conditions import MOST_WAYS, either, every
from kitamae.adapters.sqlite import hot
from kitamae.kernel.context.query.build import moment
from kitamae.kernel.context.query.tree import (
    SYSTEM,
    All,
    AnyOf,
    Compare,
    Exists,
    Missing,
    Moment,
    Null,
    Op,
    Range,
)

if TYPE_CHECKING:
    from kitamae.kernel.context.query.tree import Geo, Node, Path, Scalar

_MOST_EXACT: Final = 2**53
"""Whole numbers beyond are not the same in SQLite, Python and JSON."""

_TIMES: Final = {"createdAt": "e.created", "modifiedAt": "e.modified"}


class Conditions:
    """Collects bind parameters, and what makes a row unsure, while a tree is being translated.

    `filtered`: only some datasets count, so that an attribute may be missing although `kv` has it.
    """

    def __init__(self, tenant: str, declared: frozenset[str], *, filtered: bool) -> None:
        self.params: dict[str, Any] = {"tenant": tenant}
        self.exact = True
        self._hot = declared
        self.filtered = filtered
        self._bound: dict[tuple[type, str | int | float], str] = {}
        self._several = False
        self._types: dict[str, None] = {}

    def bind(self, value: str | int | float) -> str:
        """A named parameter; the same value twice is one."""
        key = (type(value), value)
        if key not in self._bound:
            name = f"p{len(self.params)}"
            self.params[name] = value
            self._bound[key] = ":" + name
        return self._bound[key]

    def bind_object(self, value: Geo) -> str:
        """Something that only our own functions understand."""
        name = f"p{len(self.params)}"
        self.params[name] = apsw.pyobject(value)
        return ":" + name

    def unsure(self) -> str:
        """SQL: see `Plan.unsure`."""
        if not self.exact:
            return "1"
        parts = [f"{kind} IN ('array', 'object')" for kind in self._types]
        if self._several:
            parts.insert(0, "e.plain = 0")
        return " OR ".join(parts) or "0"

    def exists(self, name: str) -> str:
        """The entity has that attribute. Exact also where it has several instances."""
        at = self._at((name,))
        return f"{_kind(at)} IS NOT NULL" if at else self._any()

    def node(self, node: Node) -> str:
        """A condition; in brackets where it needs them."""
        match node:
            case All(terms):
                return every(map(self.node, terms))
            case AnyOf(terms):
                return either(map(self.node, terms))
            case Exists(path):
                return self._presence(path, there=True)
            case Missing(path):
                return self._presence(path, there=False)
            case Null(path):
                return self._has_first(path)
            case Compare(path, op, values):
                return self._compare(path, op, values)

    def place(self, geo: Geo) -> str:
        """The relation to a place, for an entity that is known to have that GeoProperty; it may have several."""
        at = self._at((geo.geoproperty,))
        if at is None:
            return self._any()
        self._several = True
        return f"(e.plain = 0 OR place_related(e.kv ->> {at}, {self.bind_object(geo)}))"

    # --- presence
    def _presence(self, path: Path, *, there: bool) -> str:
        at = self._at((path.names[0], *path.inside))
        if at is None or not self._in_kv(path) or (self.filtered and not there):
            return self._has_first(path) if there else self._any()
        told = f"{_kind(at)} IS {'NOT ' if there else ''}NULL"
        if not path.inside:
            return told
        self._several = True
        return f"({told} OR e.plain = 0)"

    def _in_kv(self, path: Path) -> bool:
        return (
            len(path.names) == 1
            and path.join is None
            and path.names[0] not in SYSTEM
            and path.inside != ("*",)
        )

    def _has_first(self, path: Path) -> str:
        """At least the path's first attribute must be there; `match` sees to the rest."""
        self.exact = False
        return "1" if path.names[0] in SYSTEM else self.exists(path.names[0])

    def _any(self) -> str:
        self.exact = False
        return "1"

    # --- comparison
    def _compare(self, path: Path, op: Op, values: tuple[Scalar | Range, ...]) -> str:
        if path.names[0] in _TIMES and len(path.names) == 1 and not path.inside and path.join is None:
            return self._time(_TIMES[path.names[0]], op, values)
        at = self._at((path.names[0], *path.inside))
        if at is None or not self._in_kv(path):
            return self._has_first(path)
        kind = _kind(at)
        self._several = True
        self._types[kind] = None
        alone = self._alone(at, op, values)
        base = self._at(path.names) or at
        # whatever the comparison says of one single value, what is several may match
        return f"({alone} OR {kind} IN ('array', 'object') OR (e.plain = 0 AND {_kind(base)} IS NOT NULL))"

    def _alone(self, at: str, op: Op, values: tuple[Scalar | Range, ...]) -> str:
        """The comparison where there is one single value."""
        value, kind = f"e.kv ->> {at}", _kind(at)
        match op:
            case Op.EQUAL:
                return either(self._equal(value, kind, wanted) for wanted in values)
            case Op.UNEQUAL:
                sure = self.exact
                self.exact = True
                equal = either(self._equal(value, kind, wanted) for wanted in values)
                exactly, self.exact = self.exact, self.exact and sure
                return (
                    f"({kind} IS NOT NULL AND NOT coalesce({equal}, 0))" if exactly else f"{kind} IS NOT NULL"
                )
            case Op.MATCH | Op.NO_MATCH:
                self.exact = False  # a Relationship has no pattern, and kv does not tell it from a text
                found = f"text_matches({value}, {self.bind(str(values[0]))})"
                return f"({kind} = 'text' AND {found if op is Op.MATCH else f'NOT {found}'})"
            case _:
                return self._ordered(value, kind, op, values[0])

    def _equal(self, value: str, kind: str, wanted: Scalar | Range) -> str:
        match wanted:
            case Range(low, high):
                return (
                    f"({self._ordered(value, kind, Op.GREATER_EQUAL, low)}"
                    f" AND {self._ordered(value, kind, Op.LESS_EQUAL, high)})"
                )
            case Moment(asked, at):
                return f"({kind} = 'text' AND moment_at({value}, {self.bind(asked)}) = {self.bind(at)})"
            case bool():
                return f"{kind} = '{'true' if wanted else 'false'}'"
            case str():
                return f"{value} = {self.bind(wanted)}"
            case _ if abs(wanted) > _MOST_EXACT:
                self.exact = False
                return f"{kind} IN ('integer', 'real')"
            case 0 | 1:
                return f"({value} = {self.bind(wanted)} AND {kind} IN ('integer', 'real'))"
            case _:
                return f"{value} = {self.bind(wanted)}"

    def _ordered(self, value: str, kind: str, op: Op, wanted: Scalar | Range) -> str:
        match wanted:
            case Moment(asked, at):
                return f"({kind} = 'text' AND moment_at({value}, {self.bind(asked)}) {op} {self.bind(at)})"
            case Range() | bool():
                return "0"
            case str():
                self.exact = False  # a Relationship has no order, and kv does not tell it from a text
                return f"({value} {op} {self.bind(wanted)} AND {kind} = 'text')"
            case _ if abs(wanted) > _MOST_EXACT:
                self.exact = False
                return f"{kind} IN ('integer', 'real')"
            case _:
                return f"({value} {op} {self.bind(wanted)} AND {kind} IN ('integer', 'real'))"

    def _time(self, column: str, op: Op, values: tuple[Scalar | Range, ...]) -> str:
        """The entity's own times are columns; `match` is asked again, since they are text in the document."""
        self.exact = False
        asked = values[0] if len(values) == 1 else None
        told = asked if isinstance(asked, Moment) else moment(asked) if isinstance(asked, str) else None
        if told is None or told.kind != "DateTime" or op in (Op.UNEQUAL, Op.MATCH, Op.NO_MATCH):
            return "1"
        return f"{column} {op} {self.bind(told.at)}"

    # --- names and indexes
    def _at(self, steps: tuple[str, ...]) -> str | None:
        """A bound JSON path; None for a name that a JSON path cannot say safely."""
        path = json_path(steps)
        return None if path is None else self.bind(path)

    def hot_keys(self, compare: Compare) -> str | None:
        """SELECT of all keys that may match, from the attribute's own index; None when it has none that helps."""
        path = compare.path
        name = path.names[0]
        if name not in self._hot or path.inside or not self._in_kv(path):
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
            case Op.EQUAL, int() | float() if abs(wanted) <= _MOST_EXACT:
                return f"{expression} = {self.bind(wanted)}"
            case Op.GREATER | Op.GREATER_EQUAL, int() | float() if abs(wanted) <= _MOST_EXACT:
                return f"{expression} {op} {self.bind(wanted)} AND {expression} < ''"
            case Op.LESS | Op.LESS_EQUAL, int() | float() if abs(wanted) <= _MOST_EXACT:
                return f"{expression} {op} {self.bind(wanted)}"
        return None


def _kind(at: str) -> str:
    return f"json_type(e.kv, {at})"


def json_path(steps: tuple[str, ...]) -> str | None:
    """`$."a"."b"`; None for a name with a quote, backslash or control character, which no IRI has."""
    if any('"' in step or "\\" in step or not step.isprintable() for step in steps):
        return None
    return "$" + "".join(f'."{step}"' for step in steps)
