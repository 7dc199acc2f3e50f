"""Where files go outside: an address of fsspec's (a folder, sftp://, s3://). One that fails keeps no other from being written."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import fsspec
import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS: Final = 30.0
"""For everything of one time: what takes longer is tried anew, with what is true then."""
_RENAMED: Final = frozenset({"file", "local", "sftp", "ssh"})
_log = structlog.get_logger("kitamae")


class Target:
    """One place. `trouble` says what was wrong the last time; "" for nothing."""

    def __init__(self, address: str) -> None:
        """`address`: without it is a folder's path. Secrets stand in it or in the driver's own environment; `shown` has none."""
        self.address = address
        parts = urlsplit(address)
        self.shown = f"{parts.scheme}://{parts.hostname or ''}{parts.path}" if parts.scheme else address
        self.trouble = ""
        self._thread = ThreadPoolExecutor(1, "outside")  # one that hangs holds up itself alone
        self._going: asyncio.Future[None] | None = None
        self._there: set[str] = set()

    async def put(self, files: Mapping[str, bytes]) -> bool:
        """In this order; a name with a slash is of a file that never changes, and is written once. Whether all of it is there."""
        if self._going is not None and not self._going.done():
            self.trouble = f"{self.shown}: still busy with what came before"
            return False
        loop = asyncio.get_running_loop()
        self._going = loop.run_in_executor(self._thread, self._write, files)
        try:
            async with asyncio.timeout(SECONDS):
                await asyncio.shield(self._going)
        except Exception as error:  # whatever a driver raises
            why = f"{self.shown}: {type(error).__name__} {error}"[:300]
            if why != self.trouble:
                _log.error("what is kept outside is not written", target=self.shown, why=why)
            self.trouble = why
            return False
        if self.trouble:
            _log.info("what is kept outside is written again", target=self.shown)
        self.trouble = ""
        return True

    def close(self) -> None:
        """Waits for nothing."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _write(self, files: Mapping[str, bytes]) -> None:
        system, root = fsspec.core.url_to_fs(self.address)
        made: set[str] = set()
        for name, content in files.items():
            path = f"{root.rstrip('/')}/{name}"
            if "/" in name and name in self._there:
                continue
            folder = path.rpartition("/")[0]
            if folder not in made and _renames(system):
                system.makedirs(folder, exist_ok=True)
                made.add(folder)
            if _renames(system):  # whole or not at all
                system.pipe_file(f"{path}.part", content)
                system.mv(f"{path}.part", path)
            else:
                system.pipe_file(path, content)
            if "/" in name:
                self._there.add(name)


def _renames(system: Any) -> bool:
    protocol = system.protocol
    return not _RENAMED.isdisjoint([protocol] if isinstance(protocol, str) else protocol)
