"""A subscription, compiled: what it watches, on which conditions, who is told and how (clause 5.2.12)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol

from kitamae.kernel.context.query.tree import TypeQ

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.operations.command import Effect
    from kitamae.kernel.context.query.tree import Geo, Node, ScopeQ
    from kitamae.kernel.context.represent import Form
    from kitamae.kernel.context.store import Transaction

Trigger = Literal[
    "entityCreated",
    "entityUpdated",
    "entityDeleted",
    "attributeCreated",
    "attributeUpdated",
    "attributeDeleted",
]
Status = Literal["active", "paused", "expired"]
Notice = Literal["Notification", "ContextSourceNotification"]
Join = Literal["flat", "inline", "@none"]
Accept = Literal["application/json", "application/ld+json", "application/geo+json"]

USUAL: Final[frozenset[Trigger]] = frozenset({"attributeCreated", "attributeUpdated"})
"""The triggers of a subscription that names none."""


@dataclass(frozen=True, slots=True)
class Selector:
    """One of the alternatives in `entities`. Names are expanded; no types: any type."""

    types: TypeQ = field(default_factory=TypeQ)
    id: str | None = None
    id_pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where notifications go. `timeout` and `cooldown` in seconds; `headers` from receiverInfo, `info` notifierInfo."""

    uri: str
    origin: str  # scheme://host:port: what shares a circuit breaker
    accept: Accept = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    timeout: float | None = None
    cooldown: float | None = None
    info: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """One message that carries a notification; over MQTT the method says nothing."""

    method: str
    uri: str
    headers: dict[str, str]
    body: bytes


class Voice(Protocol):
    """Another dialect's way to decide and to tell; NGSI-LD's own is in `match` and `message`."""

    @property
    def kind(self) -> str:
        """How such a subscription's document is kept in the store."""
        ...

    def payload(self, effect: Effect, at: int) -> bytes | None:
        """What is owed for a change (JSON with an `id` that tells entities apart); None: nothing. `at`: microseconds UTC."""
        ...

    async def claim(self, tx: Transaction) -> bool:
        """Inside the transaction that will owe it: may it still be told? No, where once was enough."""
        ...

    def letter(self, payloads: Sequence[bytes], number: str) -> Letter:
        """The message that carries them; `number` is the same whenever it is sent again."""
        ...


@dataclass(slots=True)
class Record:
    """How deliveries went (the read-only members of 5.2.14.2). Times in microseconds UTC.

    What is counted is notifications: one that is sent again until it arrives was sent once, and failed once.
    Kept in memory and written down from time to time: after a crash the figures may be some seconds old.
    """

    times_sent: int = 0
    times_failed: int = 0
    last_notification: int | None = None
    last_success: int | None = None
    last_failure: int | None = None
    failing: bool = False
    fails: int = 0
    """Attempts that failed since the last success."""
    success: str = ""
    failure: str = ""
    """How the last success and the last failure ended, in a few words."""

    def sent(self, now: int, why: str = "", *, again: bool = False) -> None:
        """A receiver said 2xx. `again`: it did not when it was told so before."""
        self.times_sent += not again
        self.last_notification = self.last_success = now
        self.failing, self.fails, self.success = False, 0, why

    def catch_up(self, other: Record) -> None:
        """What another worker wrote down, where it knows of more."""
        if other.times_sent > self.times_sent:
            for name in other.__slots__:
                setattr(self, name, getattr(other, name))

    def failed(self, now: int, why: str = "", *, again: bool = False) -> None:
        """It did not."""
        self.times_sent += not again
        self.times_failed += not again
        self.last_notification = self.last_failure = now
        self.failing, self.failure = True, why
        self.fails += 1

    def dropped(self, now: int, count: int) -> None:
        """So many will not be sent any more."""
        self.times_failed += count
        self.last_failure = now
        self.failing, self.failure = True, f"{count} given up"


@dataclass(slots=True, frozen=True)
class Subscription:
    """What the matcher and the notifier need, parsed. `doc` is what is stored and shown (see `read`).

    `throttling` in seconds, `expires_at` in microseconds UTC.
    """

    tenant: str
    id: str
    selectors: tuple[Selector, ...]
    triggers: frozenset[Trigger]
    watched: frozenset[str]
    q: Node | None
    geo: Geo | None
    scope: ScopeQ | None
    active: bool
    expires_at: int | None
    throttling: float
    interval: float | None
    receiver: Receiver
    form: Form
    show_changes: bool
    context: Context
    doc: dict[str, Json]
    record: Record = field(default_factory=Record)
    voice: Voice | None = None
    most_fails: int | None = None
    """More failed attempts in a row than that, and it rests until its owner wakes it."""
    join: Join = "@none"
    join_level: int = 1
    follows: bool = False  # whether its q leads to other entities
    queue: str = ""
    """The name of its queue of owed notifications; unless told, of tenant and id, because ids are unique within a tenant only."""
    kind: str = ""
    """How its document is kept in the store; unless told, as its voice says."""

    def __post_init__(self) -> None:
        if not self.queue:
            object.__setattr__(self, "queue", f"{self.tenant} {self.id}" if self.tenant else self.id)
        if not self.kind:
            object.__setattr__(self, "kind", "subscription" if self.voice is None else self.voice.kind)

    @property
    def notice(self) -> Notice:
        """The type of its notifications."""
        return "Notification"

    def status(self, now: int) -> Status:
        """Clause 5.2.12: expired by its time, paused by its owner or by too many failures, or active."""
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        if self.most_fails is not None and self.record.fails > self.most_fails:
            return "paused"
        return "active" if self.active else "paused"
