"""The files that are kept outside, from here: `/snapshot/<sha-256>.json`, and beside it the pages."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.problems import NotFound
from kitamae.web import packed
from kitamae.web.outside.plain import name as name_of
from kitamae.web.outside.plain import policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.requests import Request

    from kitamae.web.shell import Shell

_STATE: Final = re.compile(r"[0-9a-f]{64}\.json")
_PAGE: Final = re.compile(r"[a-z0-9-]{1,60}(\.[A-Za-z-]{2,12})?\.(html|json)")


def routes(folder: Path, shell: Shell, demand: Callable[[str], None]) -> list[Route]:
    """`folder`: the first of the targets. `demand(path)`: whether everybody may see that page; raises NotSignedIn, Forbidden."""

    def ask(name: str) -> None:
        """A page's files are shown to whom the page is. A state does not say of which page it is: it is shown where all of them are."""
        written = {name_of(one.path): one.path for one in shell.kept.values() if one.outside is not None}
        if not _STATE.fullmatch(name):
            page = name.partition(".")[0]
            if page not in written:
                raise NotFound(f"no snapshot is called {name!r:.80}")
            written = {page: written[page]}
        for path in written.values():
            demand(path)

    async def given(request: Request) -> Response:
        name = request.path_params["name"]
        ask(name)
        state = bool(_STATE.fullmatch(name))
        path = folder / "snapshot" / name if state else folder / name
        try:
            if not (state or _PAGE.fullmatch(name)):
                raise FileNotFoundError
            content = await asyncio.to_thread(
                path.read_bytes
            )  # at once: another one may take its place meanwhile
        except OSError:
            raise NotFound(f"no snapshot is called {name!r:.80}") from None
        kept = "public, max-age=31536000, immutable" if state else "no-cache"
        headers = {
            "Cache-Control": kept,
            "X-Content-Type-Options": "nosniff",
            "Access-Control-Allow-Origin": "*",
        }
        if name.endswith(".html"):
            headers["Content-Security-Policy"] = f"{policy()}; frame-ancestors 'none'"
        media = "application/json" if name.endswith(".json") else "text/html; charset=utf-8"
        return packed.small(request.headers, Response(content, headers=headers, media_type=media))

    return [Route("/snapshot/{name}", given, methods=["GET"])]
