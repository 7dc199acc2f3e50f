# ruff: noqa: S608  # put together from text of these files and parameter names; every value and path is bound
"""A query to SQL: every value a bind parameter, every name checked, and nothing claimed that SQL cannot say.

A row that the SQL gives may match; a row that it does not give does not. Where `unsure` is 0 for a given row it does
match; where it is 1 `query.match` decides. Unsure are rows in which an asked attribute has several instances or
holds an array, an object or languages, and all rows where the query asks what `kv` does not hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kitamae.adapters.sql.conditions import MOST_WAYS, either, every
from kitamae.adapters.sqlite.condition import Conditions
from kitamae.kernel.context.query import geometry
from kitamae.kernel.context.query.tree import All, AnyOf, Compare

if TYPE_CHECKING:
    from kitamae.kernel.context.query.tree import EntityQuery, Node, OrderBy, ScopeQ, TypeQ

_COLUMNS: Final = {"id": "e.id", "createdAt": "e.created", "modifiedAt": "e.modified"}


@dataclass(frozen=True, slots=True)
class Plan:
    """Parts of one SELECT in which `entity` is `e`; `params` belong to all the parts."""

    source: str
    where: str
    unsure: str
    """SQL for 1 where `match` must be asked about a row."""
    order: str | None
    """None: `query.order.sort` must put all that match in order."""
    params: dict[str, Any]
    exact: bool
    """False: `unsure` is 1 for every row, so that none can be counted without being read."""

    def select(self, columns: str) -> str:
        """All rows that may match, in order; append LIMIT and OFFSET with your own numbers where `exact` allows it."""
        return f"SELECT {columns} FROM {self.source} WHERE {self.where} ORDER BY {self.order or 'e.key'}"


def where(query: EntityQuery, hot: tuple[str, ...]) -> Plan:
    """The plan of a query. `hot`: expanded names of the attributes that are indexed."""
    return _Planner(query, hot).plan()


class _Planner:
    """One query on its way to a plan: first what to drive the search by, then every condition, then the order."""

    def __init__(self, query: EntityQuery, hot: tuple[str, ...]) -> None:
        self.query = query
        self.conditions = Conditions(query.tenant, frozenset(hot), filtered=bool(query.datasets))
        self.placed = False
        """The way in is the place already."""

    def plan(self) -> Plan:
        query, to = self.query, self.conditions
        source, key, typed = "entity AS e", "e.key", False
        terms: list[str] = []
        driver = None if query.ids else self._driver()
        if driver:
            terms.append(f"e.key IN ({driver})")
        elif not query.ids and (one := _only_type(query.types)) is not None:
            source, key, typed = (
                "entity_type AS t CROSS JOIN entity AS e ON e.key = t.entity",
                "t.entity",
                True,
            )
            terms.append(f"t.tenant = :tenant AND t.type = {to.bind(one)}")
        elif not query.ids and query.types.any_of:
            terms.append(f"e.key IN ({self._of_types(query.types)})")
            typed = all(len(together) == 1 for together in query.types.any_of)
        elif not query.ids and query.scope is not None and len(query.scope.any_of) <= MOST_WAYS:
            terms.append(f"e.key IN ({self._in_scopes(query.scope)})")
        else:
            terms.append("e.tenant = :tenant")
        if query.ids:
            terms.append(f"e.id IN ({', '.join(to.bind(one) for one in query.ids)})")
        if driver:
            terms.append("+e.tenant = :tenant")  # +: as a check, never as the way in
        terms += self._checks(typed=typed)
        return Plan(
            source,
            " AND ".join(terms),
            to.unsure(),
            self._order(query.order, key),
            to.params,
            to.exact,
        )

    def _checks(self, *, typed: bool) -> list[str]:
        """Every condition of the query, as a check of one row."""
        query, to = self.query, self.conditions
        terms = []
        if query.types.any_of and not typed:
            terms.append(self._has_types(query.types))
        if query.scope is not None:
            terms.append(
                either(every(self._has_scope(scope) for scope in both) for both in query.scope.any_of)
            )
        if query.v2_path == "/":
            terms.append(
                "NOT EXISTS (SELECT 1 FROM entity_scope AS s WHERE s.tenant = :tenant AND s.entity = e.key)"
            )
        if query.id_pattern is not None or (query.v2_path or "/") != "/":
            to.exact = False
        if query.attrs:
            terms.append(either(to.exists(name) for name in query.attrs))
        if query.q is not None:
            terms.append(to.node(query.q))
        if query.geo is not None and not self.placed:
            box = geometry.reach(query.geo)
            name = to.bind(query.geo.geoproperty)
            touches = f" AND {self._touches(box)}" if box else ""
            terms.append(
                "(SELECT 1 FROM place AS p CROSS JOIN place_box AS b ON b.key = p.key"
                f" WHERE p.entity = e.key AND p.name = {name}{touches} LIMIT 1)"
            )
        if query.geo is not None:
            terms.append(to.place(query.geo))
        if query.datasets:
            to.exact = False
        return terms

    # --- ways in
    def _driver(self) -> str | None:
        """SELECT of the keys that may match, from an index that leaves few; None when there is none."""
        query, to = self.query, self.conditions
        terms = query.q.terms if isinstance(query.q, All) else (query.q,) if query.q is not None else ()
        found = [(rank, by) for term in terms if (by := self._hot(term)) for rank in [_width(term)]]
        if found and min(found)[0] == 0:
            return min(found)[1]
        if query.geo is not None and (box := geometry.reach(query.geo)):
            name = to.bind(query.geo.geoproperty)
            self.placed = True
            return (
                "SELECT p.entity FROM place_box AS b CROSS JOIN place AS p ON p.key = b.key"
                f" WHERE {self._touches(box)} AND p.name = {name}"
            )
        return min(found)[1] if found else None

    def _hot(self, term: Node) -> str | None:
        """Keys by hot attributes alone; a disjunction only if each of its terms has such."""
        if isinstance(term, Compare):
            return self.conditions.hot_keys(term)
        if isinstance(term, AnyOf):
            parts = [self._hot(one) for one in term.terms[: MOST_WAYS + 1]]
            known = " UNION ALL ".join(part for part in parts if part)
            return known if all(parts) and known.count("SELECT") <= 4 * MOST_WAYS else None
        if isinstance(term, All):
            return next((by for one in term.terms if (by := self._hot(one))), None)
        return None

    def _of_types(self, types: TypeQ) -> str:
        first = ", ".join(self.conditions.bind(together[0]) for together in types.any_of)
        return f"SELECT entity FROM entity_type WHERE tenant = :tenant AND type IN ({first})"

    def _in_scopes(self, scope: ScopeQ) -> str:
        return " UNION ALL ".join(
            f"SELECT s.entity FROM entity_scope AS s WHERE s.tenant = :tenant AND {self._scope_is(together[0])}"
            for together in scope.any_of
        )

    # --- checks of one row
    def _has_types(self, types: TypeQ) -> str:
        if all(len(together) == 1 for together in types.any_of):
            return self._has_one_of([together[0] for together in types.any_of])
        return either(every(self._has_one_of([name]) for name in together) for together in types.any_of)

    def _has_one_of(self, types: list[str]) -> str:
        # a scalar, since SQLite may turn EXISTS into a join and drive by the larger table
        names = ", ".join(map(self.conditions.bind, types))
        return (
            "(SELECT 1 FROM entity_type AS y WHERE y.tenant = :tenant"
            f" AND y.type IN ({names}) AND y.entity = e.key LIMIT 1)"
        )

    def _has_scope(self, scope: str) -> str:
        return (
            "(SELECT 1 FROM entity_scope AS s WHERE s.tenant = :tenant AND s.entity = e.key"
            f" AND {self._scope_is(scope)} LIMIT 1)"
        )

    def _scope_is(self, scope: str) -> str:
        """A scope of one row; scopes may be stored without their first slash. `+` is left to `match`."""
        to = self.conditions
        levels, below = (scope[:-2], True) if scope.endswith("/#") else (scope, False)
        fixed, wild, _ = levels.partition("/+")
        if wild:
            to.exact = False
        if wild or below:
            if not fixed:
                return "1"
            forms = [fixed, fixed[1:]]
            return either(
                f"s.scope = {to.bind(form)} OR (s.scope >= {to.bind(form + '/')} AND s.scope < {to.bind(form + '0')})"
                for form in forms
            )
        return f"s.scope IN ({to.bind(levels)}, {to.bind(levels[1:])})"

    def _touches(self, box: geometry.Box) -> str:
        west, south, east, north = (self.conditions.bind(side) for side in box)
        return f"b.west <= {east} AND b.east >= {west} AND b.south <= {north} AND b.north >= {south}"

    def _order(self, keys: tuple[OrderBy, ...], key: str) -> str | None:
        found = []
        for one in keys:
            column = _COLUMNS.get(one.path) if isinstance(one.path, str) else None
            if column is None:
                return None
            found.append(column + (" DESC" if one.descending else ""))
        return ", ".join([*found, key])


def _only_type(types: TypeQ) -> str | None:
    return types.any_of[0][0] if len(types.any_of) == 1 and len(types.any_of[0]) == 1 else None


def _width(term: Node) -> int:
    """0 where an index is asked for values, 1 where for ranges, which may hold half the city."""
    if isinstance(term, Compare):
        return 0 if term.op == "==" and all(isinstance(v, str | int | float) for v in term.values) else 1
    return max(map(_width, term.terms), default=1) if isinstance(term, All | AnyOf) else 1
