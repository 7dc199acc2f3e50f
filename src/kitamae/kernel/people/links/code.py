"""What stands in a link's address: its number and the city's mark over its terms, 39 letters and digits that can be typed."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from kitamae.kernel.people.links.records import Terms
    from kitamae.kernel.people.seal import Seal

PURPOSE: Final = "capability links"
_NUMBER: Final = 8  # bytes
_MARK: Final = 16  # bytes: 128 bits of HMAC-SHA256
LENGTH: Final = 39  # of 24 bytes in base 32


def number() -> str:
    """A new link's: 16 hexadecimal digits."""
    return secrets.token_hex(_NUMBER)


def write(terms: Terms, seal: Seal) -> str:
    """The code for these terms: the same each time, so that a lost sheet can be printed again. Raises WrongSeal."""
    whole = bytes.fromhex(terms["number"]) + _mark(terms, seal, make=True)
    return base64.b32encode(whole).decode().rstrip("=").lower()


def read(code: str) -> tuple[str, bytes] | None:
    """The number and the mark; None for what is no code. Capital letters and spaces of somebody who types it are taken."""
    plain = "".join(code.split()).upper()
    if len(plain) != LENGTH or not plain.isascii():
        return None
    try:
        whole = base64.b32decode(plain + "=")
    except binascii.Error:
        return None
    if base64.b32encode(whole).decode().rstrip("=") != plain:  # one code has one spelling
        return None
    return whole[:_NUMBER].hex(), whole[_NUMBER:]


def fits(terms: Terms, mark: bytes, seal: Seal) -> bool:
    """Whether that mark is over these terms. Raises WrongSeal."""
    return hmac.compare_digest(_mark(terms, seal, make=False), mark)


def _mark(terms: Terms, seal: Seal, *, make: bool) -> bytes:
    return seal.mark(PURPOSE, orjson.dumps(terms, option=orjson.OPT_SORT_KEYS), make=make)[:_MARK]
