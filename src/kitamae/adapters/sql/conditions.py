"""Conditions of `q` on one row's `kv`: what must be asked, and when a row is unsure. How SQL says it is a dialect's.

An attribute with one single value is compared in SQL. Whatever that says, an attribute of several instances, an array or
an object may match as well, and `query.match` is asked about such a row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context.query.build import moment
from kitamae.kernel.context.query.tree import (
    SCOPE,
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
    from collections.abc import Iterable

    from kitamae.kernel.context.query.tree import Node, Path, Scalar

MOST_WAYS: Final = 50
"""Parts of one UNION; with more, an index is no longer quicker than looking at each entity."""

MOST_EXACT: Final = 2**53
"""Whole numbers beyond are not the same in a database, Python and JSON."""

_WITHOUT: Final = SYSTEM | {SCOPE}
"""What can be asked for and is not in `kv`."""
_TIMES: Final = {"createdAt": "e.created", "modifiedAt": "e.modified"}


class Conditions(ABC):
    """What makes a row unsure is collected while a tree is being translated, and by the dialect the bind parameters.

    `at` is what a dialect makes of the way to a value. `filtered`: only some datasets count, so that an attribute may be
    missing although `kv` has it.
    """

    tenant: str
    """SQL for the tenant."""

    def __init__(self, *, filtered: bool) -> None:
        self.exact = True
        self.filtered = filtered
        self._several = False
        self._kinds: dict[str, None] = {}

    # --- the words of a dialect
    @abstractmethod
    def bind(self, value: Any) -> str:
        """A parameter; the same value twice is one."""

    @abstractmethod
    def one_of(self, column: str, values: tuple[str, ...]) -> str:
        """The column holds one of them."""

    @abstractmethod
    def exists(self, name: str) -> str:
        """The entity has that attribute. Exact also where it has several instances."""

    @abstractmethod
    def at(self, path: Path) -> str | None:
        """The value that a path within one attribute leads to; None where SQL cannot go there."""

    @abstractmethod
    def kind(self, at: str) -> str:
        """Its JSON type, NULL where there is nothing: 'array', 'object' and the dialect's names for scalars."""

    @abstractmethod
    def is_text(self, at: str) -> str:
        """It is a text."""

    @abstractmethod
    def is_number(self, at: str) -> str:
        """It is a number."""

    @abstractmethod
    def equals(self, at: str, wanted: bool | float | str) -> str:
        """It is that scalar, in type and value. NULL where there is nothing."""

    @abstractmethod
    def compares(self, at: str, op: Op, wanted: float | str) -> str:
        """It stands before or behind that number or text; the type has been seen to."""

    @abstractmethod
    def at_moment(self, at: str, op: Op, wanted: Moment) -> str:
        """It is a time, and in that relation to another."""

    @abstractmethod
    def matches(self, at: str, op: Op, pattern: str) -> str:
        """It is a text, and matches (or does not match) a pattern."""

    @abstractmethod
    def since(self, column: str, op: Op, microseconds: int) -> str:
        """A column of time in that relation to a moment."""

    @abstractmethod
    def hot_keys(self, compare: Compare) -> str | None:
        """SELECT of all keys that may match, from the attribute's own index; None when it has none that helps."""

    # --- what is asked
    def unsure(self) -> str:
        """SQL: see `Plan.unsure`."""
        if not self.exact:
            return "true"
        parts = [f"coalesce({kind} IN ('array', 'object'), false)" for kind in self._kinds]
        if self._several:
            parts.insert(0, "NOT e.plain")
        return " OR ".join(parts) or "false"

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

    def anything(self) -> str:
        """No condition: `match` decides."""
        self.exact = False
        return "true"

    def several(self, condition: str) -> str:
        """The condition, or there are several instances and `match` decides."""
        self._several = True
        return f"(NOT e.plain OR {condition})"  # in this order: our own functions know single values only

    def _presence(self, path: Path, *, there: bool) -> str:
        at = self.at(path) if in_kv(path) else None
        if at is None or (self.filtered and not there):
            return self._has_first(path) if there else self.anything()
        told = f"{self.kind(at)} IS {'NOT ' if there else ''}NULL"
        return self.several(told) if path.inside else told

    def _has_first(self, path: Path) -> str:
        """At least the path's first attribute must be there; `match` sees to the rest."""
        self.exact = False
        return "true" if path.names[0] in _WITHOUT else self.exists(path.names[0])

    def _compare(self, path: Path, op: Op, values: tuple[Scalar | Range, ...]) -> str:
        if path.names[0] in _TIMES and len(path.names) == 1 and not path.inside and path.join is None:
            return self._time(_TIMES[path.names[0]], op, values)
        at = self.at(path) if in_kv(path) else None
        if at is None:
            return self._has_first(path)
        kind = self.kind(at)
        self._several = True
        self._kinds[kind] = None
        alone = self._alone(at, op, values)
        several = f"(NOT e.plain AND {self.exists(path.names[0])})"
        return f"({alone} OR {kind} IN ('array', 'object') OR {several})"

    def _alone(self, at: str, op: Op, values: tuple[Scalar | Range, ...]) -> str:
        """The comparison where there is one single value."""
        match op:
            case Op.EQUAL:
                return either(self._equal(at, wanted) for wanted in values)
            case Op.UNEQUAL:
                sure, self.exact = self.exact, True
                equal = either(self._equal(at, wanted) for wanted in values)
                exactly, self.exact = self.exact, self.exact and sure
                there = f"{self.kind(at)} IS NOT NULL"
                return f"({there} AND NOT coalesce({equal}, false))" if exactly else there
            case Op.MATCH | Op.NO_MATCH:
                self.exact = False  # a Relationship has no pattern, and kv does not tell it from a text
                return self.matches(at, op, str(values[0]))
            case _:
                return self._ordered(at, op, values[0])

    def _equal(self, at: str, wanted: Scalar | Range) -> str:
        match wanted:
            case Range(low, high):
                return f"({self._ordered(at, Op.GREATER_EQUAL, low)} AND {self._ordered(at, Op.LESS_EQUAL, high)})"
            case Moment():
                return self.at_moment(at, Op.EQUAL, wanted)
            case int() | float() if not isinstance(wanted, bool) and abs(wanted) > MOST_EXACT:
                self.exact = False
                return self.is_number(at)
            case _:
                return self.equals(at, wanted)

    def _ordered(self, at: str, op: Op, wanted: Scalar | Range) -> str:
        match wanted:
            case Moment():
                return self.at_moment(at, op, wanted)
            case Range() | bool():
                return "false"
            case str():
                self.exact = False  # a Relationship has no order, and kv does not tell it from a text
                return f"({self.compares(at, op, wanted)} AND {self.is_text(at)})"
            case _ if abs(wanted) > MOST_EXACT:
                self.exact = False
                return self.is_number(at)
            case _:
                return f"({self.compares(at, op, wanted)} AND {self.is_number(at)})"

    def _time(self, column: str, op: Op, values: tuple[Scalar | Range, ...]) -> str:
        """The entity's own times are columns; `match` is asked again, since they are text in the document."""
        self.exact = False
        asked = values[0] if len(values) == 1 else None
        told = asked if isinstance(asked, Moment) else moment(asked) if isinstance(asked, str) else None
        if told is None or told.kind != "DateTime" or op in (Op.UNEQUAL, Op.MATCH, Op.NO_MATCH):
            return "true"
        return self.since(column, op, told.at)


def in_kv(path: Path) -> bool:
    """`kv` has what the path leads to: the value of an attribute, or something within it."""
    return (
        len(path.names) == 1 and path.join is None and path.names[0] not in _WITHOUT and path.inside != ("*",)
    )


def either(terms: Iterable[str]) -> str:
    """`(a OR b)`, nested evenly: SQLite refuses expressions more than 1,000 deep."""
    return _joined(" OR ", list(terms))


def every(terms: Iterable[str]) -> str:
    """`(a AND b)`, nested evenly."""
    return _joined(" AND ", list(terms))


def _joined(word: str, terms: list[str]) -> str:
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return f"({_joined(word, terms[:middle])}{word}{_joined(word, terms[middle:])})"
