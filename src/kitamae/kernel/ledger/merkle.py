"""The Merkle tree of RFC 6962, section 2.1: hashes, and the two proofs. Nothing here reads anything or knows of tiles.

A hash is 32 bytes of SHA-256. A leaf's index counts from 0. An *inclusion proof* shows that a leaf is in a tree, a
*consistency proof* that a tree begins with all of another one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

from kitamae.kernel.ledger.refusals import NotProved

SIZE: Final = 32
EMPTY: Final = sha256(b"").digest()
"""The root of the tree without leaves."""

Node: TypeAlias = Callable[[int, int], bytes]
"""(level, index) -> the hash over the leaves from `index << level` to before `(index + 1) << level`."""


def leaf_hash(data: bytes) -> bytes:
    """Of what was logged."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Of two neighbours."""
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over leaves' hashes."""
    if not hashes:
        return EMPTY
    row = list(hashes)
    while len(row) > 1:
        above = [node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
        row = above + row[len(row) & ~1 :]
    return row[0]


def subtree(node: Node, start: int, end: int) -> bytes:
    """MTH(D[start:end]) where `start` is a place at which RFC 6962 splits a tree."""
    if start == end:
        return EMPTY
    level = (end - start).bit_length() - 1
    if end - start == 1 << level:
        return node(level, start >> level)
    middle = start + (1 << level)
    return node_hash(node(level, start >> level), subtree(node, middle, end))


def _split(start: int, end: int) -> int:
    return start + (1 << ((end - start - 1).bit_length() - 1))


def inclusion(node: Node, index: int, size: int) -> list[bytes]:
    """The proof, from the leaf's sibling to the root's child. Raises ValueError for a leaf that is not in the tree."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            path.append(subtree(node, middle, end))
            end = middle
        else:
            path.append(subtree(node, start, middle))
            start = middle
    return path[::-1]


def consistency(node: Node, old: int, size: int) -> list[bytes]:
    """The proof that the tree of `size` begins with that of `old`. Raises ValueError for an old one that is larger."""
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {size} does not begin with one of {old}")
    if old in (0, size):
        return []
    path: list[bytes] = []
    start, end = 0, size
    while end != old:
        middle = _split(start, end)
        if old <= middle:
            path.append(subtree(node, middle, end))
            end = middle
        else:
            path.append(subtree(node, start, middle))
            start = middle
    if start:  # else it is the old root itself, which whoever asks has
        path.append(subtree(node, start, end))
    return path[::-1]


def included(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Verify that the leaf of this hash is at `index` in the tree of `size` and `root`. Raises NotProved."""
    if not 0 <= index < size:
        raise NotProved(f"there is no leaf {index} in a tree of {size}")
    _demand_hashes(leaf, root, *proof)
    inner = (index ^ (size - 1)).bit_length()
    border = (index >> inner).bit_count()
    _demand_length(proof, inner + border)
    if _left(_inner(leaf, proof[:inner], index), proof[inner:]) != root:
        raise NotProved(f"leaf {index} is not in the tree of {size} with that root")


def consistent(old: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes) -> None:
    """Verify that the tree of `size` and `root` begins with that of `old` and `old_root`. Raises NotProved."""
    if not 0 <= old <= size:
        raise NotProved(f"a tree of {size} does not begin with one of {old}")
    if not old:
        raise NotProved(
            "every tree begins with the empty one: that says nothing, and there is no proof of it"
        )
    if old == size:
        _demand_length(proof, 0)
        if old_root != root:
            raise NotProved(f"two different trees of {size}: the log is forked")
        return
    _demand_hashes(old_root, root, *proof)
    shift = (old & -old).bit_length() - 1
    inner = ((old - 1) ^ (size - 1)).bit_length() - shift
    border = ((old - 1) >> (inner + shift)).bit_count()
    begun = 0 if old == 1 << shift else 1
    _demand_length(proof, begun + inner + border)
    seed = proof[0] if begun else old_root
    path = proof[begun:]
    index = (old - 1) >> shift
    if _left(_right(seed, path[:inner], index), path[inner:]) != old_root:
        raise NotProved(f"the proof does not lead to the tree of {old}")
    if _left(_inner(seed, path[:inner], index), path[inner:]) != root:
        raise NotProved(f"the tree of {size} does not begin with that of {old}: the log is forked")


def _inner(seed: bytes, path: Sequence[bytes], index: int) -> bytes:
    for level, other in enumerate(path):
        seed = node_hash(other, seed) if index >> level & 1 else node_hash(seed, other)
    return seed


def _right(seed: bytes, path: Sequence[bytes], index: int) -> bytes:
    """Only what lies to the left: the tree as it was."""
    for level, other in enumerate(path):
        if index >> level & 1:
            seed = node_hash(other, seed)
    return seed


def _left(seed: bytes, path: Sequence[bytes]) -> bytes:
    for other in path:
        seed = node_hash(other, seed)
    return seed


def _demand_hashes(*hashes: bytes) -> None:
    if any(len(one) != SIZE for one in hashes):
        raise NotProved(f"a hash is of {SIZE} bytes")


def _demand_length(proof: Sequence[bytes], length: int) -> None:
    if len(proof) != length:
        raise NotProved(f"the proof has {len(proof)} hashes, and {length} are needed")
