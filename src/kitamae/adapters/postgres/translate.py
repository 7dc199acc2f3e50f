# ruff: noqa: S608  # put together from text of these files and parameter numbers; every value and path is bound
"""A query to PostgreSQL's SQL: what drives the search is a join that comes first and cannot be turned around.

It is LATERAL behind OFFSET 0, because a new city has no statistics to choose by.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from kitamae.adapters.postgres.condition import PostgresConditions
from kitamae.adapters.sql.plan import Plan, Planner

if TYPE_CHECKING:
    from kitamae.kernel.context.query import geometry
    from kitamae.kernel.context.query.tree import EntityQuery, Geo

_PARAMETER: Final = re.compile(r"\$(\d+)")
_LIVING: Final = " CROSS JOIN LATERAL (SELECT * FROM entity AS e WHERE e.tenant = $1 AND e.key = d.entity AND NOT e.gone OFFSET 0) AS e"
ALONG: Final = "e.id"


def where(query: EntityQuery, hot: dict[str, int]) -> Plan:
    """The plan of a query, $1 being the tenant. `hot`: expanded names of the indexed attributes, with their keys."""
    to = PostgresConditions(query.tenant, hot, filtered=bool(query.datasets))
    return _numbered(_Planner(query, to).plan(to.params))


def along(query: EntityQuery, hot: dict[str, int]) -> Plan:
    """The plan that looks at every entity in the order of ids."""
    to = PostgresConditions(query.tenant, hot, filtered=bool(query.datasets))
    return _numbered(_Along(query, to).plan(to.params))


def narrow(plan: Plan) -> bool:
    """Its way in leaves few entities: it is neither all of them nor those of one type."""
    return plan.source.startswith("(")


class _Planner(Planner):
    to: PostgresConditions

    def way_in(self) -> tuple[str, str, list[str]]:
        query, to = self.query, self.to
        if query.ids:
            return _by(f"SELECT key AS entity FROM entity WHERE tenant = $1 AND {to.one_of('id', query.ids)}")
        if driver := self.driver():
            return _by(f"SELECT DISTINCT entity FROM ({driver}) AS d")
        types = query.types.any_of
        if len(types) == 1:
            self.typed = len(types[0]) == 1
            one = f"d.tenant = $1 AND d.type = {to.bind(types[0][0])}"
            return f"entity_type AS d{_LIVING}", "d.entity", [one]
        if driver := self.of_types(query.types) if types else self.in_scopes():
            return _by(f"SELECT DISTINCT entity FROM ({driver}) AS d")
        return "entity AS e", "e.key", ["e.tenant = $1 AND NOT e.gone"]

    def checks(self) -> list[str]:
        query, to = self.query, self.to
        terms = super().checks()
        if query.v2_path or query.geo is not None:
            to.exact = False
        if query.geo is not None:
            terms.append(to.exists(query.geo.geoproperty))
        return terms

    def in_box(self, geo: Geo, box: geometry.Box) -> str:
        sides = ", ".join(self.to.bind(float(side), "float8") for side in box)
        return (
            f"SELECT entity FROM place WHERE shape && ST_MakeEnvelope({sides}, 4326) AND tenant = $1"
            f" AND name = {self.to.bind(geo.geoproperty)}"
        )

    def scalar(self, select: str) -> str:
        return f"coalesce(({select} LIMIT 1) = 1, false)"


class _Along(_Planner):
    def way_in(self) -> tuple[str, str, list[str]]:
        return "entity AS e", ALONG, ["e.tenant = $1 AND NOT e.gone"]


def _by(driver: str) -> tuple[str, str, list[str]]:
    """The way in by a SELECT of keys."""
    return f"({driver} OFFSET 0) AS d{_LIVING}", "d.entity", ["true"]


def _numbered(plan: Plan) -> Plan:
    """With the parameters that are used, and no other: ways in that were not taken bound some too."""
    used = sorted({int(n) for n in _PARAMETER.findall(plan.source + plan.where + plan.unsure)})
    place = {f"${n}": f"${at}" for at, n in enumerate(used, start=1)}

    def again(sql: str) -> str:
        return _PARAMETER.sub(lambda found: place[found[0]], sql)

    return replace(
        plan,
        source=again(plan.source),
        where=again(plan.where),
        unsure=again(plan.unsure),
        params=[plan.params[n - 1] for n in used],
    )
