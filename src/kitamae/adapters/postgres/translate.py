# ruff: noqa: S608  # put together from text of these files and parameter numbers; every value and path is bound
"""A query to SQL: every value a bind parameter, and nothing claimed that SQL cannot say.

A row that the SQL gives may match; a row that it does not give does not. Where `unsure` is false for a given row it
does match; where it is true `query.match` decides. The way in is a join that comes first and cannot be turned around
(LATERAL behind OFFSET 0), because a new city has no statistics to choose by.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kitamae.adapters.postgres.condition import Conditions
from kitamae.adapters.sql.conditions import MOST_WAYS, either, every
from kitamae.kernel.context.query import geometry
from kitamae.kernel.context.query.tree import All, AnyOf, Compare

if TYPE_CHECKING:
    from kitamae.kernel.context.query.tree import EntityQuery, Node, OrderBy, ScopeQ, TypeQ

_COLUMNS: Final = {"id": "e.id", "createdAt": "e.created", "modifiedAt": "e.modified"}
_PARAMETER: Final = re.compile(r"\$(\d+)")
_LIVING: Final = " CROSS JOIN LATERAL (SELECT * FROM entity AS e WHERE e.tenant = $1 AND e.key = d.entity AND NOT e.gone OFFSET 0) AS e"


@dataclass(frozen=True, slots=True)
class Plan:
    """Parts of one SELECT in which `entity` is `e`; `params` belong to all the parts, $1 being the tenant."""

    source: str
    where: str
    unsure: str
    """SQL for true where `match` must be asked about a row."""
    order: str | None
    """None: `query.order.sort` must put all that match in order."""
    key: str
    """What the source gives keys in the order of."""
    params: list[Any]

    def select(self, columns: str, more: str = "") -> str:
        """All rows that may match, in order."""
        return (
            f"SELECT {columns} FROM {self.source} WHERE {self.where}{more} ORDER BY {self.order or self.key}"
        )

    @property
    def exact(self) -> bool:
        """SQL says it all."""
        return self.unsure == "false"


def where(query: EntityQuery, hot: dict[str, int]) -> Plan:
    """The plan of a query. `hot`: expanded names of the attributes that are indexed, with their keys."""
    return _Planner(query, hot).plan()


class _Planner:
    """One query on its way to a plan: first what to drive the search by, then every condition, then the order."""

    def __init__(self, query: EntityQuery, hot: dict[str, int]) -> None:
        self.query = query
        self.to = Conditions(query.tenant, hot, filtered=bool(query.datasets))
        self.typed = False
        """The way in sees to the types already."""

    def plan(self) -> Plan:
        source, key, terms = self._way_in()
        terms += self._checks()
        return _numbered(
            source,
            " AND ".join(terms),
            self.to.unsure(),
            self._order(self.query.order, key),
            key,
            self.to.params,
        )

    def _way_in(self) -> tuple[str, str, list[str]]:
        query, to = self.query, self.to
        if query.ids:
            driver = (
                f"SELECT key AS entity FROM entity WHERE tenant = $1 AND id = ANY({to.bind_list(query.ids)})"
            )
            return f"({driver} OFFSET 0) AS d{_LIVING}", "d.entity", ["true"]
        if driver := self._driver() or "":
            return (
                f"(SELECT DISTINCT entity FROM ({driver}) AS d OFFSET 0) AS d{_LIVING}",
                "d.entity",
                ["true"],
            )
        types = query.types.any_of
        if len(types) == 1:
            self.typed = len(types[0]) == 1
            one = [f"d.tenant = $1 AND d.type = {to.bind(types[0][0])}"]
            return f"entity_type AS d{_LIVING}", "d.entity", one
        if types:
            self.typed = all(len(together) == 1 for together in types)
            first = to.bind_list(tuple(together[0] for together in types))
            driver = f"SELECT DISTINCT entity FROM entity_type WHERE tenant = $1 AND type = ANY({first})"
            return f"({driver} OFFSET 0) AS d{_LIVING}", "d.entity", ["true"]
        if query.scope is not None and len(query.scope.any_of) <= MOST_WAYS:
            driver = self._in_scopes(query.scope)
            return (
                f"(SELECT DISTINCT entity FROM ({driver}) AS d OFFSET 0) AS d{_LIVING}",
                "d.entity",
                ["true"],
            )
        return "entity AS e", "e.key", ["e.tenant = $1 AND NOT e.gone"]

    def _checks(self) -> list[str]:
        """Every condition of the query, as a check of one row."""
        query, to = self.query, self.to
        terms = []
        if query.types.any_of and not self.typed:
            terms.append(self._has_types(query.types))
        if query.scope is not None:
            terms.append(
                either(every(self._has_scope(scope) for scope in both) for both in query.scope.any_of)
            )
        if query.id_pattern is not None or query.v2_path or query.datasets or query.geo is not None:
            to.exact = False
        if query.attrs:
            terms.append(either(to.exists(name) for name in query.attrs))
        if query.q is not None:
            terms.append(to.node(query.q))
        if query.geo is not None:
            terms.append(to.exists(query.geo.geoproperty))
        return terms

    # --- ways in
    def _driver(self) -> str | None:
        """SELECT of the keys that may match, from an index that leaves few; None when there is none."""
        query, to = self.query, self.to
        terms = query.q.terms if isinstance(query.q, All) else (query.q,) if query.q is not None else ()
        found = [(_width(term), by) for term in terms if (by := self._hot(term))]
        if found and min(found)[0] == 0:
            return min(found)[1]
        if query.geo is not None and (box := geometry.reach(query.geo)):
            sides = ", ".join(to.bind(float(side), "float8") for side in box)
            return (
                f"SELECT entity FROM place WHERE shape && ST_MakeEnvelope({sides}, 4326) AND tenant = $1"
                f" AND name = {to.bind(query.geo.geoproperty)}"
            )
        return min(found)[1] if found else None

    def _hot(self, term: Node) -> str | None:
        """Keys by hot attributes alone; a disjunction only if each of its terms has such."""
        if isinstance(term, Compare):
            return self.to.hot_keys(term)
        if isinstance(term, AnyOf):
            parts = [self._hot(one) for one in term.terms[: MOST_WAYS + 1]]
            known = " UNION ALL ".join(part for part in parts if part)
            return known if all(parts) and len(parts) <= MOST_WAYS else None
        if isinstance(term, All):
            return next((by for one in term.terms if (by := self._hot(one))), None)
        return None

    def _in_scopes(self, scope: ScopeQ) -> str:
        return " UNION ALL ".join(
            f"SELECT s.entity FROM entity_scope AS s WHERE s.tenant = $1 AND {self._scope_is(together[0])}"
            for together in scope.any_of
        )

    # --- checks of one row: scalars, since what PostgreSQL turns into a join it may turn around
    def _has_types(self, types: TypeQ) -> str:
        if all(len(together) == 1 for together in types.any_of):
            return self._has_one_of(tuple(together[0] for together in types.any_of))
        return either(every(self._has_one_of((name,)) for name in together) for together in types.any_of)

    def _has_one_of(self, types: tuple[str, ...]) -> str:
        return (
            "coalesce((SELECT true FROM entity_type AS y WHERE y.tenant = $1"
            f" AND y.type = ANY({self.to.bind_list(types)}) AND y.entity = e.key LIMIT 1), false)"
        )

    def _has_scope(self, scope: str) -> str:
        return (
            "coalesce((SELECT true FROM entity_scope AS s WHERE s.tenant = $1 AND s.entity = e.key"
            f" AND {self._scope_is(scope)} LIMIT 1), false)"
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
        return f"s.scope = ANY({to.bind_list((levels, levels[1:]))})"

    def _order(self, keys: tuple[OrderBy, ...], key: str) -> str | None:
        found = []
        for one in keys:
            column = _COLUMNS.get(one.path) if isinstance(one.path, str) else None
            if column is None:
                return None
            found.append(column + (" DESC" if one.descending else ""))
        return ", ".join([*found, key])


def _numbered(source: str, where: str, unsure: str, order: str | None, key: str, params: list[Any]) -> Plan:
    """With the parameters that are used, and no other: ways in that were not taken bound some too."""
    used = sorted({int(n) for n in _PARAMETER.findall(source + where + unsure)})
    place = {f"${n}": f"${at}" for at, n in enumerate(used, start=1)}

    def again(sql: str) -> str:
        return _PARAMETER.sub(lambda found: place[found[0]], sql)

    return Plan(again(source), again(where), again(unsure), order, key, [params[n - 1] for n in used])


def _width(term: Node) -> int:
    """0 where an index is asked for values, 1 where for ranges, which may hold half the city."""
    if isinstance(term, Compare):
        return 0 if term.op == "==" and all(isinstance(v, str | int | float) for v in term.values) else 1
    return max(map(_width, term.terms), default=1) if isinstance(term, All | AnyOf) else 1
