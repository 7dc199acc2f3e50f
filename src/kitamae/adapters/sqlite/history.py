"""Writing history: an instance for every attribute that a change touched, and what the temporal API adds or drops."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.adapters.sqlite import series
from kitamae.adapters.sqlite.columns import dataset, typed
from kitamae.adapters.sqlite.named import queries
from kitamae.kernel.context import clock
from kitamae.kernel.context.entity import NULL

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.operations.command import Touched
    from kitamae.kernel.context.store import Instance, InstanceQuery

_SQL = queries("history")
_INSERT, _KEY, _NEW = _SQL["instance_insert"], _SQL["attribute_key"], _SQL["attribute_insert"]
NAMES: Final = 4_096  # attribute keys that are remembered

_micros = lru_cache(4_096)(clock.micros)


def derived_id(entity: int, attribute: int, t: int, seq: int) -> str:
    """The instanceId of an instance that came without one: where it stands."""
    return f"urn:ngsi-ld:instance:{entity:x}.{attribute:x}.{t:x}.{seq:x}"


class Remembering:
    """History, as the writing connection writes it. Knows the keys of the attribute names it wrote lately."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._names: dict[tuple[str, str], int] = {}
        self._new: list[tuple[str, str]] = []
        self._rows: list[tuple[Any, ...]] = []

    def mark(self) -> tuple[int, int]:
        """Where a savepoint begins."""
        return len(self._new), len(self._rows)

    def back(self, mark: tuple[int, int]) -> None:
        """The savepoint was rolled back, and with it the names first written there."""
        for name in self._new[mark[0] :]:
            self._names.pop(name, None)
        del self._new[mark[0] :]
        del self._rows[mark[1] :]

    def flush(self) -> None:
        """Write what `touched` was told."""
        self._db.executemany(_INSERT, self._rows)
        self._rows.clear()

    def committed(self) -> None:
        """The names are on disk."""
        self._new.clear()

    def _attribute(self, name: str, of: str) -> int:
        found = self._names.get((name, of))
        if found is None:
            found = self._db.execute(_KEY, (name, of)).get
            if found is None:
                found = self._db.execute(_NEW, (name, of)).get
                self._new.append((name, of))
            if len(self._names) >= NAMES:
                self._names.clear()
            self._names[name, of] = found
        return int(found)

    def touched(self, entity: int, touched: Sequence[Touched], seq: int, at: int) -> None:
        """What a change leaves in history: the attribute as it is now, or that it is gone (deletedAt). See `flush`."""
        rows = self._rows
        for one in touched:
            attribute = one.after
            if attribute is None:
                before = one.before
                if before is None:
                    continue
                key = self._attribute(one.name, dataset(before))
                created = _micros(before["createdAt"]) if "createdAt" in before else at
                gone: dict[str, Json] = {
                    **{k: before[k] for k in ("kind", "datasetId") if k in before},
                    "v": NULL,
                }
                gone["instanceId"] = derived_id(entity, key, at, seq)
                rows.append((entity, key, at, 0, seq, created, at, at, None, None, orjson.dumps(gone)))
                continue
            key = self._attribute(one.name, dataset(attribute))
            observed = _micros(attribute["observedAt"]) if "observedAt" in attribute else None
            t = at if observed is None else observed
            if "instanceId" not in attribute:
                attribute = {**attribute, "instanceId": derived_id(entity, key, t, seq)}
            created = (
                at
                if one.verb == "created" or "createdAt" not in attribute
                else _micros(attribute["createdAt"])
            )
            rows.append(
                (
                    entity,
                    key,
                    t,
                    observed is not None,
                    seq,
                    created,
                    at,
                    None,
                    *typed(attribute),
                    orjson.dumps(attribute),
                )
            )

    def add(self, entity: int, instances: Sequence[Instance], seq: int) -> int:
        """Instances as the temporal API gives them, the first numbered `seq`; returns the next number."""
        rows = []
        for one in instances:
            attribute = one.attribute
            t = one.modified_at if one.observed_at is None else one.observed_at
            key = self._attribute(one.name, dataset(attribute))
            id = one.instance_id or derived_id(entity, key, t, seq)
            rows.append(
                (
                    entity,
                    key,
                    t,
                    one.observed_at is not None,
                    seq,
                    one.created_at,
                    one.modified_at,
                    one.deleted_at,
                    *typed(attribute),
                    orjson.dumps({**attribute, "instanceId": id}),
                )
            )
            seq += 1
        self._db.executemany(_INSERT, rows)
        return seq

    def drop(self, query: InstanceQuery) -> int:
        """Delete for good what `query` finds; how many. An entity named without anything else is forgotten."""
        db, gone = self._db, 0
        if not (query.attrs or query.datasets or query.timerel or query.instance or query.last):
            for id in query.entities:
                for (key,) in db.execute(_SQL["history_keys"], {"tenant": query.tenant, "id": id}).fetchall():
                    gone += db.execute(_SQL["history_count"], (key,)).get
                    db.execute(_SQL["history_delete"], (key,))
                    db.execute(_SQL["past_delete"], (key,))
            return gone
        for one in list(series.concerned(db, query)):
            found = [row[:1] for row in series.rows(db, query, one)]
            db.executemany(_SQL["instance_delete"], found)
            gone += len(found)
        return gone
