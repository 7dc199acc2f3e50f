"""What is done with the writing connection: one command at a time, by one thread, inside a group commit.

Everything that is remembered here between statements (documents, keys, counts) is undone with the savepoint that
wrote it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from kitamae.adapters.sqlite import columns
from kitamae.adapters.sqlite.census import Census
from kitamae.adapters.sqlite.history import Remembering
from kitamae.adapters.sqlite.named import queries
from kitamae.kernel.context import clock
from kitamae.kernel.context.store import Change
from kitamae.kernel.problems import NotFound, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import apsw

    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.operations.command import Command, Effect, Touched, Verb
    from kitamae.kernel.context.query.geometry import Box
    from kitamae.kernel.context.store import Instance

_SQL = queries("entity", "change", "history")
_INSERT, _UPDATE, _DELETE = _SQL["entity_insert"], _SQL["entity_update"], _SQL["entity_delete"]
_READ, _PAST_READ = _SQL["entity_read"], _SQL["past_read"]
_TYPE_INSERT, _TYPE_DELETE = _SQL["type_insert"], _SQL["type_delete"]
_SCOPE_INSERT, _SCOPE_DELETE = _SQL["scope_insert"], _SQL["scope_delete"]
_PLACE_INSERT, _BOX_INSERT = _SQL["place_insert"], _SQL["place_box_insert"]
_PLACE_DELETE, _BOX_DELETE = _SQL["place_delete"], _SQL["place_box_delete"]
_PAST_INSERT, _PAST_UPDATE, _PAST_DELETE = _SQL["past_insert"], _SQL["past_update"], _SQL["past_delete"]
_CHANGE, _TENANT, _OWED = _SQL["change_insert"], _SQL["tenant_insert"], _SQL["owed_insert"]

CACHED: Final = 1_000  # entities whose present state the writer keeps
CACHED_BYTES: Final = 16_384  # none that is larger than this
STEP_BACK: Final = 60_000_000  # microseconds: a clock that is set back by less is waited for

Id = tuple[str, str, str]  # tenant, id, variant


class Known(NamedTuple):
    """An entity as it stands in this transaction."""

    key: int
    entity: Entity


class Wanted(NamedTuple):
    """What an operation would do to what was found, at `at`."""

    found: Known | None
    effect: Effect
    at: int


class Writing:
    """The state of the writing connection. `changes` are those of the group commit that is under way."""

    def __init__(
        self, db: apsw.Connection, now: Callable[[], int], watch: Callable[[Change, Effect], None]
    ) -> None:
        self.db = db
        self._now = now
        self._watch = watch
        self._cache: dict[Id, Known] = {}
        self.begin()

    def begin(self) -> None:
        """Forget everything that is not on disk; read the counters from there."""
        self._cache.clear()
        self.reset()
        self.memory = Remembering(self.db)
        self._tenants = {str(row[0]) for row in self.db.execute(_SQL["tenants"])}
        self.seq = int(self.db.execute(_SQL["last_seq"]).get)
        self._key = int(self.db.execute(_SQL["entity_last_key"]).get)
        self._at = int(self.db.execute(_SQL["last_at"]).get or 0)
        self._number = int(self.db.execute(_SQL["owed_last"]).get)

    def reset(self) -> None:
        """A new group commit."""
        self.changes: list[Change] = []
        self._rows: list[tuple[Any, ...]] = []
        self._owed: list[tuple[Any, ...]] = []
        self._direct = False
        self._touched: list[Id] = []
        self._new_tenants: list[str] = []
        self._census = Census()

    def finish(self) -> None:
        """The last rows of this group commit."""
        self._flush()
        if self._owed:
            self.db.executemany(_OWED, self._owed)
        self._census.write(self.db)

    def _flush(self) -> None:
        """Changes and history are only added to, so they are written together: outside of any savepoint, that costs less."""
        self.db.executemany(_CHANGE, self._rows)
        self._rows.clear()
        self.memory.flush()

    @contextmanager
    def whole(self) -> Iterator[None]:
        """A savepoint for work that may also look at, add to and delete history: nothing is put off in it."""
        self._flush()
        self._direct = True
        try:
            with self.savepoint():
                yield
        finally:
            self._direct = False

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What is written inside stays only if it does not raise."""
        db = self.db
        marks = (
            len(self.changes),
            len(self._touched),
            len(self._new_tenants),
            len(self._rows),
            len(self._owed),
        )
        census, memory = self._census.mark(), self.memory.mark()
        db.execute("SAVEPOINT one")
        try:
            yield
        except BaseException:
            if db.in_transaction:  # SQLite itself gives everything up when the disk is full
                db.execute("ROLLBACK TO one")
                db.execute("RELEASE one")
            del self.changes[marks[0] :]
            del self._rows[marks[3] :]
            del self._owed[marks[4] :]
            for id in self._touched[marks[1] :]:
                self._cache.pop(id, None)
            del self._touched[marks[1] :]
            self._tenants.difference_update(self._new_tenants[marks[2] :])
            del self._new_tenants[marks[2] :]
            self._census.back(census)
            self.memory.back(memory)
            raise
        db.execute("RELEASE one")

    def time(self) -> int:
        """Never before the last one, unless the clock was set back for good: then it is believed."""
        now = self._now()
        if self._at - STEP_BACK < now < self._at:
            return self._at
        self._at = now
        return now

    def known(self, id: Id) -> Known | None:
        """The present state of an entity."""
        if found := self._cache.get(id):
            return found
        row = self.db.execute(_READ, id).fetchone()
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
        row = self.db.execute(_PAST_READ, id).fetchone()
        past: Entity | None = None if row is None else orjson.loads(row[2])
        return past

    def _keep(self, id: Id, known: Known) -> None:
        cache = self._cache
        cache.pop(id, None)
        cache[id] = known
        if len(cache) > CACHED:
            del cache[next(iter(cache))]

    def apply(self, command: Command) -> Effect:
        """One operation on one entity with everything it entails. Raises Problem; then nothing was written."""
        wanted = self._decide(command)
        if wanted.effect.verb != "none":
            with self.savepoint():
                self._write(command, wanted, wanted.effect.verb)
        return wanted.effect

    def apply_all(self, commands: Sequence[Command]) -> list[Effect | Problem]:
        """Many in one savepoint: what an operation refuses is its answer. Raises whatever else goes wrong with any of
        them; then none was written, and each must be tried on its own.
        """
        answers: list[Effect | Problem] = []
        with self.savepoint():
            for command in commands:
                try:
                    wanted = self._decide(command)
                except Problem as problem:
                    answers.append(problem)
                    continue
                if wanted.effect.verb != "none":
                    self._write(command, wanted, wanted.effect.verb)
                answers.append(wanted.effect)
        return answers

    def _decide(self, command: Command) -> Wanted:
        """Nothing is written yet. Raises Problem."""
        found = self.known((command.tenant, command.id, command.variant))
        at = self.time()
        return Wanted(found, command.operation.apply(found.entity if found else None, at), at)

    def _write(self, command: Command, wanted: Wanted, verb: Verb) -> None:
        id: Id = (command.tenant, command.id, command.variant)
        actor, (found, effect, at) = command.actor, wanted
        self.seq = seq = self.seq + 1
        before, after = effect.before, effect.after
        self._touched.append(id)
        if found is None:
            if after is None:
                raise Problem(f"{id[1]}: an operation deleted an entity that is not there")
            key = self._create(id, after, seq, at)
        elif after is None:
            key = found.key
            self._delete(id, key, found.entity, seq, at)
        elif verb == "created":  # in the place of one that had expired
            self._delete(id, found.key, found.entity, seq, at)
            key = self._create(id, after, seq, at)
        else:
            key = found.key
            self._update(id, key, found.entity, after, effect.touched, seq, at)
        types = (after or before or {"type": []})["type"]
        self._rows.append(
            (
                seq,
                *id,
                verb,
                at,
                actor,
                orjson.dumps(types).decode(),
                orjson.dumps(
                    [(t.name, t.verb, t.after, None if t.after else t.before) for t in effect.touched]
                ),
            )
        )
        if effect.touched:
            self.memory.touched(key, effect.touched, seq, at)
        if self._direct:
            self._flush()
        change = Change(seq, *id, verb, at, actor, types, effect.touched)
        self.changes.append(change)
        self._watch(change, effect)

    def _create(self, id: Id, entity: Entity, seq: int, at: int) -> int:
        db, tenant = self.db, id[0]
        self._found(tenant)
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
        self._places(key, columns.places(entity))
        self._census.moved(tenant, None, columns.shape(entity))
        if len(doc) <= CACHED_BYTES:
            self._keep(id, Known(key, entity))
        return key

    def _update(
        self,
        id: Id,
        key: int,
        before: Entity,
        after: Entity,
        touched: list[Touched],
        seq: int,
        at: int,
    ) -> None:
        tenant = id[0]
        expires, plain, kv, doc = columns.row(after)
        self.db.execute(_UPDATE, (seq, at, expires, plain, kv, doc, key))
        self._types(tenant, key, before["type"], after["type"])
        self._scopes(tenant, key, before.get("scope", ()), after.get("scope", ()))
        looks = before["type"] != after["type"]
        moves = False
        for one in touched:
            new, old = one.after, one.before
            if new and old and new["kind"] == old["kind"]:
                moves = moves or (new["kind"] == "GeoProperty" and new["v"] != old["v"])
            else:
                looks = True
                moves = moves or "GeoProperty" in (new and new["kind"], old and old["kind"])
        if looks:
            self._census.moved(tenant, columns.shape(before), columns.shape(after))
        if moves and (boxes := columns.places(after)) != columns.places(before):
            self.db.execute(_BOX_DELETE, (key,))
            self.db.execute(_PLACE_DELETE, (key,))
            self._places(key, boxes)
        if len(doc) <= CACHED_BYTES:
            self._keep(id, Known(key, after))
        else:
            self._cache.pop(id, None)

    def _delete(self, id: Id, key: int, entity: Entity, seq: int, at: int) -> None:
        db, tenant = self.db, id[0]
        self._types(tenant, key, entity["type"], ())
        self._scopes(tenant, key, entity.get("scope", ()), ())
        db.execute(_BOX_DELETE, (key,))
        db.execute(_PLACE_DELETE, (key,))
        db.execute(_DELETE, (key,))
        gone = {**entity, "deletedAt": clock.text(at)}
        db.execute(_PAST_INSERT, (key, *id, seq, orjson.dumps(gone)))
        self._census.moved(tenant, columns.shape(entity), None)
        self._cache.pop(id, None)

    def remember(self, tenant: str, entity: Entity, variant: str = "") -> None:
        """An entity that only history knows. One that lives is left alone."""
        id = (tenant, entity["id"], variant)
        if self.known(id):
            return
        self._found(tenant)
        self.seq += 1
        self.db.execute(_SQL["mark_seq"], (self.seq,))
        doc = orjson.dumps(entity)
        if past := self.db.execute(_PAST_READ, id).fetchone():
            self.db.execute(_PAST_UPDATE, (self.seq, doc, past[0]))
        else:
            self._key += 1
            self.db.execute(_PAST_INSERT, (self._key, *id, self.seq, doc))

    def add_instances(self, tenant: str, entity: str, instances: Sequence[Instance]) -> None:
        """See `Transaction.add_instances`."""
        row = self.db.execute(_SQL["history_keys"], {"tenant": tenant, "id": entity}).fetchone()
        if row is None:
            raise NotFound(f"{entity}: there is no such entity, neither now nor in history")
        self.seq = self.memory.add(row[0], instances, self.seq + 1)
        self.db.execute(_SQL["mark_seq"], (self.seq,))

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
            self.db.execute(delete, (tenant, gone, key))
        for new in after - before:
            self.db.execute(insert, (tenant, new, key))

    def _places(self, key: int, boxes: list[tuple[str, Box]]) -> None:
        for name, around in boxes:
            self.db.execute(_PLACE_INSERT, (key, name))
            self.db.execute(_BOX_INSERT, around)

    # --- documents and queues
    def _found(self, tenant: str) -> None:
        """A tenant begins with the first thing that is written to it (clause 5.5.10)."""
        if tenant not in self._tenants:
            self.db.execute(_TENANT, (tenant,))
            self._tenants.add(tenant)
            self._new_tenants.append(tenant)

    def put(self, tenant: str, kind: str, id: str, doc: Json) -> None:
        """See `Transaction.put`."""
        self._found(tenant)
        self.db.execute(_SQL["document_put"], (tenant, kind, id, orjson.dumps(doc)))

    def get(self, tenant: str, kind: str, id: str) -> Json | None:
        """See `Transaction.get`."""
        row = self.db.execute(_SQL["document_get"], (kind, tenant, id)).fetchone()
        return None if row is None else orjson.loads(row[0])

    def drop(self, tenant: str, kind: str, id: str) -> bool:
        """See `Transaction.drop`."""
        return self.db.execute(_SQL["document_drop"], (kind, tenant, id)).fetchone() is not None

    def owe(self, tenant: str, queue: str, seq: int, payload: bytes) -> int:
        """See `Transaction.owe`."""
        self._number += 1
        self._owed.append((self._number, tenant, queue, seq, self._at, payload))
        return self._number

    def forget(self, after: int, upto: int) -> None:
        """See `Store.forget`."""
        self._flush()
        self.db.execute(_SQL["change_expire"], (after, upto))

    def erase(self, tenant: str, entity: str) -> None:
        """See `Store.erase`."""
        self._flush()
        self.db.execute(_SQL["change_erase"], (tenant, entity))

    def settle(self, numbers: list[int]) -> None:
        """See `Store.settle`."""
        self.db.executemany(_SQL["owed_settle"], [(number,) for number in numbers])
