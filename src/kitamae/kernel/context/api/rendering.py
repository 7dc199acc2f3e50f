"""How an answer carries its @context: in a Link header, or in the body (6.3.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from kitamae.kernel.context import names
from kitamae.kernel.context.api.answer import Answer, Header
from kitamae.kernel.context.api.negotiation import JSON, LD_JSON
from kitamae.kernel.context.registration import speech

if TYPE_CHECKING:
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context


def link(context: Context) -> Header:
    """The Link header for a body without an @context. A context that no single URL names is told by the core's."""
    return (b"link", speech.link(context).encode("ascii"))


def source(context: Context) -> Json:
    """What a body's `@context` says."""
    if context.link is not None:
        return context.link
    return context.source if context.source is not None else names.CORE_URL


def headers(media: str, context: Context) -> list[Header]:
    """Content-Type, and the Link header where the media type asks for one."""
    found = [(b"content-type", media.encode("ascii"))]
    if media == JSON:
        found.append(link(context))
    return found


def in_context(
    x: Exchange,
    request: Request,
    media: str,
    content: dict[str, Any] | list[dict[str, Any]],
    more: list[Header] | None = None,
    status: int = 200,
) -> Answer:
    """A JSON answer in the request's words; as JSON-LD every object carries the @context."""
    if media == LD_JSON:
        context = source(request.context)
        if isinstance(content, list):
            content = [{**one, "@context": context} for one in content]
        else:
            content = {**content, "@context": context}
    found = [*headers(media, request.context), *x.echo(request.tenant), *(more or [])]
    return Answer(status, orjson.dumps(content), found)
