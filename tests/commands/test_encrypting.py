"""`kitamae encrypt` and `decrypt`, as a pipe uses them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pyrage
import pytest
from served_city import KITAMAE

PLAIN = os.urandom(300_000)  # several pieces of age's


def piped(given: bytes, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*KITAMAE, *map(str, arguments)],
        input=given, capture_output=True, timeout=120, check=False, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.fixture
def identity(tmp_path: Path) -> tuple[str, Path]:
    """A public key, and the file with its identity as age-keygen writes it."""
    made = pyrage.x25519.Identity.generate()
    file = tmp_path / "identity.txt"
    file.write_text(f"# public key: {made.to_public()}\n{made}\n")
    return str(made.to_public()), file


def test_what_was_encrypted_comes_back_for_each_recipient_and_what_was_cut_off_says_so(
    identity: tuple[str, Path], tmp_path: Path
) -> None:
    to, file = identity
    other = pyrage.x25519.Identity.generate()
    sealed = piped(PLAIN, "encrypt", KITAMAE_BACKUP_TO=f"{to}, {other.to_public()}")
    assert (sealed.returncode, sealed.stderr) == (0, b"")
    assert PLAIN[:32] not in sealed.stdout
    assert pyrage.decrypt(sealed.stdout, [other]) == PLAIN  # another program of age's
    back = piped(sealed.stdout, "decrypt", "--identity", file)
    assert (back.returncode, back.stdout == PLAIN) == (0, True)

    for damaged in (sealed.stdout[:-100], sealed.stdout[:-1] + b"\x00\x00", b"no file of age's"):
        refused = piped(damaged, "decrypt", "--identity", file)
        assert refused.returncode == 1
        assert PLAIN.startswith(refused.stdout)
        assert len(refused.stdout) < len(PLAIN)
        assert refused.stderr.startswith(b"kitamae: ")
    stranger = tmp_path / "stranger.txt"
    stranger.write_text(str(pyrage.x25519.Identity.generate()))
    refused = piped(sealed.stdout, "decrypt", "--identity", stranger)
    assert (refused.returncode, refused.stdout) == (1, b"")


def test_without_a_recipient_nothing_is_written() -> None:
    for arguments in (["encrypt"], ["encrypt", "--to", "age1nobody"]):
        refused = piped(b"secret", *arguments, KITAMAE_BACKUP_TO="")
        assert (refused.returncode, refused.stdout) == (1, b"")
