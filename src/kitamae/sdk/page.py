"""The page door: how a service shows something to a person. `kitamae.web.page` implements it.

A service's own `templates/` and `locales/` are found first, then the shell's; templates extend `layout.html`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from kitamae.sdk.changes import Following


@dataclass(frozen=True, slots=True)
class Plain:
    """How a kept page is written where it outlives the server. `template` extends `plain.html`; `state`: of the page's values, what a
    program reads, as JSON: the same for the same state, so without the moment of reading.
    """

    template: str
    state: Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader of a kept page may say in its address, under `name`. `answer(values, said)`: what the template shows besides, from what
    was read already, so that it is there while the store is not; and whether many ask the same. `said` None: nothing. `grave(values)`: where
    that is another, no former answer stands, however many ask.
    """

    name: str
    answer: Callable[[Mapping[str, Any], str | None], tuple[Mapping[str, Any], bool]]
    grave: Callable[[Mapping[str, Any]], object] = lambda _: None


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
        """A page that everybody sees alike: drawn when `following` heard of a change and not for each reader, and there, as it was, when
        the store does not answer. `values`: what the template shows; `now` among them, its moment. What is not written `outside` is kept in
        a reader's browser only after he looked at it.
        """
        ...

    def language(self, request: Request) -> str:
        """The reader's: ja, ja_Hira, en, zh or ko; from `?lang=`, the cookie, then Accept-Language."""
        ...
