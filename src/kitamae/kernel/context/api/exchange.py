"""One HTTP request, on raw ASGI: what a handler is given."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from kitamae.kernel.context.api import body, negotiation, parameters
from kitamae.kernel.context.broker import Broker, Request
from kitamae.kernel.context.veil import seen_by
from kitamae.kernel.people.person import NOBODY, Principal
from kitamae.kernel.problems import BadRequest, InvalidRequest, NonexistentTenant, Problem, Unprocessable
from kitamae.kernel.turns import Turns

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from kitamae.kernel.context.api.answer import Header
    from kitamae.kernel.context.api.application import Application
    from kitamae.kernel.context.api.body import Receive
    from kitamae.kernel.context.api.routing import Route
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context


_SNAPSHOT: Final = b"ngsild-snapshot"
_IN_SNAPSHOTS: Final = (
    *("entities", "entityOperations/", "temporal/entities", "temporal/entityOperations/"),
    *("types", "attributes"),
)
"""Where the paths begin of what can be done with a snapshot as with a city."""
_TWO_CONTEXTS: Final = "application/ld+json: the @context is in the body, so none may be in a Link header"


class Exchange:
    """`headers`: lower-case names; repeated ones joined with commas."""

    __slots__ = ("application", "headers", "receive", "route", "scope")

    def __init__(
        self, application: Application, scope: MutableMapping[str, Any], receive: Receive, route: Route
    ) -> None:
        self.application = application
        self.scope = scope
        self.receive = receive
        self.route = route
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            headers[name] = headers[name] + b", " + value if name in headers else value
        self.headers = headers

    @property
    def broker(self) -> Broker:
        """Whose operation it is."""
        return self.application.broker

    @property
    def principal(self) -> Principal:
        """Whoever the door let in (`kernel.people.gate`)."""
        who: Principal = self.scope.get("principal", NOBODY)
        return who

    @property
    def size(self) -> int:
        """Bytes of a body that was read."""
        return int(self.headers.get(b"content-length", b"0"))

    @property
    def query_string(self) -> bytes:
        """As it came."""
        query_string: bytes = self.scope["query_string"]
        return query_string

    def parameters(self) -> list[tuple[str, str]]:
        """The URL parameters as they came, in their order."""
        return parameters.pairs(self.query_string)

    @property
    def path(self) -> str:
        """Of this resource under the host, percent-encoded: for Location and for links to other pages."""
        raw = self.scope.get("raw_path") or self.scope["path"].encode("utf-8")
        return quote(raw, safe="/%:@!$&'()*+,;=")

    async def request(self) -> Request:
        """For what has no body: the @context comes from the Link header (6.3.5)."""
        link = negotiation.context_link(self.headers.get(b"link"))
        request = await self._begin()
        request.context = await request.broker.contexts.resolve(link)
        return request

    async def document(self) -> tuple[Request, dict[str, Any]]:
        """For one JSON object: its own @context, or that of the Link header, as 6.3.5 tells them apart.

        The `@context` member is taken out of what is returned.
        """
        request = await self._begin()
        media, link, payload = await self._payload()
        if not isinstance(payload, dict):
            raise InvalidRequest("expected one JSON object")
        request.context = await self.context_of(payload, media, link)
        payload.pop("@context", None)
        return request, payload

    async def documents(self) -> tuple[Request, list[tuple[Json, Context | Problem]]]:
        """For an array of JSON objects, each with the @context that it means or what is wrong with that."""
        request = await self._begin()
        media, link, payload = await self._payload()
        if not isinstance(payload, list):
            raise InvalidRequest("expected a JSON array")
        if not payload or None in payload:
            raise BadRequest("expected an array with at least one element, none of them null")
        if media == negotiation.LD_JSON and link is not None:
            raise BadRequest(_TWO_CONTEXTS)
        if len(payload) > request.broker.limits.batch:
            raise BadRequest(
                f"{len(payload)} elements: at most {request.broker.limits.batch} are taken at once"
            )
        request.context = await request.broker.contexts.resolve(link)
        found: list[tuple[Json, Context | Problem]] = []
        seen: dict[str, Context | Problem] = {}
        turns = Turns()
        for element in payload:
            await turns.next()
            context: Context | Problem = request.context
            if isinstance(element, dict):
                named = element.get("@context")
                known = seen.get(named) if isinstance(named, str) else None
                if known is not None:
                    context = known
                elif media == negotiation.LD_JSON or named is not None:
                    try:
                        context = await self.context_of(element, media, link)
                    except Problem as problem:
                        context = problem
                    if isinstance(named, str):
                        seen[named] = context
                element.pop("@context", None)
            found.append((element, context))
        return request, found

    async def context_of(self, payload: dict[str, Any], media: str, link: str | None) -> Context:
        """The @context of one object in a body. Raises BadRequest for the mixes that 6.3.5 forbids."""
        contexts = self.application.broker.contexts
        if media == negotiation.LD_JSON:
            if "@context" not in payload:
                raise BadRequest("application/ld+json: the body must have an @context")
            if link is not None:
                raise BadRequest(
                    "application/ld+json: the @context is in the body, so none may be in a Link header"
                )
            return await contexts.resolve(payload["@context"])
        if "@context" in payload:
            raise BadRequest("application/json: an @context goes in the Link header, not in the body")
        return await contexts.resolve(link)

    async def raw_document(self) -> tuple[Request, Json]:
        """A body that is not expanded at all (an @context to be stored)."""
        request = await self._begin()
        _, _, payload = await self._payload()
        return request, payload

    async def _payload(self) -> tuple[str, str | None, Json]:
        headers = self.headers
        limits = self.application.broker.limits
        most = body.most(limits, self.route)
        expected = body.length(headers.get(b"content-length"), most)
        media = negotiation.content_type(headers.get(b"content-type"), self.scope["method"] == "PATCH")
        link = negotiation.context_link(headers.get(b"link"))
        return media, link, await body.document(await body.read(self.receive, expected, most))

    async def _begin(self) -> Request:
        application = self.application
        tenant = negotiation.tenant(self.headers.get(b"ngsild-tenant"))
        if tenant and not self.route.founds and not await application.knows_tenant(tenant):
            raise NonexistentTenant(f"there is no tenant {tenant!r}: nothing was ever written to it")
        params = parameters.read(
            self.scope["query_string"], self.route.parameters, application.broker.limits.query_string
        )
        broker = seen_by(application.broker, self.principal, tenant)
        request = Request(broker, self.principal, tenant, params=params)
        return request if _SNAPSHOT not in self.headers else await self._in_snapshot(request)

    async def _in_snapshot(self, request: Request) -> Request:
        """The same request, about what is in a snapshot, which is always here (5.5.15, 6.3.22)."""
        if not self.route.path.startswith(_IN_SNAPSHOTS):
            raise Unprocessable(
                "NGSILD-Snapshot: a snapshot has entities and their history, and nothing else"
            )
        broker, now = request.broker, request.broker.clock()
        id = self.headers[_SNAPSHOT].decode("latin-1")
        found = await broker.snapshots.find(broker.store, request.tenant, id, now)
        broker.snapshots.use(found, now)
        params = {**request.params, "local": True}
        return replace(request, tenant=found.room, params=params, home=request.tenant)

    def echo(self, tenant: str) -> list[Header]:
        """The tenant that an answer is about (5.5.10), and the snapshot (6.3.22)."""
        if _SNAPSHOT in self.headers:
            named = [(_SNAPSHOT, self.headers[_SNAPSHOT])]
            home = self.headers.get(b"ngsild-tenant")
            return named if not home else [*named, (b"ngsild-tenant", home)]
        return [(b"ngsild-tenant", tenant.encode("latin-1"))] if tenant else []
