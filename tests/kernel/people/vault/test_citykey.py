"""The city's key from a file: what is refused, and that nothing of it is told."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.people.vault import citykey
from kitamae.kernel.people.vault.citykey import CityKey
from kitamae.kernel.people.vault.problems import KeyExposed, VaultClosed


def test_a_key_is_written_for_its_owner_alone_and_read_back(tmp_path: Path) -> None:
    keys = (CityKey.fresh(), CityKey.fresh())
    citykey.write(tmp_path / "city.key", keys)
    assert citykey.read(tmp_path / "city.key") == keys
    assert (tmp_path / "city.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(VaultClosed, match="never written over"):
        citykey.write(tmp_path / "city.key", keys)
    assert [path.name for path in tmp_path.iterdir()] == ["city.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_can_read_is_refused_and_the_sentence_says_what_to_do(
    tmp_path: Path, mode: int
) -> None:
    citykey.write(tmp_path / "city.key", [CityKey.fresh()])
    (tmp_path / "city.key").chmod(mode)
    with pytest.raises(KeyExposed, match=r"chmod 600 .*city\.key"):
        citykey.read(tmp_path / "city.key")


def test_what_is_no_key_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "city.key"
    with pytest.raises(VaultClosed, match="cannot be read"):
        citykey.read(path)
    key = CityKey.fresh()
    for text in (
        "",
        "hello",
        citykey.MARK,
        key.text()[:-1],
        key.text() + " x",
        key.text() * 2,
        "\x00" * 50,
        "鍵",
    ):
        path.write_text(text)
        path.chmod(0o600)
        with pytest.raises(VaultClosed):
            citykey.read(path)
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(VaultClosed):
        citykey.read(link)


@given(st.binary(min_size=32, max_size=32), st.data())
def test_a_letter_that_was_copied_wrongly_is_never_taken_for_the_same_key(
    secret: bytes, data: st.DataObject
) -> None:
    key = CityKey.of(secret)
    assert citykey.parse(key.text(), "x") == (key,)
    assert secret.hex() not in repr(key)
    place = data.draw(st.integers(len(citykey.MARK) + 1, len(key.text()) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_=+/ "))
    wrong = key.text()[:place] + letter + key.text()[place + 1 :]
    if wrong != key.text():
        with contextlib.suppress(VaultClosed):
            (found,) = citykey.parse(wrong, "x")
            assert found.id != key.id
