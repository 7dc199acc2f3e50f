"""What only this city may read again: small encrypted notes, in a browser's cookie or in the store.

The key lies in a file of its own (`seal.key`, 32 random bytes, for its owner alone), never in the store: whoever has a copy
of the database reads nothing of this, and a browser can neither read nor change the note that it carries.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import stat
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kitamae.kernel.context import clock
from kitamae.kernel.people.jose import encrypted
from kitamae.kernel.people.jose.encoding import BadToken, members
from kitamae.kernel.people.jose.keys import Key, Keys
from kitamae.kernel.problems import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIZE: Final = 32
_BELIEVED: Final = frozenset({"dir", "A256GCM"})
_SECOND: Final = 1_000_000


class WrongSeal(Unavailable):
    """The file with the key is missing, is not safe, or is not the one that the city was sealed with."""

    title = "What this city sealed cannot be opened"


class Seal:
    """Every purpose has a key of its own, so a note that was written for one is nothing to another."""

    def __init__(self, file: Path, now: Callable[[], int] = clock.now) -> None:
        """`file` is made when something is sealed for the first time; several workers share one file."""
        self._file = file
        self._now = now
        self._keys: dict[str, Key] = {}
        self._secret = b""

    def write(self, purpose: str, content: dict[str, Any], seconds: int | None = None) -> str:
        """A sealed note, safe in a cookie and in an address. `seconds`: how long it can be read; None: for ever."""
        until = None if seconds is None else self._now() // _SECOND + seconds
        note = json.dumps({"until": until, "content": content}, separators=(",", ":")).encode()
        return encrypted.encrypt(note, self._key(purpose, make=True))

    def read(self, purpose: str, sealed: str) -> dict[str, Any]:
        """What was written. Raises BadToken for a note that is not ours, for something else, changed, or too old; WrongSeal."""
        note = members(encrypted.decrypt(sealed, Keys((self._key(purpose, make=False),)), _BELIEVED))
        if note["until"] is not None and note["until"] <= self._now() // _SECOND:
            raise BadToken("it has expired")
        content: dict[str, Any] = note["content"]
        return content

    def mark(self, purpose: str, text: bytes, *, make: bool = False) -> bytes:
        """32 bytes by which we know again what we said (HMAC-SHA256). `make`: the key too, where there is none. Raises WrongSeal."""
        self._secret = self._secret or self._load(make=make)
        derive = HKDF(hashes.SHA256(), SIZE, salt=None, info=b"kitamae mark " + purpose.encode())
        return hmac.digest(derive.derive(self._secret), text, "sha256")

    def _key(self, purpose: str, *, make: bool) -> Key:
        if purpose not in self._keys:
            self._secret = self._secret or self._load(make=make)
            derive = HKDF(hashes.SHA256(), SIZE, salt=None, info=b"kitamae seal " + purpose.encode())
            self._keys[purpose] = Key.secret(derive.derive(self._secret))
        return self._keys[purpose]

    def _load(self, *, make: bool) -> bytes:
        if make and not self._file.exists():
            self._make()
        try:
            with self._file.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                found = file.read(SIZE + 1)
        except OSError as wrong:
            raise WrongSeal(f"{self._file}: {wrong.strerror}") from None
        if not stat.S_ISREG(mode) or mode & 0o077:
            raise WrongSeal(f"{self._file} can be read by others than its owner: chmod 600 it")
        if len(found) != SIZE:
            raise WrongSeal(f"{self._file} does not hold {SIZE} bytes: it is not a key of this city")
        return found

    def _make(self) -> None:
        """Complete or not at all, and only once, whoever else makes one."""
        partial = self._file.with_name(f".{self._file.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(SIZE))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(partial, self._file)
        except FileExistsError:
            pass
        finally:
            partial.unlink()
