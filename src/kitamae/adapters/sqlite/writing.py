"""What is done with the writing connection: one command after the other, inside a group commit."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from kitamae.adapters.sqlite.history import Remembering
from kitamae.adapters.sqlite.many import Many
from kitamae.adapters.sqlite.named import queries
from kitamae.adapters.sqlite.present import Id, Known, Present
from kitamae.kernel.context.store import MOST_LEAF, Change
from kitamae.kernel.problems import NotFound, Problem, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import apsw

    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.operations.command import Command, Effect, Verb
    from kitamae.kernel.context.store import Instance

_SQL = queries("change", "history", "ledger")
_CHANGE: Final = Many(_SQL["change_insert"])
_OWED: Final = Many(_SQL["owed_insert"])
_LEAVES: Final = Many(_SQL["leaf_insert"])

STEP_BACK: Final = 60_000_000  # microseconds: a clock that is set back by less is waited for
TOGETHER: Final = (
    50  # commands whose entities are read with one statement, and that nothing else comes between
)


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
        self.begin()

    def begin(self) -> None:
        """Forget everything that is not on disk; read the counters from there."""
        self.present = Present(self.db)
        self.memory = Remembering(self.db)
        self.seq = int(self.db.execute(_SQL["last_seq"]).get)
        self._at = int(self.db.execute(_SQL["last_at"]).get or 0)
        self._number = int(self.db.execute(_SQL["owed_last"]).get)
        self._leaf = int(self.db.execute(_SQL["leaf_last"]).get)
        self.reset()

    def reset(self) -> None:
        """A new group commit."""
        self.changes: list[Change] = []
        self._rows: list[tuple[Any, ...]] = []
        self.owed: list[tuple[Any, ...]] = []
        self._leaves: list[tuple[int, bytes]] = []
        self._direct = False
        self.present.reset()

    def finish(self) -> None:
        """The last rows of this group commit."""
        self._flush()
        _OWED(self.db, self.owed)
        _LEAVES(self.db, self._leaves)
        self.present.finish()

    def _flush(self) -> None:
        """Changes and history are only added to, so they are written together: outside of any savepoint, that costs less."""
        _CHANGE(self.db, self._rows)
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
        db, present, memory = self.db, self.present, self.memory
        changes, rows, owed, leaves = len(self.changes), len(self._rows), len(self.owed), len(self._leaves)
        marks = present.mark(), memory.mark()
        db.execute("SAVEPOINT one")
        try:
            yield
            present.flush()
        except BaseException:
            if db.in_transaction:  # SQLite itself gives everything up when the disk is full
                db.execute("ROLLBACK TO one")
                db.execute("RELEASE one")
            del self.changes[changes:]
            del self._rows[rows:]
            del self.owed[owed:]
            self._leaf -= len(self._leaves) - leaves
            del self._leaves[leaves:]
            present.back(marks[0])
            memory.back(marks[1])
            raise
        db.execute("RELEASE one")

    def time(self) -> int:
        """Never before the last one, unless the clock was set back for good: then it is believed."""
        now = self._now()
        if self._at - STEP_BACK < now < self._at:
            return self._at
        self._at = now
        return now

    def apply(self, command: Command) -> Effect:
        """One operation on one entity with everything it entails. Raises Problem; then nothing was written."""
        wanted = self._decide(command)
        if wanted.effect.verb != "none":
            with self.savepoint():
                self._write(command, wanted, wanted.effect.verb)
        return wanted.effect

    async def apply_all(self, commands: Sequence[Command]) -> list[Effect | Problem]:
        """Many in one savepoint, a few at a time: what an operation refuses is its answer. Raises whatever else goes
        wrong with any of them; then none was written, and each must be tried on its own.
        """
        answers: list[Effect | Problem] = []
        with self.savepoint():
            for start in range(0, len(commands), TOGETHER):
                if start:
                    await asyncio.sleep(0)
                some = commands[start : start + TOGETHER]
                self.present.expect((one.tenant, one.id, one.variant) for one in some)
                for command in some:
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
        found = self.present.known((command.tenant, command.id, command.variant))
        at = self.time()
        return Wanted(found, command.operation.apply(found.entity if found else None, at), at)

    def _write(self, command: Command, wanted: Wanted, verb: Verb) -> None:
        id: Id = (command.tenant, command.id, command.variant)
        actor, (found, effect, at) = command.actor, wanted
        self.seq = seq = self.seq + 1
        before, after = effect.before, effect.after
        present, touched = self.present, effect.remembered
        if found is None:
            if after is None:
                raise Problem(f"{id[1]}: an operation deleted an entity that is not there")
            key = present.create(id, after, seq, at)
        elif after is None:
            key = found.key
            present.delete(id, found, seq, at)
        elif verb == "created":  # in the place of one that had expired
            present.delete(id, found, seq, at)
            key = present.create(id, after, seq, at)
        else:
            key = found.key
            present.update(id, found, after, effect.touched, seq, at)
        types = (after or before or {"type": []})["type"]
        history = self.memory.touched(key, touched, seq, at)
        delta = orjson.dumps([one.verb if one.after else one.before for one in touched])
        self._rows.append((seq, *id, verb, at, actor, orjson.dumps(types).decode(), delta, history))
        if self._direct:
            self.present.flush()
            self._flush()
        change = Change(seq, *id, verb, at, actor, types, touched)
        self.changes.append(change)
        self._watch(change, effect)

    def remember(self, tenant: str, entity: Entity, variant: str = "") -> None:
        """An entity that only history knows. One that lives is left alone."""
        id = (tenant, entity["id"], variant)
        if self.present.known(id):
            return
        self.seq += 1
        self.db.execute(_SQL["mark_seq"], (self.seq,))
        self.present.remember(id, entity, self.seq)

    def add_instances(self, tenant: str, entity: str, instances: Sequence[Instance]) -> None:
        """See `Transaction.add_instances`."""
        row = self.db.execute(_SQL["history_keys"], {"tenant": tenant, "id": entity}).fetchone()
        if row is None:
            raise NotFound(f"{entity}: there is no such entity, neither now nor in history")
        self.seq = self.memory.add(row[0], instances, self.seq + 1)
        self.db.execute(_SQL["mark_seq"], (self.seq,))

    # --- documents and queues
    def put(self, tenant: str, kind: str, id: str, doc: Json) -> None:
        """See `Transaction.put`."""
        self.present.found(tenant)
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
        self.owed.append((self._number, tenant, queue, seq, self._at, payload))
        return self._number

    def log(self, leaf: bytes) -> int:
        """See `Transaction.log`. No number is left out: one that is given up is given again."""
        if len(leaf) > MOST_LEAF:
            raise TooLarge(f"a leaf of {len(leaf):,} bytes: {MOST_LEAF:,} go into a log")
        self._leaf += 1
        self._leaves.append((self._leaf, leaf))
        return self._leaf

    def forget(self, after: int, upto: int) -> None:
        """See `Store.forget`."""
        self._flush()
        self.db.execute(_SQL["change_expire"], (after, upto))

    def do(self, work: Callable[[apsw.Connection], None]) -> None:
        """What keeps the house, all or nothing."""
        with self.whole():
            work(self.db)

    def retire(self, entity: int, before: int, found: list[tuple[int, int, int]]) -> None:
        """See `Store.retire`. (number, time, seq) of each instance."""
        self._flush()
        self.memory.delete([(number, t) for number, t, _ in found])
        self.memory.forget(entity, before)
        self.db.executemany(_SQL["change_forget"], {(seq,) for _, _, seq in found})
        self.db.execute(_SQL["past_empty"], (entity,))

    def erase(self, tenant: str, entity: str) -> None:
        """See `Store.erase`."""
        self._flush()
        self.db.execute(_SQL["change_erase"], (tenant, entity))

    def settle(self, numbers: list[int]) -> None:
        """See `Store.settle`."""
        self.db.executemany(_SQL["owed_settle"], [(number,) for number in numbers])
