"""The form of a report with its photo: bounded before it is read, held in memory alone, looked through before anything is kept."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from kitamae.kernel.people import sent_files
from kitamae.kernel.problems import BadRequest, TooLarge, TooManyRequests
from kitamae.kit.reports import photo

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from starlette.requests import Request

    from kitamae.kit.reports.photo import Photo

MOST: Final = photo.MOST_BYTES + 100_000
"""Bytes of a whole form."""
MOST_AT_ONCE: Final = 16
"""Forms with a photo that are read, decoded or wait for it, in this process: each is in memory."""
SMALL: Final = 200_000
"""Bytes of a form that surely holds no photo of a telephone: words need no room, and come in on the worst night."""
_PATIENCE: Final = 20.0
"""Seconds that a form waits for room before anything of it is read."""
_SLOWEST: Final = 300.0
"""Seconds in which a form must be there."""
_decoding = ThreadPoolExecutor(1, "photo")
"""So many pixels lie in memory once, however many send at that moment."""
_TOO_LARGE: Final = f"photo: a photo has {photo.MOST_BYTES:,} bytes at most"


class _Over(MultiPartException):
    """The parser lets go of what it holds."""


class _InMemory(MultiPartParser):
    """What the bound lets in fits into memory: no photo is ever written to a disk in the clear."""

    spool_max_size = MOST + 1


class Room:
    """For forms that may hold a photo."""

    def __init__(self, most: int = MOST_AT_ONCE, patience: float = _PATIENCE) -> None:
        self._free, self._patience = asyncio.Semaphore(most), patience

    @asynccontextmanager
    async def slot(self, request: Request) -> AsyncGenerator[None]:
        """Until the form is read and its photo decoded. Raises TooManyRequests."""
        said = request.headers.get("content-length", "")
        if said.isdigit() and int(said) <= SMALL:
            yield
            return
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise TooManyRequests(
                "many photos come at this moment; try again in 10 seconds", retryAfter=10
            ) from None
        try:
            yield
        finally:
            self._free.release()


@dataclass(frozen=True, slots=True)
class Sent:
    """`words`: the fields of text; `photo`: the file as it came, empty where none was chosen."""

    words: Mapping[str, str]
    photo: bytes = b""


async def sent(request: Request) -> Sent:
    """Raises TooLarge before it is read, where the sender says how long it is, or as soon as it is; BadRequest."""
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > MOST:
        raise TooLarge(_TOO_LARGE)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise BadRequest("the form is sent as multipart/form-data")
    try:
        async with asyncio.timeout(_SLOWEST):
            form = await _InMemory(
                request.headers, _bounded(request), max_files=1, max_fields=10, max_part_size=20_000
            ).parse()
    except _Over:
        raise TooLarge(_TOO_LARGE) from None
    except TimeoutError:
        raise BadRequest("the form cannot be read: it came too slowly") from None
    except (MultiPartException, KeyError) as error:
        raise BadRequest(f"the form cannot be read: {getattr(error, 'message', error)!s:.100}") from error
    try:
        given = form.get("photo")
        data = await given.read() if isinstance(given, UploadFile) else b""
        return Sent({name: value for name, value in form.items() if isinstance(value, str)}, data)
    finally:
        await form.close()


async def picture(data: bytes) -> Photo | None:
    """The photo, if one was chosen; whatever else was sent in its place is refused, and nothing of it is kept.

    Raises TooLarge, BadRequest, HoldsMyNumber.
    """
    if not data:
        return None
    if not data.startswith((b"\xff\xd8", b"\x89PNG", b"RIFF")):
        sent_files.demand_none(data)  # a text under a photo's name; in a photo, texts go with its metadata
    return await asyncio.get_running_loop().run_in_executor(_decoding, photo.taken, data)


async def _bounded(request: Request) -> AsyncGenerator[bytes, None]:
    got = 0
    async for piece in request.stream():
        got += len(piece)
        if got > MOST:
            raise _Over("too long")
        yield piece
