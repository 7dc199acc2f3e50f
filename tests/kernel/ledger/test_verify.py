"""A whole log is verified from its files alone: whatever is changed, cut off or missing is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_logs import mth, tiled

from kitamae.kernel.ledger import verify
from kitamae.kernel.ledger.checkpoint import Checkpoint
from kitamae.kernel.ledger.note import COSIGNATURE_V1, Key, Note, Signer
from kitamae.kernel.ledger.policy import Policy
from kitamae.kernel.ledger.refusals import Malformed, NotProved, NotSigned
from kitamae.kernel.ledger.tiles import Tile

LOG = Signer.generate("city.example/ledger")
WITNESS = Signer.generate("neighbour.example/w", COSIGNATURE_V1)
POLICY = Policy.parse(f"witness a {WITNESS.key.vkey}\nquorum a")
LEAVES = [b"%d" % n * (n % 9) for n in range(600)]
HEAD = Checkpoint(LOG.key.name, 600, mth(LEAVES))
FILES = tiled(LEAVES)


def whole(files: dict[str, bytes], head: Checkpoint = HEAD, **more: Any) -> verify.Verified:
    def read(tile: Tile) -> bytes:
        if tile.path not in files:
            raise Malformed(f"{tile.path} is missing")
        return files[tile.path]

    signed = more.pop("signed", None) or head.signed([LOG]).data
    return verify.whole(signed, read, [LOG.key], **{"policy": Policy(), **more})


def test_a_log_as_it_should_be_is_verified_and_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    assert whole(FILES, progress=lambda *one: told.append(one)).head == HEAD
    assert told == [(256, 600), (512, 600), (600, 600)]


def test_tesseras_log_is_verified(shared: Path) -> None:
    folder = shared / "data" / "vectors" / "tessera-log"
    key = Key.parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
    for size in range(16):
        signed = (folder / f"checkpoint.{size}").read_bytes()
        found = verify.whole(signed, lambda tile: (folder / tile.path).read_bytes(), [key], policy=Policy())
        assert found.head.size == size


@settings(max_examples=60)
@given(st.sampled_from(sorted(FILES)), st.data())
def test_a_file_that_was_changed_or_cut_or_is_missing_is_named(path: str, draw: st.DataObject) -> None:
    data = FILES[path]
    how = draw.draw(st.sampled_from(["bit", "cut", "gone", "more"]))
    files = dict(FILES)
    if how == "gone":
        del files[path]
    elif how == "more":
        files[path] = data + b"\0"
    else:
        at = draw.draw(st.integers(0, len(data) - 1))
        files[path] = data[:at] + (
            bytes([data[at] ^ 1 << draw.draw(st.integers(0, 7))]) + data[at + 1 :] if how == "bit" else b""
        )
    with pytest.raises((Malformed, NotProved)) as refused:
        whole(files)
    number = path.rpartition("/0/")[2]
    assert path in refused.value.detail or number in refused.value.detail


def test_files_that_agree_with_each_other_and_not_with_the_checkpoint_are_refused() -> None:
    forked = [*LEAVES[:-1], b"another"]
    with pytest.raises(NotProved, match="root"):
        whole(tiled(forked))


def test_what_was_there_earlier_must_still_be_there() -> None:
    for size in (1, 255, 256, 257, 600):
        whole(FILES, since=Checkpoint(HEAD.origin, size, mth(LEAVES[:size])))
        with pytest.raises(NotProved, match="rewritten"):
            whole(FILES, since=Checkpoint(HEAD.origin, size, bytes(32)))
    with pytest.raises(NotProved, match="taken back"):
        whole(FILES, since=Checkpoint(HEAD.origin, 601, bytes(32)))
    with pytest.raises(NotProved, match="another one"):
        whole(FILES, since=Checkpoint("another", 1, mth(LEAVES[:1])))


def test_a_quorum_that_is_asked_for_must_have_cosigned_and_not_in_the_future() -> None:
    with pytest.raises(NotSigned, match="quorum"):
        whole(FILES, policy=POLICY)
    signed = Note(HEAD.text, (LOG.sign(HEAD.text), WITNESS.sign(HEAD.text, 1_000))).data
    assert [one.at for one in whole(FILES, policy=POLICY, signed=signed, now=1_000).cosigned] == [1_000]
    with pytest.raises(NotSigned, match="future"):
        whole(FILES, policy=POLICY, signed=signed, now=999)
    with pytest.raises(NotSigned):
        whole(FILES, signed=HEAD.signed([Signer.generate(HEAD.origin)]).data)
