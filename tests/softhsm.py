"""A token of SoftHSM, which stands in for the HSM of a town hall."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")


@contextmanager
def token(place: Path) -> Iterator[str]:
    """`kaga`, with nothing on it: its address but for `key`. The PIN is 1234, of KITAMAE_PIN. Skipped where there is no SoftHSM."""
    pytest.importorskip("pkcs11", reason="the extra hsm is not installed")
    if not MODULE.exists() or not shutil.which("softhsm2-util"):
        pytest.skip("SoftHSM is not on this machine")
    (place / "tokens").mkdir(exist_ok=True)
    (place / "softhsm2.conf").write_text(f"directories.tokendir = {place / 'tokens'}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(place / "softhsm2.conf"))
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", "kaga", "--pin", "1234", "--so-pin", "5678"],
            check=True,
            capture_output=True,
        )  # fmt: skip
        yield f"pkcs11:{MODULE}?token=kaga&pin=KITAMAE_PIN&wrapped={place / 'city.wrapped'}"
