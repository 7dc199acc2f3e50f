"""`kitamae up --open` in a process of its own, on one address for all its lives."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import struct
import subprocess
import sys
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent


class Server:
    """`up`, then `kill` and `up` as often as one likes; `down` ends it. `store`: where its state is; "": in `data`."""

    def __init__(self, data: Path, store: str = "", stream: str = "") -> None:
        self.data = data
        self.alive = asyncio.Event()
        self._more = [*(("--store", store) if store else ()), *(("--stream", stream) if stream else ())]
        self._clock = data.parent / f"{data.name}.clock"
        self.log = data.parent / f"{data.name}.log"
        self.step(0)
        self._process: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"http://127.0.0.1:{free.getsockname()[1]}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process, "the server is not up"
        return self._process

    async def up(self) -> None:
        """Start it and wait until it answers. Raises RuntimeError with its last words if it ends instead."""
        self.launch()
        while not await asyncio.to_thread(self._answers):
            if self.process.poll() is not None:
                raise RuntimeError(self.log.read_text()[-2000:])
            await asyncio.sleep(0.02)
        self.alive.set()

    def launch(self) -> None:
        """Start it and wait for nothing."""
        path = os.pathsep.join([str(HERE / "clock"), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "PYTHONPATH": path, "FAULTS_CLOCK": str(self._clock)}
        port = self.address.rpartition(":")[2]
        command = [sys.executable, "-m", "kitamae", "up", "--open", "--data", str(self.data), "--port", port]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([*command, *self._more], stdout=log, stderr=log, env=environment)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.address + "/health/live", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    async def kill(self) -> None:
        """As the power does."""
        self.alive.clear()
        self.process.kill()
        await asyncio.to_thread(self.process.wait)

    async def down(self) -> None:
        """As an operator does. Raises AssertionError if it does not end well."""
        self.alive.clear()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            code = await asyncio.to_thread(self._process.wait, 60)
            assert code == 0, f"the server ended with {code}; see {self.log}"

    def step(self, seconds: float) -> None:
        """Set its clock so far from the true time."""
        if not self._clock.exists():
            self._clock.write_bytes(bytes(8))
        with self._clock.open("r+b") as file:  # in place: the server has it mapped
            file.write(struct.pack("q", int(seconds * 1e6)))

    def most_bytes(self, size: int | None) -> None:
        """No file of the server may grow beyond `size`, as on a disk that is full; None: any size again."""
        limit = resource.RLIM_INFINITY if size is None else size
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
