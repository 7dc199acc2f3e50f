"""A city in a thread of the test's process, so that a test can let anybody in; and what a program sends to it."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from datetime import timedelta
from pathlib import Path

import httpx2
import uvicorn

from kitamae.app import Kitamae
from kitamae.directory.lock import Lock
from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.settings import Settings


def free_port():
    """One of this machine on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Town:
    """A city in a thread of this process, so that a test can let anybody in."""

    def __init__(self, data: Path, city: Path, **chosen: object) -> None:
        self.loop = asyncio.new_event_loop()
        self.ready, self.over = threading.Event(), asyncio.Event()
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.thread = threading.Thread(target=self._run, args=(data, city, port, chosen), daemon=True)
        self.thread.start()
        assert self.ready.wait(60)

    def _run(self, data: Path, city: Path, port: int, chosen: dict[str, object]) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve(data, city, port, chosen))

    async def _serve(self, data: Path, city: Path, port: int, chosen: dict[str, object]) -> None:
        settings = Settings.chosen(data=data, city=city, **{"worker": False, **chosen})
        with Lock(data) as lock:
            self.kitamae = Kitamae(settings, lock, address=self.address)
            async with self.kitamae.running():
                server = uvicorn.Server(
                    uvicorn.Config(self.kitamae, "127.0.0.1", port, lifespan="off", log_level="error")
                )
                serving = asyncio.create_task(server.serve())
                while not server.started:
                    await asyncio.sleep(0.05)
                self.ready.set()
                await self.over.wait()
                server.should_exit = True
                await serving

    def do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def session(self, ref, role, assurance):
        secret, _ = self.do(self.kitamae.city.people.admit(ref, role, assurance))
        return httpx2.Client(base_url=self.address, cookies={"kitamae_session": secret}), secret

    def stop(self):
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(60)


def send(client, at, page="", /, **fields):
    shown = client.get(page or at)
    csrf = re.search(r'name="csrf" value="([^"]+)"', shown.text)
    answer = client.post(
        at, data={"csrf": csrf[1], **fields}, headers={"Origin": str(client.base_url).rstrip("/")}
    )
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def day_before():
    """Yesterday in Japan."""
    return (days.of(clock.now()) - timedelta(days=1)).isoformat()
