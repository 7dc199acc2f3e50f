"""A tree as files: C2SP tlog-tiles. Which tiles there are, how they are named, and what is in them.

tile/0/x001/x234/067        256 hashes of leaves; at level 1 and above, each of a full tile below
tile/0/x001/x234/067.p/5    the same, with only five: the last of a tree whose size is no multiple of 256
tile/entries/067            the leaves themselves, each behind its length in two bytes

Full ones never change. A partial one is there for every size that a checkpoint was signed for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, Self, TypeAlias

from kitamae.kernel.ledger import merkle
from kitamae.kernel.ledger.refusals import Malformed

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
ENTRIES: Final = -1
"""The level of entry bundles."""
MOST_ENTRY: Final = 0xFFFF
MOST_SIZE: Final = (1 << 63) - 1
"""A log's size fits into a signed integer of 64 bits everywhere."""

_PATH: Final = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


class Tile(NamedTuple):
    """`width` hashes (or entries) of one level. `level` ENTRIES: a bundle."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it is, below the log's prefix."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        digits = f"{self.number:03}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        name = "/".join([*("x" + one for one in groups[:-1]), groups[-1]])
        return f"tile/{level}/{name}" + ("" if self.width == WIDTH else f".p/{self.width}")

    def within(self, size: int) -> bool:
        """Whether the tree of that size, or one before it, has this tile."""
        return self.width <= width(self.level, self.number, size)

    @classmethod
    def at(cls, path: str) -> Self:
        """The tile of a path. Raises Malformed for one that no tile has."""
        found = _PATH.fullmatch(path)
        if found is not None:
            level = ENTRIES if found[1] == "entries" else int(found[1])
            width = int(found[3] or WIDTH)
            tile = cls(level, int(found[2].replace("/", "").replace("x", "")), width)
            if level < 64 and (width < WIDTH) == (found[3] is not None) and tile.path == path:
                return tile
        raise Malformed(f"no tile is called {path[:80]!r}")


Read: TypeAlias = Callable[[Tile], bytes]
"""The bytes of a tile."""


def width(level: int, index: int, size: int) -> int:
    """How many hashes a tile has in the tree of that size; 0: it is not there."""
    height = HEIGHT * max(level, 0)
    return max(0, min(WIDTH, (size >> height) - index * WIDTH))


def of(size: int, before: int = 0) -> Iterator[Tile]:
    """All tiles and bundles of a tree, level by level; only those that the tree of `before` did not have."""
    yield from _of_level(ENTRIES, size, before)
    level = 0
    while size >> HEIGHT * level:
        yield from _of_level(level, size, before)
        level += 1


def _of_level(level: int, size: int, before: int) -> Iterator[Tile]:
    height = HEIGHT * max(level, 0)
    hashes, had = size >> height, before >> height
    for index in range(had // WIDTH, -(-hashes // WIDTH)):
        wide = width(level, index, size)
        if wide != width(level, index, before):
            yield Tile(level, index, wide)


def nodes(read: Read, size: int) -> merkle.Node:
    """The hashes of a tree from its tiles, each of which is read once."""
    kept: dict[Tile, bytes] = {}

    def node(level: int, index: int) -> bytes:
        up, height = divmod(level, HEIGHT)
        first = index << height
        at = Tile(up, first // WIDTH, width(up, first // WIDTH, size))
        data = kept.get(at)
        if data is None:
            data = kept[at] = read(at)
        hashes_ = hashes(data, at)
        start = first % WIDTH
        return merkle.fold(hashes_[start : start + (1 << height)])

    return node


def hashes(data: bytes, tile: Tile) -> list[bytes]:
    """What is in a tile. Raises Malformed where it is not as wide as its name says."""
    if len(data) != tile.width * merkle.SIZE:
        raise Malformed(
            f"{tile.path} has {len(data)} bytes, and {tile.width} hashes need {tile.width * merkle.SIZE}"
        )
    return [data[at : at + merkle.SIZE] for at in range(0, len(data), merkle.SIZE)]


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries as a bundle. Raises ValueError for one of more than MOST_ENTRY bytes."""
    if any(len(one) > MOST_ENTRY for one in entries):
        raise ValueError(f"an entry has at most {MOST_ENTRY} bytes")
    return b"".join(len(one).to_bytes(2, "big") + one for one in entries)


def entries(data: bytes, tile: Tile) -> list[bytes]:
    """What is in a bundle. Raises Malformed where it holds fewer or more than its name says."""
    found: list[bytes] = []
    at = 0
    while at < len(data) and len(found) < tile.width:
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise Malformed(f"{tile.path} ends in the midst of entry {len(found)}")
        found.append(data[at + 2 : end])
        at = end
    if at != len(data) or len(found) != tile.width:
        raise Malformed(f"{tile.path} does not hold exactly {tile.width} entries")
    return found
