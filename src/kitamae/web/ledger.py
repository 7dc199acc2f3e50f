"""`/ledger`: what is in the city's log, who has seen it, what that proves, and what it does not."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.ledger.refusals import Malformed, NotProved
from kitamae.kernel.problems import Unavailable

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.ledger.log import Log
    from kitamae.kernel.ledger.witnesses import Witnesses
    from kitamae.web.page import ShellPage

SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry. `statement` None: a commitment, from which nothing can be read."""

    index: int
    at: datetime | None = None
    register: str = ""
    statement: str | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a witness cosigned last. `size` None: nothing yet, or not what is shown."""

    name: str
    size: int | None
    at: datetime | None
    trouble: bool


async def index(
    page: ShellPage, log: Log | None, witnesses: Witnesses | None, address: str, request: Request
) -> Response:
    """The newest entries first. `address`: how people reach the city, whatever name this request came to. Raises Unavailable where this process publishes no log."""
    if log is None:
        raise Unavailable("this process does not publish the ledger")
    head = log.head.checkpoint
    try:
        entries = [_shown(number, data) for number, data in await log.last(SHOWN)]
    except Malformed:  # a file is being made anew
        entries = []
    return page.render(
        request,
        "ledger.html",
        head=head,
        root=base64.b64encode(head.root).decode("ascii"),
        keys=[one.vkey for one in log.keys],
        entries=entries,
        witnesses=_seen(log, witnesses),
        trouble=bool(log.trouble),
        shorter=bool(log.shorter),
        instead=log.instead(),
        here_address=f"{address}/ledger",
    )


def _shown(number: int, data: bytes) -> Shown:
    try:
        told: Any = orjson.loads(data)
        said = orjson.dumps(told["statement"]).decode()
        return Shown(
            number, datetime.fromisoformat(told["at"]), str(told["register"]), said[:1_000], str(told["by"])
        )
    except (ValueError, TypeError, KeyError):
        return Shown(number)


def _seen(log: Log, witnesses: Witnesses | None) -> list[Seen]:
    if witnesses is None:
        return []
    try:
        found = log.seen_by([one.key for one in witnesses.asking])
    except (Malformed, NotProved):
        found = {}
    return [
        Seen(
            one.key.name,
            found[one.key.name][0] if one.key.name in found else None,
            datetime.fromtimestamp(found[one.key.name][1], UTC) if one.key.name in found else None,
            bool(one.trouble),
        )
        for one in witnesses.asking
    ]
