"""JWS (RFC 7515): whoever verifies says which algorithms he believes, and the key says which one it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from joserfc import jws
from joserfc.errors import JoseError

from kitamae.kernel.people.jose.algorithms import SIGNING
from kitamae.kernel.people.jose.compact import split
from kitamae.kernel.people.jose.encoding import LONGEST, BadToken

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kitamae.kernel.people.jose.keys import Key, Keys


def sign(payload: bytes, key: Key, alg: str, **header: str) -> str:
    """A token in the compact serialization. Raises BadToken when the key is not for that."""
    if alg not in SIGNING or not key.fits(alg, "sign"):
        raise BadToken(f"this key does not sign with {alg!r:.20}")
    named = {"kid": key.kid} if key.kid else {}
    return jws.serialize_compact({"alg": alg, **named, **header}, payload, key.inner, registry=_registry(alg))


def verify(token: str, keys: Keys, believed: Collection[str]) -> tuple[Mapping[str, Any], bytes]:
    """The header and the payload of a token that one of `keys` signed with an algorithm that is believed.

    A key that comes along in the header (`jwk`, `jku`, `x5c`) is not looked at. Raises BadToken.
    """
    header, contents = split(token, 3)
    alg = header.get("alg", "")
    if alg not in SIGNING or alg not in believed:
        raise BadToken("the token is not signed with an algorithm that is accepted here")
    candidates = [key for key in keys.named(header) if key.fits(alg, "verify")]
    if len(candidates) != 1:
        raise BadToken("no single key of the sender fits the token")
    try:
        jws.deserialize_compact(token, candidates[0].inner, registry=_registry(alg))
    except (JoseError, ValueError, TypeError) as wrong:
        raise BadToken(f"the signature does not hold: {type(wrong).__name__}") from None
    return header, contents[1]


def _registry(alg: str) -> jws.JWSRegistry:
    made = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    made.max_header_length = made.max_payload_length = (
        LONGEST  # its own bounds are smaller than a chain of certificates
    )
    return made
