"""Fetching an @context that is not here, from the few hosts that the operator names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

import orjson

from kitamae.kernel.context.subscription.destinations import outward
from kitamae.kernel.problems import BadRequest, LdContextUnavailable

if TYPE_CHECKING:
    from collections.abc import Collection

    import aiohttp

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.subscription.destinations import Destinations

MOST: Final = 1_000_000  # bytes
SECONDS: Final = 5.0
HOPS: Final = 4


class Fetcher:
    """`hosts` by name, as the addresses spell them; `destinations` decides after name resolution."""

    def __init__(self, hosts: Collection[str], destinations: Destinations) -> None:
        self._hosts = frozenset(host.strip().lower() for host in hosts if host.strip())
        self.destinations = destinations
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, url: str) -> Json:
        """The parsed document. Each redirect must lead to a named host again.

        Raises LdContextUnavailable, OSError, or BadRequest for what is there and is no JSON (clause 5.5.6).
        """
        for _ in range(HOPS):
            answer = await self._one(url)
            if not isinstance(answer, str):
                try:
                    return orjson.loads(answer)
                except orjson.JSONDecodeError as wrong:
                    raise BadRequest(f"@context {url:.2000} is not JSON: {wrong}") from None
            url = urljoin(url, answer)
        raise LdContextUnavailable(f"more than {HOPS} redirects")

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def _one(self, url: str) -> bytes | str:
        """A document, or where it has gone."""
        host = (urlsplit(url).hostname or "").lower()
        if host not in self._hosts:
            raise LdContextUnavailable(
                f"contexts are not fetched from {host!r:.200}: the operator can name it in KITAMAE_FETCH_CONTEXTS"
            )
        self.destinations.check(url)
        if self._session is None:
            self._session = outward(
                self.destinations, seconds=SECONDS, Accept="application/ld+json, application/json;q=0.9"
            )
        async with self._session.get(url, allow_redirects=False) as response:
            if response.status in (301, 302, 303, 307, 308):
                return response.headers.get("Location", "")
            if response.status != 200:
                raise LdContextUnavailable(f"its server answers {response.status}")
            content = bytearray()
            async for part in response.content.iter_chunked(65_536):
                content += part
                if len(content) > MOST:
                    raise LdContextUnavailable(f"it is longer than {MOST} bytes")
            return bytes(content)
