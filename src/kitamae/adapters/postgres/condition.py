"""Conditions of `q` on one row's `kv`, in SQL that is true for every row that matches.

JSONB compares as `query.match` does where both sides are of one scalar type: numbers by value, texts and booleans by
equality. Texts are ordered by code point (COLLATE "C"). Times and patterns are left to `match`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.adapters.postgres.entities import hot_key
from kitamae.adapters.sql.conditions import MOST_WAYS, either, every
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
    from kitamae.kernel.context.query.tree import Node, Path, Scalar

_MOST_EXACT: Final = 2**53
"""Whole numbers beyond are not the same in Python and in the shortest decimal that names a float."""

_TIMES: Final = {"createdAt": "e.created", "modifiedAt": "e.modified"}
_NOWHERE: Final = "\ufffe\uffff"
"""In the place of NUL, which PostgreSQL's text cannot hold: equal to nothing that is stored."""

_SQL_OP: Final = {Op.GREATER: ">", Op.GREATER_EQUAL: ">=", Op.LESS: "<", Op.LESS_EQUAL: "<="}


class Conditions:
    """Collects bind parameters, and what makes a row unsure, while a tree is being translated. $1 is the tenant.

    `filtered`: only some datasets count, so that an attribute may be missing although `kv` has it.
    """

    def __init__(self, tenant: str, hot: dict[str, int], *, filtered: bool) -> None:
        self.params: list[Any] = [tenant]
        self.exact = True
        self._hot = hot
        self.filtered = filtered
        self._bound: dict[tuple[str, str, Any], str] = {}
        self._several = False
        self._types: dict[str, None] = {}

    def bind(self, value: Any, type: str = "text") -> str:
        """A parameter of that type; the same value twice is one."""
        if isinstance(value, str) and "\0" in value:
            value = value.replace("\0", _NOWHERE)
        key = (type, str(value.__class__), value)
        if key not in self._bound:
            self.params.append(value)
            self._bound[key] = f"${len(self.params)}::{type}"
        return self._bound[key]

    def bind_list(self, values: tuple[str, ...]) -> str:
        """For `= ANY(...)`."""
        return self.bind(tuple(one.replace("\0", _NOWHERE) for one in values), "text[]")

    def bind_json(self, value: Scalar) -> str:
        """A scalar, as JSONB."""
        if isinstance(value, str):
            value = value.replace("\0", _NOWHERE)
        return self.bind(orjson.dumps(value).decode(), "jsonb")

    def unsure(self) -> str:
        """SQL: see `Plan.unsure`."""
        if not self.exact:
            return "true"
        parts = [f"coalesce({kind} IN ('array', 'object'), false)" for kind in self._types]
        if self._several:
            parts.insert(0, "NOT e.plain")
        return " OR ".join(parts) or "false"

    def exists(self, name: str) -> str:
        """The entity has that attribute. Exact also where it has several instances."""
        return f"e.kv ? {self.bind(name)}"

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

    # --- presence
    def _presence(self, path: Path, *, there: bool) -> str:
        if not self._in_kv(path) or (self.filtered and not there):
            return self._has_first(path) if there else self._any()
        kind = _kind(self._at(path))
        told = f"{kind} IS {'NOT ' if there else ''}NULL"
        if not path.inside:
            return told
        self._several = True
        return f"({told} OR NOT e.plain)"

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
        return "true" if path.names[0] in SYSTEM else self.exists(path.names[0])

    def _any(self) -> str:
        self.exact = False
        return "true"

    # --- comparison
    def _compare(self, path: Path, op: Op, values: tuple[Scalar | Range, ...]) -> str:
        if path.names[0] in _TIMES and len(path.names) == 1 and not path.inside and path.join is None:
            return self._time(_TIMES[path.names[0]], op, values)
        if not self._in_kv(path):
            return self._has_first(path)
        at = self._at(path)
        kind = _kind(at)
        self._several = True
        self._types[kind] = None
        alone = self._alone(at, op, values)
        # whatever the comparison says of one single value, what is several may match
        several = f"(NOT e.plain AND {self.exists(path.names[0])})"
        return f"({alone} OR {kind} IN ('array', 'object') OR {several})"

    def _alone(self, at: str, op: Op, values: tuple[Scalar | Range, ...]) -> str:
        """The comparison where there is one single value."""
        kind = _kind(at)
        match op:
            case Op.EQUAL:
                return either(self._equal(at, wanted) for wanted in values)
            case Op.UNEQUAL:
                sure, self.exact = self.exact, True
                equal = either(self._equal(at, wanted) for wanted in values)
                exactly, self.exact = self.exact, self.exact and sure
                there = f"{kind} IS NOT NULL"
                return f"({there} AND NOT coalesce({equal}, false))" if exactly else there
            case Op.MATCH | Op.NO_MATCH:
                self.exact = False
                return f"{kind} = 'string'"
            case _:
                return self._ordered(at, op, values[0])

    def _equal(self, at: str, wanted: Scalar | Range) -> str:
        match wanted:
            case Range(low, high):
                return f"({self._ordered(at, Op.GREATER_EQUAL, low)} AND {self._ordered(at, Op.LESS_EQUAL, high)})"
            case Moment():
                self.exact = False
                return f"{_kind(at)} = 'string'"
            case int() | float() if not isinstance(wanted, bool) and abs(wanted) > _MOST_EXACT:
                self.exact = False
                return f"{_kind(at)} = 'number'"
            case _:
                return f"{at} = {self.bind_json(wanted)}"

    def _ordered(self, at: str, op: Op, wanted: Scalar | Range) -> str:
        match wanted:
            case Moment():
                self.exact = False
                return f"{_kind(at)} = 'string'"
            case Range() | bool():
                return "false"
            case str():
                self.exact = False  # a Relationship has no order, and kv does not tell it from a text
                text = f"({at} #>> '{{}}') COLLATE \"C\""
                return f"({text} {_SQL_OP[op]} {self.bind(wanted)} AND {_kind(at)} = 'string')"
            case _ if abs(wanted) > _MOST_EXACT:
                self.exact = False
                return f"{_kind(at)} = 'number'"
            case _:
                return f"({at} {_SQL_OP[op]} {self.bind_json(wanted)} AND {_kind(at)} = 'number')"

    def _time(self, column: str, op: Op, values: tuple[Scalar | Range, ...]) -> str:
        """The entity's own times are columns; `match` is asked again, since they are text in the document."""
        self.exact = False
        asked = values[0] if len(values) == 1 else None
        told = asked if isinstance(asked, Moment) else moment(asked) if isinstance(asked, str) else None
        if told is None or told.kind != "DateTime" or op in (Op.UNEQUAL, Op.MATCH, Op.NO_MATCH):
            return "true"
        return f"{column} {'=' if op is Op.EQUAL else op} {self.bind(told.at, 'bigint')}"

    def _at(self, path: Path) -> str:
        """SQL for the value that a path leads to."""
        if not path.inside:
            return f"(e.kv -> {self.bind(path.names[0])})"
        return f"(e.kv #> {self.bind_list((path.names[0], *path.inside))})"

    # --- indexes
    def hot_keys(self, compare: Compare) -> str | None:
        """SELECT of all keys that may match, from the attribute's own index; None when it has none that helps."""
        path = compare.path
        attribute = self._hot.get(path.names[0])
        if attribute is None or path.inside or not self._in_kv(path) or len(compare.values) > MOST_WAYS:
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
            case Op.EQUAL, int() | float() if abs(wanted) <= _MOST_EXACT:
                return f"value = {self.bind_json(wanted)}"
            case Op.GREATER | Op.GREATER_EQUAL, int() | float() if (
                not isinstance(wanted, bool) and abs(wanted) <= _MOST_EXACT
            ):
                return f"(value {op} {self.bind_json(wanted)} AND value < 'false')"  # numbers come before booleans
            case Op.LESS | Op.LESS_EQUAL, int() | float() if (
                not isinstance(wanted, bool) and abs(wanted) <= _MOST_EXACT
            ):
                return f"(value {op} {self.bind_json(wanted)} AND jsonb_typeof(value) = 'number')"
        return None


def _kind(at: str) -> str:
    return f"jsonb_typeof({at})"
