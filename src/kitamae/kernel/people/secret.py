"""Secrets that are handed out once and kept only as a digest.

They hold 256 random bits, so a plain SHA-256 is enough: there is nothing to guess, and looking one up stays cheap.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final, Literal

_SPOKEN: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def fresh(kind: Literal["token", "session", "link", "client", "code", "access", "refresh"]) -> str:
    """A new secret, safe in a URL and in a header.

    It begins with `kitamae_`, so that scanners find one that was published by mistake.
    """
    return f"kitamae_{kind}_{secrets.token_urlsafe(32)}"


def spoken(count: int) -> str:
    """So many letters for a number or a code that people read out on the telephone: none that is taken for another. 5 bits each."""
    return "".join(secrets.choice(_SPOKEN) for _ in range(count))


def digest(secret: str) -> str:
    """What is kept of it: 64 hexadecimal digits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def csrf(session_secret: str) -> str:
    """The token that a form of this session carries; whoever has only a copy of the store cannot make it."""
    return hmac.digest(session_secret.encode(), b"form", "sha256").hex()


def same(one: str, other: str) -> bool:
    """Compare without telling how much was right."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
