"""The right edge of a tree: what is needed to add leaves to it, 255 hashes a level at most, and its root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from kitamae.kernel.ledger import merkle, tiles
from kitamae.kernel.ledger.refusals import NotProved
from kitamae.kernel.ledger.tiles import ENTRIES, WIDTH, Tile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kitamae.kernel.ledger.checkpoint import Checkpoint


class Edge:
    """Of a tree of `size`. It begins empty."""

    def __init__(self) -> None:
        self.size = 0
        self._entries: list[bytes] = []
        self._levels: list[list[bytes]] = []

    @classmethod
    def of(cls, head: Checkpoint, read: tiles.Read) -> Self:
        """From a log's files. Raises Malformed, and NotProved where they do not lead to the checkpoint's root."""
        edge = cls()
        edge.size = head.size
        level = 0
        while head.size >> tiles.HEIGHT * level:
            hashes: list[bytes] = []
            at = Tile(level, (head.size >> tiles.HEIGHT * level) // WIDTH)
            if wide := tiles.width(*at[:2], head.size):
                at = at._replace(width=wide)
                hashes = tiles.hashes(read(at), at)
            edge._levels.append(hashes)
            level += 1
        if wide := head.size % WIDTH:
            at = Tile(ENTRIES, head.size // WIDTH, wide)
            edge._entries = tiles.entries(read(at), at)
            if [merkle.leaf_hash(one) for one in edge._entries] != edge._levels[0]:
                raise NotProved(f"{at.path} does not hold what tile/0 says")
        if edge.root != head.root:
            raise NotProved(f"the last tiles do not lead to the root of the checkpoint of {head.size}")
        return edge

    @property
    def root(self) -> bytes:
        """Of the whole tree."""
        last: list[bytes] = []
        for hashes in self._levels:
            row = hashes + last
            last = [merkle.fold(row)] if row else []
        return last[0] if last else merkle.EMPTY

    def add(self, entry: bytes) -> Iterator[tuple[Tile, bytes]]:
        """One leaf more; the tiles that are full with it. They must be taken."""
        self._entries.append(entry)
        at = self.size // WIDTH
        self.size += 1
        if len(self._entries) == WIDTH:
            yield Tile(ENTRIES, at), tiles.bundle(self._entries)
            self._entries = []
        above = merkle.leaf_hash(entry)
        for level in range(64):
            if level == len(self._levels):
                self._levels.append([])
            hashes = self._levels[level]
            hashes.append(above)
            if len(hashes) < WIDTH:
                return
            at = (self.size >> tiles.HEIGHT * (level + 1)) - 1
            yield Tile(level, at), b"".join(hashes)
            above = merkle.fold(hashes)
            self._levels[level] = []

    def partial(self) -> Iterator[tuple[Tile, bytes]]:
        """The tiles at the edge that are not full."""
        if self._entries:
            yield Tile(ENTRIES, self.size // WIDTH, len(self._entries)), tiles.bundle(self._entries)
        for level, hashes in enumerate(self._levels):
            if hashes:
                at = (self.size >> tiles.HEIGHT * level) // WIDTH
                yield Tile(level, at, len(hashes)), b"".join(hashes)
