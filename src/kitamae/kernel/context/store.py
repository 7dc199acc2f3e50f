"""What a store must do for the broker. Implemented by `adapters/sqlite` (embedded) and `adapters/postgres` (server).

Everything that one acknowledged write entails (state, `change`, `instance`, owed notifications, receipts) commits
in one transaction, in the order of `change.seq`. An awaited write that returns has been committed durably.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence

    from kitamae.kernel.context.entity import Attribute, Entity, Json, Kind
    from kitamae.kernel.context.operations.command import Command, Effect, Touched
    from kitamae.kernel.context.query.tree import EntityQuery
    from kitamae.kernel.context.telling import Own
    from kitamae.kernel.context.temporal.query import Aggregation, Method
    from kitamae.kernel.people.vault.rows import VaultRows
    from kitamae.kernel.problems import Problem

T = TypeVar("T")


class Row(NamedTuple):
    """A stored entity: `version` is the `change.seq` of its last write; `doc` its JSON text (see `entity.Entity`).

    `lacks`: attributes (expanded) that were taken out of it, because the caller may not see them.
    Same (key, version, lacks), same bytes: answers may be cached under it. Thousands are made for one answer.
    """

    key: int
    version: int
    doc: bytes
    lacks: frozenset[str] = frozenset()


@dataclass(slots=True, frozen=True)
class Found:
    """A page of a query: `count` is the number of all matches where it was asked for."""

    rows: list[Row]
    count: int | None = None


@dataclass(slots=True, frozen=True)
class Change:
    """One write, in the order of commits."""

    seq: int
    tenant: str
    entity: str
    variant: str
    verb: Literal["created", "updated", "deleted"]
    at: int  # microseconds UTC
    actor: str
    types: list[str]
    touched: list[Touched]


TimeProperty = Literal["observedAt", "createdAt", "modifiedAt", "deletedAt"]


@dataclass(slots=True, frozen=True)
class InstanceQuery:
    """History of some entities' attributes. Times are microseconds UTC; the interval is as clause 4.11 says.

    before: t < `at`; after: t >= `at`; between: `at` <= t < `end`. `last` keeps the newest N per attribute.
    """

    tenant: str
    entities: tuple[str, ...]
    attrs: tuple[str, ...] = ()  # expanded; empty: all
    datasets: tuple[str, ...] = ()
    timeproperty: TimeProperty = "observedAt"
    timerel: Literal["before", "after", "between"] | None = None
    at: int | None = None
    end: int | None = None
    last: int | None = None
    limit: int | None = None  # instances per attribute in one answer
    instance: str | None = None


@dataclass(
    slots=True
)  # not frozen: thousands are made for one answer, and frozen ones take three times as long
class Instance:
    """One remembered instance. `observed_at`, ... in microseconds UTC; None: unknown."""

    entity: str
    name: str
    instance_id: str
    attribute: Attribute
    observed_at: int | None
    created_at: int
    modified_at: int
    deleted_at: int | None


@dataclass(slots=True, frozen=True)
class Readings:
    """One series for reading fast: values with their times (microseconds UTC), ascending, and nothing else."""

    entity: str
    name: str
    dataset: str  # "" is the default instance
    kind: Kind
    plain: bool  # a Property, all of whose values are numbers without an end of their own (expiresAt)
    points: list[tuple[Json, int]]


@dataclass(slots=True, frozen=True)
class Figures:
    """Figures over periods of one series (clause 4.5.19): method -> (figure, period's start, its end), by time.

    Times are microseconds UTC. A period without any value for a method is left out.
    """

    entity: str
    name: str
    dataset: str  # "" is the default instance
    kind: Kind
    told: dict[Method, list[tuple[Json, int, int]]]


@dataclass(slots=True, frozen=True)
class Owed:
    """A notification that somebody must still receive. `number` orders them; `queue` is the receiver's own."""

    number: int
    tenant: str
    queue: str  # the subscription's id
    seq: int  # the change that caused it
    at: int
    payload: bytes  # JSON, what the notifier needs to build the message


@dataclass(slots=True, frozen=True)
class Kept:
    """A document that another worker kept; `doc` None: that it dropped."""

    tenant: str
    kind: str
    id: str
    doc: Json | None


class Leaf(NamedTuple):
    """What was put into the city's ledger. `number` orders leaves; where one stands in the log, `Store.index` says."""

    number: int
    data: bytes


class Placed(NamedTuple):
    """How far the log has come: its size, and the number of its last leaf."""

    size: int
    number: int


MOST_LEAF: Final = 0xFFFF
"""Bytes of a leaf: an entry bundle (C2SP tlog-tiles) writes down its length in 16 bits."""


class Reader(Protocol):
    """Whatever documents are read from, one by one: a store, or a transaction of it, where it is what holds there."""

    async def get(self, tenant: str, kind: str, id: str) -> Json | None:
        """See `Transaction.put`."""
        ...


class Transaction(Protocol):
    """Inside one savepoint of the group commit. Its awaits never wait for anything but the store."""

    @property
    def vault(self) -> VaultRows:
        """Sealed records about persons, and receipts. For `kernel.people.vault` alone."""
        ...

    async def apply(self, command: Command) -> Effect:
        """Change one entity, with its history and what is owed for it. Raises Problem."""
        ...

    async def entity(self, tenant: str, id: str, variant: str = "") -> Entity | None:
        """The state as this transaction sees it."""
        ...

    async def remembered(self, tenant: str, id: str) -> Entity | None:
        """An entity as it is, or as history knew it last: what may be written about it is asked by its types."""
        ...

    async def put(self, tenant: str, kind: str, id: str, doc: Json) -> None:
        """Keep a document that is not an entity: a subscription, a stored @context, a session."""
        ...

    async def get(self, tenant: str, kind: str, id: str) -> Json | None:
        """That document."""
        ...

    async def drop(self, tenant: str, kind: str, id: str) -> bool:
        """Forget it; False if it was not there."""
        ...

    async def owe(self, tenant: str, queue: str, seq: int, payload: bytes) -> int:
        """Add a row to a receiver's queue; its number (`Owed.number`)."""
        ...

    async def log(self, leaf: bytes) -> int:
        """Put a leaf into the city's ledger; its number (`Leaf.number`). Raises TooLarge for more than MOST_LEAF bytes."""
        ...

    async def remember(self, tenant: str, entity: Entity) -> None:
        """An entity that only history knows: what `remembered` matches and shows. One that lives is left alone."""
        ...

    async def add_instances(self, tenant: str, entity: str, instances: Sequence[Instance]) -> None:
        """History written by the temporal API itself, not by a change of the present state.

        An empty `instance_id` is given one. Raises NotFound for an entity that is neither here nor remembered.
        """
        ...

    async def drop_instances(self, query: InstanceQuery) -> int:
        """Delete history for good; how many. An entity named without any further condition is forgotten."""
        ...


class Store(Protocol):
    """One city's state. All methods may be called from the event loop; none blocks it for long."""

    # --- writing
    async def apply(self, commands: Sequence[Command]) -> list[Effect | Problem]:
        """Each command in a savepoint of its own, all in one commit; in order. Durable when it returns."""
        ...

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """All or nothing, in one savepoint of the next commit. What `work` raises is raised here.

        `work` may be run more than once (several workers write, or what it needs must be fetched first): what it did
        before is not there then, so it must not rely on anything that it noted down outside. First it asks what the request asks
        again (`first.asked_first`).
        """
        ...

    def on_change(self, watch: Callable[[Transaction, Change, Effect], Awaitable[None]]) -> None:
        """Called inside the transaction for every change, in order: decides what is owed (subscriptions)."""
        ...

    def on_commit(self, heard: Callable[[Sequence[Change]], None]) -> None:
        """Called on the event loop after each commit with its changes in order: caches, live pages.

        A worker hears its own commits before their answers leave, those of others within moments.
        """
        ...

    def on_owed(self, heard: Callable[[Sequence[Owed]], None]) -> None:
        """Called on the event loop with what was committed and is owed to the queues that this worker serves, in order."""
        ...

    # --- several workers on one state; where there is only one, it serves everything and hears of nobody
    def serves(self, name: str) -> bool:
        """Whether this worker delivers that queue, or does what goes by that name: no other one does at the same time."""
        ...

    def on_serving(self, changed: Callable[[], Awaitable[None]]) -> None:
        """Awaited when `serves` has changed: let go of what is not served any more, take up what is served now."""
        ...

    def on_documents(self, heard: Callable[[Sequence[Kept]], Awaitable[None]]) -> None:
        """Awaited with documents that other workers kept or dropped, before this worker's next write is decided.

        It must not wait for a write of its own: that one would wait for it.
        """
        ...

    def on_kept(self, kinds: Collection[str], heard: Callable[[Sequence[Own]], Awaitable[None]]) -> None:
        """Awaited with documents of these kinds that this worker's own transactions kept or dropped: after their commit, before
        `transact` answers. One may listen; what it raises, `transact` raises.
        """
        ...

    async def catch_up(self) -> None:
        """Documents that other workers kept before this call were heard of when it returns."""
        ...

    # --- reading: the present
    async def row(self, tenant: str, id: str, variant: str = "") -> Row | None:
        """One entity."""
        ...

    async def find(self, query: EntityQuery) -> Found:
        """Many. Exact: what a store cannot translate it filters with `query.match`. Raises TooComplex."""
        ...

    def stream(self, query: EntityQuery) -> AsyncIterator[Row]:
        """All of them, in constant memory, ignoring `limit`."""
        ...

    async def types(self, tenant: str) -> dict[str, int]:
        """Expanded entity type -> how many."""
        ...

    async def attributes(self, tenant: str, type: str | None = None) -> dict[str, dict[str, Any]]:
        """Expanded attribute name -> {"count": n, "kinds": [...], "types": [expanded entity types]}."""
        ...

    async def expired(self, at: int, most: int) -> list[tuple[str, str, str]]:
        """(tenant, id, variant) of entities of which something expired by `at` (microseconds UTC): for `Expire`."""
        ...

    async def tenants(self) -> list[str]:
        """Those that were ever written to; "" is the default one."""
        ...

    # --- reading: history and order
    async def instances(self, query: InstanceQuery) -> list[Instance]:
        """By entity, attribute, dataset, then time ascending."""
        ...

    async def readings(self, query: InstanceQuery) -> list[Readings]:
        """The same without what else an instance says, for `temporalValues` and charts; a deletion is NULL.

        In an interval by `observedAt`; without one also what was not observed, by its `modifiedAt`. `timeproperty`
        is not looked at.
        """
        ...

    async def aggregate(self, query: InstanceQuery, aggregation: Aggregation, now: int) -> list[Figures]:
        """What `temporal.aggregate.figures` makes of `instances(query)`, in the same order, at `now` (microseconds UTC).

        Worked out from what is stored when it is asked for, by the store itself where it can. Counts, extremes and
        periods are the same; sums, means and deviations within 1e-12 of the largest value that goes into them.
        """
        ...

    async def remembered(self, query: EntityQuery, history: InstanceQuery, after: str | None = None) -> Found:
        """Entities (also deleted ones) that match the query and have history in the interval; rows by id.

        `after`: only those behind this id, in the order asked for.
        """
        ...

    async def changes(self, after: int, most: int) -> list[Change]:
        """In commit order."""
        ...

    # --- documents and queues
    async def get(self, tenant: str, kind: str, id: str) -> Json | None:
        """See `Transaction.put`."""
        ...

    async def documents(self, tenant: str | None, kind: str) -> list[tuple[str, str, Json]]:
        """(tenant, id, document), in the order of their creation; `tenant` None: of every tenant."""
        ...

    async def owed(self, queue: str, after: int, most: int) -> list[Owed]:
        """What a receiver has not acknowledged yet, oldest first."""
        ...

    async def queues(self) -> list[tuple[str, str, int]]:
        """(tenant, queue, how many) for every queue that is not empty."""
        ...

    async def owing(self) -> list[tuple[str, int, int]]:
        """(queue, how many, bytes of their payloads) for every queue that is not empty. It reads all that is owed."""
        ...

    async def settle(self, numbers: Sequence[int]) -> None:
        """These were delivered (or are given up): forget them. In the group commit, not waited for by others."""
        ...

    # --- the ledger
    async def leaves(self, after: int, most: int) -> list[Leaf]:
        """Those behind a number (0: all), in their order: never one that an earlier one may still come before."""
        ...

    async def placed(self) -> Placed:
        """What `place` said last; (0, 0): nothing yet."""
        ...

    async def place(self, placed: Sequence[Placed]) -> None:
        """The leaves up to that number are so many, and published. Durable when it returns; in steps of a few thousand
        leaves, so that `index` never counts more. One worker at a time does this.
        """
        ...

    async def index(self, number: int) -> int | None:
        """Where a leaf stands in the log, from 0; None: there is no such leaf, or it is not published yet."""
        ...

    # --- keeping
    async def forget(self, upto: int) -> None:
        """What changes up to that sequence number wrote is forgotten; that they were made stays. For what has expired."""
        ...

    async def retire(self, key: int, before: int, most: int) -> int:
        """Forget old history of one entity (`Row.key`): at most `most` instances that were observed, or else written,
        before a moment (microseconds UTC), and what the changes that left them wrote. In one commit; how many went. An
        entity that only history knew is forgotten with the last of it.
        """
        ...

    async def erase(self, tenant: str, entity: str) -> None:
        """The same for all changes of one entity. History is erased by `Transaction.drop_instances`."""
        ...

    async def backup(self, to: str) -> None:
        """A consistent copy of the state into a file, while everything goes on."""
        ...

    async def close(self) -> None:
        """Finish what was begun, then let go."""
        ...
