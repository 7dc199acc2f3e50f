"""JWE (RFC 7516): the sealed half of what is kept, and what others encrypt for us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from joserfc import jwe
from joserfc.errors import JoseError

from kitamae.kernel.people.jose.algorithms import CONTENT, WRAPPING
from kitamae.kernel.people.jose.compact import split
from kitamae.kernel.people.jose.encoding import LONGEST, BadToken

if TYPE_CHECKING:
    from collections.abc import Collection

    from kitamae.kernel.people.jose.keys import Key, Keys

DIRECT = "dir"


def encrypt(content: bytes, key: Key) -> str:
    """Sealed with AES-256-GCM under a secret of 32 bytes, directly. Raises BadToken when the key is not for that."""
    if not key.fits_content("A256GCM", "encrypt"):
        raise BadToken("this key does not encrypt with A256GCM")
    header = {"alg": DIRECT, "enc": "A256GCM"}
    return jwe.encrypt_compact(header, content, key.inner, registry=_registry(DIRECT, "A256GCM"))


def decrypt(token: str, keys: Keys, believed: Collection[str]) -> bytes:
    """What is inside, when one of `keys` opens it and `believed` has both its `alg` and its `enc`. Raises BadToken.

    Every way to fail says the same, so that nobody learns from it what is inside.
    """
    header, contents = split(token, 5)
    alg, enc = header.get("alg", ""), header.get("enc", "")
    if alg not in WRAPPING or enc not in CONTENT or alg not in believed or enc not in believed:
        raise BadToken("the token is not encrypted with an algorithm that is accepted here")
    if "zip" in header:
        raise BadToken("compressed content is not accepted here")
    if alg in (DIRECT, "ECDH-ES") and contents[1]:
        raise BadToken("a key comes along where none is needed")
    fitting = [key for key in keys.named(header) if _fits(key, alg, enc)]
    if len(fitting) != 1:
        raise BadToken("no single key of ours fits the token")
    try:
        opened = jwe.decrypt_compact(token, fitting[0].inner, registry=_registry(alg, enc))
    except (JoseError, ValueError, TypeError, KeyError, OverflowError):
        raise BadToken("the token cannot be opened") from None
    if opened.plaintext is None:
        raise BadToken("the token cannot be opened")
    return opened.plaintext


def _fits(key: Key, alg: str, enc: str) -> bool:
    if alg == DIRECT:
        return key.fits_content(enc, "decrypt")
    operation = "deriveKey" if alg.startswith("ECDH") else "unwrapKey"
    return key.fits(alg, operation) or key.fits(alg, "decrypt")


def _registry(alg: str, enc: str) -> jwe.JWERegistry:
    made = jwe.JWERegistry(algorithms=[alg, enc], strict_check_header=False)
    made.max_protected_header_length = LONGEST
    return made
