"""Wycheproof's vectors through the functions that the vault calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.people.vault import citykey
from kitamae.kernel.people.vault.problems import Tampered, WrongKey
from kitamae.kernel.people.vault.seal import Place, gcm_decrypt, gcm_encrypt, seal, unseal


def vectors(shared: Path, name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    told = json.loads((shared / "data" / "vectors" / "wycheproof" / name).read_text())
    return [(group, test) for group in told["testGroups"] for test in group["tests"]]


def test_aes_gcm_answers_wycheproofs_vectors_and_refuses_every_other_size(shared: Path) -> None:
    used = refused = 0
    for group, test in vectors(shared, "aes_gcm_test.json"):
        key, nonce, aad, plain, sealed = (
            bytes.fromhex(test[name]) for name in ("key", "iv", "aad", "msg", "ct")
        )
        sealed += bytes.fromhex(test["tag"])
        if (group["keySize"], group["ivSize"]) != (256, 96):
            refused += 1
            for do in (gcm_encrypt, gcm_decrypt):
                with pytest.raises(ValueError, match="expected a key of 32 bytes and a nonce of 12"):
                    do(key, nonce, plain, aad)
            continue
        used += 1
        if test["result"] == "valid":
            assert gcm_encrypt(key, nonce, plain, aad) == sealed
            assert gcm_decrypt(key, nonce, sealed, aad) == plain
        else:
            with pytest.raises(Tampered):
                gcm_decrypt(key, nonce, sealed, aad)
    assert (used, refused) == (66, 250)


def test_aes_kwp_answers_wycheproofs_vectors_and_refuses_every_other_size(shared: Path) -> None:
    used = refused = 0
    for group, test in vectors(shared, "aes_kwp_test.json"):
        key, plain, wrapped = (bytes.fromhex(test[name]) for name in ("key", "msg", "ct"))
        if group["keySize"] != 256:
            refused += 1
            with pytest.raises(ValueError, match="wrapping key of 32 bytes"):
                citykey.unwrap(key, wrapped)
            with pytest.raises(ValueError, match="wrapping key of 32 bytes"):
                citykey.wrap(key, plain)
            continue
        used += 1
        if test["result"] == "valid":
            assert citykey.wrap(key, plain) == wrapped
            assert citykey.unwrap(key, wrapped) == plain
        else:
            with pytest.raises(WrongKey):
                citykey.unwrap(key, wrapped)
    assert used > 0
    assert refused > 0


KEY = bytes(range(32))
places = st.builds(
    Place,
    *(st.sampled_from(["", "a", "ab", "町"]) for _ in range(5)),
    st.integers(0, 3),
)


@given(st.binary(max_size=200), places, places)
def test_a_ciphertext_opens_in_its_own_place_only(plain: bytes, here: Place, there: Place) -> None:
    sealed = seal(KEY, plain, here)
    assert unseal(KEY, sealed, here) == plain
    if here != there:
        with pytest.raises(Tampered):
            unseal(KEY, sealed, there)


@given(st.binary(max_size=60), st.data())
def test_a_ciphertext_with_any_bit_changed_or_cut_off_anywhere_is_refused(
    plain: bytes, data: st.DataObject
) -> None:
    here = Place("", "p", "r", "f", "c", 1)
    sealed = seal(KEY, plain, here)
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    flipped = bytearray(sealed)
    flipped[bit // 8] ^= 1 << bit % 8
    for wrong in (bytes(flipped), sealed[: data.draw(st.integers(0, len(sealed) - 1))], sealed + b"x"):
        with pytest.raises(Tampered):
            unseal(KEY, wrong, here)


@given(st.tuples(places, places))
def test_no_two_places_have_the_same_associated_data(two: tuple[Place, Place]) -> None:
    assert (two[0].associated() == two[1].associated()) == (two[0] == two[1])


def test_no_nonce_is_used_twice() -> None:
    here = Place("", "p", "r", "f", "c", 1)
    assert len({seal(KEY, b"", here)[1:13] for _ in range(5_000)}) == 5_000
