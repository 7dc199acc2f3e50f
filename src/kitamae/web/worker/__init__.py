"""`/sw.js`: what keeps pages in the reader's browser, or, where the city has switched it off, what takes itself away.

The browser asks for it anew at each visit, past itself, so that a worker with a mistake in it is replaced by the next one.
"""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.web.shell import Shell

HERE: Final = Path(__file__).parent
HEADERS: Final = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
}


def text(shell: Shell) -> str:
    """Of one release: its name is the digest of all that it does."""
    if not shell.worker:
        return (HERE / "retire.js").read_text("utf-8")
    body = "\n".join((HERE / name).read_text("utf-8") for name in ("keep.js", "told.js"))
    pages = orjson.dumps(sorted(shell.kept)).decode()
    first = orjson.dumps(sorted(path for path, one in shell.kept.items() if one.outside)).decode()
    release = sha256((body + pages + first).encode()).hexdigest()[:12]
    return f'const RELEASE = "{release}";\nconst PAGES = {pages};\nconst FIRST = {first};\n{body}'


def route(shell: Shell) -> Route:
    """Whole address, so that it may keep pages of the whole city."""
    return Route("/sw.js", partial(_answer, shell), methods=["GET"])


async def _answer(shell: Shell, request: Request) -> Response:
    return Response(text(shell), media_type="text/javascript", headers=HEADERS)
