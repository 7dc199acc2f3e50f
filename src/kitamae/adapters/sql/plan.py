# ruff: noqa: S608  # put together from text of this file and what a dialect binds
"""A query to SQL: every value a bind parameter, every name checked, and nothing claimed that SQL cannot say.

A row that the SQL gives may match; a row that it does not give does not. Where `unsure` is false for a given row it does
match; where it is true `query.match` decides. Unsure are rows in which an asked attribute has several instances or
holds an array, an object or languages, and all rows where the query asks what `kv` does not hold.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kitamae.adapters.sql.conditions import MOST_WAYS, either, every
from kitamae.kernel.context.query import geometry
from kitamae.kernel.context.query.tree import All, AnyOf, Compare, EntityQuery

if TYPE_CHECKING:
    from kitamae.adapters.sql.conditions import Conditions
    from kitamae.kernel.context.query.tree import Geo, Node, OrderBy, TypeQ

_COLUMNS: Final = {"id": "e.id", "createdAt": "e.created", "modifiedAt": "e.modified"}


@dataclass(frozen=True, slots=True)
class Plan:
    """Parts of one SELECT in which `entity` is `e`."""

    source: str
    where: str
    unsure: str
    """SQL for true where `match` must be asked about a row."""
    order: str | None
    """None: `query.order.sort` must put all that match in order."""
    key: str
    """What the source gives keys in the order of."""
    params: Any
    """As the driver takes them; they belong to all the parts."""

    @property
    def exact(self) -> bool:
        """SQL says it all: what it finds can be counted without being read."""
        return self.unsure == "false"

    def select(self, columns: str, more: str = "") -> str:
        """All rows that may match, in order; append LIMIT and OFFSET with your own numbers where `exact` allows it."""
        return (
            f"SELECT {columns} FROM {self.source} WHERE {self.where}{more} ORDER BY {self.order or self.key}"
        )


class Planner(ABC):
    """One query on its way to a plan: first what to drive the search by, then every condition, then the order."""

    def __init__(self, query: EntityQuery, to: Conditions) -> None:
        self.query = query
        self.to = to
        self.typed = False
        """The way in sees to the types already."""

    def plan(self, params: Any) -> Plan:
        """`params`: those of the conditions, complete when the plan is."""
        source, key, terms = self.way_in()
        terms += self.checks()
        order = _order(self.query.order, key)
        return Plan(source, " AND ".join(terms), self.to.unsure(), order, key, params)

    # --- the words of a dialect
    @abstractmethod
    def way_in(self) -> tuple[str, str, list[str]]:
        """What stands behind FROM, the key in whose order it comes, and the first conditions."""

    @abstractmethod
    def in_box(self, geo: Geo, box: geometry.Box) -> str:
        """SELECT of the keys of entities with such a GeoProperty in the box."""

    @abstractmethod
    def scalar(self, select: str) -> str:
        """True where `SELECT 1 FROM ...` finds a row: a scalar, since a join may be turned around."""

    # --- what is asked
    def checks(self) -> list[str]:
        """Conditions of the query, each as a check of one row."""
        query, to = self.query, self.to
        terms = []
        if query.types.any_of and not self.typed:
            terms.append(self._has_types(query.types))
        if query.without:
            terms.append(f"{self._has_one_of(tuple(sorted(query.without)))} IS NOT TRUE")
        if query.scope is not None:
            terms.append(
                either(every(self._has_scope(scope) for scope in both) for both in query.scope.any_of)
            )
        if query.attrs:
            terms.append(either(to.exists(name) for name in query.attrs))
        if query.q is not None:
            terms.append(to.node(query.q))
        if query.id_pattern is not None or query.datasets or query.wanted:
            to.exact = False
        return terms

    def driver(self) -> str | None:
        """SELECT of the keys that may match, from an index that leaves few; None when there is none."""
        query = self.query
        terms = query.q.terms if isinstance(query.q, All) else (query.q,) if query.q is not None else ()
        found = [(_width(term), by) for term in terms if (by := self._hot(term))]
        if found and min(found)[0] == 0:
            return min(found)[1]
        if query.geo is not None and (box := geometry.reach(query.geo)):
            return self.in_box(query.geo, box)
        return min(found)[1] if found else None

    def _hot(self, term: Node) -> str | None:
        """Keys by hot attributes alone; a disjunction only if each of its terms has such."""
        if isinstance(term, Compare):
            return self.to.hot_keys(term)
        if isinstance(term, AnyOf):
            if len(term.terms) > MOST_WAYS:
                return None
            parts = [self._hot(one) for one in term.terms]
            known = " UNION ALL ".join(part for part in parts if part)
            return known if all(parts) and known.count("SELECT") <= 4 * MOST_WAYS else None
        if isinstance(term, All):
            return next((by for one in term.terms if (by := self._hot(one))), None)
        return None

    def of_types(self, types: TypeQ) -> str:
        """SELECT of the keys of entities of any of the types, of the first of several together."""
        self.typed = all(len(together) == 1 for together in types.any_of)
        first = self.to.one_of("type", tuple(together[0] for together in types.any_of))
        return f"SELECT entity FROM entity_type WHERE tenant = {self.to.tenant} AND {first}"

    def in_scopes(self) -> str | None:
        """SELECT of the keys of entities in any of the scopes; None where few scopes are not asked for."""
        scope = self.query.scope
        if scope is None or len(scope.any_of) > MOST_WAYS:
            return None
        return " UNION ALL ".join(
            f"SELECT s.entity FROM entity_scope AS s WHERE s.tenant = {self.to.tenant}"
            f" AND {self._scope_is(together[0])}"
            for together in scope.any_of
        )

    def _has_types(self, types: TypeQ) -> str:
        if all(len(together) == 1 for together in types.any_of):
            return self._has_one_of(tuple(together[0] for together in types.any_of))
        return either(every(self._has_one_of((name,)) for name in together) for together in types.any_of)

    def _has_one_of(self, types: tuple[str, ...]) -> str:
        return self.scalar(
            f"SELECT 1 FROM entity_type AS y WHERE y.tenant = {self.to.tenant}"
            f" AND {self.to.one_of('y.type', types)} AND y.entity = e.key"
        )

    def _has_scope(self, scope: str) -> str:
        return self.scalar(
            f"SELECT 1 FROM entity_scope AS s WHERE s.tenant = {self.to.tenant} AND s.entity = e.key"
            f" AND {self._scope_is(scope)}"
        )

    def _scope_is(self, scope: str) -> str:
        """A scope of one row; scopes may be stored without their first slash. `+` is left to `match`."""
        to = self.to
        levels, below = (scope[:-2], True) if scope.endswith("/#") else (scope, False)
        fixed, wild, _ = levels.partition("/+")
        if wild:
            to.exact = False
        if wild or below:
            if not fixed:
                return "true"
            return either(
                f"(s.scope = {to.bind(form)} OR (s.scope >= {to.bind(form + '/')} AND s.scope < {to.bind(form + '0')}))"
                for form in (fixed, fixed[1:])
            )
        return to.one_of("s.scope", (levels, levels[1:]))


def type_alone(query: EntityQuery) -> str | None:
    """The one type ("": any) that a query asks for and nothing else; those are counted already."""
    types = query.types.any_of
    if len(types) > 1 or (types and len(types[0]) > 1):
        return None
    alone = EntityQuery(
        query.tenant,
        types=query.types,
        order=query.order,
        limit=query.limit,
        offset=query.offset,
        count=query.count,
    )
    if query != alone:
        return None
    return types[0][0] if types else ""


def _order(keys: tuple[OrderBy, ...], key: str) -> str | None:
    found = []
    for one in keys:
        column = _COLUMNS.get(one.path) if isinstance(one.path, str) else None
        if column is None:
            return None
        found.append(column + (" DESC" if one.descending else ""))
    return ", ".join([*found, key])


def _width(term: Node) -> int:
    """0 where an index is asked for values, 1 where for ranges, which may hold half the city."""
    if isinstance(term, Compare):
        return 0 if term.op == "==" and all(isinstance(v, str | int | float) for v in term.values) else 1
    return max(map(_width, term.terms), default=1) if isinstance(term, All | AnyOf) else 1
