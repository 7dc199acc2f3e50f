"""What can happen to a city of two servers on one PostgreSQL, beside what can happen to any."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import asyncpg

import postgres_server
from faults.kinds import (
    bad_manners,
    clock_steps,
    filled,
    kill,
    receivers_die,
    refusals,
    stream_gone,
)

if TYPE_CHECKING:
    from faults.scene import Fault, Scene
    from postgres_server import Cluster


async def database_restarts(scene: Scene) -> str:
    """In order the first time, as if the power went the second."""
    assert scene.cluster
    for how in (signal.SIGINT, signal.SIGQUIT) * scene.size:
        await scene.some()
        await asyncio.to_thread(scene.cluster.stop, how)
        await asyncio.to_thread(scene.cluster.start)
        await scene.some()
    return f"{2 * scene.size} restarts"


async def connections_cut(scene: Scene) -> str:
    """Every connection of the servers is ended by the database."""
    times = 3 * scene.size
    for _ in range(times):
        await scene.some()
        async with _connected(scene.cluster) as db:
            await db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
    await scene.some()
    return f"{times} times"


async def late_transaction(scene: Scene) -> str:
    """The writes of one server have their number and wait, for a lock that somebody holds, while later ones of the other
    commit; then they commit too. The entity is the first in the order of locks, so that nothing else is held.
    """
    times = 2 * scene.size
    for _ in range(times):
        await scene.some()
        async with _connected(scene.cluster) as db, db.transaction():
            await db.execute("SELECT pg_current_xact_id()")  # the horizon waits for us as well
            await db.execute("SELECT 1 FROM entity WHERE id = $1 FOR UPDATE", scene.load.id_of("Batch", 0))
            await scene.some()
    await scene.some()
    return f"{times} times"


async def database_full(scene: Scene) -> str:
    """The disk of PostgreSQL has no room: writers are told so, or it stops altogether. There is room again, and whoever
    runs it starts it where it stopped; the servers of the city go on by themselves.
    """
    assert scene.cluster
    if not scene.cluster.folder.is_mount():
        return "not done: nothing can be mounted here"
    stopped = 0
    for _ in range(scene.size):
        await scene.some()
        with filled(scene.cluster.folder):
            await refusals(scene, 20)
        if scene.cluster.process.poll() is not None:
            stopped += 1
            await asyncio.to_thread(scene.cluster.start)
        await scene.some()
    return f"{scene.size} times, on a tmpfs; PostgreSQL stopped {stopped} times"


class _connected:  # noqa: N801  # reads like a function
    def __init__(self, cluster: Cluster | None) -> None:
        assert cluster
        self._dsn = postgres_server.dsn("city", cluster)

    async def __aenter__(self) -> asyncpg.Connection:
        self._db = await asyncpg.connect(self._dsn)
        return self._db

    async def __aexit__(self, *_: object) -> None:
        await self._db.close()


SHARED: dict[str, Fault] = {
    "bad manners": bad_manners,
    "kill -9 of one of two": kill,
    "dead receivers, kill -9 while retrying": receivers_die,
    "PostgreSQL restarts, in order and as if the power went": database_restarts,
    "PostgreSQL ends every connection": connections_cut,
    "the disk of PostgreSQL is full": database_full,
    "a late transaction commits after later ones": late_transaction,
    "NATS restarts and loses its disk": stream_gone,
    "clock steps both ways": clock_steps,
}
"""Of two servers on one PostgreSQL."""
