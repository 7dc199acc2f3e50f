"""The base map's file: built when first asked for, kept beside the city's data, served in ranges (RFC 9110 14)."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from starlette.responses import FileResponse

from kitamae.kernel.problems import NotFound
from kitamae.web import basemap

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.sdk.context import Context
    from kitamae.web.page import ShellPage

AREAS: Final = ("AdministrativeArea",)
LABELS: Final = (("Hub", 0, 9), ("HotSpring", 1, 10), ("Town", 2, 12))
"""Entity type, rank (0 is drawn first), first zoom with its names."""
_LOOK_AGAIN: Final = 600.0  # seconds: outlines and towns change with a municipal merger


class Basemap:
    """`folder` is made when needed; a file in it is named by what it was drawn from."""

    def __init__(self, context: Context, folder: Path) -> None:
        self._context = context
        self._folder = folder
        self._one_at_a_time = asyncio.Lock()
        self._current: Path | None = None
        self._looked = -_LOOK_AGAIN

    async def file(self) -> Path | None:
        """The archive, built first where the city has changed; None where there is nothing to draw."""
        async with self._one_at_a_time:
            if time.monotonic() - self._looked >= _LOOK_AGAIN:
                self._current = await self._look()
                if self._current is not None:
                    self._looked = time.monotonic()
        return self._current

    async def _look(self) -> Path | None:
        areas = await self._context.find(AREAS, limit=100)
        labels = [
            basemap.Named(entity, rank, zoom)
            for kind, rank, zoom in LABELS
            for entity in await self._context.find([kind], limit=5000)
        ]
        if not areas and not labels:
            return None
        path = self._folder / f"basemap-{basemap.fingerprint(areas, labels)}.pmtiles"
        if not path.is_file():
            await asyncio.to_thread(_write, path, areas, labels)
        return path


def _write(path: Path, areas: list[dict[str, object]], labels: list[basemap.Named]) -> None:
    """Whole or not at all; what was drawn before is thrown away."""
    archive = basemap.build(areas, labels)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(archive)
    part.replace(path)
    for old in path.parent.glob("basemap-*.pmtiles"):
        if old != path:
            old.unlink(missing_ok=True)


async def archive(page: ShellPage, request: Request) -> Response:
    """The archive, or the part of it that `Range` names. Raises NotFound."""
    path = await page.shell.basemap.file() if page.shell.basemap else None
    if path is None:
        raise NotFound("there is no base map: the city has no outline and no towns yet")
    return FileResponse(
        path,
        media_type="application/vnd.pmtiles",
        headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"},
    )
