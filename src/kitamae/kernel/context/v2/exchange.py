"""One NGSIv2 request on raw ASGI: its headers, its parameters, its body."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl
from uuid import uuid4

from kitamae.kernel.context.api import body, negotiation
from kitamae.kernel.context.broker import Request
from kitamae.kernel.context.v2.names import Words, field, inner_id, service_path
from kitamae.kernel.context.veil import seen_by
from kitamae.kernel.people.person import NOBODY, Principal
from kitamae.kernel.problems import BadRequest, InvalidRequest, TooLarge, UnsupportedMediaType

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from kitamae.kernel.context.api.answer import Header
    from kitamae.kernel.context.api.body import Receive
    from kitamae.kernel.context.api.routing import Route
    from kitamae.kernel.context.broker import Broker
    from kitamae.kernel.context.entity import Json

_SERVICE: Final = re.compile(r"[A-Za-z0-9_]{0,50}")
_CORRELATOR: Final = re.compile(rb"[\x21-\x7e ]{1,200}")
TEXT: Final = "text/plain"
_OPTIONS: Final = frozenset(
    (
        "append",
        "count",
        "dateCreated",
        "dateModified",
        "flowControl",
        "forcedUpdate",
        "keyValues",
        "noAttrDetail",
        "normalized",
        "overrideMetadata",
        "skipForwarding",
        "skipInitialNotification",
        "unique",
        "upsert",
        "values",
    )
)
"""Of some operation each; where they mean nothing they are read over, as in Orion."""


class Exchange:
    """`params`: the URL's, the last of each name; `headers`: lower-case names."""

    __slots__ = ("broker", "headers", "params", "receive", "request", "route", "scope", "words")

    request: Request
    words: Words

    def __init__(
        self, broker: Broker, scope: MutableMapping[str, Any], receive: Receive, route: Route
    ) -> None:
        self.broker, self.scope, self.receive, self.route = broker, scope, receive, route
        self.headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            self.headers[name] = self.headers[name] + b", " + value if name in self.headers else value
        self.params: dict[str, str] = {}

    async def begin(self) -> None:
        """Read what is in the headers and the URL. Raises BadRequest, NotAcceptable."""
        query: bytes = self.scope["query_string"]
        if len(query) > self.broker.limits.query_string:
            raise TooLarge(
                f"a query string of {len(query)} bytes: at most {self.broker.limits.query_string} are read"
            )
        try:
            pairs = parse_qsl(query.decode("utf-8"), keep_blank_values=True, errors="strict")
        except UnicodeDecodeError:
            raise BadRequest("the URL is not valid UTF-8") from None
        for name, value in pairs:
            if "\0" in value or "\0" in name:
                raise BadRequest("the URL holds the character NUL")
            if not value:
                raise BadRequest(f"Empty right-hand-side for URI param /{name[:80]}/")
            self.params[name] = value
        tenant = self.header(b"fiware-service").strip().lower()
        if not _SERVICE.fullmatch(tenant):
            raise BadRequest("Fiware-Service: a service is up to 50 letters, digits or _")
        if self.route.path != "version":  # asked by clients of either dialect
            negotiation.accepted(self.headers.get(b"accept"), ("application/json", TEXT))
        principal: Principal = self.scope.get("principal", NOBODY)
        self.broker = seen_by(self.broker, principal, tenant)
        context = await self.broker.contexts.resolve(None)
        self.request = Request(self.broker, principal, tenant, context, self.params)
        self.words = Words(context)

    def parameters(self) -> list[tuple[str, str]]:
        """None of the URL's mean something to a source of NGSI-LD."""
        return []

    def header(self, name: bytes) -> str:
        """Its text; "" where it is missing."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def correlator(self) -> str:
        """Fiware-Correlator: the one that came, or the one that the answer will have."""
        return correlator(self.scope)[1].decode("ascii")

    @staticmethod
    def inner(id: str) -> str:
        """An id of the URL as it is inside. Raises BadRequest."""
        return inner_id(field(id, "id"))

    @property
    def path(self) -> str:
        """The one service path that a write is about: the root, unless told. Raises BadRequest."""
        return service_path(self.header(b"fiware-servicepath").strip() or "/")

    @property
    def paths(self) -> str:
        """The service paths that a query is about: all, unless told."""
        return self.header(b"fiware-servicepath").strip() or "/#"

    def options(self, *known: str) -> frozenset[str]:
        """Those of `options` that mean something here. Raises BadRequest for words that mean nothing anywhere."""
        words = frozenset(one.strip() for one in self.params.get("options", "").split(",") if one.strip())
        unknown = words - _OPTIONS
        if unknown:
            raise BadRequest(f"Invalid value for URI param /options/: {', '.join(sorted(unknown))}")
        return words.intersection(known)

    def whole(self, name: str, usual: int, most: int) -> int:
        """A number from the URL. Raises BadRequest."""
        text = self.params.get(name)
        if text is None:
            return usual
        if not text.isascii() or not text.isdigit() or len(text) > 15 or int(text) > most:
            raise BadRequest(
                f"Bad pagination {name}: expected a whole number from 0 to {most}, got {text!r:.40}"
            )
        return int(text)

    def names(self, name: str) -> tuple[str, ...] | None:
        """A list from the URL. Raises BadRequest."""
        text = self.params.get(name)
        if text is None:
            return None
        found = tuple(one.strip() for one in text.split(","))
        if not all(found):
            raise BadRequest(f"{name}: expected names separated by commas, got {text!r:.80}")
        return found

    async def raw(self, *media: str) -> tuple[str, bytes]:
        """The body with its media type. Raises LengthRequired, TooLarge, UnsupportedMediaType."""
        limit = body.most(self.broker.limits, self.route)
        expected = body.length(self.headers.get(b"content-length"), limit)
        given = self.header(b"content-type").split(";")[0].strip().lower()
        if given not in media:
            raise UnsupportedMediaType(f"not supported content type: {given[:80]}")
        return given, await body.read(self.receive, expected, limit)

    async def json(self) -> Json:
        """The body as JSON."""
        return await body.document((await self.raw("application/json"))[1])

    async def object(self) -> dict[str, Any]:
        """The body as one JSON object. Raises InvalidRequest."""
        given = await self.json()
        if not isinstance(given, dict):
            raise InvalidRequest("Errors found in incoming JSON buffer: expected one JSON object")
        return given


def correlator(scope: MutableMapping[str, Any]) -> Header:
    """Fiware-Correlator: the one that came, or a new one, the same throughout the request."""
    for name, value in scope["headers"]:
        if name == b"fiware-correlator" and _CORRELATOR.fullmatch(value):
            return (b"fiware-correlator", value)
    new: bytes = scope.setdefault("correlator", str(uuid4()).encode("ascii"))
    return (b"fiware-correlator", new)
