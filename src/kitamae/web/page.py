"""The page door: a template with values, in the reader's language, with the headers that every page has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from markupsafe import Markup
from starlette.responses import HTMLResponse
from starlette.routing import Route

from kitamae.web import packed
from kitamae.web.kept import KeptPage
from kitamae.web.languages import NAMES, SOURCE, TAGS, known, negotiate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.sdk.changes import Following
    from kitamae.sdk.manifest import Language
    from kitamae.sdk.page import Asked, Plain
    from kitamae.web.shell import Shell

SIZES: Final = ("standard", "large", "larger")
_YEAR: Final = 365 * 24 * 3600

SECURITY: Final = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(), microphone=()",
}
"""No inline script, no inline style, nothing from elsewhere."""


@dataclass(frozen=True)
class ShellPage:
    """Implements `kitamae.sdk.page.Page`. `folder` holds the service's `templates/` and `locales/`."""

    shell: Shell
    folder: Path

    def language(self, request: Request) -> Language:
        """`?lang=`, then the cookie of an earlier choice, then Accept-Language, then Japanese."""
        offered = self.shell.languages
        return (
            known(request.query_params.get("lang"), offered)
            or known(request.cookies.get("lang"), offered)
            or negotiate(request.headers.get("accept-language", ""), offered)
            or SOURCE
        )

    def render(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:
        """See `kitamae.sdk.page.Page`."""
        return packed.small(request.headers, self.drawn(request, template, values, status, headers or {}))

    def drawn(
        self,
        request: Request,
        template: str,
        values: Mapping[str, Any],
        status: int = 200,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Response:
        """As it is, whatever the reader takes."""
        language = self.language(request)
        size = _size(request)
        environment = self.shell.environment(self.folder, language)
        given = self._given(request, language, size)
        body = environment.get_template(template).render({**given, **values})
        response = HTMLResponse(body, status, SECURITY | dict(headers))
        response.headers["Content-Language"] = TAGS[language]
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.headers.add_vary_header("Accept-Language")
        response.headers.add_vary_header("Cookie")
        _remember(request, response, language, size)
        return response

    def kept(
        self,
        path: str,
        template: str,
        values: Callable[[], Awaitable[Mapping[str, Any]]],
        following: Following,
        *,
        name: str | None = None,
        outside: Plain | None = None,
        asked: Asked | None = None,
    ) -> Route:
        """See `kitamae.sdk.page.Page`."""
        one = KeptPage(self, path, template, values, following, self.shell.kept_seconds, outside, asked)
        self.shell.kept[path] = one
        return Route(path, one, methods=["GET"], name=name)

    def variant(self, request: Request) -> str:
        """What two readers of a page have in common who see the same."""
        return f"{self.language(request)} {_size(request)} {request.url.scheme}"

    def chosen(self, request: Request, asked: str = "") -> bool:
        """Whether nothing but a language and a size of letters that there are is chosen in the address, and what is `asked`, each once."""
        said = request.query_params.multi_items()
        sound = {"lang": self.shell.languages, "size": SIZES}
        return len(dict(said)) == len(said) and all(
            name == asked or value in sound.get(name, ()) for name, value in said
        )

    def above(self, request: Request) -> bool:
        """Whether something stands above every page for this reader."""
        language = self.language(request)
        return any(banner(request, language) for banner in self.shell.banners)

    def _given(self, request: Request, language: Language, size: str) -> dict[str, Any]:
        shell = self.shell
        return {
            "lang": language,
            "tag": TAGS[language],
            "city": shell.city,
            "menu": sorted(shell.menu, key=lambda entry: entry.order),
            "finder": next((entry for entry in shell.menu if entry.finds), None),
            "size": size,
            "path": request.url.path,
            "query": request.query_params,
            "here": lambda **changes: here(request, **changes),
            "switch": [(code, TAGS[code], NAMES[code]) for code in shell.languages],
            "vendored": shell.vendored,
            "purposes": shell.purposes,
            "banners": [
                Markup(said)  # noqa: S704  # rendered by a template, which escapes
                for banner in shell.banners
                if (said := banner(request, language))
            ],
        }


def here(request: Request, **changes: str | None) -> str:
    """The same page with some query parameters changed (None: left out)."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in changes]
    kept += [(name, value) for name, value in changes.items() if value is not None]
    path = "/" + quote(
        request.url.path.lstrip("/"), safe="/:@!$&'()*+,;=~"
    )  # `//elsewhere` would be another server
    return f"{path}?{urlencode(kept)}" if kept else path


def _size(request: Request) -> str:
    for asked in (request.query_params.get("size"), request.cookies.get("size")):
        if asked in SIZES:
            return asked
    return SIZES[0]


def _remember(request: Request, response: HTMLResponse, language: Language, size: str) -> None:
    """A choice made by a link stays, without script. It says nothing about a person."""
    secure = request.url.scheme == "https"
    for name, value in (("lang", language), ("size", size)):
        if request.query_params.get(name):
            response.set_cookie(
                name, value, max_age=_YEAR, path="/", samesite="lax", httponly=True, secure=secure
            )
