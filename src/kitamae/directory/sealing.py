"""A backup that only its recipients can read: the age format (age-encryption.org/v1), so that other programs open it too.

The server knows recipients (public keys) alone: whoever takes the server cannot read the backups that it made.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeAlias

from kitamae.kernel.problems import BadRequest, StoreFull

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Recipient: TypeAlias = Any
"""`pyrage.x25519.Recipient`; the library has no types of its own."""

_HEAD: Final = b"age-encryption.org/v1\n"


class Unreadable(BadRequest):
    """An encrypted backup that this identity does not open."""

    title = "That backup cannot be opened"


def recipients(texts: Sequence[str]) -> list[Recipient]:
    """Raises BadRequest for what is no public key of age."""
    import pyrage

    found = []
    for text in texts:
        try:
            found.append(pyrage.x25519.Recipient.from_str(text))
        except pyrage.RecipientError as error:
            raise BadRequest(f"KITAMAE_BACKUP_TO: expected age1..., got {text!r:.20} ({error})") from None
    return found


def seal(path: Path, to: Sequence[Recipient]) -> None:
    """Encrypt a file in its place; the plain one is gone then. Raises StoreFull."""
    sealed = path.with_name(path.name + ".age")
    try:
        with (
            path.open("rb") as plain,
            os.fdopen(os.open(sealed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out,
        ):
            seal_stream(plain, out, to)
            os.fsync(out.fileno())
        sealed.replace(path)
    except OSError as error:
        raise StoreFull(f"the encrypted backup could not be written: {error.strerror}") from error
    finally:
        sealed.unlink(missing_ok=True)


def seal_stream(plain: BinaryIO, out: BinaryIO, to: Sequence[Recipient]) -> None:
    """Encrypt what is read, piece by piece. Raises StoreFull."""
    import pyrage

    try:
        pyrage.encrypt_io(plain, out, to)
        out.flush()
    except OSError as error:
        raise StoreFull(f"the encrypted backup could not be written: {error.strerror or error}") from error


@contextmanager
def opened(file: Path, folder: Path, identity: str | None) -> Iterator[Path]:
    """The file to unpack: itself where it is not encrypted; `identity` is AGE-SECRET-KEY-1..., or the file that holds it.

    The plain one lies in `folder` for as long as it is unpacked. Raises Unreadable, StoreFull.
    """
    try:
        with file.open("rb") as start:
            encrypted = start.read(len(_HEAD)) == _HEAD
    except OSError:
        encrypted = False  # `_unpack` says what is wrong with it
    if not encrypted:
        yield file
        return
    plain = folder / f".opened-{os.getpid()}.tar"
    try:
        _open(file, plain, identities(identity))
        yield plain
    finally:
        plain.unlink(missing_ok=True)


def _open(file: Path, plain: Path, found: Sequence[Any]) -> None:
    try:
        with (
            file.open("rb") as sealed,
            os.fdopen(os.open(plain, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out,
        ):
            open_stream(sealed, out, found, str(file))
    except OSError as error:
        raise StoreFull(f"{file} could not be opened: {error.strerror}") from error


def open_stream(sealed: BinaryIO, out: BinaryIO, found: Sequence[Any], name: str) -> None:
    """Decrypt what is read, piece by piece: only pieces that are whole and unchanged are written. `found`: identities.

    Raises Unreadable, also at the end, for one that was cut off; StoreFull.
    """
    import pyrage

    try:
        pyrage.decrypt_io(sealed, out, found)
        out.flush()
    except pyrage.DecryptError as error:
        raise Unreadable(
            f"{name}: this identity does not open it, or it was cut off or changed ({error})"
        ) from None
    except OSError as error:
        if error.errno is None:  # so the library says that a part of the file was changed
            raise Unreadable(f"{name} is damaged: {error}") from None
        raise StoreFull(f"{name} could not be opened: {error.strerror}") from error


def identities(text: str | None) -> list[Any]:
    """Of a text (AGE-SECRET-KEY-1...), or of the file that it names. Raises Unreadable."""
    import pyrage

    if not text:
        raise Unreadable("the backup is encrypted: name the identity that opens it (--identity FILE)")
    if not text.startswith("AGE-SECRET-KEY-"):
        try:
            text = Path(text).read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise Unreadable(f"the identity cannot be read: {error}") from None
    lines = [line.strip() for line in text.splitlines()]
    try:
        return [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except pyrage.IdentityError:
        raise Unreadable("expected an identity of age, AGE-SECRET-KEY-1...") from None
