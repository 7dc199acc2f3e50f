"""One fault after the other on one city, each under a load of its own, judged when the load is over."""

from __future__ import annotations

import contextlib
import random
import shutil
from typing import TYPE_CHECKING, Literal

import postgres_server
from faults.judge import judge
from faults.kinds import EMBEDDED, clock_steps, small_disk
from faults.load import Load
from faults.receivers import Receiver
from faults.scene import Scene
from faults.server import Server
from faults.shared import SHARED
from nats_server import Nats

if TYPE_CHECKING:
    from pathlib import Path

    from faults.judge import Verdict
    from faults.scene import Fault

DISK_MB = 128
CLUSTER_MB = 320
EVERYTHING = ("Sensor", "Batch", "Guest", "Raced")
Store = Literal["sqlite", "postgresql"]


def subscribers(times: int) -> list[Receiver]:
    """One of each kind; the rude ones are rude so many times in a round."""
    return [
        Receiver("well-mannered", EVERYTHING),
        Receiver("slow", ("Raced",), pause=0.02),
        Receiver("answers 500 now and then", ("Sensor", "Guest"), refuses=15, times=times),
        Receiver("loses its answers", ("Batch", "Raced"), drops=25, times=times),
        Receiver("behind a network that repeats and reorders", ("Sensor",), holds=15, times=times),
        Receiver("second", EVERYTHING),
    ]


class City:
    """`async with City(place) as city:` servers with their subscribers and a stream; then `round` after `round`.

    `place`: an empty directory. `store`: one server with a store of its own, or two on a PostgreSQL that is started for
    them. `size`: how much of each fault.
    """

    def __init__(self, place: Path, store: Store = "sqlite", size: int = 1, seed: int = 2026) -> None:
        self.faults: dict[str, Fault] = EMBEDDED if store == "sqlite" else SHARED
        self._place, self._size = place, size
        self._draw = random.Random(seed)
        self._receivers = subscribers(2 * size)
        self._nats = Nats(place)
        self._store = store
        self._cluster: postgres_server.Cluster | None = None
        self._servers: list[Server] = []
        self._rest = contextlib.AsyncExitStack()

    async def __aenter__(self) -> City:
        async with self._rest as opening:
            opening.callback(self._nats.kill)
            self._nats.start()
            address = ""
            if self._store == "postgresql":
                disk = postgres_server.folder()
                opening.callback(shutil.rmtree, disk, ignore_errors=True)
                opening.enter_context(small_disk(disk, CLUSTER_MB * self._size))
                self._cluster = postgres_server.Cluster(disk, max_wal_size="64MB", min_wal_size="32MB")
                opening.callback(self._cluster.remove)
                address = postgres_server.dsn("city", self._cluster)
            for n in range(2 if address else 1):
                server = Server(self._place / f"data{n}", address, self._nats.url)
                self._servers.append(server)
                if not address:
                    opening.enter_context(small_disk(server.data, DISK_MB * self._size))
                opening.push_async_callback(server.down)
                await server.up()
            for one in self._receivers:
                opening.push_async_callback(one.die)
                await one.listen()
                await one.subscribe(self._servers[0])
            self._rest = opening.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._rest.aclose()

    async def round(self, name: str) -> Verdict:
        """Load, the fault, the end of the load, and what is to be said about it."""
        fault = self.faults[name]
        for one in self._receivers:
            one.forget()
        round_ = f"round-{self._draw.randrange(10**9)}"
        async with Load(self._servers, round_, writers=2, pace=0.02 / self._size) as load:
            scene = Scene(
                self._servers, load, self._receivers, self._draw, self._size, self._nats, self._cluster
            )
            note = await fault(scene)
        verdict = await judge(
            name,
            self._servers,
            load.ledger,
            self._receivers,
            self._nats.url,
            by_time=fault is not clock_steps,
        )
        verdict.note = note
        return verdict
