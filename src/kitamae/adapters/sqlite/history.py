"""Writing history: an instance for every attribute that a change touched, and what the temporal API adds or drops."""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.adapters.sql.columns import dataset, numeric
from kitamae.adapters.sqlite import recall, series
from kitamae.adapters.sqlite.many import Many
from kitamae.adapters.sqlite.named import queries
from kitamae.kernel.context import clock
from kitamae.kernel.context.entity import NULL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import apsw

    from kitamae.kernel.context.entity import Attribute
    from kitamae.kernel.context.operations.command import Touched
    from kitamae.kernel.context.store import Instance, InstanceQuery

_SQL = queries("history", "closed")
_INSERT, _KEY, _NEW = Many(_SQL["instance_insert"]), _SQL["attribute_key"], _SQL["attribute_insert"]
_EVER: Final = 1 << 62
NAMES: Final = 4_096  # attribute keys that are remembered

_micros = lru_cache(4_096)(clock.micros)


class Remembering:
    """History, as the writing connection writes it. Knows the keys of the attribute names it wrote lately."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._ahead = recall.Ahead()
        self._names: dict[tuple[str, str], int] = {}
        self._new: list[tuple[str, str]] = []
        self._rows: list[tuple[Any, ...]] = []
        self._number = int(db.execute(_SQL["last_instance"]).get)

    @contextmanager
    def reading(self, ahead: recall.Ahead) -> Iterator[None]:
        """Inside, that is all it knows of files."""
        self._ahead = ahead
        try:
            yield
        finally:
            self._ahead = recall.Ahead()

    def mark(self) -> tuple[int, int, int]:
        """Where a savepoint begins."""
        return len(self._new), len(self._rows), self._number

    def back(self, mark: tuple[int, int, int]) -> None:
        """The savepoint was rolled back, and with it the names first written there."""
        self._number = mark[2]
        for name in self._new[mark[0] :]:
            self._names.pop(name, None)
        del self._new[mark[0] :]
        del self._rows[mark[1] :]

    def flush(self) -> None:
        """Write what `touched` was told."""
        _INSERT(self._db, self._rows)
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

    def touched(self, entity: int, touched: Sequence[Touched], seq: int, at: int) -> int:
        """What a change leaves in history: an attribute as it is now, or that it is gone (deletedAt), one instance for
        each in their order. Returns the number of the first. See `flush`.
        """
        first = number = self._number + 1
        for one in touched:
            if one.after is not None:
                self._rows.append(self._written(number, entity, one.verb, one.name, one.after, seq, at))
            else:
                self._rows.append(self._gone(number, entity, one.name, one.before, seq, at))
            number += 1
        self._number = number - 1
        return first

    def _written(
        self, number: int, entity: int, verb: str, name: str, attribute: Attribute, seq: int, at: int
    ) -> tuple[Any, ...]:
        key = self._attribute(name, dataset(attribute))
        observed = _micros(attribute["observedAt"]) if "observedAt" in attribute else None
        new = verb == "created" or "createdAt" not in attribute
        return (
            number,
            entity,
            key,
            at if observed is None else observed,
            observed is not None,
            seq,
            at if new else _micros(attribute["createdAt"]),
            at,
            None,
            numeric(attribute),
            orjson.dumps(attribute),
        )

    def _gone(
        self, number: int, entity: int, name: str, before: Attribute | None, seq: int, at: int
    ) -> tuple[Any, ...]:
        """`before` is what was deleted."""
        if before is None:
            raise ValueError(f"{name}: an operation says that it touched what was never there")
        key = self._attribute(name, dataset(before))
        created = _micros(before["createdAt"]) if "createdAt" in before else at
        gone: dict[str, Any] = {"kind": before["kind"], "v": NULL}
        if "datasetId" in before:
            gone["datasetId"] = before["datasetId"]
        return (number, entity, key, at, 0, seq, created, at, at, None, orjson.dumps(gone))

    def add(self, entity: int, instances: Sequence[Instance], seq: int) -> int:
        """Instances as the temporal API gives them, the first numbered `seq`; returns the next number."""
        rows: list[tuple[Any, ...]] = []
        for one in instances:
            attribute = one.attribute
            t = one.modified_at if one.observed_at is None else one.observed_at
            if one.instance_id:
                attribute = {**attribute, "instanceId": one.instance_id}
            self._number += 1
            rows.append(
                (
                    self._number,
                    entity,
                    self._attribute(one.name, dataset(attribute)),
                    t,
                    one.observed_at is not None,
                    seq,
                    one.created_at,
                    one.modified_at,
                    one.deleted_at,
                    numeric(attribute),
                    orjson.dumps(attribute),
                )
            )
            seq += 1
        _INSERT(self._db, rows)
        return seq

    def drop(self, query: InstanceQuery) -> int:
        """Delete for good what `query` finds; how many. An entity named without anything else is forgotten.

        Raises Unread for what stands in files and was not read before.
        """
        db, gone = self._db, 0
        if not (query.attrs or query.datasets or query.timerel or query.instance or query.last):
            for id in query.entities:
                keys: list[Any] = db.execute(
                    _SQL["history_keys"], {"tenant": query.tenant, "id": id}
                ).fetchall()
                for (key,) in keys:
                    gone += db.execute(_SQL["history_count"], (key,)).get
                    db.execute(_SQL["told_erase"], (key,))
                    db.execute(_SQL["history_delete"], (key,))
                    self.forget(key, _EVER)
                    db.execute(_SQL["past_delete"], (key,))
            return gone
        for one in list(series.concerned(db, query)):
            found = series.rows(db, query, one, read=self._ahead)
            self.delete([(row[0], row[4] if row[2] is None else row[2]) for row in found])
            self._db.executemany(_SQL["told_forget"], {row[1:2] for row in found})
            gone += len(found)
        return gone

    def delete(self, found: Sequence[tuple[int, int]]) -> None:
        """Instances, each by its number and time: here, and in the file that may hold it."""
        self._db.executemany(_SQL["instance_delete"], [(number,) for number, _ in found])
        self._db.executemany(_SQL["tombstone_put"], [{"number": number, "t": t} for number, t in found])

    def forget(self, entity: int, before: int) -> None:
        """All that files hold of an entity in months that ended by then (microseconds UTC)."""
        bound = {"entity": entity, "before": before, "upto": self._number}
        self._db.execute(_SQL["forget_entity"], bound)
        self._db.execute(_SQL["compacted_forget"], {"entity": entity, "before": before})
