"""Other sources of a request: who has a part in it, and what they are told beside the operation itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from kitamae.kernel.context.registration import match, speech
from kitamae.kernel.context.registration.dialect import Errand
from kitamae.kernel.context.registration.peers import INVALID, Unanswered
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from kitamae.kernel.context.api.answer import Header
    from kitamae.kernel.context.broker import Request
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.registration.dialect import Dialect
    from kitamae.kernel.context.registration.match import Question
    from kitamae.kernel.context.registration.model import Registration


class Asking(Protocol):
    """The request for which others are asked, of either dialect: its headers (lower-case names, repeated ones joined)."""

    headers: dict[bytes, bytes]

    def parameters(self) -> list[tuple[str, str]]:
        """URL parameters that mean something to a source of NGSI-LD."""
        ...


def registered(request: Request) -> list[Registration]:
    """Whoever may have a part in this request: nobody when it is limited to what is here, as `type=*` is (6.4.3, 6.18.3)."""
    subscriptions, params = request.broker.subscriptions, request.params
    if subscriptions is None or not len(subscriptions.registrations):
        return []
    if params.get("local") or params.get("type") == "*":
        return []
    return subscriptions.registrations.listing(request.tenant)


def concerned(request: Request, question: Question) -> list[Registration]:
    """Those of them that match."""
    return [one for one in registered(request) if match.relevant(question, one)]


def visited(x: Asking) -> list[str]:
    """Who asked before: the received-by of each element of Via (RFC 9110, 7.6.3)."""
    elements = (one.split() for one in x.headers.get(b"via", b"").decode("latin-1").split(","))
    return [words[1] for words in elements if len(words) > 1]


async def words(request: Request, registration: Registration, context: Context) -> Context:
    """In whose words the source is spoken to: its own `jsonldContext`, else the caller's. Raises Unanswered."""
    url = speech.said(registration, "jsonldContext")
    if url is None:
        return context
    try:
        return await request.broker.contexts.resolve(url)
    except Problem as problem:
        raise Unanswered(f"its jsonldContext cannot be had: {problem.detail}", INVALID) from None


def spoken(
    x: Asking, request: Request, registration: Registration, context: Context, content: Json = None
) -> tuple[bytes | None, dict[str, str]]:
    """Body and headers of a request in the words of `context`; see `registration.speech`."""
    return speech.spoken(registration, speech.via(x.headers, request.alias), context, content, x.headers)


def errand(x: Asking, request: Request) -> tuple[Dialect, Errand]:
    """How sources that speak NGSIv2 are spoken to for this request. Raises Unanswered."""
    dialect, subscriptions = request.broker.dialect, request.broker.subscriptions
    if dialect is None or subscriptions is None:
        raise Unanswered("sources that speak NGSIv2 are not spoken to")
    correlator = x.headers.get(b"fiware-correlator", b"").decode("latin-1") or str(uuid4())
    via = speech.via(x.headers, request.alias)
    return dialect, Errand(subscriptions.peers, request.tenant, request.context, via, correlator)


def warning(request: Request, code: int, text: str) -> Header:
    """An NGSILD-Warning (6.3.17)."""
    plain = "".join(c if 32 <= ord(c) < 127 and c != '"' else "'" if c == '"' else "?" for c in text)
    return (b"ngsild-warning", f'{code} {request.alias} "{plain}"'.encode("ascii"))


def relayed(said: str) -> Header:
    """A warning of somebody who asked others for us, as far as a header can carry it."""
    return (b"ngsild-warning", "".join(c if 32 <= ord(c) < 127 else "?" for c in said[:2000]).encode("ascii"))
