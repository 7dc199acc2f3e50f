"""Proofs about trees: the vectors of transparency-dev/merkle, and what holds for any tree."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_logs import mth, node

from kitamae.kernel.ledger import merkle
from kitamae.kernel.ledger.refusals import NotProved


def vectors(shared: Path, kind: str) -> list[tuple[str, dict[str, Any]]]:
    folder = shared / "data" / "vectors" / "merkle" / kind
    return [(str(path), json.loads(path.read_text("utf-8"))) for path in sorted(folder.rglob("*.json"))]


def told(vector: dict[str, Any], name: str) -> bytes:
    return base64.b64decode(vector[name] or "")


def holds(verify: Callable[..., None], *given: Any) -> bool:
    try:
        verify(*given)
    except NotProved:
        return False
    return True


def test_all_98_inclusion_proofs_are_judged_as_the_vectors_say(shared: Path) -> None:
    found = vectors(shared, "inclusion")
    assert len(found) == 98
    for name, vector in found:
        proof = [base64.b64decode(one) for one in vector["proof"] or ()]
        given = vector["leafIdx"], vector["treeSize"], told(vector, "leafHash"), proof, told(vector, "root")
        assert holds(merkle.included, *given) is not vector["wantErr"], name


def test_all_98_consistency_proofs_are_judged_as_the_vectors_say(shared: Path) -> None:
    found = vectors(shared, "consistency")
    assert len(found) == 98
    for name, vector in found:
        proof = [base64.b64decode(one) for one in vector["proof"] or ()]
        given = vector["size1"], vector["size2"], proof, told(vector, "root1"), told(vector, "root2")
        assert holds(merkle.consistent, *given) is not vector["wantErr"], name


leaves = st.lists(st.binary(max_size=4), min_size=1, max_size=70)


@given(leaves)
def test_the_root_is_that_of_the_definition(data: list[bytes]) -> None:
    assert merkle.fold([merkle.leaf_hash(one) for one in data]) == mth(data)
    assert merkle.subtree(node(data), 0, len(data)) == mth(data)


@given(leaves, st.data())
def test_every_leaf_of_every_tree_is_proved_and_no_flipped_bit_is(
    data: list[bytes], draw: st.DataObject
) -> None:
    size = len(data)
    index = draw.draw(st.integers(0, size - 1))
    proof = merkle.inclusion(node(data), index, size)
    leaf, root = merkle.leaf_hash(data[index]), mth(data)
    merkle.included(index, size, leaf, proof, root)
    parts = [leaf, root, *proof]
    at = draw.draw(st.integers(0, len(parts) - 1))
    parts[at] = flipped(parts[at], draw.draw(st.integers(0, 255)))
    with pytest.raises(NotProved):
        merkle.included(index, size, parts[0], parts[2:], parts[1])
    for wrong in (proof[:-1], [*proof, root]):
        if wrong != proof:
            with pytest.raises(NotProved):
                merkle.included(index, size, leaf, wrong, root)


@given(leaves, st.data())
def test_every_tree_continues_each_of_its_beginnings_and_no_flipped_bit_does(
    data: list[bytes], draw: st.DataObject
) -> None:
    size = len(data)
    old = draw.draw(st.integers(1, size))
    proof = merkle.consistency(node(data), old, size)
    before, root = mth(data[:old]), mth(data)
    merkle.consistent(old, size, proof, before, root)
    parts = [before, root, *proof]
    at = draw.draw(st.integers(0, len(parts) - 1))
    parts[at] = flipped(parts[at], draw.draw(st.integers(0, 255)))
    with pytest.raises(NotProved):
        merkle.consistent(old, size, parts[2:], parts[0], parts[1])


@given(leaves, st.data())
def test_a_log_that_was_rewritten_anywhere_does_not_continue_what_it_was(
    data: list[bytes], draw: st.DataObject
) -> None:
    old = draw.draw(st.integers(1, len(data)))
    at = draw.draw(st.integers(0, old - 1))
    forked = [*data[:at], data[at] + b"!", *data[at + 1 :]]
    proof = merkle.consistency(node(forked), old, len(forked))
    with pytest.raises(NotProved):
        merkle.consistent(old, len(forked), proof, mth(data[:old]), mth(forked))


def test_there_is_no_proof_of_what_is_not_in_the_tree() -> None:
    with pytest.raises(ValueError, match="no leaf 3"):
        merkle.inclusion(node([b"a", b"b", b"c"]), 3, 3)
    with pytest.raises(ValueError, match="does not begin"):
        merkle.consistency(node([b"a"]), 2, 1)


def flipped(data: bytes, bit: int) -> bytes:
    return bytes(one ^ (1 << bit % 8 if at == bit // 8 else 0) for at, one in enumerate(data))
