"""JWT (RFC 7519, 8725): a signed token is believed for one reader, one purpose and a while."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.people.jose import signed
from kitamae.kernel.people.jose.encoding import BadToken, members

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kitamae.kernel.people.jose.keys import Key, Keys

LEEWAY: Final = 60
"""Seconds by which the clocks of two parties may differ."""

_FAR: Final = 253_402_300_800  # the year 10000, in seconds: what lies beyond is not a time


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say to be believed. Times are seconds since 1970 UTC.

    `types`: values of the header's `typ` that are taken; "" is its absence. `oldest`: how many seconds ago it may have
    been issued at most. `nonce`: None where the protocol has none.
    """

    issuer: str
    audience: Collection[str]
    types: Collection[str]
    now: float
    nonce: str | None = None
    client: str = ""  # `azp`, wherever it is there
    oldest: int | None = None


def issue(claims: Mapping[str, Any], key: Key, alg: str, *, typ: str) -> str:
    """Sign claims. Raises BadToken when the key is not for that."""
    payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
    return signed.sign(payload, key, alg, typ=typ)


def believe(token: str, keys: Keys, believed: Collection[str], expected: Expected) -> dict[str, Any]:
    """The claims of a token that holds in every respect. Raises BadToken naming the first one that does not."""
    header, payload = signed.verify(token, keys, believed)
    typ = header.get("typ", "").lower().removeprefix("application/")
    if typ not in {one.lower() for one in expected.types}:
        raise BadToken("the token was made for something else: its `typ` is not the expected one")
    claims = members(payload)
    if claims.get("iss") != expected.issuer:
        raise BadToken("`iss` is not the expected issuer")
    _demand_audience(claims, expected)
    _demand_time(claims, expected)
    if expected.nonce is not None and claims.get("nonce") != expected.nonce:
        raise BadToken("`nonce` is not the one that was sent")
    if not isinstance(claims.get("sub"), str) or not 0 < len(claims["sub"]) <= 255:
        raise BadToken("`sub` is a text of at most 255 characters")
    return claims


def _demand_audience(claims: dict[str, Any], expected: Expected) -> None:
    sent = claims.get("aud")
    audience = [sent] if isinstance(sent, str) else sent
    if not isinstance(audience, list) or not all(isinstance(one, str) for one in audience):
        raise BadToken("`aud` is a text or a list of texts")
    if not audience or not set(audience) <= set(expected.audience):
        raise BadToken("`aud` names somebody else")
    if "azp" in claims and claims["azp"] != expected.client:
        raise BadToken("`azp` is not the expected party")
    if expected.client and len(audience) > 1 and "azp" not in claims:
        raise BadToken("`azp` is missing, and `aud` names several")


def _demand_time(claims: dict[str, Any], expected: Expected) -> None:
    times = {name: claims[name] for name in ("exp", "nbf", "iat", "auth_time") if name in claims}
    for name, value in times.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _FAR:
            raise BadToken(f"`{name}` is not a time in seconds")
    if "exp" not in times or "iat" not in times:
        raise BadToken("`exp` or `iat` is missing")
    if times["exp"] + LEEWAY <= expected.now:
        raise BadToken("the token has expired")
    if max(times["iat"], times.get("nbf", 0)) - LEEWAY > expected.now:
        raise BadToken("the token is from the future: is one of the clocks wrong?")
    if expected.oldest is not None and times["iat"] + expected.oldest + LEEWAY < expected.now:
        raise BadToken("the token was issued too long ago")
