"""URL parameters: one table of how each is read, one set per operation of which it knows (clauses 6.3.7-6.3.20, 6.4-6.30).

An operation that is given a parameter it does not know answers InvalidRequest (6.3.20); a value that cannot be read
answers BadRequestData naming the parameter. What depends on the @context (q, type, attrs, ...) is read later.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from kitamae.kernel.context import clock
from kitamae.kernel.context.lexical import is_uri
from kitamae.kernel.context.query.parse import MOST
from kitamae.kernel.problems import BadRequest, InvalidRequest, TooComplex

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DURATION: Final = re.compile(
    r"P(?!\Z)(?:\d+(?:\.\d+)?Y)?(?:\d+(?:\.\d+)?M)?(?:\d+(?:\.\d+)?W)?(?:\d+(?:\.\d+)?D)?"
    r"(?:T(?!\Z)(?:\d+(?:\.\d+)?H)?(?:\d+(?:\.\d+)?M)?(?:\d+(?:\.\d+)?S)?)?\Z",
    re.ASCII,
)
_WHOLE: Final = re.compile(r"\d{1,18}\Z", re.ASCII)


def text(value: str) -> str:
    """As it is, but not empty."""
    if not value:
        raise BadRequest("a value is missing")
    return value


def names(value: str) -> tuple[str, ...]:
    """Comma separated; none of them empty."""
    parts = tuple(part.strip() for part in value.split(","))
    if not all(parts):
        raise BadRequest(f"expected names separated by commas, got {value!r:.80}")
    return parts


def uris(value: str) -> tuple[str, ...]:
    """Comma separated URIs."""
    parts = names(value)
    if len(parts) > MOST:
        raise TooComplex(f"{len(parts):,} URIs: at most {MOST:,} are read")
    for part in parts:
        if not is_uri(part):
            raise BadRequest(f"expected URIs separated by commas, got {part!r:.80}")
    return parts


def datasets(value: str) -> tuple[str, ...]:
    """Comma separated URIs, or `@none` for the default instance."""
    parts = names(value)
    for part in parts:
        if part != "@none" and not is_uri(part):
            raise BadRequest(f"expected URIs or @none, got {part!r:.80}")
    return parts


def whole(value: str) -> int:
    """A number from 0."""
    if not _WHOLE.match(value):
        raise BadRequest(f"expected a whole number from 0, got {value!r:.40}")
    return int(value)


def positive(value: str) -> int:
    """A number from 1."""
    number = whole(value)
    if number < 1:
        raise BadRequest("expected a whole number from 1, got 0")
    return number


def boolean(value: str) -> bool:
    """`true` or `false`."""
    if value not in ("true", "false"):
        raise BadRequest(f"expected true or false, got {value!r:.40}")
    return value == "true"


def moment(value: str) -> str:
    """A DateTime (4.6.3), given back as it came. A blank stands for the plus sign that was not encoded."""
    stamp = value.replace(" ", "+")
    clock.micros(stamp)
    return stamp


def duration(value: str) -> str:
    """ISO 8601, such as P1D or PT10M."""
    if not _DURATION.match(value):
        raise BadRequest(f"expected an ISO 8601 duration such as PT1H, got {value!r:.40}")
    return value


class OneOf:
    """Exactly one of these words."""

    def __init__(self, *allowed: str) -> None:
        self.allowed = allowed

    def __call__(self, value: str) -> str:
        """The same word. Raises BadRequest."""
        if value not in self.allowed:
            raise BadRequest(f"expected one of {', '.join(self.allowed)}, got {value!r:.40}")
        return value


READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "aggrMethods": names,
    "aggrPeriodDuration": duration,
    "attrs": text,
    "collation": text,
    "containedBy": uris,
    "coordinates": text,
    "count": boolean,
    "csf": text,
    "datasetId": datasets,
    "deleteAll": boolean,
    "details": boolean,
    "drop": text,
    "endTimeAt": moment,
    "entityMap": boolean,
    "entityMapLifetime": duration,
    "expandValues": names,
    "format": text,
    "geometry": text,
    "geometryProperty": text,
    "geoproperty": text,
    "georel": text,
    "id": uris,
    "idPattern": text,
    "join": OneOf("flat", "inline", "@none"),
    "joinLevel": positive,
    "jsonKeys": names,
    "keep": text,
    "kind": OneOf("Cached", "Hosted", "ImplicitlyCreated"),
    "lang": text,
    "lastN": positive,
    "limit": whole,
    "local": boolean,
    "observedAt": moment,
    "offset": whole,
    "omit": text,
    "options": names,
    "orderBy": text,
    "orderFrom": text,
    "orderGeometry": text,
    "pick": text,
    "q": text,
    "reload": boolean,
    "scopeQ": text,
    "splitEntities": boolean,
    "timeAt": moment,
    "timeproperty": OneOf("observedAt", "createdAt", "modifiedAt", "deletedAt"),
    "timerel": OneOf("before", "after", "between"),
    "type": text,
}

NONE: Final[frozenset[str]] = frozenset()
_PAGE: Final = frozenset({"count", "limit", "offset"})
_SHAPE: Final = frozenset({"attrs", "datasetId", "format", "lang", "omit", "options", "pick"})
_MAP: Final = frozenset({"entityMap", "entityMapLifetime"})
_JOIN: Final = frozenset({"containedBy", "join", "joinLevel"})
_SELECT: Final = frozenset(
    {
        "coordinates",
        "csf",
        "expandValues",
        "geometry",
        "geoproperty",
        "georel",
        "id",
        "idPattern",
        "jsonKeys",
        "local",
        "q",
        "scopeQ",
        "splitEntities",
        "type",
    }
)
_ORDER: Final = frozenset({"collation", "orderBy", "orderFrom", "orderGeometry"})
_TIME: Final = frozenset(
    {"aggrMethods", "aggrPeriodDuration", "endTimeAt", "lastN", "timeAt", "timeproperty", "timerel"}
)

QUERY: Final = _SELECT | _SHAPE | _PAGE | _ORDER | _MAP | _JOIN | {"geometryProperty"}
QUERY_BY_POST: Final = _PAGE | {"format", "local", "options"}
RETRIEVE: Final = _SHAPE | _MAP | _JOIN | {"geometryProperty", "local", "type"}
PURGE: Final = _SELECT | {"attrs", "drop", "geometryProperty", "keep"}
WRITE: Final = frozenset({"local", "type"})
CREATE: Final = frozenset({"local"})
APPEND: Final = WRITE | {"options"}
MERGE: Final = WRITE | {"format", "lang", "observedAt", "options"}
DELETE_ATTRIBUTE: Final = WRITE | {"datasetId", "deleteAll"}
BATCH: Final = frozenset({"local", "options"})
BATCH_MERGE: Final = frozenset({"format", "lang", "local", "observedAt", "options"})
DETAILS: Final = frozenset({"details", "local"})
LOCAL: Final = frozenset({"local"})
LIST: Final = _PAGE | {"options"}
PURGE_SNAPSHOTS: Final = frozenset({"q"})
OPTIONS: Final = frozenset({"options"})
TEMPORAL_QUERY: Final = _SELECT | _SHAPE | _PAGE | _ORDER | _MAP | _TIME
TEMPORAL_RETRIEVE: Final = _SHAPE | _MAP | _TIME | {"local"}
TEMPORAL_DELETE_ATTRIBUTE: Final = frozenset({"datasetId", "deleteAll", "local"})
REGISTRATIONS: Final = _PAGE | frozenset(
    [
        "attrs",
        "coordinates",
        "csf",
        "endTimeAt",
        "geometry",
        "geometryProperty",
        "geoproperty",
        "georel",
        "id",
        "idPattern",
        "lang",
        "omit",
        "options",
        "pick",
        "q",
        "scopeQ",
        "timeAt",
        "timeproperty",
        "timerel",
        "type",
    ]
)
CONTEXTS: Final = frozenset({"details", "kind"})
CONTEXT: Final = frozenset({"details"})
CONTEXT_DELETE: Final = frozenset({"reload"})


def pairs(query_string: bytes) -> list[tuple[str, str]]:
    """Names and values as they came, in their order. Raises InvalidRequest."""
    found = []
    try:
        for part in query_string.split(b"&"):
            if part:
                name, _, value = part.partition(b"=")
                found.append((_decoded(name), _decoded(value)))
    except UnicodeDecodeError:
        raise InvalidRequest("the URL parameters are not valid UTF-8") from None
    return found


def _decoded(part: bytes) -> str:
    if b"+" in part:
        part = part.replace(b"+", b" ")
    return (unquote_to_bytes(part) if b"%" in part else part).decode("utf-8")


def read(query_string: bytes, known: frozenset[str], most: int) -> dict[str, Any]:
    """The parameters by name, each read by its reader. Raises InvalidRequest, BadRequest, TooComplex."""
    if not query_string:
        return {}
    if len(query_string) > most:
        raise TooComplex(f"the parameters are {len(query_string)} bytes long: at most {most} are read")
    given: dict[str, Any] = {}
    for name, value in pairs(query_string):
        if name not in known:
            raise InvalidRequest(f"the parameter {name!r:.60} is not known here")
        if name in given:
            raise InvalidRequest(f"the parameter {name} is given twice")
        if "\0" in value:
            raise BadRequest(f"{name}: the character NUL is not allowed")
        try:
            given[name] = READERS[name](value)
        except BadRequest as wrong:
            raise type(wrong)(f"{name}: {wrong.detail}") from None
    return given
