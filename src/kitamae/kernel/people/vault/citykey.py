"""The city's key (key-encryption key): 256 bits that wrap every person's keys, and never touch data themselves.

It comes from a file that only its owner may read, from an environment variable, or from an HSM (`hsm.py`). The text is
`kitamae-city-key-1` and 43 letters of base64url; of several the first wraps and the others still open, which is how it
is rotated while everything is served.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import keywrap

from kitamae.kernel.people.vault.problems import KeyExposed, VaultClosed, WrongKey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SIZE: Final = 32
MARK: Final = "kitamae-city-key-1"
_MOST_BYTES: Final = 10_000


@dataclass(frozen=True, slots=True)
class CityKey:
    """`id` names the key without telling anything of it; it stands beside everything that the key wrapped."""

    id: str
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> CityKey:
        """Raises VaultClosed for anything but 32 bytes."""
        if len(secret) != SIZE:
            raise VaultClosed(f"a city key has {SIZE} bytes, this one has {len(secret)}")
        return cls(hashlib.sha256(b"kitamae city key id\0" + secret).hexdigest()[:16], secret)

    @classmethod
    def fresh(cls) -> CityKey:
        """A new one."""
        return cls.of(os.urandom(SIZE))

    def text(self) -> str:
        """One line of a key file."""
        return f"{MARK} {base64.urlsafe_b64encode(self.secret).rstrip(b'=').decode()}"


def wrap(secret: bytes, key: bytes) -> bytes:
    """AES key wrap with padding (RFC 5649) under a 256-bit key. Raises ValueError for any other size of key."""
    if len(secret) != SIZE:
        raise ValueError(f"expected a wrapping key of {SIZE} bytes")
    return keywrap.aes_key_wrap_with_padding(secret, key)


def unwrap(secret: bytes, wrapped: bytes) -> bytes:
    """Raises WrongKey where it was not this key that wrapped it, or it was changed since; ValueError as `wrap`."""
    if len(secret) != SIZE:
        raise ValueError(f"expected a wrapping key of {SIZE} bytes")
    try:
        return keywrap.aes_key_unwrap_with_padding(secret, wrapped)
    except keywrap.InvalidUnwrap:
        raise WrongKey(
            "the city's key does not open a person's key: it is another key, or keys.db was changed"
        ) from None


def parse(text: str, source: str) -> tuple[CityKey, ...]:
    """The keys in a file or a variable, the one that wraps first. Raises VaultClosed naming `source`, never its content."""
    words = text.split()
    keys: list[CityKey] = []
    if not words or len(words) % 2:
        raise VaultClosed(f"{source}: expected `{MARK}` and 43 letters, once or several times")
    for mark, letters in zip(words[::2], words[1::2], strict=True):
        try:
            if mark != MARK or len(letters) != 43:
                raise ValueError
            key = CityKey.of(base64.b64decode(letters + "=", altchars=b"-_", validate=True))
        except (ValueError, binascii.Error, VaultClosed):
            raise VaultClosed(
                f"{source}: expected `{MARK}` and 43 letters, once or several times; one of them is something else"
            ) from None
        if key.text() != f"{mark} {letters}":
            raise VaultClosed(
                f"{source}: the last letter of a key is not what it should be: was it copied whole?"
            )
        keys.append(key)
    return tuple(dict.fromkeys(keys))


def read(path: Path) -> tuple[CityKey, ...]:
    """Raises KeyExposed, VaultClosed."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise VaultClosed(f"the city's key {path} cannot be read: {error.strerror}") from error
    with os.fdopen(fd, "rb") as file:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            raise VaultClosed(f"{path} is no file")
        if about.st_mode & 0o077:
            raise KeyExposed(
                f"{path} can be read by others on this machine (mode {about.st_mode & 0o777:o}): chmod 600 {path}, and"
                " rotate the key if somebody may have read it (kitamae keys rotate)"
            )
        if about.st_uid not in (os.getuid(), 0):
            raise KeyExposed(f"{path} belongs to another user of this machine, who can change it")
        text = file.read(_MOST_BYTES)
    try:
        return parse(text.decode("ascii"), str(path))
    except UnicodeDecodeError:
        raise VaultClosed(f"{path}: that is no key file") from None


def write(path: Path, keys: Sequence[CityKey], *, replace: bool = False) -> None:
    """See `put`."""
    put(path, [key.text() for key in keys], replace=replace)


def stamp(path: Path) -> tuple[int, ...] | None:
    """Another one as soon as the file is replaced; None: it is not there."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_ino, about.st_size, about.st_mtime_ns


def aside(path: Path, key: CityKey) -> Path:
    """Where what `path` held is set aside after a rotation: `key` wrapped until then."""
    return path.with_name(f"{path.name}.{key.id}.old")


def put(path: Path, lines: Sequence[str], *, replace: bool = False) -> None:
    """Whole or not at all, readable for the owner alone. Raises VaultClosed where something is there already."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        if replace:
            partial.replace(path)
        else:
            os.link(partial, path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        raise VaultClosed(f"{path} is there already: a key is never written over") from None
    except OSError as error:
        raise VaultClosed(f"the key could not be written to {path}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
