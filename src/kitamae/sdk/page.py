"""The page door: how a service shows something to a person. `kitamae.web.page` implements it.

A service's own `templates/` and `locales/` are found first, then the shell's; templates extend `layout.html`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response


class Page(Protocol):
    """One service's pages, in the reader's language."""

    def render(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:
        """The template with these values. `lang`, `city`, `menu`, `_`, `ngettext` are there besides them."""
        ...

    def language(self, request: Request) -> str:
        """The reader's: ja, ja_Hira, en, zh or ko; from `?lang=`, the cookie, then Accept-Language."""
        ...
