"""Registrations of context sources over HTTP (5.9, 5.10, 6.8, 6.9): who else knows something.

Who may register sources may also read registrations: addresses within the town hall's network, and the credentials
in `contextSourceInfo`, are nobody else's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context.api import negotiation, registered, selection
from kitamae.kernel.context.api.asked import uri
from kitamae.kernel.context.api.listing import page, sys_attrs
from kitamae.kernel.context.api.registered import WHAT
from kitamae.kernel.context.api.rendering import in_context
from kitamae.kernel.context.query import parse, reach
from kitamae.kernel.context.query.pattern import checked
from kitamae.kernel.context.query.tree import TypeQ, Wanted
from kitamae.kernel.context.registration.match import Question
from kitamae.kernel.context.registration.show import shown
from kitamae.kernel.context.temporal import query as temporal
from kitamae.kernel.problems import BadRequest, Unprocessable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.context.api.answer import Answer
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.registration.registry import Registrations

_NAMED: Final = "the registration's id"
_GEO: Final = ("georel", "geometry", "coordinates", "geoproperty")
_TIME: Final = ("timerel", "timeAt", "endTimeAt", "timeproperty")
_SELECTS: Final = ("type", "attrs", "pick", "q", "csf", "id", "idPattern", "scopeQ", "georel")
_MEMBERS: Final = frozenset({"id", "type", "scope"})


async def create(x: Exchange) -> Answer:
    """POST csourceRegistrations."""
    return await registered.create(x, _kept, "csourceRegistrations")


async def retrieve(x: Exchange, id: str) -> Answer:
    """GET csourceRegistrations/{id}."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    uri(id, _NAMED)
    request = await x.request()
    request.demand("operate", WHAT)
    found = _kept(request).get(request.tenant, id)
    return in_context(x, request, media, shown(found, request.context, sys_attrs=sys_attrs(request)))


async def query(x: Exchange) -> Answer:
    """GET csourceRegistrations: those that match, page by page, each as it was registered.

    5.10.2 recommends to leave out the information that does not match. It is kept: one registration has one
    representation, which a client may send back.
    """
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request = await x.request()
    request.demand("operate", WHAT)
    times = sys_attrs(request)
    found = [one for one, _ in _kept(request).discover(request.tenant, asked(request))]
    return page(x, request, media, found, lambda one: shown(one, request.context, sys_attrs=times))


async def update(x: Exchange, id: str) -> Answer:
    """PATCH csourceRegistrations/{id}."""
    return await registered.update(x, _kept, id, _NAMED)


async def delete(x: Exchange, id: str) -> Answer:
    """DELETE csourceRegistrations/{id}."""
    return await registered.delete(x, _kept, id, _NAMED)


def asked(request: Request) -> Question:
    """The question that the URL parameters mean. Raises BadRequest, TooComplex; also for one that is too wide.

    `q` and the geoquery say which attributes are meant, and the latter where; conditions on the sources are `csf` (5.10.2.4).
    `lang` and `geometryProperty` choose nothing among sources.
    """
    params, expand = request.params, request.context.expand
    time = temporal.parse({name: params[name] for name in _TIME if name in params})
    geo = parse.geo({name: params[name] for name in _GEO if name in params}, expand)
    if not any(name in params for name in _SELECTS):
        raise BadRequest(f"too wide: give one of {', '.join(_SELECTS)}")
    if "attrs" in params and {"pick", "omit"} & params.keys():
        raise BadRequest("attrs does not go with pick or omit")
    entities: tuple[Wanted, ...] = ()
    if {"type", "id", "idPattern"} & params.keys():
        types = params.get("type", "*")
        pattern = params.get("idPattern")
        wanted = Wanted(
            TypeQ() if types == "*" else parse.type_q(types, expand),
            params.get("id", ()),
            None if pattern is None else checked(pattern),
        )
        entities = (wanted,)
    attrs = {*selection.names(params, "attrs", expand), *_projected(params, "pick", expand)}
    if "q" in params:
        attrs |= reach.attributes(parse.q(params["q"], expand))
    if geo is not None:
        attrs.add(geo.geoproperty)
    return Question(
        entities,
        frozenset(attrs),
        (parse.q(params["csf"], expand),) if "csf" in params else (),
        geo,
        parse.scope_q(params["scopeQ"]) if "scopeQ" in params else None,
        time if time.timerel is not None else None,
        omitted=_projected(params, "omit", expand),
    )


def _projected(params: Mapping[str, Any], member: str, expand: Callable[[str], str]) -> frozenset[str]:
    """The attributes, not the other members, that pick or omit names; of linked entities nothing is asked here."""
    found = parse.projection(params[member], expand, member) if member in params else ()
    whole = [one for one in found if member == "pick" or not one.linked]
    return frozenset(one.name for one in whole) - _MEMBERS


def _kept(request: Request) -> Registrations:
    subscriptions = request.broker.subscriptions
    if subscriptions is None:
        raise Unprocessable("this broker was started without registrations")
    return subscriptions.registrations
