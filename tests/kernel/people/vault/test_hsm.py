"""The city's key on a token: SoftHSM stands in for the HSM of a town hall."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import softhsm
from kitamae.kernel.people.vault import hsm
from kitamae.kernel.people.vault.citykey import CityKey
from kitamae.kernel.people.vault.problems import VaultClosed, WrongKey


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with softhsm.token(tmp_path_factory.mktemp("softhsm")) as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("KITAMAE_PIN", "1234")
        for label in ("city", "another"):
            assert hsm.make_wrapping(f"{address}&key={label}")
            assert not hsm.make_wrapping(f"{address}&key={label}"), "it is there already"
        yield address


def test_a_city_key_wrapped_by_a_token_opens_with_it_alone(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITAMAE_PIN", "1234")
    keys = [CityKey.fresh(), CityKey.fresh()]
    hsm.write(token + "&key=city", keys)
    assert list(hsm.read(token + "&key=city")) == keys
    path = Path(token.partition("wrapped=")[2])
    assert not any(key.secret.hex() in path.read_text() for key in keys)
    with pytest.raises(VaultClosed, match="never written over"):
        hsm.write(token + "&key=city", keys)
    with pytest.raises(WrongKey):
        hsm.read(token + "&key=another")
    with pytest.raises(VaultClosed):
        hsm.read(token + "&key=nothing")
    monkeypatch.setenv("KITAMAE_PIN", "9999")
    with pytest.raises(VaultClosed, match="PinIncorrect"):
        hsm.read(token + "&key=city")
    monkeypatch.delenv("KITAMAE_PIN")
    with pytest.raises(VaultClosed, match="KITAMAE_PIN"):
        hsm.read(token + "&key=city")


@pytest.mark.parametrize("address", ["pkcs11:", "pkcs11:/x.so", "pkcs11:/x.so?token=a&key=b&pin=c", "pkcs11:?token=a&key=b&pin=c&wrapped=d"])  # fmt: skip
def test_an_address_that_lacks_something_says_what_it_should_be(address: str) -> None:
    with pytest.raises(VaultClosed, match=r"expected pkcs11:MODULE"):
        hsm.read(address)
