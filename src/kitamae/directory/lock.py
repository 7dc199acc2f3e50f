"""One process per data directory, held by the operating system: a killed server leaves nothing to clean up."""

from __future__ import annotations

import fcntl
import json
import os
from typing import TYPE_CHECKING, Self

from kitamae.directory.layout import Layout
from kitamae.kernel.problems import Conflict

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


class InUse(Conflict):
    """Another process has the data directory open."""

    title = "The data directory is in use"


class Lock:
    """Held between `acquire` and `release`, or as a context manager."""

    def __init__(self, root: Path) -> None:
        self._layout = Layout(root)
        self._fd = -1

    def acquire(self) -> Self:
        """Raises InUse, naming who has it."""
        self._layout.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(self._layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise InUse(f"{self._layout.root} is in use by {holder(self._layout.root)}") from None
        self._fd = fd
        self.describe()
        return self

    def describe(self, address: str = "") -> None:
        """Write down who holds it, for whoever comes second."""
        text = json.dumps({"process": os.getpid(), "address": address}).encode()
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text, 0)

    def release(self) -> None:
        """Let go; safe to repeat."""
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def holder(root: Path) -> str:
    """`process 4711 (http://127.0.0.1:8080)`, as far as it is known."""
    try:
        said = json.loads(Layout(root).lock.read_bytes())
        where = f" ({said['address']})" if said["address"] else ""
        return f"process {said['process']}{where}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
