"""What can happen to any city: killed servers, bad receivers, a clock that is set, a full disk, a stream that is gone."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from faults.scene import Fault, Scene
    from faults.server import Server


async def receivers_die(scene: Scene) -> str:
    """Half of the receivers are gone for a while; the server is killed while it tries them again."""
    dead = scene.receivers[::2]
    for one in dead:
        await one.die()
    await scene.some()
    server = scene.server
    await server.kill()
    await server.up()
    await scene.some()
    for one in dead:
        await one.listen()
    return f"{len(dead)} dead"


async def kill(scene: Scene) -> str:
    """`kill -9` at any moment."""
    times = 2 * scene.size
    for _ in range(times):
        server = scene.server
        await scene.some()
        await server.kill()
        if len(scene.servers) > 1:
            await scene.some()  # the others take over what it served
        await server.up()
    return f"{times} kills"


async def full_disk(scene: Scene) -> str:
    """No room for some time: whoever writes is told so. Then there is room again, and nobody has to restart anything.

    The second time the server is killed while the disk is full.
    """
    (server,) = scene.servers
    for killed in (False, True):
        await scene.some()
        with full(server):
            await refusals(scene, 20)
            if killed:
                await server.kill()
        if killed:
            await server.up()
        await scene.some()
    return "on a tmpfs" if mounted(server) else "by RLIMIT_FSIZE"


async def refusals(scene: Scene, more: int) -> None:
    """Until so many more writes were refused. Raises TimeoutError when they are not."""
    ledger = scene.load.ledger
    until = ledger.count("refused") + more
    async with asyncio.timeout(60):
        while ledger.count("refused") < until:
            await asyncio.sleep(0.01)


@contextlib.contextmanager
def full(server: Server) -> Iterator[None]:
    """The disk of the server is full: a file takes the rest of its tmpfs, or its files may not grow."""
    if not mounted(server):
        server.most_bytes(max(one.stat().st_size for one in server.data.glob("kitamae.db*")))
        try:
            yield
        finally:
            if server.process.poll() is None:
                server.most_bytes(None)
        return
    with filled(server.data):
        yield


@contextlib.contextmanager
def filled(folder: Path) -> Iterator[None]:
    """A file takes the rest of the file system."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for piece in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(piece))
    try:
        yield
    finally:
        filler.unlink()


def mounted(server: Server) -> bool:
    """Its data directory is a file system of its own."""
    return server.data.is_mount()


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A tmpfs in that place, where we may mount one (root may); else nothing happens."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    made = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    try:
        yield
    finally:
        if made:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def clock_steps(scene: Scene) -> str:
    """Somebody sets the clock: a little, by hours, by weeks, both ways, and right again.

    A receiver is dead meanwhile, and tried in vain after the leap ahead: that may look like years of waiting.
    """
    steps = [-30.0, 3_600.0, -7_200.0, 30 * 86_400.0, -400 * 86_400.0, 0.0]
    dead = scene.receivers[0]
    await dead.die()
    for step in steps:
        for server in scene.servers:
            server.step(step)
        tried = await dead.last_failure()
        await scene.some()
        async with asyncio.timeout(60):
            while step > 86_400 and await dead.last_failure() == tried:
                await asyncio.sleep(0.02)
    await dead.listen()
    return f"{len(steps)} steps"


async def bad_manners(scene: Scene) -> str:
    """Only the load, until every receiver that is rude was rude often enough."""
    async with asyncio.timeout(120):
        while any(one.rude for one in scene.receivers):
            await asyncio.sleep(0.02)
    return f"{sum(one.shown for one in scene.receivers)} times"


async def stream_gone(scene: Scene) -> str:
    """NATS is killed, comes back; is killed again and loses its disk. The city does not notice."""
    if scene.nats is None:
        return "no NATS"
    for lost in (False, True):
        await scene.some()
        await asyncio.to_thread(scene.nats.kill)
        await scene.some()
        if lost:
            scene.nats.lose_everything()
        await asyncio.to_thread(scene.nats.start)
    await scene.some()
    return "killed twice, its disk lost once"


EMBEDDED: dict[str, Fault] = {
    "bad manners": bad_manners,
    "kill -9": kill,
    "dead receivers, kill -9 while retrying": receivers_die,
    "full disk": full_disk,
    "NATS restarts and loses its disk": stream_gone,
    "clock steps both ways": clock_steps,
}
"""Of one server with a store of its own, which has a stream."""
