"""Asking another server for a document: only at addresses that the operator allows, only what changed, no longer than it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp

from kitamae.kernel.context.subscription.destinations import outward
from kitamae.kernel.problems import BadRequest, Elsewhere
from kitamae.sdk.xml import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.subscription.destinations import Destinations

SECONDS: Final = 20.0


class NotHad(Elsewhere):
    """It is not to be had now. `gone`: its server says that it never will be (410), or it is longer than any message. What is
    not there yet (404) may come: a feed can name a message before its server has it.
    """

    title = "Another server does not answer as it should"

    def __init__(self, detail: str, *, gone: bool = False) -> None:
        super().__init__(detail)
        self.gone = gone


@dataclass(frozen=True, slots=True)
class Answer:
    """`content` None: it is as it was. `marks`: by which one asks the next time whether it changed (ETag, Last-Modified)."""

    content: bytes | None
    marks: dict[str, str]


class Asking:
    """No redirect is followed: who says where a feed is, says it whole."""

    def __init__(self, destinations: Destinations) -> None:
        self._destinations = destinations
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str, marks: Mapping[str, str] | None = None) -> Answer:
        """The document, or that it is unchanged since the answer with those `marks`. Raises NotHad."""
        known = marks or {}
        asked = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
        headers = {asked[name]: value for name, value in known.items() if name in asked}
        try:
            self._destinations.check(url)
            async with self._open().get(url, headers=headers, allow_redirects=False) as answer:
                if answer.status == 304:
                    return Answer(None, dict(known))
                if answer.status != 200:
                    raise NotHad(f"{url:.200}: {answer.status}", gone=answer.status == 410)
                content = bytearray()
                async for part in answer.content.iter_chunked(65_536):
                    content += part
                    if len(content) > MOST_BYTES:
                        raise NotHad(f"{url:.200}: longer than {MOST_BYTES:,} bytes", gone=True)
                return Answer(
                    bytes(content), {one: answer.headers[one] for one in asked if one in answer.headers}
                )
        except (aiohttp.ClientError, OSError, TimeoutError, BadRequest) as wrong:
            raise NotHad(f"{url:.200}: {type(wrong).__name__}") from wrong

    async def post(self, url: str, form: Mapping[str, str]) -> int:
        """The status of the answer to a form. Raises NotHad."""
        try:
            self._destinations.check(url)
            async with self._open().post(url, data=dict(form), allow_redirects=False) as answer:
                return answer.status
        except (aiohttp.ClientError, OSError, TimeoutError, BadRequest) as wrong:
            raise NotHad(f"{url:.200}: {type(wrong).__name__}") from wrong

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = outward(self._destinations, seconds=SECONDS)
        return self._session
