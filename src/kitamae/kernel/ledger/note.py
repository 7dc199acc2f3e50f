"""Signed notes: C2SP signed-note. A text, and signature lines that name who signed it.

Keys are written as `<name>+<key id>+<base64 of algorithm and public key>` (a vkey); the secret half, as Go's
`golang.org/x/mod/sumdb/note` writes it, is `PRIVATE+KEY+<name>+<key id>+<base64 of algorithm and seed>`.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kitamae.kernel.ledger.refusals import Malformed, NotSigned

if TYPE_CHECKING:
    from collections.abc import Iterable

ED25519: Final = 0x01
COSIGNATURE_V1: Final = 0x04
"""A timestamped Ed25519 cosignature (C2SP tlog-cosignature): 8 bytes of time before the signature."""

MOST_BYTES: Final = 64 * 1024
MOST_SIGNATURES: Final = 100
_DASH: Final = "\u2014 "
_SECRET: Final = "PRIVATE+KEY+"  # noqa: S105 what such a key begins with, not one
_LENGTHS: Final = {ED25519: 64, COSIGNATURE_V1: 72}


def demand_name(name: str) -> str:
    """A key's name: not empty, without spaces and `+`. Raises Malformed."""
    if not name or "+" in name or any(one.isspace() or ord(one) < 0x20 for one in name):
        raise Malformed(f"{name!r:.80} is no name of a key: it has no spaces and no +")
    return name


def b64(text: str) -> bytes:
    """Base64 in its one canonical form. Raises Malformed."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if base64.b64encode(data).decode("ascii") != text:
        raise Malformed(f"{text[:80]!r} is not base64")
    return data


@dataclass(frozen=True, slots=True)
class Signature:
    """One line: who signed by which key, and what the key's algorithm left."""

    name: str
    key: bytes  # four bytes
    data: bytes

    @property
    def line(self) -> str:
        """As it stands in the note, its newline included."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key + self.data).decode('ascii')}\n"


@dataclass(frozen=True)
class Key:
    """Whose signatures are believed. `algorithm` says what is signed: the text, or the text at a time."""

    name: str
    public: bytes
    algorithm: int = ED25519

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Raises Malformed, also for an algorithm that is not known here."""
        name, _, rest = vkey.strip().partition("+")
        id, _, material = rest.partition("+")
        data = b64(material)
        key = cls(demand_name(name), data[1:], data[0] if data else 0)
        if key.algorithm not in _LENGTHS or len(key.public) != 32:
            raise Malformed(f"the key of {name} is of a kind that is not known here: Ed25519 (1 and 4) are")
        if key.id.hex() != id:
            raise Malformed(f"the key of {name} does not have the id {id!r:.20}: it was not copied whole")
        return key

    @cached_property
    def id(self) -> bytes:
        """Four bytes."""
        return sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """As text, for other people's configuration."""
        material = base64.b64encode(bytes([self.algorithm]) + self.public).decode("ascii")
        return f"{self.name}+{self.id.hex()}+{material}"

    def made(self, signature: Signature) -> bool:
        """Whether it says that this key made it."""
        return signature.name == self.name and signature.key == self.id

    def verify(self, text: str, signature: Signature) -> None:
        """Raises NotSigned."""
        data = signature.data
        if len(data) != _LENGTHS[self.algorithm]:
            raise NotSigned(f"the signature of {self.name} has {len(data)} bytes")
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(data[-64:], self._message(text, data))
        except (InvalidSignature, ValueError) as error:
            raise NotSigned(f"the signature of {self.name} is wrong") from error

    def _message(self, text: str, data: bytes) -> bytes:
        if self.algorithm == COSIGNATURE_V1:
            return cosigned(text, int.from_bytes(data[:8], "big"))
        return text.encode()


