"""A backup is one tar file, taken while the city is served, in this order:

1. `kitamae.db`  a consistent copy of the state at one moment;
2. `history/`, `blobs/`, `ledger/`  afterwards, so that every file that the state refers to is already there;
3. `seal.key`  where the backup is encrypted, and only then: without it the restored state lacks its pseudonyms;
4. `manifest.json`  last, with the SHA-256 of each file: a backup that was cut off has none and is refused.

`keys.db` is never in it: whoever restores personal data needs the keys' own, short-lived backup as well. Nor is `ledger.key`:
a log that went on from an older backup would be a fork, so a restore without the key begins a new one (decision 0084).
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import tarfile
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae import __version__
from kitamae.directory import sealing
from kitamae.directory.layout import FOLDERS
from kitamae.kernel.context import clock
from kitamae.kernel.problems import BadRequest, Conflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from kitamae.directory.layout import Layout
    from kitamae.directory.sealing import Recipient
    from kitamae.kernel.context.store import Store

MANIFEST: Final = "manifest.json"
STATE: Final = "kitamae.db"
SEAL: Final = "seal.key"
FORMAT: Final = 1


class Measured(io.RawIOBase):
    """Reads through to a file and keeps the digest of what went by."""

    def __init__(self, inner: BinaryIO) -> None:
        self._inner = inner
        self.sum = hashlib.sha256()

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """As a file."""
        part = self._inner.read(size)
        self.sum.update(part)
        return part


async def backup(store: Store, layout: Layout, to: Path, recipients: Sequence[str] = ()) -> dict[str, Any]:
    """Write `to`, complete or not at all; returns the manifest. Raises Conflict when `to` is there already.

    `recipients`: age public keys; only who has one of their identities can read the file.
    """
    partial = await asyncio.to_thread(_claim, to)
    copy = layout.root / f".backup-{os.getpid()}-{clock.now()}.db"
    try:
        await store.backup(str(copy))
        return await asyncio.to_thread(_pack, layout, copy, partial, to, sealing.recipients(recipients))
    finally:
        for left in (copy, partial):
            left.unlink(missing_ok=True)


def _claim(to: Path) -> Path:
    """Where it is written until it is complete. Raises Conflict, BadRequest."""
    if to.exists():
        raise Conflict(f"{to} is already there; a backup replaces nothing")
    if not to.parent.is_dir():
        raise BadRequest(f"there is no folder {to.parent}")
    return to.with_name(to.name + ".partial")


def _pack(
    layout: Layout, state: Path, partial: Path, to: Path, recipients: Sequence[Recipient]
) -> dict[str, Any]:
    files: dict[str, str] = {}
    zipped = to.name.removesuffix(".age").endswith((".gz", ".tgz"))
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        with tarfile.open(
            fileobj=out, **({"mode": "w:gz", "compresslevel": 1} if zipped else {"mode": "w"})
        ) as tar:
            sealed = [(SEAL, layout.seal)] if recipients else []
            for name, path in chain([(STATE, state)], _kept(layout), sealed):
                try:
                    file = path.open("rb")
                except (
                    FileNotFoundError
                ):  # a partial tile of the ledger, in whose place the full one came; nothing was sealed yet
                    continue
                with file:
                    # of this file, whatever takes its place meanwhile
                    info = tar.gettarinfo(arcname=name, fileobj=file)
                    info.uname = info.gname = ""
                    measured = Measured(file)
                    tar.addfile(info, measured)
                files[name] = measured.sum.hexdigest()
            manifest = {
                "format": FORMAT,
                "kitamae": __version__,
                "at": clock.text(clock.now()),
                "files": files,
            }
            text = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
            info = tarfile.TarInfo(MANIFEST)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
        out.flush()
        os.fsync(out.fileno())
    if recipients:
        sealing.seal(partial, recipients)
    partial.rename(to)
    return manifest


def _kept(layout: Layout) -> Iterator[tuple[str, Path]]:
    for folder in sorted(FOLDERS, key=("history", "blobs", "ledger").index):
        root = layout.root / folder
        yield from _files(layout, sorted(root.glob("*")))
        # looked for only now: a checkpoint is packed before the tiles that it speaks of
        yield from _files(layout, sorted(path for path in root.rglob("*") if path.parent != root))


def _files(layout: Layout, paths: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    for path in paths:
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(layout.root)), path
