"""What can go wrong, as a tree; each class knows its own answer (RFC 9457, ETSI GS CIM 009 clause 5.5.2 and 6.3.2).

Problem                     500 InternalError
├── BadRequest              400 BadRequestData
│   ├── InvalidRequest      400 InvalidRequest        (the payload is not JSON, or no operation at all)
│   ├── NonexistentTenant   404
│   └── TooComplex          403 TooComplexQuery
├── NotSignedIn             401
├── Forbidden               403
│   └── TooMany             403                       (a tenant has as many of something as it may)
├── NotFound                404 ResourceNotFound
├── MethodNotAllowed        405
├── NotAcceptable           406
├── Conflict                409
│   ├── AlreadyExists       409 AlreadyExists
│   └── AnsweredTwice       409 Conflict              (registrations, 5.9.2)
├── LengthRequired          411
├── TooLarge                413
├── UnsupportedMediaType    415
├── Unprocessable           422 OperationNotSupported
├── TooManyResults          403 TooManyResults
├── TooManyRequests         429
├── Unavailable             503
│   ├── LdContextUnavailable 504 LdContextNotAvailable
│   ├── StoreFull           507
│   ├── StoreInUse          503 (another process serves this directory)
│   ├── StoreTooNew         503 (written by a newer Kitamae)
│   ├── StoreUnknown        503 (not a file of ours)
│   └── StoreDamaged        503
└── Elsewhere               502                       (another source that a write went to, 6.3.17)
    ├── NoAnswer            504
    └── LoopDetected        508
"""

from __future__ import annotations

from typing import Any, ClassVar

_ETSI = "https://uri.etsi.org/ngsi-ld/errors/"
_OURS = "https://kitamae.example/problems/"


class Problem(Exception):
    """Anything that ends a request otherwise than hoped for.

    `detail` is one sentence for the reader: what was wrong, where, and what was expected.
    `more` holds extra members of the RFC 9457 answer.
    """

    type: ClassVar[str] = _ETSI + "InternalError"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something broke on our side"

    def __init__(self, detail: str = "", **more: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.more = more

    def body(self) -> dict[str, Any]:
        """The RFC 9457 object."""
        answer: dict[str, Any] = {"type": self.type, "title": self.title, "status": self.status}
        if self.detail:
            answer["detail"] = self.detail
        return {**answer, **self.more}


class BadRequest(Problem):
    """The request was understood and its content is wrong."""

    type = _ETSI + "BadRequestData"
    status = 400
    title = "The data in the request is not valid"


class InvalidRequest(BadRequest):
    """The request cannot be read at all."""

    type = _ETSI + "InvalidRequest"
    title = "The request cannot be read"


class NonexistentTenant(BadRequest):
    """A tenant that was never written to."""

    type = _ETSI + "NonexistentTenant"
    status = 404
    title = "There is no such tenant"


class TooComplex(BadRequest):
    """A query that would cost more than one person may ask of the city."""

    type = _ETSI + "TooComplexQuery"
    status = 403
    title = "The query is too complex"


class NotSignedIn(Problem):
    """Nobody is signed in and somebody must be."""

    type = _OURS + "not-signed-in"
    status = 401
    title = "Please sign in"


class Forbidden(Problem):
    """The policy says no."""

    type = _OURS + "forbidden"
    status = 403
    title = "You may not do that"


class TooMany(Forbidden):
    """A tenant has as many of something as it may have."""

    type = _OURS + "too-many"
    title = "There are as many as there may be"


class NotFound(Problem):
    """No such thing."""

    type = _ETSI + "ResourceNotFound"
    status = 404
    title = "There is no such thing here"


class MethodNotAllowed(Problem):
    """The resource exists; the method does not."""

    type = _OURS + "method-not-allowed"
    status = 405
    title = "That method is not available here"


class NotAcceptable(Problem):
    """No representation that the client accepts."""

    type = _OURS + "not-acceptable"
    status = 406
    title = "None of the accepted media types can be served"


class Conflict(Problem):
    """The state does not allow it."""

    type = _OURS + "conflict"
    status = 409
    title = "The state does not allow that"


class AlreadyExists(Conflict):
    """Creation of what is there."""

    type = _ETSI + "AlreadyExists"
    title = "That entity is already here"


class AnsweredTwice(Conflict):
    """A source that would answer for what is here, or for what another one answers for alone."""

    type = _ETSI + "Conflict"
    title = "Somebody answers for that already"


class LengthRequired(Problem):
    """A body without a length."""

    type = _OURS + "length-required"
    status = 411
    title = "A Content-Length is required"


class TooLarge(Problem):
    """A body over the limit."""

    type = _OURS + "too-large"
    status = 413
    title = "The request is too large"


class UnsupportedMediaType(Problem):
    """A body in a format that is not read here."""

    type = _OURS + "unsupported-media-type"
    status = 415
    title = "That media type is not read here"


class Unprocessable(Problem):
    """Understood, valid, and not offered."""

    type = _ETSI + "OperationNotSupported"
    status = 422
    title = "That operation is not supported"


class TooManyResults(Problem):
    """An answer larger than one answer may be."""

    type = _ETSI + "TooManyResults"
    status = 403
    title = "The answer would be too large"


class TooManyRequests(Problem):
    """One address asks for more than its share."""

    type = _OURS + "too-many-requests"
    status = 429
    title = "Too many requests"


class Unavailable(Problem):
    """For the moment."""

    type = _OURS + "unavailable"
    status = 503
    title = "Not available at the moment"


class LdContextUnavailable(Unavailable):
    """A remote @context that is neither stored here nor to be had."""

    type = _ETSI + "LdContextNotAvailable"
    status = 504
    title = "The @context cannot be had"


class StoreFull(Unavailable):
    """The disk is full: nothing was written, everything already written can be read."""

    type = _OURS + "store-full"
    status = 507
    title = "The disk is full"


class StoreInUse(Unavailable):
    """Another process serves this data directory."""

    type = _OURS + "store-in-use"
    title = "The data directory is in use"


class StoreTooNew(Unavailable):
    """A data file that a newer Kitamae wrote: read by none that is older."""

    type = _OURS + "store-too-new"
    title = "The data file is of a newer version"


class StoreUnknown(Unavailable):
    """A file that no Kitamae wrote."""

    type = _OURS + "store-unknown"
    title = "The data file is not Kitamae's"


class StoreDamaged(Unavailable):
    """The data file fails SQLite's own check."""

    type = _OURS + "store-damaged"
    title = "The data file is damaged"


class Elsewhere(Problem):
    """Another source, which alone keeps what was written, could not be reached or says something that is no answer."""

    type = _OURS + "bad-gateway"
    status = 502
    title = "Another source that keeps this did not take it"


class NoAnswer(Elsewhere):
    """It did not answer in time: whether it did what was asked is not known."""

    type = _OURS + "gateway-timeout"
    status = 504
    title = "Another source that keeps this did not answer in time"


class LoopDetected(Elsewhere):
    """It would ask us again."""

    type = _OURS + "loop-detected"
    status = 508
    title = "The sources that keep this refer to each other in a circle"
