"""A whole log, from its files alone: every tile, every entry, the checkpoint, its cosignatures.

The files are made again from the entries and compared byte by byte; the first that differs is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kitamae.kernel.ledger import checkpoint, merkle, tiles
from kitamae.kernel.ledger.cosignature import cosigned
from kitamae.kernel.ledger.edge import Edge
from kitamae.kernel.ledger.refusals import NotProved, NotSigned
from kitamae.kernel.ledger.tiles import ENTRIES, WIDTH, Tile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.ledger.checkpoint import Checkpoint
    from kitamae.kernel.ledger.cosignature import Cosigned
    from kitamae.kernel.ledger.note import Key
    from kitamae.kernel.ledger.policy import Policy


class Verified(NamedTuple):
    """What is proved."""

    head: Checkpoint
    cosigned: list[Cosigned]


def whole(
    signed: bytes,
    read: tiles.Read,
    keys: Sequence[Key],
    *,
    policy: Policy,
    since: Checkpoint | None = None,
    now: int | None = None,
    progress: Callable[[int, int], None] = lambda done, size: None,
) -> Verified:
    """`signed`: the log's checkpoint; `keys`: of the log; `since`: what this log said earlier, which it must continue.

    `now` in seconds since 1970. `progress` is told how many entries of how many are done. Raises Malformed, NotSigned, NotProved.
    """
    head, note = checkpoint.opened(signed, keys)
    seen = cosigned(note, policy.keys, now)
    if not policy.met([one.witness for one in seen]):
        raise NotSigned(f"{len(seen)} of the policy's witnesses have cosigned: its quorum asks for more")
    if since is not None and (since.origin != head.origin or since.size > head.size):
        raise NotProved(
            f"earlier this log was {since.origin} with {since.size} entries, and now it is {head.origin} with"
            f" {head.size}: it was taken back, or it is another one"
        )
    edge = Edge()
    _continues(edge, since)
    for number in range(-(-head.size // WIDTH)):
        bundle = Tile(ENTRIES, number, tiles.width(ENTRIES, number, head.size))
        leaves = Tile(0, number, bundle.width)
        entries, hashes = tiles.entries(read(bundle), bundle), tiles.hashes(read(leaves), leaves)
        for at, (entry, hash) in enumerate(zip(entries, hashes, strict=True)):
            if merkle.leaf_hash(entry) != hash:
                raise NotProved(
                    f"{bundle.path} and {leaves.path} contradict each other on entry {number * WIDTH + at}"
                )
            for tile, data in edge.add(entry):
                if tile.level > 0:
                    _demand_same(tile, data, read(tile))
            _continues(edge, since)
        progress(edge.size, head.size)
    for tile, data in edge.partial():
        if tile.level > 0:
            _demand_same(tile, data, read(tile))
    if edge.root != head.root:
        raise NotProved(f"the {head.size} entries do not lead to the root that the log has signed")
    return Verified(head, seen)


def _continues(edge: Edge, since: Checkpoint | None) -> None:
    if since is not None and edge.size == since.size and edge.root != since.root:
        raise NotProved(f"the first {since.size} entries are not what they were: the log was rewritten")


def _demand_same(tile: Tile, expected: bytes, found: bytes) -> None:
    told = tiles.hashes(found, tile)
    for at in range(tile.width):
        if told[at] != expected[at * merkle.SIZE : (at + 1) * merkle.SIZE]:
            raise NotProved(f"{tile.path}: hash {at} is not that of the tile below")
