"""Tiles: which there are, what they are called, what is in them; and a log that Tessera wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_logs import mth, tiled

from kitamae.kernel.ledger import checkpoint, merkle, tiles
from kitamae.kernel.ledger.note import Key
from kitamae.kernel.ledger.refusals import Malformed, NotSigned
from kitamae.kernel.ledger.tiles import ENTRIES, Tile

TESSERA = "data/vectors/tessera-log"
TESSERA_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"


@pytest.mark.parametrize("size", range(16))
def test_each_of_tesseras_checkpoints_is_signed_and_its_root_is_that_of_its_tiles(
    shared: Path, size: int
) -> None:
    folder = shared / TESSERA
    head, _ = checkpoint.opened((folder / f"checkpoint.{size}").read_bytes(), [Key.parse(TESSERA_KEY)])
    assert (head.origin, head.size) == ("example.com/log/testdata", size)

    def read(tile: Tile) -> bytes:
        return (folder / tile.path).read_bytes()

    found = [
        one for tile in tiles.of(size) if tile.level == ENTRIES for one in tiles.entries(read(tile), tile)
    ]
    assert mth(found) == head.root
    assert merkle.subtree(tiles.nodes(read, size), 0, size) == head.root
    assert tiled(found) == {tile.path: read(tile) for tile in tiles.of(size)}
    for old in range(1, size):
        before, _ = checkpoint.opened((folder / f"checkpoint.{old}").read_bytes(), [Key.parse(TESSERA_KEY)])
        proof = merkle.consistency(tiles.nodes(read, size), old, size)
        merkle.consistent(old, size, proof, before.root, head.root)


def test_tesseras_checkpoint_is_not_believed_with_another_key_or_for_another_log(shared: Path) -> None:
    data = (shared / TESSERA / "checkpoint").read_bytes()
    key = Key.parse(TESSERA_KEY)
    with pytest.raises(NotSigned):
        checkpoint.opened(data, [Key(key.name, bytes(32))])
    with pytest.raises(NotSigned):
        checkpoint.opened(data, [key], "example.com/another")
    with pytest.raises(NotSigned):
        checkpoint.opened(data.replace(b"\n15\n", b"\n16\n"), [key])


def test_a_tile_is_named_as_the_specification_says() -> None:
    assert Tile(0, 1_234_067).path == "tile/0/x001/x234/067"
    assert Tile(ENTRIES, 0, 5).path == "tile/entries/000.p/5"
    assert Tile(2, 999).path == "tile/2/999"
    assert Tile(2, 1_000).path == "tile/2/x001/000"


def test_a_tree_of_70_000_and_one_of_256_have_the_tiles_of_the_specifications_examples() -> None:
    of = [tile for tile in tiles.of(70_000) if tile.level != ENTRIES]
    assert sum(tile.level == 0 and tile.width == 256 for tile in of) == 273
    assert [tile for tile in of if tile.width < 256] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert sum(tile.level == 1 for tile in of) == 2
    assert list(tiles.of(256)) == [Tile(ENTRIES, 0), Tile(0, 0), Tile(1, 0, 1)]


@given(st.integers(-1, 63), st.integers(0, 10**15), st.integers(1, 256))
def test_every_name_of_a_tile_is_read_back(level: int, number: int, width: int) -> None:
    tile = Tile(level, number, width)
    assert Tile.at(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    ["", "tile", "tile/0", "tile/64/000", "tile/00/000", "tile/0/0", "tile/0/x000/000", "tile/0/001/002",
     "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/-1/000", "tile/0/000/",
     "tile/0/../000", "tile/0/٠٠٠", "tile/entries/1000", "tile/0/000\n", "/tile/0/000"],
)  # fmt: skip
def test_what_is_no_tiles_name_is_refused(path: str) -> None:
    with pytest.raises(Malformed):
        Tile.at(path)


@given(st.text("tile/0123x.p-entries\n", max_size=30))
def test_any_text_is_a_tiles_one_name_or_refused(path: str) -> None:
    try:
        tile = Tile.at(path)
    except Malformed:
        return
    assert tile.path == path


sizes = st.integers(0, 200_000)


@given(sizes, sizes)
def test_what_a_tree_adds_to_a_smaller_one_are_the_tiles_that_the_smaller_one_did_not_have(
    a: int, b: int
) -> None:
    before, size = sorted((a, b))
    assert set(tiles.of(size, before)) == set(tiles.of(size)) - set(tiles.of(before))


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_entries_are_read_back_from_their_bundle_and_not_from_a_piece_of_it(entries: list[bytes]) -> None:
    data = tiles.bundle(entries)
    tile = Tile(ENTRIES, 0, len(entries))
    assert tiles.entries(data, tile) == entries
    for wrong in (data[:-1], data + b"\0", data[1:]):
        try:
            assert tiles.entries(wrong, tile) != entries
        except Malformed:
            continue


@given(st.binary(max_size=600), st.integers(1, 256))
def test_any_bytes_are_a_bundle_or_refused(data: bytes, width: int) -> None:
    tile = Tile(ENTRIES, 0, width)
    try:
        found = tiles.entries(data, tile)
    except Malformed:
        return
    assert tiles.bundle(found) == data
    assert len(found) == width


def test_an_entry_that_a_bundle_cannot_hold_is_refused() -> None:
    tiles.bundle([bytes(tiles.MOST_ENTRY)])
    with pytest.raises(ValueError, match="at most"):
        tiles.bundle([bytes(tiles.MOST_ENTRY + 1)])


def test_a_tile_of_hashes_that_is_cut_off_is_refused() -> None:
    assert len(tiles.hashes(bytes(64), Tile(0, 0, 2))) == 2
    with pytest.raises(Malformed, match=r"tile/0/000\.p/3"):
        tiles.hashes(bytes(64), Tile(0, 0, 3))
