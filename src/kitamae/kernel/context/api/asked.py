"""What a request's path and its simpler parameters say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from kitamae.kernel.context import lexical
from kitamae.kernel.context.query import parse
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.query.tree import TypeQ

SIMPLIFIED: Final = frozenset({"simplified", "keyValues"})
_UNESCAPED: Final = ":@!$&'()*+,;="


def uri(id: str, where: str = "the entity's id") -> str:
    """A URI, as every id of NGSI-LD is. Raises BadRequest."""
    return lexical.uri(id, where)


def segment(id: str) -> str:
    """An id as one segment of a path."""
    return quote(id, safe=_UNESCAPED)


def only(request: Request) -> TypeQ | None:
    """The `type` parameter: the operation is for an entity of these types alone."""
    text = request.params.get("type")
    return None if text is None else parse.type_q(text, request.context.expand)


def options(request: Request, *known: str) -> frozenset[str]:
    """The words of `options`. Raises BadRequest for one that the operation does not know."""
    words = frozenset(request.params.get("options", ()))
    unknown = words.difference(known)
    if unknown:
        raise BadRequest(f"options: expected {', '.join(known)}, got {', '.join(sorted(unknown))}")
    return words


def simplified(request: Request) -> bool:
    """Is the payload without attribute kinds (4.5.4)? Raises BadRequest."""
    format = request.params.get("format")
    if format is not None and format not in SIMPLIFIED:
        raise BadRequest(f"format: expected simplified or keyValues, got {format!r:.40}")
    return format is not None or bool(options(request, *sorted(SIMPLIFIED)))
