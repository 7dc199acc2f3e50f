"""Talking to the issuer: to its own host alone, to an address that the operator allows, and no longer than a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

import aiohttp

from kitamae.kernel.context.subscription.destinations import outward
from kitamae.kernel.people.jose.encoding import LONGEST, BadToken, members
from kitamae.kernel.problems import Elsewhere

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.subscription.destinations import Destinations

SECONDS: Final = 10.0


class IssuerFailed(Elsewhere):
    """The issuer did not answer, or not as OpenID Connect has it."""

    title = "The sign-in service does not answer as it should"


class Outbound(Protocol):
    """How to ask an issuer."""

    async def ask(
        self, url: str, *, form: Mapping[str, str] | None = None, bearer: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of the answer: to a GET, or to a POST where there is a form. Raises IssuerFailed."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Guarded:
    """Over the network. `host`, with its port, is the issuer's: no other is asked, and no redirect is followed."""

    def __init__(self, issuer: str, destinations: Destinations) -> None:
        self._issuer = urlsplit(issuer)
        self._destinations = destinations
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self, url: str, *, form: Mapping[str, str] | None = None, bearer: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """See `Outbound`."""
        parts = urlsplit(url)
        if (parts.scheme, parts.netloc) != (self._issuer.scheme, self._issuer.netloc):
            raise IssuerFailed(f"{parts.netloc!r:.200} is not the issuer's own host")
        self._destinations.check(url)
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        try:
            async with self._open().request(
                "GET" if form is None else "POST", url, data=form, headers=headers, allow_redirects=False
            ) as answer:
                content = await answer.content.read(LONGEST + 1)
                while not answer.content.at_eof() and len(content) <= LONGEST:
                    content += await answer.content.read(LONGEST + 1 - len(content))
                return answer.status, members(content)
        except (aiohttp.ClientError, OSError, TimeoutError) as wrong:
            raise IssuerFailed(f"{parts.netloc:.200}: {type(wrong).__name__}") from wrong
        except BadToken as wrong:
            raise IssuerFailed(f"{parts.netloc:.200} does not answer in JSON") from wrong

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = outward(self._destinations, seconds=SECONDS)
        return self._session
