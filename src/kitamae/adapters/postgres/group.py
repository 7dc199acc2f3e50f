"""One group commit in memory: what was locked and read, what was decided on it, and the way back for each piece of work.

Operations are applied here, in Python, to entities that the transaction holds; nothing of it is in the database until
`flush.py` writes all of it at once. A piece of work that fails is undone here, which costs no statement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kitamae.kernel.context import clock
from kitamae.kernel.context.store import MOST_LEAF, Change, Owed
from kitamae.kernel.problems import NotFound, Problem, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.adapters.postgres.numbers import Numbers
    from kitamae.kernel.context.entity import Entity, Json
    from kitamae.kernel.context.operations.command import Command, Effect
    from kitamae.kernel.context.store import Instance

STEP_BACK: Final = 60_000_000  # microseconds: a clock that is set back by less is waited for

Id = tuple[str, str, str]
"""Tenant, id, variant."""
Ref = tuple[str, str, str]
"""Kind, tenant, id of a document."""


class Overtaken(Exception):
    """Another worker's later transaction wrote first: ours begins again, with a later number."""


class State(NamedTuple):
    """An entity as it stands in this transaction. `gone`: only history knows it, and `entity` is its last form."""

    key: int
    version: int
    created: int
    modified: int
    gone: bool
    entity: Entity


class Wrote(NamedTuple):
    """One entity before and after; None: no row."""

    id: Id
    before: State | None
    after: State | None


class Given(NamedTuple):
    """History that was given as such. `seq` is one number for all of these instances."""

    tenant: str
    entity: int
    seq: int
    instances: Sequence[Instance]


class Mark(NamedTuple):
    """How much was written when a piece of work began."""

    entities: int
    changes: int
    given: int
    owed: int
    documents: int
    leaves: int


START: Final = Mark(0, 0, 0, 0, 0, 0)


class Group:
    """The state of one transaction; `Numbers` are its own. `last` is when the last write was."""

    def __init__(self, now: Callable[[], int], last: int, watch: Callable[[Change, Effect], Any]) -> None:
        self._now, self.at, self._watch = now, last, watch
        self.numbers: Numbers
        self.epoch: int | None = None  # that of the documents, where this transaction changed some
        self.states: dict[Id, State | None] = {}
        self.documents: dict[Ref, Json | None] = {}
        self.wrote: list[Wrote] = []
        self.changes: list[Change] = []
        self.keys: list[int] = []  # of the entities of `changes`
        self.given: list[Given] = []
        self.owed: list[Owed] = []
        self.kept: list[tuple[Ref, Json | None, Json | None]] = []
        self.leaves: list[tuple[int, bytes]] = []

    def mark(self) -> Mark:
        """Where a piece of work begins."""
        return Mark(
            len(self.wrote),
            len(self.changes),
            len(self.given),
            len(self.owed),
            len(self.kept),
            len(self.leaves),
        )

    def back(self, mark: Mark) -> None:
        """It failed: what it did since is undone."""
        for id, before, _ in reversed(self.wrote[mark.entities :]):
            self.states[id] = before
        for ref, old, _ in reversed(self.kept[mark.documents :]):
            self.documents[ref] = old
        del self.wrote[mark.entities :]
        del self.changes[mark.changes :]
        del self.keys[mark.changes :]
        del self.given[mark.given :]
        del self.owed[mark.owed :]
        del self.kept[mark.documents :]
        del self.leaves[mark.leaves :]

    def time(self, not_before: int) -> int:
        """Never before the last write here or of this entity, unless the clock was set back for good: then it is believed."""
        now, last = self._now(), max(self.at, not_before)
        if last - STEP_BACK < now < last:
            now = last
        self.at = now
        return now

    def living(self, id: Id) -> Entity | None:
        """The entity as this transaction sees it; it was loaded before."""
        state = self.states[id]
        return None if state is None or state.gone else state.entity

    async def apply(self, command: Command) -> Effect:
        """One operation with everything it entails; its entity was loaded. Raises Problem; then nothing of it stays."""
        id: Id = (command.tenant, command.id, command.variant)
        state = self.states[id]
        before = None if state is None or state.gone else state.entity
        at = self.time(state.modified if state is not None else 0)
        effect = command.operation.apply(before, at)
        if effect.verb == "none":
            return effect
        if before is None and effect.after is None:
            raise Problem(f"{id[1]}: an operation deleted an entity that is not there")
        mark = self.mark()
        seq = self.numbers.next()
        key = state.key if state is not None else self.numbers.next()
        if effect.after is not None:
            begun = at if effect.verb == "created" or state is None else state.created
            after = State(key, seq, begun, at, False, effect.after)
        else:
            last: Any = {**(before or {}), "deletedAt": clock.text(at)}
            after = State(key, seq, at, at, True, last)
        self._set(id, state, after)
        types = (effect.after or before or {"type": []})["type"]
        change = Change(seq, *id, effect.verb, at, command.actor, types, effect.remembered)
        self.changes.append(change)
        self.keys.append(key)
        try:
            await self._watch(change, effect)
        except BaseException:
            self.back(mark)
            raise
        return effect

    def _set(self, id: Id, before: State | None, after: State | None) -> None:
        self.wrote.append(Wrote(id, before, after))
        self.states[id] = after

    def remember(self, id: Id, entity: Entity) -> None:
        """See `Transaction.remember`."""
        state = self.states[id]
        if state is not None and not state.gone:
            return
        key = state.key if state is not None else self.numbers.next()
        self._set(id, state, State(key, self.numbers.next(), 0, 0, True, entity))

    def forget(self, id: Id) -> None:
        """Nothing is known of it any more, unless it lives."""
        state = self.states[id]
        if state is not None and state.gone:
            self._set(id, state, None)

    def add_instances(self, id: Id, instances: Sequence[Instance]) -> None:
        """See `Transaction.add_instances`."""
        state = self.states[id]
        if state is None:
            raise NotFound(f"{id[1]}: there is no such entity, neither now nor in history")
        self.given.append(Given(id[0], state.key, self.numbers.next(), instances))

    def owe(self, tenant: str, queue: str, seq: int, payload: bytes) -> int:
        """See `Transaction.owe`."""
        number = self.numbers.next()
        at = self.at if self.changes else self._now()
        self.owed.append(Owed(number, tenant, queue, seq, at, payload))
        return number

    def log(self, leaf: bytes) -> int:
        """See `Transaction.log`."""
        if len(leaf) > MOST_LEAF:
            raise TooLarge(f"a leaf of {len(leaf):,} bytes: {MOST_LEAF:,} go into a log")
        number = self.numbers.next()
        self.leaves.append((number, leaf))
        return number

    def keep(self, ref: Ref, doc: Json | None) -> Json | None:
        """Keep a document, or drop it (None); what was there. It was loaded before."""
        old = self.documents[ref]
        if old is None and doc is None:
            return None
        self.kept.append((ref, old, doc))
        self.documents[ref] = doc
        return old
