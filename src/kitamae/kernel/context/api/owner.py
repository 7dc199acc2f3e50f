"""Sending another owner a write, and what it answers, in our words (6.3.17). Its answer is material, not a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from kitamae.kernel.context.api import source
from kitamae.kernel.context.registration import speech
from kitamae.kernel.context.registration.peers import TooLate, Unanswered
from kitamae.kernel.problems import (
    AlreadyExists,
    BadRequest,
    Conflict,
    Elsewhere,
    Forbidden,
    LoopDetected,
    NoAnswer,
    NotFound,
    Problem,
    Unprocessable,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kitamae.kernel.context.api.source import Asking
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.registration.model import Registration
    from kitamae.kernel.context.registration.peers import Reply

_log: Final = structlog.get_logger(__name__)
_PASSED_ON: Final[dict[int, type[Problem]]] = {
    400: BadRequest,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Unprocessable,
    504: NoAnswer,
    508: LoopDetected,
}
"""What an owner says of the write is told as it is; anything else is a gateway's failure."""
_PASSED: Final = frozenset({"datasetId", "deleteAll", "format", "lang", "observedAt", "options", "type"})
"""Parameters that say what the operation is to do."""


async def ask(
    x: Asking,
    request: Request,
    registration: Registration,
    method: str,
    path: str,
    content: Json,
    words: Context,
    *,
    known: frozenset[str] = _PASSED,
    also: Sequence[tuple[str, str]] = (),
) -> Reply:
    """One operation at a source. `known`: parameters that say what it is to do; `also`: more of them. Raises Unanswered."""
    subscriptions = request.broker.subscriptions
    if subscriptions is None:
        raise Unanswered("other sources are not spoken to")
    body, headers = source.spoken(x, request, registration, words, content)
    params = [pair for pair in x.parameters() if pair[0] in known] + [*also, *speech.local_only(registration)]
    identity = speech.identity(registration)
    _log.info(
        "sent to an owner", registration=registration.id, operation=f"{method} {path}", identity=identity
    )
    return await subscriptions.peers.ask(registration, method, path, params, headers, body)


def unreached(registration: Registration, silence: Unanswered) -> Problem:
    """Why a source took nothing, as far as we know."""
    kind = NoAnswer if isinstance(silence, TooLate) else Elsewhere
    return kind(f"the source {registration.id}: {silence}")


def refusal(registration: Registration, reply: Reply) -> Problem:
    """What an owner answered, in our words."""
    try:
        problem = reply.json()
    except Unanswered:
        problem = None
    return told(registration, problem, reply.status)


def told(registration: Registration, problem: Json, status: int | None = None) -> Problem:
    """What an owner says was wrong (RFC 9457), in our words; `status`: when it is not in there."""
    said = problem if isinstance(problem, dict) else {}
    if status is None:
        status = said.get("status") if isinstance(said.get("status"), int) else 0
    kind = _PASSED_ON.get(status or 0, Elsewhere)
    if kind is Conflict and str(said.get("type", "")).endswith("/AlreadyExists"):
        kind = AlreadyExists
    detail = str(said.get("detail") or said.get("title") or "")[:300]
    return kind(f"the source {registration.id} answers {status or 'with an error'}: {detail}".rstrip(": "))


def errors(
    registration: Registration, reply: Reply, ids: Collection[str] | None = None
) -> dict[str, Problem]:
    """Of a BatchOperationResult (5.2.16): entity id -> what was wrong. Of `ids`, who is not named was not done either."""
    try:
        content = reply.json()
    except Unanswered:
        content = None
    success, wrong = (content.get("success"), content.get("errors")) if isinstance(content, dict) else (0, 0)
    done = {id for id in success if isinstance(id, str)} if isinstance(success, list) else set()
    silent = Elsewhere(f"the source {registration.id} answers 207 and does not say what became of it")
    found: dict[str, Problem] = {id: silent for id in ids or () if id not in done}
    for error in wrong if isinstance(wrong, list) else ():
        id = error.get("entityId") if isinstance(error, dict) else None
        if isinstance(id, str) and (ids is None or id in ids):
            found[id] = told(registration, error.get("error"))
    return found
