"""What another source is told beside the operation itself: who asked before, whose words, whose identity (4.3.6.4-4.3.6.6).

Nothing of the caller's own goes to another source unless its registration says so: `contextSourceInfo` names each header,
with a value of its own (the source sees the city) or `urn:ngsi-ld:request` (it sees the caller).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from kitamae.kernel.context.api import rendering
from kitamae.kernel.context.api.negotiation import JSON, LD_JSON
from kitamae.kernel.context.registration import match
from kitamae.kernel.context.registration.peers import INVALID, Unanswered
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from kitamae.kernel.context.api.answer import Header
    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.registration.match import Question
    from kitamae.kernel.context.registration.model import Registration

_OURS: Final = frozenset(
    {
        "accept",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "link",
        "ngsild-entitymap",
        "ngsild-snapshot",
        "ngsild-tenant",
        "te",
        "transfer-encoding",
        "upgrade",
        "via",
    }
)
"""Headers that this interaction sets, or that are of no concern to anybody else: no registration overrides them."""
_MEANT: Final = frozenset({"contentType", "jsonldContext", "ngsildConformance"})
"""Keys of contextSourceInfo that are no headers (4.3.6.6)."""
_SECRETS: Final = ("authorization", "x-auth-token", "x-api-key")
"""Headers that say who somebody is."""
_FROM_REQUEST: Final = "urn:ngsi-ld:request"
"""In contextSourceInfo: the value that this header has in the request."""


def registered(request: Request) -> list[Registration]:
    """Whoever may have a part in this request: nobody when it is limited to what is here."""
    subscriptions = request.broker.subscriptions
    if subscriptions is None or not len(subscriptions.registrations) or request.params.get("local"):
        return []
    return subscriptions.registrations.listing(request.tenant)


def concerned(request: Request, question: Question) -> list[Registration]:
    """Those of them that match."""
    return [one for one in registered(request) if match.relevant(question, one)]


def visited(x: Exchange) -> list[str]:
    """Who asked before: the received-by of each element of Via (RFC 9110, 7.6.3)."""
    elements = (one.split() for one in x.headers.get(b"via", b"").decode("latin-1").split(","))
    return [words[1] for words in elements if len(words) > 1]


def said(registration: Registration, key: str) -> str | None:
    """A value of contextSourceInfo."""
    pairs = registration.doc.get("contextSourceInfo", ())
    return next((pair["value"] for pair in pairs if pair["key"] == key), None)


async def words(request: Request, registration: Registration, context: Context) -> Context:
    """In whose words the source is spoken to: its own `jsonldContext`, else the caller's. Raises Unanswered."""
    url = said(registration, "jsonldContext")
    if url is None:
        return context
    try:
        return await request.broker.contexts.resolve(url)
    except Problem as problem:
        raise Unanswered(f"its jsonldContext cannot be had: {problem.detail}", INVALID) from None


def spoken(
    x: Exchange, request: Request, registration: Registration, context: Context, content: Json = None
) -> tuple[bytes | None, dict[str, str]]:
    """Body and headers of a request in the words of `context`; `content`: an object, an array of them, or nothing.

    What has an @context of its own keeps it. The @context goes in the Link header where one address names it, unless the source wants it inside (6.3.5).
    """
    headers = _headers(x, request, registration)
    wants = said(registration, "contentType") if said(registration, "jsonldContext") is None else None
    if content is not None and (context.link is None or wants == LD_JSON):
        named = rendering.source(context)
        headers["Content-Type"] = LD_JSON
        told = (
            [_named(one, named) for one in content] if isinstance(content, list) else _named(content, named)
        )
        return orjson.dumps(told), headers
    if context.link is not None:
        headers["Link"] = rendering.link(context)[1].decode("ascii")
    if content is None:
        return None, headers
    headers["Content-Type"] = JSON
    return orjson.dumps(content), headers


def _headers(x: Exchange, request: Request, registration: Registration) -> dict[str, str]:
    before = x.headers.get(b"via", b"").decode("latin-1")
    accept = said(registration, "accept")
    found = {
        "Accept": accept if accept in (JSON, LD_JSON) else LD_JSON,
        "Via": f"{before + ', ' if before else ''}1.1 {request.alias}",
    }
    if "tenant" in registration.doc:
        found["NGSILD-Tenant"] = registration.doc["tenant"]
    for pair in registration.doc.get("contextSourceInfo", ()):
        name, value = pair["key"], pair["value"]
        if name in _MEANT or name.lower() in _OURS or not name.replace("-", "").isalnum():
            continue
        if value == _FROM_REQUEST:
            value = x.headers.get(name.lower().encode("ascii", "replace"), b"").decode("latin-1")
        if value:
            found[name] = value
    return found


def _speak_apart(content: Json) -> bool:
    return isinstance(content, list) and any(isinstance(one, dict) and "@context" in one for one in content)


def _named(content: Json, named: Json) -> Json:
    return {"@context": named, **content} if isinstance(content, dict) else content


def identity(registration: Registration) -> str:
    """Whom the source is told to be dealing with: `caller`, `city`, or `nobody` (it knows our address alone)."""
    secrets = [value for name in _SECRETS if (value := _sent(registration, name)) is not None]
    return "nobody" if not secrets else "caller" if _FROM_REQUEST in secrets else "city"


def _sent(registration: Registration, header: str) -> str | None:
    pairs = registration.doc.get("contextSourceInfo", ())
    return next((pair["value"] for pair in pairs if pair["key"].lower() == header), None)


def local_only(registration: Registration) -> list[tuple[str, str]]:
    """The parameter for a source that is to answer from what it has itself (5.2.34)."""
    return [("local", "true")] if registration.doc.get("management", {}).get("localOnly") else []


def warning(request: Request, code: int, text: str) -> Header:
    """An NGSILD-Warning (6.3.17)."""
    plain = "".join(c if 32 <= ord(c) < 127 and c != '"' else "'" if c == '"' else "?" for c in text)
    return (b"ngsild-warning", f'{code} {request.alias} "{plain}"'.encode("ascii"))


def relayed(said: str) -> Header:
    """A warning of somebody who asked others for us, as far as a header can carry it."""
    return (b"ngsild-warning", "".join(c if 32 <= ord(c) < 127 else "?" for c in said[:2000]).encode("ascii"))
