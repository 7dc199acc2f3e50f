"""What is logged of a record about a person: a commitment, from which nothing can be learnt and nothing found again.

    leaf = SHA-256(DOMAIN || salt || canonical record)

The salt is random, of its own for every leaf, and lies where it can be erased (the vault). Whoever has record and salt
can prove that the leaf is theirs. With the salt gone the leaf is blind: it says nothing about anybody any more, not
even to somebody who guesses the record, and every proof of the log stays valid.
"""

from __future__ import annotations

import base64
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import orjson

from kitamae.kernel.ledger.refusals import Malformed, NotProved

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.store import Transaction

DOMAIN: Final = b"kitamae/ledger/commitment/v1\0"
SALT: Final = 32
"""Bytes. Always as many: so no record can be read as part of the salt."""


def salt() -> bytes:
    """A new one."""
    return secrets.token_bytes(SALT)


def canonical(record: Json) -> bytes:
    """The one form in which a record is committed to: JSON in UTF-8, names in order, no spaces, no floating point.

    Raises ValueError for a float: two programs may write the same one differently.
    """
    _demand_exact(record)
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def commit(salt: bytes, record: bytes) -> bytes:
    """The leaf, 32 bytes. Raises ValueError for a salt of another length."""
    if len(salt) != SALT:
        raise ValueError(f"a salt is of {SALT} bytes")
    return sha256(DOMAIN + salt + record).digest()


async def log(tx: Transaction, record: Json) -> tuple[int, str]:
    """Commit to the record in the ledger, within a transaction: the number of the leaf, and the salt that opens it (base64)."""
    made = salt()
    return await tx.log(commit(made, canonical(record))), base64.b64encode(made).decode()


def opened(leaf: bytes, salt: bytes, record: bytes) -> None:
    """Verify that the leaf is a commitment to this record. Raises NotProved."""
    if len(salt) != SALT or not secrets.compare_digest(commit(salt, record), leaf):
        raise NotProved("that record and salt are not what the leaf commits to")


def reopened(extra: bytes) -> bytes:
    """The leaf, made again from what a person keeps beside a proof: JSON with `committed` (the record) and `salt` (base64).

    Raises Malformed.
    """
    try:
        told = orjson.loads(extra)
        return commit(base64.b64decode(told["salt"], validate=True), canonical(told["committed"]))
    except (ValueError, TypeError, KeyError) as error:
        raise Malformed("what stands beside the proof is not a record with its salt") from error


def _demand_exact(value: Json) -> None:
    if isinstance(value, float):
        raise ValueError("a record that is committed to holds no floating point: write it as text")
    if isinstance(value, dict):
        for one in value.values():
            _demand_exact(one)
    elif isinstance(value, list):
        for one in value:
            _demand_exact(one)
