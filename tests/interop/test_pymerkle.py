"""pymerkle, a Merkle tree that other people wrote: the city's log is the same tree, and its proofs hold there."""

from __future__ import annotations

import base64
import json
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from pymerkle import InclusionProof, InmemoryTree, InvalidProof
from running import PYTHON, served

SIZE = 700


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:
        found: bytes = answer.read()
    return found


def append(address: str, token: str, count: int, start: int) -> None:
    sent = [{"register": "wells", "statement": {"番号": n}} for n in range(start, start + count)]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/ledger/entries", json.dumps(sent).encode(), headers)
    number = json.loads(urllib.request.urlopen(request, timeout=30).read())["numbers"][-1]
    for _ in range(200):
        try:
            get(f"{address}/ledger/entries/{number}")
        except urllib.error.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("it was not published")


def checkpoint(signed: bytes) -> tuple[int, bytes]:
    lines = signed.decode().split("\n")
    return int(lines[1]), base64.b64decode(lines[2])


def entries(address: str, size: int) -> list[bytes]:
    found = []
    for bundle in range(-(-size // 256)):
        width = min(256, size - 256 * bundle)
        part = "" if width == 256 else f".p/{width}"
        data = get(f"{address}/ledger/tile/entries/{bundle:03}{part}")
        while data:
            end = 2 + int.from_bytes(data[:2], "big")
            found.append(data[2:end])
            data = data[end:]
    return found


def test_the_log_is_the_tree_that_pymerkle_makes_of_its_entries_and_its_proofs_hold_there(
    tmp_path: Path,
) -> None:
    with served(tmp_path / "data") as address:
        command = [PYTHON, "-m", "kitamae", "token", "create", "registers", "operate:system:ledger"]
        made = subprocess.run(
            [*command, "--data", tmp_path / "data"], capture_output=True, text=True, check=True
        )
        token = next(word for word in made.stdout.split() if word.startswith("kitamae_token_"))
        heads = []
        for count in (1, 255, 1, SIZE - 257):
            append(address, token, count, len(heads))
            heads.append(checkpoint(get(f"{address}/ledger/checkpoint")))
        assert [size for size, _ in heads] == [1, 256, 257, SIZE]
        tree: Any = InmemoryTree(algorithm="sha256")
        for entry in entries(address, SIZE):
            tree.append_entry(entry)
        for size, root in heads:
            assert tree.get_state(size) == root
        for index in (0, 1, 255, 256, 300, 511, 512, SIZE - 1):
            theirs = tree.prove_inclusion(index + 1, SIZE)
            head, _, signed = get(f"{address}/ledger/proof/{index}").partition(b"\n\n")
            lines = head.decode().split("\n")
            assert lines[:2] == ["c2sp.org/tlog-proof@v1", f"index {index}"]
            size, root = checkpoint(signed)
            leaf = tree.get_leaf(index + 1)
            path = [leaf, *(base64.b64decode(line) for line in lines[2:])]
            proof = InclusionProof("sha256", True, size, index + 1, theirs.rule, path)
            proof.verify(leaf, root, index=index + 1, size=SIZE)
            with pytest.raises(InvalidProof):
                proof.verify(
                    tree.get_leaf(index + 2 if index == 0 else index), root, index=index + 1, size=SIZE
                )
