"""The city's key on a token: SoftHSM stands in for the HSM of a town hall."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kitamae.kernel.people.vault import hsm
from kitamae.kernel.people.vault.citykey import CityKey
from kitamae.kernel.people.vault.problems import VaultClosed, WrongKey

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> str:
    pkcs11 = pytest.importorskip("pkcs11", reason="the extra hsm is not installed")
    if not MODULE.exists() or not shutil.which("softhsm2-util"):
        pytest.skip("SoftHSM is not on this machine")
    place = tmp_path_factory.mktemp("softhsm")
    (place / "tokens").mkdir()
    (place / "softhsm2.conf").write_text(f"directories.tokendir = {place / 'tokens'}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(place / "softhsm2.conf"))
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", "kaga", "--pin", "1234", "--so-pin", "5678"],
            check=True,
            capture_output=True,
        )  # fmt: skip
        with pkcs11.lib(str(MODULE)).get_token(token_label="kaga").open(rw=True, user_pin="1234") as session:
            for label in ("city", "another"):
                session.generate_key(
                    pkcs11.KeyType.AES, 256, label=label, store=True,
                    template={pkcs11.Attribute.WRAP: True, pkcs11.Attribute.UNWRAP: True},
                )  # fmt: skip
        yield f"pkcs11:{MODULE}?token=kaga&pin=KITAMAE_PIN&wrapped={place / 'city.wrapped'}"


def test_a_city_key_wrapped_by_a_token_opens_with_it_alone(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITAMAE_PIN", "1234")
    keys = [CityKey.fresh(), CityKey.fresh()]
    hsm.write(token + "&key=city", keys)
    assert list(hsm.read(token + "&key=city")) == keys
    path = Path(token.partition("wrapped=")[2])
    assert not any(key.secret.hex() in path.read_text() for key in keys)
    with pytest.raises(VaultClosed, match="cannot be written"):
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
