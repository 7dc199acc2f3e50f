"""/v2/registrations: context providers. They are kept with those of NGSI-LD, and listed in both dialects as far as each can say them."""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context.api.answer import NO_CONTENT, Answer, of_json
from kitamae.kernel.context.v2.registration import form
from kitamae.kernel.problems import BadRequest, NotFound, Unavailable

if TYPE_CHECKING:
    from kitamae.kernel.context.registration.model import Registration
    from kitamae.kernel.context.registration.registry import Registrations
    from kitamae.kernel.context.v2.exchange import Exchange

WHAT: Final = "registration"
_NONE: Final = "The requested registration has not been found. Check id"


def _kept(x: Exchange) -> Registrations:
    x.request.demand("operate", WHAT)
    if x.broker.subscriptions is None:
        raise Unavailable("this broker was started without registrations")
    return x.broker.subscriptions.registrations


def _found(x: Exchange, id: str) -> Registration:
    kept = _kept(x)
    try:
        return kept.get(x.request.tenant, x.inner(id))
    except NotFound:
        raise NotFound(_NONE) from None


def _is_there(x: Exchange, one: Registration) -> bool:
    """In the service path that was named, if one was."""
    return b"fiware-servicepath" not in x.headers or one.doc.get("v2", {}).get("path", "/") == x.paths


def _shown(x: Exchange, one: Registration) -> dict[str, Any] | None:
    kept = x.broker.subscriptions_v2
    return form.shown(one, x.words, kept.forwarded(one.tenant, one.id) if kept is not None else None)


async def create(x: Exchange) -> Answer:
    """POST registrations."""
    kept, given = _kept(x), await x.object()
    id = token_hex(12)
    doc = form.document(given, x.inner(id), x.path, x.words)
    _demand_allowed(x, doc)
    await kept.add(x.request.tenant, doc)
    return Answer(201, None, [(b"location", f"/v2/registrations/{id}".encode("ascii"))])


def _demand_allowed(x: Exchange, doc: dict[str, Any]) -> None:
    """Raises BadRequest for a url that the operator does not allow, as far as it can be seen without asking for its name."""
    if x.broker.subscriptions is not None:
        x.broker.subscriptions.destinations.check(doc["endpoint"])


async def listing(x: Exchange) -> Answer:
    """GET registrations; option `count`. Those that NGSIv2 cannot say are left out."""
    options, limits = x.options("count"), x.broker.limits
    offset = x.whole("offset", 0, limits.offset_most)
    limit = x.whole("limit", limits.page, limits.page_most)
    found = [one for one in _kept(x).listing(x.request.tenant) if _is_there(x, one)]
    shown = [one for one in (_shown(x, each) for each in found) if one is not None]
    headers = [(b"fiware-total-count", b"%d" % len(shown))] if "count" in options else []
    return of_json(200, shown[offset : offset + limit], headers)


async def retrieve(x: Exchange, id: str) -> Answer:
    """GET registrations/{id}."""
    found = _found(x, id)
    shown = _shown(x, found) if _is_there(x, found) else None
    if shown is None:
        raise NotFound(_NONE)
    return of_json(200, shown)


async def update(x: Exchange, id: str) -> Answer:
    """PATCH registrations/{id}, which Orion does not have: members take the place of those that are there."""
    old, patch = _found(x, id), await x.object()
    shown = _shown(x, old)
    if shown is None or "v2" not in old.doc:
        raise BadRequest("this registration was made over NGSI-LD, and is changed there")
    if not patch:
        raise BadRequest("empty payload")
    del shown["provider"]["legacyForwarding"]
    doc = form.document({**shown, **patch}, old.id, old.doc["v2"]["path"], x.words)
    _demand_allowed(x, doc)
    await _kept(x).put(x.request.tenant, doc)
    return NO_CONTENT


async def delete(x: Exchange, id: str) -> Answer:
    """DELETE registrations/{id}."""
    found = _found(x, id)
    await _kept(x).delete(found.tenant, found.id)
    if x.broker.subscriptions_v2 is not None:
        x.broker.subscriptions_v2.forget_forwarded(found.tenant, found.id)
    return NO_CONTENT
