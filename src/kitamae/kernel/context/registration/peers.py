"""Asking other sources over HTTP, bounded in time and size, only where the operator allows (clause 4.3.6)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp
import orjson

from kitamae.kernel.context.subscription.destinations import outward
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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


class TooLate(Unanswered):
    """It was asked, and did not answer in time: whether it did what was asked is not known."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a source answered; `headers` with lower-case names, repeated ones joined with commas."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def done(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300

    def json(self) -> Json:
        """Raises Unanswered."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise Unanswered("its answer is not JSON", INVALID) from None


class Peers:
    """An HTTP client that follows no redirects and keeps no cookies.

    A source that failed is left alone for its `management.cooldown` (5.2.34). `now`: seconds, of a clock that is
    never set back.
    """

    def __init__(self, destinations: Destinations, now: Callable[[], float] = time.monotonic) -> None:
        self._destinations = destinations
        self._now = now
        self._session: aiohttp.ClientSession | None = None
        self._resting: dict[tuple[str, str], float] = {}

    async def ask(
        self,
        source: Registration,
        method: str,
        path: str,
        params: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Reply:
        """`path` below the source's API, percent-encoded. Raises Unanswered."""
        key = (source.tenant, source.id)
        if self._now() < self._resting.get(key, float("-inf")):
            raise Unanswered("it failed a moment ago and is left alone for a while")
        try:
            reply = await self._ask(source, method, path, params, headers, body)
        except Unanswered:
            self._rest(source)
            raise
        if reply.status >= 500:
            self._rest(source)
        else:
            self._resting.pop(key, None)
        return reply

    def _rest(self, source: Registration) -> None:
        if pause := source.doc.get("management", {}).get("cooldown"):
            self._resting[source.tenant, source.id] = self._now() + pause / 1000

    async def _ask(
        self,
        source: Registration,
        method: str,
        path: str,
        params: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Reply:
        base = source.endpoint.rstrip("/")
        whole = base.endswith("/ngsi-ld/v1") or "v2" in source.doc  # NGSIv2 names the whole address
        url = f"{base}/{path}" if whole else f"{base}/ngsi-ld/v1/{path}"
        limit = source.doc.get("management", {}).get("timeout", SECONDS * 1000) / 1000
        try:
            self._destinations.check(url)
            async with self._open().request(
                method,
                url,
                params=list(params),
                headers=dict(headers),
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=min(limit, SECONDS)),
            ) as response:
                content = bytearray()
                async for part in response.content.iter_chunked(65_536):
                    content += part
                    if len(content) > MOST:
                        raise Unanswered(f"its answer is longer than {MOST} bytes", INVALID)
                told: dict[str, str] = {}
                for name, value in response.headers.items():
                    known = told.get(name.lower())
                    told[name.lower()] = value if known is None else f"{known}, {value}"
                return Reply(response.status, bytes(content), told)
        except BadRequest as problem:
            raise Unanswered(problem.detail) from None
        except TimeoutError:
            raise TooLate("it did not answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as trouble:
            raise Unanswered(f"{type(trouble).__name__}: {trouble}"[:200]) from None

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = outward(self._destinations, seconds=SECONDS)
        return self._session