def cosigned(text: str, at: int) -> bytes:
    """What a v1 cosignature signs: the text of a checkpoint at a time (seconds since 1970)."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


class Signer:
    """The secret half of a key."""

    def __init__(self, name: str, seed: bytes, algorithm: int = ED25519) -> None:
        """`seed`: 32 bytes."""
        self._secret = Ed25519PrivateKey.from_private_bytes(seed)
        self._seed = seed
        self.key = Key(demand_name(name), self._secret.public_key().public_bytes_raw(), algorithm)

    @classmethod
    def generate(cls, name: str, algorithm: int = ED25519) -> Self:
        """A new one."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw(), algorithm)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises Malformed."""
        if not text.startswith(_SECRET):
            raise Malformed("that is not the secret key of a note: it begins with PRIVATE+KEY+")
        name, _, rest = text.strip().removeprefix(_SECRET).partition("+")
        id, _, material = rest.partition("+")
        data = b64(material)
        if len(data) != 33 or data[0] not in _LENGTHS:
            raise Malformed("that secret key is of a kind that is not known here")
        signer = cls(name, data[1:], data[0])
        if signer.key.id.hex() != id:
            raise Malformed("that secret key is damaged: its id is another")
        return signer

    @property
    def text(self) -> str:
        """What is kept in a file that nobody else may read."""
        material = base64.b64encode(bytes([self.key.algorithm]) + self._seed).decode("ascii")
        return f"{_SECRET}{self.key.name}+{self.key.id.hex()}+{material}\n"

    def sign(self, text: str, at: int = 0) -> Signature:
        """`at`: seconds since 1970, for a cosignature."""
        key = self.key
        if key.algorithm == COSIGNATURE_V1:
            data = at.to_bytes(8, "big") + self._secret.sign(cosigned(text, at))
        else:
            data = self._secret.sign(text.encode())
        return Signature(key.name, key.id, data)


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Raises Malformed."""
        if len(data) > MOST_BYTES:
            raise Malformed(f"a note of {len(data)} bytes: {MOST_BYTES} are taken")
        try:
            whole = data.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("a note is UTF-8") from None
        if any(one < " " and one != "\n" for one in whole):
            raise Malformed("a note has no control characters")
        text, blank, lines = whole.rpartition("\n\n")
        if not blank or not text or not lines.endswith("\n"):
            raise Malformed("a note is a text, an empty line, and lines of signatures")
        parts = lines[:-1].split("\n")
        if len(parts) > MOST_SIGNATURES:
            raise Malformed(f"a note with {len(parts)} signatures: {MOST_SIGNATURES} are taken")
        return cls(text + "\n", tuple(_signature(one) for one in parts))

    @property
    def data(self) -> bytes:
        """As it is sent."""
        return f"{self.text}\n{''.join(one.line for one in self.signatures)}".encode()

    def signed_by(self, keys: Iterable[Key]) -> list[tuple[Key, Signature]]:
        """The signatures of these keys, each once; other people's are not looked at.

        Raises NotSigned where one of these keys' is wrong: such a note is believed in nothing. An empty list: none signed.
        """
        found: dict[Key, Signature] = {}
        for key in keys:
            for signature in self.signatures:
                if key.made(signature):
                    key.verify(self.text, signature)
                    found.setdefault(key, signature)
        return list(found.items())


def signatures(lines: bytes) -> list[Signature]:
    """Signature lines by themselves, as a witness answers. Raises Malformed."""
    try:
        text = lines.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("signature lines are UTF-8") from None
    if len(lines) > MOST_BYTES or not text.endswith("\n"):
        raise Malformed("expected lines of signatures")
    return [_signature(one) for one in text[:-1].split("\n")]


def _signature(line: str) -> Signature:
    name, space, material = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise Malformed(f"{line[:80]!r} is no line of a signature")
    data = b64(material)
    if len(data) < 5:
        raise Malformed(f"the signature of {name[:80]} is cut off")
    return Signature(demand_name(name), data[:4], data[4:])
