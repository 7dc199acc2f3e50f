"""What can go wrong in NGSIv2, and how every Problem is told there: `{"error": .., "description": ..}` in Orion's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.kernel.context.api.answer import Answer, again, of_json
from kitamae.kernel.problems import (
    AlreadyExists,
    BadRequest,
    Conflict,
    Elsewhere,
    Forbidden,
    InvalidRequest,
    LengthRequired,
    LoopDetected,
    MethodNotAllowed,
    NoAnswer,
    NotAcceptable,
    NotFound,
    NotSignedIn,
    Problem,
    StoreFull,
    TooComplex,
    TooLarge,
    TooManyRequests,
    Unavailable,
    Unprocessable,
    UnsupportedMediaType,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class NoSuchAttribute(NotFound):
    """The entity is there, the attribute is not."""


class TooManyMatches(Conflict):
    """An id alone names several entities."""


class NotPossible(Unprocessable):
    """What is there does not allow it."""


class NoneWritten(NotPossible):
    """None of these attributes could be written as asked: they are there already, or are not there."""

    def __init__(self, names: list[str], mode: str) -> None:
        super().__init__(told_of([("", names)], mode))
        self.names = names


class NotAll(Unprocessable):
    """Some of it could not be written as asked; the rest was."""


def told_of(left: Sequence[tuple[str, Sequence[str]]], mode: str) -> str:
    """In Orion's words. `left`: entities (`Room1/Room`) with the attributes that were left; none: the entity itself."""
    each = [
        f"{entity} - [ {', '.join(names)} ]" if names else f"{entity} - [entity itself]"
        for entity, names in left
    ]
    if mode in ("append", "appendStrict"):
        return f"one or more of the attributes in the request already exist: {', '.join(each)}"
    return f"do not exist: {', '.join(each)}"


NO_ATTRIBUTE: Final = "The entity does not have such an attribute"
NO_ENTITY: Final = "The requested entity has not been found. Check type and id"

_TOLD: Final[tuple[tuple[type[Problem], int, str], ...]] = (
    (TooManyMatches, 409, "TooManyResults"),
    (NotAll, 422, "PartialUpdate"),
    (Unprocessable, 422, "Unprocessable"),
    (AlreadyExists, 422, "Unprocessable"),
    (InvalidRequest, 400, "ParseError"),
    (TooComplex, 400, "BadRequest"),
    (BadRequest, 400, "BadRequest"),
    (NotFound, 404, "NotFound"),
    (NotSignedIn, 401, "Unauthorized"),
    (Forbidden, 403, "Forbidden"),
    (MethodNotAllowed, 405, "MethodNotAllowed"),
    (NotAcceptable, 406, "NotAcceptable"),
    (Conflict, 409, "Conflict"),
    (LengthRequired, 411, "ContentLengthRequired"),
    (TooLarge, 413, "RequestEntityTooLarge"),
    (UnsupportedMediaType, 415, "UnsupportedMediaType"),
    (TooManyRequests, 429, "TooManyRequests"),
    (StoreFull, 507, "InsufficientStorage"),
    (Unavailable, 503, "ServiceUnavailable"),
    (NoAnswer, 504, "GatewayTimeout"),
    (LoopDetected, 508, "LoopDetected"),
    (Elsewhere, 502, "BadGateway"),
)


def told(problem: Problem) -> tuple[int, dict[str, str]]:
    """Status and body."""
    status, error = next(
        ((status, error) for kind, status, error in _TOLD if isinstance(problem, kind)),
        (500, "InternalServerError"),
    )
    description = problem.detail or problem.title
    if isinstance(problem, AlreadyExists):
        description = "Already Exists"
    return status, {"error": error, "description": description}


def of_problem(problem: Problem) -> Answer:
    """The answer."""
    status, body = told(problem)
    headers = []
    match problem:
        case MethodNotAllowed():
            headers.append((b"allow", str(problem.more.get("allow", "")).encode("ascii")))
        case NotSignedIn():
            headers.append((b"www-authenticate", b"Bearer"))
        case LengthRequired() | TooLarge():
            headers.append((b"connection", b"close"))
    return of_json(status, body, [*headers, *again(problem)])
