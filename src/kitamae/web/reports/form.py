"""The form of a report with its photo: bounded before it is read, held in memory alone, looked through before anything is kept."""

from __future__ import annotations

import asyncio
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
_WAITING: Final = 8
"""Photos that are decoded or wait for it, in this process: each is in memory."""
_TOO_LARGE: Final = f"photo: a photo has {photo.MOST_BYTES:,} bytes at most"
_now_waiting = 0


class _Over(MultiPartException):
    """The parser lets go of what it holds."""


class _InMemory(MultiPartParser):
    """What the bound lets in fits into memory: no photo is ever written to a disk in the clear."""

    spool_max_size = MOST + 1


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
        form = await _InMemory(
            request.headers, _bounded(request), max_files=1, max_fields=10, max_part_size=20_000
        ).parse()
    except _Over:
        raise TooLarge(_TOO_LARGE) from None
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

    Raises TooLarge, BadRequest, HoldsMyNumber, TooManyRequests.
    """
    global _now_waiting  # noqa: PLW0603  # of this process, as its memory is
    if not data:
        return None
    if _now_waiting >= _WAITING:
        raise TooManyRequests("many photos come at this moment; try again in 10 seconds", retryAfter=10)
    _now_waiting += 1
    try:
        if not data.startswith((b"\xff\xd8", b"\x89PNG", b"RIFF")):
            sent_files.demand_none(
                data
            )  # a text under a photo's name; in a photo, texts go with its metadata
        return await asyncio.to_thread(photo.taken, data)
    finally:
        _now_waiting -= 1


async def _bounded(request: Request) -> AsyncGenerator[bytes, None]:
    got = 0
    async for piece in request.stream():
        got += len(piece)
        if got > MOST:
            raise _Over("too long")
        yield piece
