"""AES-256-GCM (NIST SP 800-38D), bound to the place where the ciphertext is kept.

The associated data names the tenant, the person, the record, the field and the key's class and version, each with its
length before it, so that a ciphertext is accepted in that one place only: moved to another field, record, person or
version it is as wrong as one that was changed.

A nonce is 96 random bits. A counter would repeat after a restore of yesterday's backup, which sets it back; random ones
do not. A person's key seals far fewer than 2³² values (SP 800-38D, 8.3): with a million of them a nonce repeats with a
probability below 2⁻⁵⁶.
"""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kitamae.kernel.people.vault.problems import Tampered

KEY: Final = 32
NONCE: Final = 12
TAG: Final = 16
_FORM: Final = b"\x01"
_DOMAIN: Final = b"kitamae vault 1"


class Place(NamedTuple):
    """Where a ciphertext is kept: it opens nowhere else."""

    tenant: str
    person: str
    record: str
    field: str
    klass: str
    version: int

    def associated(self) -> bytes:
        """Associated data: no two places have the same."""
        parts = [
            _DOMAIN,
            *(part.encode() for part in self[:5]),
            self.version.to_bytes(8, "big"),
        ]
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def gcm_encrypt(key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
    """Ciphertext and its tag of 16 bytes. Raises ValueError for a key or a nonce of another size than is used here."""
    if len(key) != KEY or len(nonce) != NONCE:
        raise ValueError(f"expected a key of {KEY} bytes and a nonce of {NONCE}")
    return AESGCM(key).encrypt(nonce, plain, associated)


def gcm_decrypt(key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
    """Raises Tampered, and ValueError for a key or a nonce of another size than is used here."""
    if len(key) != KEY or len(nonce) != NONCE:
        raise ValueError(f"expected a key of {KEY} bytes and a nonce of {NONCE}")
    try:
        return AESGCM(key).decrypt(nonce, sealed, associated)
    except InvalidTag:
        raise Tampered("stored personal data was changed, cut off or moved from another place") from None


def seal(key: bytes, plain: bytes, place: Place) -> bytes:
    """Form (1 byte), nonce (12), ciphertext, tag (16)."""
    nonce = os.urandom(NONCE)
    return _FORM + nonce + gcm_encrypt(key, nonce, plain, place.associated())


def unseal(key: bytes, sealed: bytes, place: Place) -> bytes:
    """Raises Tampered. Called by `reading.py` and `resealing.py` alone: an architecture test holds that."""
    if len(sealed) < 1 + NONCE + TAG or sealed[:1] != _FORM:
        raise Tampered("stored personal data was cut off, or is of a form that this version does not know")
    return gcm_decrypt(key, sealed[1 : 1 + NONCE], sealed[1 + NONCE :], place.associated())
