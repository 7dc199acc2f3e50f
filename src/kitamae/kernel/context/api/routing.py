"""Which handler answers which method on which path: a table, looked up through a tree of path segments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import unquote_to_bytes

from kitamae.kernel.problems import BadRequest, MethodNotAllowed, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kitamae.kernel.context.api.answer import Answer

Handler = Callable[..., Awaitable["Answer"]]

PREFIX: Final = b"/ngsi-ld/v1"
_ID_MOST: Final = 4096


@dataclass(frozen=True, slots=True)
class Route:
    """`path` such as `entities/{id}/attrs`; the handler gets the exchange, then the decoded parts in braces.

    `parameters`: the URL parameters it knows. `founds`: it may be the first that a tenant hears of (5.5.10).
    `needs`: what somebody who is not signed in is refused for before the body is read; None: anybody may ask.
    """

    method: str
    path: str
    handler: Handler
    parameters: frozenset[str] = frozenset()
    founds: bool = False
    needs: tuple[Literal["write", "subscribe", "operate"], str] | None = None


@dataclass(slots=True)
class _Node:
    literal: dict[bytes, _Node] = field(default_factory=dict)
    variable: _Node | None = None
    methods: dict[str, Route] = field(default_factory=dict)


class Table:
    """All routes, found by method and raw path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            for part in route.path.split("/"):
                if part.startswith("{"):
                    node.variable = node.variable or _Node()
                    node = node.variable
                else:
                    node = node.literal.setdefault(part.encode(), _Node())
            node.methods[route.method] = route

    def find(self, method: str, path: bytes) -> tuple[Route, list[str]]:
        """The route for a percent-encoded path under the prefix. Raises NotFound, MethodNotAllowed, BadRequest.

        A closing slash changes nothing; HEAD is found as GET.
        """
        node = self._root
        values: list[bytes] = []
        for part in path.strip(b"/").split(b"/") if b"//" not in path else path[1:].rstrip(b"/").split(b"/"):
            after = node.literal.get(part)
            if after is None:
                after = node.variable
                if after is None:
                    raise NotFound(f"there is no resource {path.decode('ascii', 'replace')[:200]}")
                values.append(part)
            node = after
        if not node.methods:
            raise NotFound(f"there is no resource {path.decode('ascii', 'replace')[:200]}")
        route = node.methods.get("GET" if method == "HEAD" else method)
        if route is None:
            allow = allowed(node.methods)
            raise MethodNotAllowed(f"{method} is not available here; available: {allow}", allow=allow)
        return route, [_decoded(value) for value in values]

    def methods(self, path: bytes) -> str:
        """What OPTIONS says about a path. Raises NotFound."""
        try:
            self.find("", path)
        except MethodNotAllowed as known:
            return str(known.more["allow"])
        raise NotFound(f"there is no resource {path.decode('ascii', 'replace')[:200]}")


def allowed(methods: dict[str, Route]) -> str:
    """For the Allow header."""
    return ", ".join(sorted({*methods, "OPTIONS", *(["HEAD"] if "GET" in methods else [])}))


def under_prefix(scope: Mapping[str, Any]) -> bytes:
    """The raw path without everything up to /ngsi-ld/v1, wherever this is mounted."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8")
    raw = raw.partition(b"?")[0]
    at = raw.find(PREFIX)
    return raw[at + len(PREFIX) :] if at >= 0 else raw


def _decoded(value: bytes) -> str:
    if len(value) > _ID_MOST:
        raise BadRequest(f"a part of the path is {len(value)} bytes long: at most {_ID_MOST} are read")
    if b"%" not in value:
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise BadRequest("the path is not valid UTF-8") from None
    try:
        text = unquote_to_bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest("the path is not valid UTF-8") from None
    if "\0" in text:
        raise BadRequest("the path holds the character NUL")
    return text
