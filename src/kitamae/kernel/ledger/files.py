"""A log's files in a folder: what is written is there whole, and durable, or not at all."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final

from kitamae.kernel.ledger.refusals import Malformed
from kitamae.kernel.ledger.tiles import ENTRIES, WIDTH, Tile, entries

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CHECKPOINT: Final = "checkpoint"
WITNESSED: Final = "witnessed"
"""The newest checkpoint that witnesses have cosigned."""
EARLIER: Final = "earlier"
"""Logs that ended, by number: see `log.py`."""
KEPT_PARTIAL: Final = 600.0
"""Seconds that partial tiles stay beside the full one: for who reads an older checkpoint, and for a backup."""


def sync(folder: Path) -> None:
    """What was renamed into it is durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def put(path: Path, data: bytes, beside: Path | None = None) -> None:
    """Whole or not at all; durable once its folder is. `beside`: where it is written until then."""
    part = (beside or path).with_name(f".{(beside or path).name}.part")
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


class Folder:
    """One log's. `root` is its prefix. One thread at a time writes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, name: str) -> bytes | None:
        """A note that is kept here."""
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError:
            return None

    def read(self, tile: Tile) -> bytes:
        """A tile; a partial one may have gone when the full one came. Raises Malformed, naming what is missing."""
        try:
            return (self.root / tile.path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            if tile.width == WIDTH:
                raise Malformed(f"{tile.path} is missing") from None
        return cut(self.read(tile._replace(width=WIDTH)), tile)

    def write(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """All of them, durable when it returns."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        touched: set[Path] = set()
        for tile, data in tiles:
            path = self.root / tile.path
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                touched.update(one for one in path.parents if one.is_relative_to(self.root))
            put(path, data, self.root)
            touched.add(path.parent)
        for folder in touched:
            sync(folder)

    def publish(self, name: str, data: bytes) -> None:
        """A note in the place of the one before; durable when it returns."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        put(self.root / name, data, self.root)
        sync(self.root)

    def prune_all(self) -> None:
        """Remove partial tiles beside full ones, wherever they are: what an earlier process has left."""
        for partial in (self.root / "tile").rglob("*.p"):
            if partial.with_suffix("").is_file():
                shutil.rmtree(partial)

    def prune(self, full: Tile) -> None:
        """Those beside this one."""
        shutil.rmtree(self.root / f"{full.path}.p", ignore_errors=True)

    def put_aside(self) -> Path:
        """A log has ended: its files go to where they stay readable."""
        ours = [one for one in self.root.iterdir() if one.name != EARLIER]
        earlier = self.root / EARLIER
        earlier.mkdir(exist_ok=True, mode=0o700)
        to = earlier / str(
            1 + max((int(one.name) for one in earlier.iterdir() if one.name.isdecimal()), default=0)
        )
        to.mkdir(mode=0o700)
        for one in sorted(
            ours, key=lambda path: path.name == CHECKPOINT
        ):  # what says that it is a log goes last
            one.rename(to / one.name)
        for folder in (to, earlier, self.root):
            sync(folder)
        return to


def cut(full: bytes, tile: Tile) -> bytes:
    """A partial tile, from the full one. Raises Malformed."""
    if tile.level != ENTRIES:
        return full[: tile.width * 32]
    kept = entries(full, tile._replace(width=WIDTH))[: tile.width]
    return b"".join(len(one).to_bytes(2, "big") + one for one in kept)
