"""What an issuer says of itself (OpenID Connect Discovery 1.0), and its keys: kept for a while, and asked for again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from kitamae.kernel.people.jose.encoding import BadToken
from kitamae.kernel.people.jose.keys import Keys
from kitamae.kernel.people.relying.outbound import IssuerFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.people.relying.outbound import Outbound

_KEPT: Final = 3600.0
_AGAIN: Final = 60.0
"""Seconds: how long an answer is believed; and how soon the keys are asked for again when a token names one that is new."""
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where to go. `names_itself`: every answer to a browser carries `iss` (RFC 9207)."""

    authorization: str
    token: str
    jwks: str
    userinfo: str
    names_itself: bool


class Issuer:
    """`name` is its identifier, letter for letter as in its tokens."""

    def __init__(self, name: str, outbound: Outbound, now: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._outbound = outbound
        self._now = now
        self._endpoints: tuple[float, Endpoints] | None = None
        self._keys: tuple[float, Keys] | None = None

    async def endpoints(self) -> Endpoints:
        """Raises IssuerFailed."""
        kept = self._endpoints
        if kept is None or self._now() - kept[0] > _KEPT:
            said = await self._get(self.name.rstrip("/") + "/.well-known/openid-configuration")
            kept = self._endpoints = (self._now(), self._read(said))
        return kept[1]

    async def keys(self, kid: object) -> Keys:
        """Its keys, asked for again when none has this name, but not for every token that says so. Raises IssuerFailed."""
        kept = self._keys
        age = _KEPT if kept is None else self._now() - kept[0]
        unknown = kept is not None and kid is not None and all(key.kid != kid for key in kept[1].all)
        if kept is None or age > _KEPT or (unknown and age > _AGAIN):
            said = await self._get((await self.endpoints()).jwks)
            try:
                kept = self._keys = (self._now(), Keys.read(said, usable_only=True))
            except BadToken as wrong:
                raise IssuerFailed(f"its keys cannot be used: {wrong}") from wrong
        return kept[1]

    async def _get(self, url: str) -> dict[str, Any]:
        status, said = await self._outbound.ask(url)
        if status != 200:
            raise IssuerFailed(f"{url:.300} is answered {status}")
        return said

    def _read(self, said: dict[str, Any]) -> Endpoints:
        if said.get("issuer") != self.name:
            raise IssuerFailed("it calls itself otherwise than the settings do")
        own = urlsplit(self.name)
        for name in _ENDPOINTS:
            value = said.get(name)
            parts = urlsplit(value) if isinstance(value, str) else None
            if parts is None or (parts.scheme, parts.netloc) != (own.scheme, own.netloc) or parts.fragment:
                raise IssuerFailed(f"its `{name}` is not an address on its own host")
        authorization, token, jwks, userinfo = (str(said[name]) for name in _ENDPOINTS)
        names_itself = said.get("authorization_response_iss_parameter_supported") is True
        return Endpoints(authorization, token, jwks, userinfo, names_itself)
