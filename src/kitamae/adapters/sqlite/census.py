"""How many entities there are of each type, attribute and kind, counted while they are written."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from kitamae.adapters.sqlite.named import queries

if TYPE_CHECKING:
    import apsw

    from kitamae.adapters.sql.columns import Shape

_SQL = queries("entity")
_ADD, _TYPES = _SQL["census_add"], _SQL["census_types"]
_COUNT = _SQL["census_count"]
_ATTRIBUTES, _ATTRIBUTE_TYPES = _SQL["census_attributes"], _SQL["census_attribute_types"]


class Census:
    """Counts of one group commit, written once at its end: 100 entities that look alike cost as much as one."""

    def __init__(self) -> None:
        self._log: list[tuple[str, Shape, int]] = []

    def moved(self, tenant: str, before: Shape | None, after: Shape | None) -> None:
        """One entity looks different now, or is new, or gone."""
        if before == after:
            return
        if before is not None:
            self._log.append((tenant, before, -1))
        if after is not None:
            self._log.append((tenant, after, 1))

    def mark(self) -> int:
        """Where a savepoint begins."""
        return len(self._log)

    def back(self, mark: int) -> None:
        """The savepoint was rolled back."""
        del self._log[mark:]

    def write(self, db: apsw.Connection) -> None:
        """Add everything to the table."""
        if not self._log:
            return
        shapes: Counter[tuple[str, Shape]] = Counter()
        for tenant, shape, by in self._log:
            shapes[tenant, shape] += by
        rows: Counter[tuple[str, str, str, str]] = Counter()
        for (tenant, (types, attrs)), by in shapes.items():
            if not by:
                continue
            for kind_of_entity in {"", *types}:
                rows[tenant, kind_of_entity, "", ""] += by
                for name, *kinds in attrs:
                    rows[tenant, kind_of_entity, name, ""] += by
                    for kind in kinds:
                        rows[tenant, kind_of_entity, name, kind] += by
        db.executemany(_ADD, [(*key, by) for key, by in rows.items() if by])


def types(db: apsw.Connection, tenant: str) -> dict[str, int]:
    """See `Store.types`."""
    return {str(type): int(n) for type, n in db.execute(_TYPES, (tenant,))}


def count(db: apsw.Connection, tenant: str, type: str) -> int:
    """Entities of a type; "": of any."""
    return int(db.execute(_COUNT, (tenant, type)).get or 0)


def attributes(db: apsw.Connection, tenant: str, type: str | None) -> dict[str, dict[str, Any]]:
    """See `Store.attributes`."""
    found: dict[str, dict[str, Any]] = {}
    for name, kind, n in db.execute(_ATTRIBUTES, (tenant, type or "")):
        one = found.setdefault(str(name), {"count": 0, "kinds": [], "types": []})
        if kind:
            one["kinds"].append(kind)
        else:
            one["count"] = n
    for name, of in db.execute(_ATTRIBUTE_TYPES, (tenant,)):
        if str(name) in found:
            found[str(name)]["types"].append(of)
    return found
