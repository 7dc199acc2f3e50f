"""Logs in memory, for tests."""

from __future__ import annotations

from collections.abc import Sequence

from kitamae.kernel.ledger import merkle, tiles
from kitamae.kernel.ledger.tiles import ENTRIES, Tile


def mth(leaves: Sequence[bytes]) -> bytes:
    """The definition of RFC 6962, section 2.1, word by word."""
    if not leaves:
        return merkle.EMPTY
    if len(leaves) == 1:
        return merkle.leaf_hash(leaves[0])
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return merkle.node_hash(mth(leaves[:k]), mth(leaves[k:]))


def tiled(leaves: Sequence[bytes]) -> dict[str, bytes]:
    """All files of a log but its checkpoint, by the definition of tlog-tiles, word by word."""
    files = {}
    for tile in tiles.of(len(leaves)):
        if tile.level == ENTRIES:
            start = tile.number * 256
            data = tiles.bundle(leaves[start : start + tile.width])
        else:
            span = 256**tile.level
            first = tile.number * 256
            data = b"".join(
                mth(leaves[(first + i) * span : (first + i + 1) * span]) for i in range(tile.width)
            )
        files[tile.path] = data
    return files


def node(leaves: Sequence[bytes]) -> merkle.Node:
    """From the tiles of a log of these leaves."""
    files = tiled(leaves)

    def read(tile: Tile) -> bytes:
        return files[tile.path]

    return tiles.nodes(read, len(leaves))
