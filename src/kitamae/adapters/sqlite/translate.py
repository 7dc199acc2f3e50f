# ruff: noqa: S608  # put together from text of these files and parameter names; every value and path is bound
"""A query to SQLite's SQL: what drives the search is `IN (SELECT ...)`, or the join with a type's own index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitamae.adapters.sql.plan import Plan, Planner
from kitamae.adapters.sqlite.condition import SqliteConditions
from kitamae.kernel.context.query import geometry

if TYPE_CHECKING:
    from kitamae.kernel.context.query.tree import EntityQuery, Geo


def where(query: EntityQuery, hot: tuple[str, ...]) -> Plan:
    """The plan of a query. `hot`: expanded names of the attributes that are indexed."""
    to = SqliteConditions(query.tenant, frozenset(hot), filtered=bool(query.datasets))
    return _Planner(query, to).plan(to.params)


class _Planner(Planner):
    to: SqliteConditions

    def __init__(self, query: EntityQuery, to: SqliteConditions) -> None:
        super().__init__(query, to)
        self.placed = False
        """The way in is the place already."""

    def way_in(self) -> tuple[str, str, list[str]]:
        query, to = self.query, self.to
        source, key = "entity AS e", "e.key"
        if query.ids:
            return source, key, ["e.tenant = :tenant", to.one_of("e.id", query.ids)]
        if driver := self.driver():
            # +: as a check, never as the way in
            return source, key, [f"e.key IN ({driver})", "+e.tenant = :tenant"]
        types = query.types.any_of
        if len(types) == 1 and len(types[0]) == 1:
            self.typed = True
            join = "entity_type AS t CROSS JOIN entity AS e ON e.key = t.entity"
            return join, "t.entity", [f"t.tenant = :tenant AND t.type = {to.bind(types[0][0])}"]
        if driver := self.of_types(query.types) if types else self.in_scopes():
            return source, key, [f"e.key IN ({driver})"]
        return source, key, ["e.tenant = :tenant"]

    def checks(self) -> list[str]:
        query, to = self.query, self.to
        terms = super().checks()
        if query.v2_path == "/":
            terms.append(
                "NOT EXISTS (SELECT 1 FROM entity_scope AS s WHERE s.tenant = :tenant AND s.entity = e.key)"
            )
        elif query.v2_path:
            to.exact = False
        if query.geo is not None:
            if not self.placed:
                terms.append(self._has_place(query.geo))
            terms.append(to.place(query.geo))
        return terms

    def _has_place(self, geo: Geo) -> str:
        box = geometry.reach(geo)
        touches = f" AND {self._touches(box)}" if box else ""
        return self.scalar(
            "SELECT 1 FROM place AS p CROSS JOIN place_box AS b ON b.key = p.key"
            f" WHERE p.entity = e.key AND p.name = {self.to.bind(geo.geoproperty)}{touches}"
        )

    def in_box(self, geo: Geo, box: geometry.Box) -> str:
        self.placed = True
        return (
            "SELECT p.entity FROM place_box AS b CROSS JOIN place AS p ON p.key = b.key"
            f" WHERE {self._touches(box)} AND p.name = {self.to.bind(geo.geoproperty)}"
        )

    def scalar(self, select: str) -> str:
        return f"({select} LIMIT 1)"  # SQLite may turn EXISTS into a join and drive by the larger table

    def _touches(self, box: geometry.Box) -> str:
        west, south, east, north = (self.to.bind(side) for side in box)
        return f"b.west <= {east} AND b.east >= {west} AND b.south <= {north} AND b.north >= {south}"
