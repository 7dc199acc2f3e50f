"""A tree's head, signed: C2SP tlog-checkpoint. Origin, size, root."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from kitamae.kernel.ledger import merkle
from kitamae.kernel.ledger.note import Note, b64
from kitamae.kernel.ledger.refusals import Malformed, NotSigned
from kitamae.kernel.ledger.tiles import MOST_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.ledger.note import Key, Signer


def number(text: str) -> int:
    """A decimal number without leading zeroes. Raises Malformed."""
    if not (text.isascii() and text.isdigit()) or (text[:1] == "0" and text != "0") or len(text) > 19:
        raise Malformed(f"{text[:80]!r} is no size of a tree")
    found = int(text)
    if found > MOST_SIZE:
        raise Malformed(f"a tree of {text} leaves is none")
    return found


def sha(text: str) -> bytes:
    """A hash in base64. Raises Malformed."""
    data = b64(text)
    if len(data) != merkle.SIZE:
        raise Malformed(f"{text[:80]!r} is no hash")
    return data


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: with so many leaves, this is my root. `extension`: further lines, which nobody checks."""

    origin: str
    size: int
    root: bytes
    extension: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is signed."""
        root = base64.b64encode(self.root).decode("ascii")
        return "".join(f"{line}\n" for line in (self.origin, str(self.size), root, *self.extension))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises Malformed."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise Malformed("a checkpoint has three lines: the log's origin, its size, its root")
        return cls(lines[0], number(lines[1]), sha(lines[2]), tuple(lines[3:-1]))

    def signed(self, signers: Iterable[Signer]) -> Note:
        """By the log's keys."""
        return Note(self.text, tuple(one.sign(self.text) for one in signers))


def opened(data: bytes, keys: Iterable[Key], origin: str | None = None) -> tuple[Checkpoint, Note]:
    """A checkpoint that one of the log's keys has signed. `origin`: that of the log, where it is known.

    Raises Malformed, NotSigned.
    """
    note = Note.parse(data)
    checkpoint = Checkpoint.parse(note.text)
    if origin is not None and checkpoint.origin != origin:
        raise NotSigned(f"this is the log {checkpoint.origin[:200]}, and not {origin}")
    if not note.signed_by(keys):
        raise NotSigned(f"none of the log's keys has signed this checkpoint of {checkpoint.origin[:200]}")
    return checkpoint, note
