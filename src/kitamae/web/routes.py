"""The shell's addresses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from kitamae.kernel.problems import Problem
from kitamae.web import city_map, errors, packed, pages, tiles, worker
from kitamae.web.page import ShellPage
from kitamae.web.shell import HERE, STATIC

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Scope

    from kitamae.web.shell import Shell


class Files(StaticFiles):
    """Our own files. An address with a digest never changes its content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """As Starlette, with how long it may be kept."""
        response = await super().get_response(path, scope)
        marked = scope["query_string"].startswith(b"v=")
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if marked else "public, max-age=3600"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        if isinstance(response, FileResponse) and scope["method"] == "GET":
            return packed.file(Headers(scope=scope), response)
        return response


def routes(shell: Shell) -> list[BaseRoute]:
    """Everything that the shell answers itself; services' pages come beside it."""
    page = ShellPage(shell, HERE)

    def at(path: str, handler: Any) -> Route:
        return Route(path, partial(handler, page), methods=["GET"])

    return [
        at("/", pages.home),
        at("/map", city_map.index),
        at("/kind/{kind:path}", pages.kind),
        at("/entity/{id:path}", pages.entity),
        at("/history/{id:path}", pages.history),
        at("/map/basemap.pmtiles", tiles.archive),
        at("/data", pages.data),
        at("/accessibility", pages.accessibility),
        worker.route(shell),
        Mount("/static", Files(directory=STATIC), name="static"),
    ]


def problem_handlers(shell: Shell) -> dict[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    """For Starlette's `exception_handlers`, where only pages are served. The composition root, which also answers
    programs, asks `errors.wants_page` and calls `errors.problem_page` itself.
    """
    page = ShellPage(shell, HERE)

    async def known(request: Request, error: Exception) -> Response:
        status = error.status if isinstance(error, Problem) else getattr(error, "status_code", 500)
        return errors.problem_page(page, request, status, str(error) if isinstance(error, Problem) else "")

    return {Problem: known, HTTPException: known, Exception: known}
