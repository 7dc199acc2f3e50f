"""The files that are kept outside, from here: `/snapshot/<sha-256>.json`, and beside it the pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from starlette.responses import FileResponse
from starlette.routing import Route

from kitamae.kernel.problems import NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

_STATE: Final = re.compile(r"[0-9a-f]{64}\.json")
_PAGE: Final = re.compile(r"[a-z0-9-]{1,60}(\.[A-Za-z-]{2,12})?\.(html|json)")


def routes(folder: Path) -> list[Route]:
    """`folder`: the first of the targets."""

    async def given(request: Request) -> Response:
        name = request.path_params["name"]
        state = bool(_STATE.fullmatch(name))
        path = folder / "snapshot" / name if state else folder / name
        if not (state or _PAGE.fullmatch(name)) or not path.is_file():
            raise NotFound(f"no snapshot is called {name!r:.80}")
        kept = "public, max-age=31536000, immutable" if state else "no-cache"
        headers = {
            "Cache-Control": kept,
            "X-Content-Type-Options": "nosniff",
            "Access-Control-Allow-Origin": "*",
        }
        return FileResponse(path, headers=headers)

    return [Route("/snapshot/{name}", given, methods=["GET"])]
