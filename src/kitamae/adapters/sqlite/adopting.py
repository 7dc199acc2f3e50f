"""Entities of another store, with their history, put in the place of what is here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from kitamae.adapters.sql import columns
from kitamae.adapters.sqlite import places
from kitamae.adapters.sqlite.census import Census
from kitamae.adapters.sqlite.named import queries

if TYPE_CHECKING:
    import apsw

    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.moving.carried import (
        Id,
        Whole,
    )

_SQL = queries("change", "entity", "history", "moving")


class Adopting:
    """One transaction that adopts."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._census = Census()
        self._lost: set[int] = set()
        self._names: dict[tuple[str, str], int] = {}
        self._number = int(db.execute(_SQL["last_instance"]).get)

    def finish(self) -> list[int]:
        """The seq of what lost instances."""
        self._census.write(self._db)
        self._db.executemany(_SQL["change_forget"], [(seq,) for seq in self._lost])
        return sorted(self._lost)

    def remove(self, key: int | None, id: Id, *, history: bool = True) -> None:
        """Whoever has this key, or this id. `history` False: that of this id under this key stays."""
        db = self._db
        found: list[Any] = db.execute(_SQL["keyed"], (key, *id)).fetchall()
        for at, *of, doc in found:
            if doc is None:
                db.execute(_SQL["past_delete"], (at,))
            else:
                self._remove_living(at, of[0], orjson.loads(doc))
            if history or (at, *of) != (key, *id):
                self._lost.update(seq for seq, _ in db.execute(_SQL["seqs_of"], (at,)))
                db.execute(_SQL["history_delete"], (at,))

    def _remove_living(self, key: int, tenant: str, entity: Entity) -> None:
        db = self._db
        for type in set(entity["type"]):
            db.execute(_SQL["type_delete"], (tenant, type, key))
        for scope in set(entity.get("scope", ())):
            db.execute(_SQL["scope_delete"], (tenant, scope, key))
        places.drop(db, key)
        db.execute(_SQL["entity_delete"], (key,))
        self._census.moved(tenant, columns.shape(entity), None)

    def adopt(self, one: Whole) -> None:
        """In the place of what is here."""
        db, key, tenant = self._db, one.key, one.id[0]
        self.remove(key, one.id, history=False)
        db.execute(_SQL["tenant_insert"], (tenant,))
        entity: Entity = orjson.loads(one.doc)
        if one.gone:
            db.execute(_SQL["past_insert"], (key, *one.id, one.version, one.doc))
        else:
            expires, plain, kv, doc = columns.row(entity)
            row = (key, *one.id, one.version, one.created, one.modified, expires, plain, kv, doc)
            db.execute(_SQL["carried_insert"], row)
            for type in set(entity["type"]):
                db.execute(_SQL["type_insert"], (tenant, type, key))
            for scope in set(entity.get("scope", ())):
                db.execute(_SQL["scope_insert"], (tenant, scope, key))
            places.put(db, key, columns.places(entity))
            self._census.moved(tenant, None, columns.shape(entity))
        self._remember(key, one)

    def _remember(self, key: int, one: Whole) -> None:
        db = self._db
        if one.since is None:
            had: list[Any] = db.execute(_SQL["seqs_of"], (key,)).fetchall()
            has = Counter(instance.seq for instance in one.history)
            self._lost.update(seq for seq, count in had if count > has[seq])
            db.execute(_SQL["history_delete"], (key,))
        rows = []
        for instance in one.history:
            self._number += 1
            attribute = orjson.loads(instance.doc)
            num = columns.numeric(attribute)
            rows.append(
                (
                    self._number, key, self._attribute(instance.name, instance.dataset), instance.t, instance.observed,
                    instance.seq, instance.created_at, instance.modified_at, instance.deleted_at, num, instance.doc,
                )
            )  # fmt: skip
        db.executemany(_SQL["instance_carry"], rows)

    def _attribute(self, name: str, dataset: str) -> int:
        key = self._names.get((name, dataset))
        if key is None:
            key = self._db.execute(_SQL["attribute_key"], (name, dataset)).get
            if key is None:
                key = self._db.execute(_SQL["attribute_insert"], (name, dataset)).get
            self._names[name, dataset] = key
        return key
