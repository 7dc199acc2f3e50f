"""Telling partners' servers that somebody signed out (OpenID Connect Back-Channel Logout 1.0): a signed token, posted.

A partner that is down is asked again for a day. Each try has a token of its own, good for two minutes. It says whose session
ended by the names that this partner knows and nobody else: `sub`, and `sid` where it is one session and not all of them.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aiohttp

from kitamae.kernel.context import clock
from kitamae.kernel.context.subscription.destinations import outward
from kitamae.kernel.people.jose import claims as jwt
from kitamae.kernel.people.provider.owing import KIND
from kitamae.kernel.people.waiting import NotTaken, Waiting
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.store import Store
    from kitamae.kernel.context.subscription.destinations import Destinations
    from kitamae.kernel.people.provider.clients import Clients
    from kitamae.kernel.people.provider.keys import SigningKeys

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
TYP: Final = "logout+jwt"
TOKEN_SECONDS: Final = 120
GIVEN_UP: Final = ("logouts", "given up")
_SECONDS: Final = 5.0
_TAKEN: Final = (200, 204)
"""Section 2.8: some frameworks answer 204 for nothing in the body."""


class Logouts:
    """On one store. `run` is for one worker at a time; call `open` before, and `close` after."""

    def __init__(
        self,
        issuer: str,
        alg: str,
        store: Store,
        clients: Clients,
        keys: SigningKeys,
        destinations: Destinations,
        now: Callable[[], int] = clock.now,
    ) -> None:
        self._issuer, self._alg, self._clients, self._keys, self._now = issuer, alg, clients, keys, now
        self._destinations = destinations
        self._session: aiohttp.ClientSession | None = None
        self.waiting = Waiting(store, KIND, GIVEN_UP, self._tell, lane="client", now=now)
        self.open, self.run, self.turn = self.waiting.open, self.waiting.run, self.waiting.turn

    async def _tell(self, id: str, doc: dict[str, Any]) -> None:
        client = await self._clients.get(doc["client"])
        address = client.get("backchannel", "") if client else ""
        if not address:
            return  # it was removed meanwhile: nobody is there to be told
        said = {
            "iss": self._issuer,
            "aud": doc["client"],
            "iat": (now := self._now() // 1_000_000),
            "exp": now + TOKEN_SECONDS,
            "jti": secrets.token_urlsafe(16),
            "events": {EVENT: {}},
            "sub": doc["subject"],
        } | ({"sid": doc["sid"]} if doc["sid"] else {})
        token = jwt.issue(said, await self._keys.signing(), self._alg, typ=TYP)
        status = await self._post(address, {"logout_token": token})
        if status not in _TAKEN:
            raise NotTaken(f"{urlsplit(address).netloc:.200} answers {status}")

    async def _post(self, address: str, form: dict[str, str]) -> int:
        host = urlsplit(address).netloc[:200]
        if self._session is None:
            self._session = outward(self._destinations, seconds=_SECONDS)
        try:
            self._destinations.check(address)
            async with self._session.post(address, data=form, allow_redirects=False) as answer:
                return answer.status
        except BadRequest as refused:
            raise NotTaken(refused.detail) from refused
        except (aiohttp.ClientError, OSError, TimeoutError) as wrong:
            raise NotTaken(f"{host}: {type(wrong).__name__}") from wrong

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def trouble(self) -> str:
        """For `/health`: what was given up; else nothing. That a partner is down for an hour is its own affair."""
        lost, why = self.waiting.given_up()
        return (
            f"{lost} sign-outs were not told to partners, who did not answer for a day ({why})"
            if lost
            else ""
        )
