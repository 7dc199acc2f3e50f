"""One notification, one HTTP request (clause 6.3.7): bounded in time and in what is read of the answer."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

import aiohttp

from kitamae.kernel.context.subscription.destinations import CheckedResolver, Destinations
from kitamae.kernel.context.subscription.model import Letter
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

READ: Final = 65_536  # bytes of an answer that are read, so that the connection can be used again
_REMEMBERED: Final = 10_000
"""Addresses that need no second look."""
_REFUSALS: Final = frozenset({400, 405, 406, 410, 413, 414, 415, 422, 431, 501, 508})
"""Answers that will not change for this message: sending it again would only block those behind it."""


class Outcome(Enum):
    """What became of one attempt."""

    DELIVERED = "delivered"  # 2xx
    REFUSED = "refused"  # the receiver does not want this message
    FAILED = "failed"  # it answered otherwise: try again
    SILENT = "silent"  # no connection, or no answer in time: try again


class Sender(Protocol):
    """Carries notifications over another protocol than HTTP, only to where the operator allows."""

    async def send(
        self,
        uri: str,
        body: bytes,
        headers: Mapping[str, str],
        info: Mapping[str, str],
        within: float | None = None,
    ) -> tuple[Outcome, str]:
        """What became of it, and why in a few words. `info`: the endpoint's notifierInfo; `within` in seconds.

        `headers` go beside the body in one JSON object; without any the body is the message.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Poster:
    """An HTTP client that only goes where `destinations` allows, follows no redirects and keeps no cookies."""

    def __init__(self, destinations: Destinations, timeout: float) -> None:
        self._destinations = destinations
        self._timeout = timeout
        self._checked: set[str] = set()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, resolver=CheckedResolver(destinations), use_dns_cache=True, ttl_dns_cache=10
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"User-Agent": "Kitamae"},
            trust_env=False,
        )

    async def __aenter__(self) -> Poster:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def post(
        self, uri: str, body: bytes, headers: dict[str, str], within: float | None = None
    ) -> tuple[Outcome, str]:
        """See `send`."""
        return await self.send(Letter("POST", uri, headers, body), within)

    async def send(self, letter: Letter, within: float | None = None) -> tuple[Outcome, str]:
        """What became of it, and why in a few words. `within` in seconds, never longer than ours."""
        uri = letter.uri
        try:
            if uri not in self._checked:
                self._destinations.check(uri)
                if len(self._checked) >= _REMEMBERED:
                    self._checked.clear()
                self._checked.add(uri)
            limit = min(within, self._timeout) if within else self._timeout
            async with self._session.request(
                letter.method,
                uri,
                data=letter.body,
                headers=letter.headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=limit),
            ) as response:
                await _drain(response)
                status = response.status
        except BadRequest as problem:
            return Outcome.FAILED, problem.detail
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as trouble:
            return Outcome.SILENT, f"{type(trouble).__name__}: {trouble}"[:200]
        if 200 <= status < 300:
            return Outcome.DELIVERED, str(status)
        return (Outcome.REFUSED if status in _REFUSALS else Outcome.FAILED), f"HTTP {status}"


async def _drain(response: aiohttp.ClientResponse) -> None:
    left = READ
    while left > 0:
        chunk = await response.content.read(left)
        if not chunk:
            return
        left -= len(chunk)
    response.close()
