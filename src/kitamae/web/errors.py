"""What a person sees when a page cannot be shown. Programs get RFC 9457 from the composition root instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.kernel.people.person import asking

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.web.page import ShellPage

_PASSKEY: Final = 2
_KNOWN: Final = frozenset({400, 401, 403, 404, 405, 429, 500, 503, 507})


def wants_page(request: Request) -> bool:
    """Whether somebody looks at this in a browser: it asks for HTML by name, before JSON."""
    accept = request.headers.get("accept", "")
    html, json = accept.find("text/html"), accept.find("json")
    return html >= 0 and (json < 0 or html < json)


def problem_page(page: ShellPage, request: Request, status: int, detail: str = "") -> Response:
    """`detail` is what exactly was wrong, for whoever reports it; never shown for our own failures."""
    who = asking(request.scope)
    return page.render(
        request,
        "problem.html",
        status=status,
        headers={"Cache-Control": "no-store"},
        code=status if status in _KNOWN else 500 if status >= 500 else 400,
        detail=detail if status < 500 else "",
        low=who.role == "staff" and bool(who.session) and who.assurance < _PASSKEY,
    )
