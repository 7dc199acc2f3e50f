"""Where files go outside: an address of fsspec's (a folder, sftp://, s3://). One that fails keeps no other from being written."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import fsspec
import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS: Final = 30.0
"""For everything of one time: what takes longer is tried anew, with what is true then."""
_RENAMED: Final = frozenset({"file", "local", "sftp", "ssh"})
_S3: Final = frozenset({"s3", "s3a"})
_KINDS: Final = {".html": "text/html; charset=utf-8", ".json": "application/json"}
_log = structlog.get_logger("kitamae")


class Target:
    """One place. `trouble` says, without a name of the place, that it could not be written the last time; "" for nothing."""

    def __init__(self, address: str, number: int = 0) -> None:
        """`address`: without `scheme://` a folder's path; secrets may stand in it, so only `number` and the scheme are ever told. Raises
        ValueError for a chain of addresses (`::`).
        """
        if "::" in address:
            raise ValueError(f"place {number}: expected one address of fsspec's, not a chain with ::")
        self.address = address
        self.shown = f"place {number} ({address.partition('://')[0] if '://' in address else 'folder'})"
        self.trouble = ""
        self._thread = ThreadPoolExecutor(1, "outside")  # one that hangs holds up itself alone
        self._going: asyncio.Future[None] | None = None

    async def put(self, files: Mapping[str, bytes]) -> bool:
        """In this order. Whether all of it is there."""
        if self._going is not None and not self._going.done():
            self.trouble = f"{self.shown}: still busy with what came before"
            return False
        loop = asyncio.get_running_loop()
        self._going = loop.run_in_executor(self._thread, self._write, files)
        try:
            async with asyncio.timeout(SECONDS):
                await asyncio.shield(self._going)
        except Exception as error:  # whatever a driver raises
            if not self.trouble:
                _log.error("what is kept outside is not written", target=self.shown, why=repr(error)[:300])
            self.trouble = f"{self.shown} cannot be written; the log says why"
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
            folder = path.rpartition("/")[0]
            if folder not in made and _renames(system):
                system.makedirs(folder, exist_ok=True)
                made.add(folder)
            if _renames(system):  # whole or not at all
                system.pipe_file(f"{path}.part", content)
                system.mv(f"{path}.part", path)
            elif _is(
                system, _S3
            ):  # whoever reads there is told this; without it a page is a file to take home
                system.pipe_file(path, content, ContentType=_KINDS[Path(name).suffix])
            else:
                system.pipe_file(path, content)


def _renames(system: Any) -> bool:
    return _is(system, _RENAMED)


def _is(system: Any, names: frozenset[str]) -> bool:
    protocol = system.protocol
    return not names.isdisjoint([protocol] if isinstance(protocol, str) else protocol)
