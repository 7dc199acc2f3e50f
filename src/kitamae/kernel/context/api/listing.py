"""A list of what is kept in memory (subscriptions, registrations), page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from kitamae.kernel.context.api import consumption, selection
from kitamae.kernel.context.api.asked import options
from kitamae.kernel.context.api.rendering import in_context
from kitamae.kernel.context.query.tree import EntityQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.api.answer import Answer
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request

One = TypeVar("One")


def page(
    x: Exchange,
    request: Request,
    media: str,
    everything: Sequence[One],
    show: Callable[[One], dict[str, Any]],
) -> Answer:
    """The slice that limit, offset and count ask for (6.3.10, 6.3.13), each as `show` shows it. Raises BadRequest."""
    wanted = selection.page(request, EntityQuery(request.tenant))
    end = wanted.offset + wanted.limit
    count = len(everything) if wanted.count else None
    headers = consumption.page_headers(x, media, wanted, len(everything) > end, count)
    return in_context(x, request, media, [show(one) for one in everything[wanted.offset : end]], headers)


def sys_attrs(request: Request) -> bool:
    """Are createdAt and modifiedAt asked for? `count` is `selection.page`'s. Raises BadRequest for any other option."""
    return "sysAttrs" in options(request, "sysAttrs", "count")
