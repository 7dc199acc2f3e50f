"""Asking other sources over HTTP, bounded in time and size, only where the operator allows (clause 4.3.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp
import orjson

from kitamae.kernel.context.subscription.destinations import CheckedResolver
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.registration.model import Registration
    from kitamae.kernel.context.subscription.destinations import Destinations

SECONDS: Final = 5.0
MOST: Final = 16 * 1024 * 1024  # bytes of one answer


NO_ANSWER: Final = 199
INVALID: Final = 111
ERROR: Final = 299


class Unanswered(Exception):
    """A source that could not be asked, or whose answer cannot be read; the text says why, `code` as 6.3.17 does."""

    def __init__(self, why: str, code: int = NO_ANSWER) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Reply:
    """`content` is None for an answer that is not 2xx."""

    status: int
    content: Json


class Peers:
    """An HTTP client that follows no redirects and keeps no cookies."""

    def __init__(self, destinations: Destinations) -> None:
        self._destinations = destinations
        self._session: aiohttp.ClientSession | None = None

    async def get(
        self,
        source: Registration,
        path: str,
        params: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
    ) -> Reply:
        """`path` below the source's API, percent-encoded. Raises Unanswered."""
        base = source.endpoint.rstrip("/")
        url = f"{base}/{path}" if base.endswith("/ngsi-ld/v1") else f"{base}/ngsi-ld/v1/{path}"
        limit = source.doc.get("management", {}).get("timeout", SECONDS * 1000) / 1000
        try:
            self._destinations.check(url)
            async with self._open().get(
                url,
                params=list(params),
                headers=dict(headers),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=min(limit, SECONDS)),
            ) as response:
                if not 200 <= response.status < 300:
                    return Reply(response.status, None)
                content = bytearray()
                async for part in response.content.iter_chunked(65_536):
                    content += part
                    if len(content) > MOST:
                        raise Unanswered(f"its answer is longer than {MOST} bytes", INVALID)
                try:
                    return Reply(response.status, orjson.loads(content))
                except ValueError:
                    raise Unanswered("its answer is not JSON", INVALID) from None
        except BadRequest as problem:
            raise Unanswered(problem.detail) from None
        except TimeoutError:
            raise Unanswered("it did not answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as trouble:
            raise Unanswered(f"{type(trouble).__name__}: {trouble}"[:200]) from None

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=CheckedResolver(self._destinations)),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "Kitamae"},
                trust_env=False,
            )
        return self._session
