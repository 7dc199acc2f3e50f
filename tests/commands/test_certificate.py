"""Kitamae speaks TLS with the operator's own certificate, and takes up a renewed one."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError
from served_city import Served

from kitamae.commands import certificate
from kitamae.kernel.problems import BadRequest
from kitamae.settings import Settings


def made(folder: Path, serial: int = 1) -> tuple[Path, Path]:
    """A certificate for localhost that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    shown = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(serial)
        .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    files = folder / "fullchain.pem", folder / "privkey.pem"
    files[0].write_bytes(shown.public_bytes(serialization.Encoding.PEM))
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    files[1].write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    return files


def test_pages_come_over_tls_and_tell_browsers_to_keep_to_it(
    tmp_path: Path, up: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate_file, key = made(tmp_path)
    monkeypatch.setenv("KITAMAE_TLS_CERTIFICATE", str(certificate_file))
    monkeypatch.setenv("KITAMAE_TLS_KEY", str(key))
    served = up()
    assert served.address.startswith("https://127.0.0.1:")
    trusting = ssl.create_default_context(cafile=str(certificate_file))
    address = served.address.replace("127.0.0.1", "localhost")
    with urllib.request.urlopen(address + "/sign-in", context=trusting) as answer:
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
    with pytest.raises(OSError, match=r"certificate verify failed|CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(address, context=ssl.create_default_context())
    with pytest.raises(OSError):
        urllib.request.urlopen(served.address.replace("https", "http"), timeout=5)


def config(app: None = None) -> uvicorn.Config:
    return uvicorn.Config("kitamae:__version__", lifespan="off", log_config=None)


async def test_a_renewed_certificate_is_taken_up_and_a_broken_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = made(tmp_path)
    settings = Settings(tls_certificate=files[0], tls_key=files[1])
    here = config()
    certificate.certified(here, settings)
    assert isinstance(here.ssl, ssl.SSLContext)
    loaded: list[Path] = []
    usual = here.ssl.load_cert_chain

    class Noted:
        def load_cert_chain(self, shown: Path, key: Path) -> None:
            usual(shown, key)
            loaded.append(shown)

    here.ssl = Noted()  # type: ignore[assignment]
    monkeypatch.setattr(certificate, "RENEWAL_SECONDS", 0.01)
    watching = asyncio.create_task(certificate.renewed(here, settings))
    await asyncio.sleep(0.1)
    assert loaded == []
    files[0].write_text("half of it")
    await asyncio.sleep(0.1)
    assert loaded == []
    made(tmp_path, serial=2)
    for _ in range(200):
        await asyncio.sleep(0.01)
        if loaded:
            break
    assert loaded
    assert not watching.done()
    watching.cancel()


def test_half_of_a_certificate_or_a_wrong_one_is_refused_at_the_start(tmp_path: Path) -> None:
    files = made(tmp_path)
    with pytest.raises(ValidationError, match="belong together"):
        Settings(tls_certificate=files[0])
    with pytest.raises(ValidationError, match="https"):
        Settings(tls_certificate=files[0], tls_key=files[1], public_url="http://city.example.jp")
    other = tmp_path / "other"
    other.mkdir()
    for key in (made(other)[1], tmp_path / "nowhere"):
        with pytest.raises(BadRequest, match="cannot be used"):
            certificate.certified(config(), Settings(tls_certificate=files[0], tls_key=key))
