"""What Prometheus is told (`/metrics`). Nothing here names a person, an address or an entity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.store import Change, Store

BROKER: Final = "/ngsi-ld/v1/"
_WORDS: Final = frozenset(
    [
        "entities",
        "entityOperations",
        "attrs",
        "query",
        "create",
        "upsert",
        "update",
        "merge",
        "delete",
        "types",
        "attributes",
        "subscriptions",
        "csourceRegistrations",
        "csourceSubscriptions",
        "temporal",
        "jsonldContexts",
        "entityMaps",
        "snapshots",
        "info",
        "purge",
    ]
)
_MOST_ROUTES: Final = 500


def route(path: str) -> str:
    """A path without what is particular: `/ngsi-ld/v1/entities/{}/attrs/{}`, `/places/{}`."""
    if path.startswith(BROKER):
        parts = path[len(BROKER) :].split("/")[:6]
        return BROKER + "/".join(part if part in _WORDS or not part else "{}" for part in parts)
    first, slash, _ = path[1:].partition("/")
    return f"/{first}/{{}}" if slash else f"/{first}"


class Measures:
    """One registry per application, so that two in one process (tests) do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._requests = Counter(
            "kitamae_requests",
            "Answers by route and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._writes = Histogram(
            "kitamae_write_seconds",
            "From the first byte of a write to its durable answer.",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
            registry=self.registry,
        )
        self._batches = Histogram(
            "kitamae_commit_changes",
            "Changes per commit.",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
            registry=self.registry,
        )
        self._entities = Gauge("kitamae_entities", "Entities by tenant.", ("tenant",), registry=self.registry)
        self._queues = Gauge(
            "kitamae_notifications_owed", "Notifications not acknowledged yet.", registry=self.registry
        )
        self._waiting = Gauge(
            "kitamae_notification_queues", "Receivers that are owed something.", registry=self.registry
        )
        self._served: set[str] = set()
        self._counted: dict[tuple[str, str, int], Counter] = {}

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """One request is over. `seconds` 0: not timed (reads)."""
        name = route(path)
        if not path.startswith(BROKER) and name not in self._served:
            if status < 400 and len(self._served) < _MOST_ROUTES:
                self._served.add(name)
            else:  # whatever an outsider thinks up is no route
                name = "unknown"
        key = (method, name, status)
        counter = self._counted.get(key)
        if counter is None:
            if len(self._counted) >= _MOST_ROUTES:
                key = (method, "other", status)
            counter = self._counted[key] = self._requests.labels(*key)
        counter.inc()
        if seconds:
            self._writes.observe(seconds)

    def committed(self, changes: Sequence[Change]) -> None:
        """For `Store.on_commit`."""
        self._batches.observe(len(changes))

    async def text(self, store: Store) -> bytes:
        """The exposition, with what only the store knows."""
        for tenant in [one for one in await store.tenants() if not one.startswith("/")] or [""]:
            self._entities.labels(tenant).set(sum((await store.types(tenant)).values()))
        queues = await store.queues()
        self._queues.set(sum(count for _, _, count in queues))
        self._waiting.set(len(queues))
        return generate_latest(self.registry)
