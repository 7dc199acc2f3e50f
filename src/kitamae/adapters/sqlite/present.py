"""The present, as the writing connection writes it: an entity's row, its types, scopes and places, and what is counted.

What is remembered here between statements is undone with the savepoint that wrote it (`mark`, `back`).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import orjson

from kitamae.adapters.sql import columns
from kitamae.adapters.sqlite import places
from kitamae.adapters.sqlite.census import Census
from kitamae.adapters.sqlite.many import Many
from kitamae.adapters.sqlite.named import queries
from kitamae.kernel.context import clock

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.operations.command import Touched

_SQL = queries("entity", "history")
_INSERT, _UPDATE, _DELETE = _SQL["entity_insert"], Many(_SQL["entity_update"]), _SQL["entity_delete"]
_READ, _READ_MANY, _PAST_READ = _SQL["entity_read"], _SQL["entities_read"], _SQL["past_read"]
_TYPE_INSERT, _TYPE_DELETE = _SQL["type_insert"], _SQL["type_delete"]
_SCOPE_INSERT, _SCOPE_DELETE = _SQL["scope_insert"], _SQL["scope_delete"]
_PAST_INSERT, _PAST_UPDATE, _PAST_DELETE = _SQL["past_insert"], _SQL["past_update"], _SQL["past_delete"]
_TENANT = _SQL["tenant_insert"]

CACHED: Final = 128
"""Entities whose present state the writer keeps: those of the group that is being written, and what is written again and again.
More cost more than they save: what was built a thousand entities ago has left the processor's cache by the time it is thrown away.
"""
CACHED_BYTES: Final = 16_384  # none that is larger than this

Id: TypeAlias = tuple[str, str, str]  # tenant, id, variant
Mark: TypeAlias = tuple[int, int, int]


class Known(NamedTuple):
    """An entity as it stands in this transaction."""

    key: int
    entity: Entity


class Present:
    """Begins with what is on disk."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._cache: OrderedDict[Id, Known] = OrderedDict()
        self._late: dict[Id, tuple[Known, tuple[Any, ...]]] = {}
        self._tenants = {str(row[0]) for row in db.execute(_SQL["tenants"])}
        self._key = int(db.execute(_SQL["entity_last_key"]).get)
        self.reset()

    def reset(self) -> None:
        """A new group commit."""
        self._touched: list[Id] = []
        self._new_tenants: list[str] = []
        self._census = Census()

    def finish(self) -> None:
        """The last rows of this group commit."""
        self._census.write(self._db)

    def mark(self) -> Mark:
        """Where a savepoint begins."""
        return len(self._touched), len(self._new_tenants), self._census.mark()

    def back(self, mark: Mark) -> None:
        """The savepoint was rolled back."""
        for id in self._touched[mark[0] :]:
            self._cache.pop(id, None)
        del self._touched[mark[0] :]
        self._tenants.difference_update(self._new_tenants[mark[1] :])
        del self._new_tenants[mark[1] :]
        self._census.back(mark[2])
        self._late.clear()

    # --- reading
    def known(self, id: Id) -> Known | None:
        """The present state of an entity."""
        if found := self._cache.get(id):
            return found
        if late := self._late.get(id):
            return late[0]
        row = self._db.execute(_READ, id).fetchone()
        if row is None:
            return None
        found = Known(row[0], orjson.loads(row[2]))
        if len(row[2]) <= CACHED_BYTES:
            self._keep(id, found)
        return found

    def remembered(self, id: Id) -> Entity | None:
        """See `Transaction.remembered`."""
        if known := self.known(id):
            return known.entity
        row = self._db.execute(_PAST_READ, id).fetchone()
        past: Entity | None = None if row is None else orjson.loads(row[2])
        return past

    def expect(self, ids: Iterable[Id]) -> None:
        """These will be asked for (at most some hundred): read what is not known with one statement for each tenant."""
        wanted: dict[str, list[str]] = {}
        for id in ids:
            if not id[2] and id not in self._cache and id not in self._late:
                wanted.setdefault(id[0], []).append(id[1])
        for tenant, names in wanted.items():
            if len(names) > 1:
                bound = {"ids": orjson.dumps(names).decode(), "tenant": tenant, "longest": CACHED_BYTES}
                for key, entity in orjson.loads(self._db.execute(_READ_MANY, bound).get or b"[]"):
                    self._keep((tenant, entity["id"], ""), Known(key, entity))

    def _keep(self, id: Id, known: Known) -> None:
        cache = self._cache
        cache[id] = known
        cache.move_to_end(id)
        if len(cache) > CACHED:
            cache.popitem(last=False)

    # --- writing
    def found(self, tenant: str) -> None:
        """A tenant begins with the first thing that is written to it (clause 5.5.10)."""
        if tenant not in self._tenants:
            self._db.execute(_TENANT, (tenant,))
            self._tenants.add(tenant)
            self._new_tenants.append(tenant)

    def create(self, id: Id, entity: Entity, seq: int, at: int) -> int:
        """Its key: the one that it had if it was here before."""
        db, tenant = self._db, id[0]
        self._touched.append(id)
        self.found(tenant)
        past = db.execute(_PAST_READ, id).fetchone()
        if past:
            key = int(past[0])
            db.execute(_PAST_DELETE, (key,))
        else:
            self._key = key = self._key + 1
        expires, plain, kv, doc = columns.row(entity)
        db.execute(_INSERT, (key, *id, seq, at, at, expires, plain, kv, doc))
        self._types(tenant, key, (), entity["type"])
        self._scopes(tenant, key, (), entity.get("scope", ()))
        places.put(db, key, columns.places(entity))
        self._census.moved(tenant, None, columns.shape(entity))
        if len(doc) <= CACHED_BYTES:
            self._keep(id, Known(key, entity))
        return key

    def update(self, id: Id, found: Known, after: Entity, touched: list[Touched], seq: int, at: int) -> None:
        """Its row is written by `flush`, which must come before the savepoint ends."""
        tenant, (key, before), new = id[0], found, Known(found.key, after)
        self._touched.append(id)
        expires, plain, kv, doc = columns.row(after)
        self._late[id] = new, (key, seq, at, expires, plain, kv, doc)
        self._types(tenant, key, before["type"], after["type"])
        self._scopes(tenant, key, before.get("scope", ()), after.get("scope", ()))
        looks, moves = _differs(touched)
        if looks or before["type"] != after["type"]:
            self._census.moved(tenant, columns.shape(before), columns.shape(after))
        if moves and (boxes := columns.places(after)) != columns.places(before):
            places.drop(self._db, key)
            places.put(self._db, key, boxes)
        if len(doc) <= CACHED_BYTES:
            self._keep(id, new)
        else:
            self._cache.pop(id, None)

    def flush(self) -> None:
        """Write the rows that `update` put off: of an entity that was written twice, the last one."""
        if self._late:
            _UPDATE(self._db, [row for _, row in self._late.values()])
            self._late.clear()

    def delete(self, id: Id, found: Known, seq: int, at: int) -> None:
        """Only history knows it from now on."""
        db, tenant, (key, entity) = self._db, id[0], found
        self._touched.append(id)
        self._late.pop(id, None)
        self._types(tenant, key, entity["type"], ())
        self._scopes(tenant, key, entity.get("scope", ()), ())
        places.drop(db, key)
        db.execute(_DELETE, (key,))
        gone = {**entity, "deletedAt": clock.text(at)}
        db.execute(_PAST_INSERT, (key, *id, seq, orjson.dumps(gone)))
        self._census.moved(tenant, columns.shape(entity), None)
        self._cache.pop(id, None)

    def remember(self, id: Id, entity: Entity, seq: int) -> None:
        """An entity that only history knows."""
        self.found(id[0])
        doc = orjson.dumps(entity)
        if past := self._db.execute(_PAST_READ, id).fetchone():
            self._db.execute(_PAST_UPDATE, (seq, doc, past[0]))
        else:
            self._key += 1
            self._db.execute(_PAST_INSERT, (self._key, *id, seq, doc))

    def _types(self, tenant: str, key: int, before: Any, after: Any) -> None:
        if before != after:
            self._side(_TYPE_DELETE, _TYPE_INSERT, tenant, key, set(before), set(after))

    def _scopes(self, tenant: str, key: int, before: Any, after: Any) -> None:
        if before != after:
            self._side(_SCOPE_DELETE, _SCOPE_INSERT, tenant, key, set(before), set(after))

    def _side(
        self, delete: str, insert: str, tenant: str, key: int, before: set[str], after: set[str]
    ) -> None:
        for gone in before - after:
            self._db.execute(delete, (tenant, gone, key))
        for new in after - before:
            self._db.execute(insert, (tenant, new, key))


def _differs(touched: list[Touched]) -> tuple[bool, bool]:
    """(whether attributes or kinds came or went, whether a place may have moved)."""
    looks = moves = False
    for one in touched:
        new, old = one.after, one.before
        if new and old and new["kind"] == old["kind"]:
            moves = moves or (new["kind"] == "GeoProperty" and new["v"] != old["v"])
        else:
            looks = True
            moves = moves or "GeoProperty" in (new and new["kind"], old and old["kind"])
    return looks, moves
