"""The @context server: store, list, serve and forget @contexts (5.13, 6.29, 6.30).

`Hosted` and `ImplicitlyCreated` ones are documents of the store and known to `Contexts` by the address that they are
served at. `Cached` ones are copies of what has another address: they are never served, only described.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import orjson

from kitamae.kernel.context import clock, names
from kitamae.kernel.context.api import asked, negotiation
from kitamae.kernel.context.api.answer import NO_CONTENT, Answer, created, of_json
from kitamae.kernel.context.store import Kept
from kitamae.kernel.problems import (
    BadRequest,
    InvalidRequest,
    LdContextUnavailable,
    NotFound,
    TooMany,
    Unprocessable,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.kernel.context.api.exchange import Exchange
    from kitamae.kernel.context.broker import Broker, Request
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.store import Transaction

KIND: Final = "context"
"""What the store files them under."""
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
PATH: Final = "/ngsi-ld/v1/jsonldContexts/"


async def add(x: Exchange) -> Answer:
    """POST jsonldContexts."""
    request, payload = await x.raw_document()
    request.demand("write", "context")
    if not isinstance(payload, dict) or "@context" not in payload:
        raise InvalidRequest("expected an object with the member @context")
    content = payload["@context"]
    parts = content if isinstance(content, list) else [content]
    if not all(isinstance(part, (dict, list, str)) for part in parts):
        raise BadRequest("@context: expected objects, URLs or arrays of them")
    await request.broker.contexts.resolve(content)
    id = await host(request, content, "Hosted", base(x))
    answer = created(PATH + asked.segment(id))
    answer.headers += x.echo(request.tenant)
    return answer


async def host(request: Request, content: Json, kind: str, address: str) -> str:
    """Store an @context to be served from here, under `address`; its local id. Raises BadRequest, TooMany."""
    broker = request.broker
    size, limits = len(orjson.dumps(content)), broker.limits
    if size > limits.context:
        raise BadRequest(f"an @context of {size:,} bytes: at most {limits.context:,} are kept")
    if len(await broker.store.documents(request.tenant, KIND)) >= limits.contexts:
        raise TooMany(f"there are {limits.contexts:,} hosted @contexts; delete some that nobody needs")
    id = f"urn:ngsi-ld:Context:{uuid4()}"
    document = {
        "@context": content,
        "kind": kind,
        "url": f"{address}{PATH}{id}",
        "createdAt": clock.text(broker.clock()),
    }

    async def put(transaction: Transaction) -> None:
        await transaction.put(request.tenant, KIND, id, document)

    await broker.store.transact(put)
    broker.contexts.register(document["url"], {"@context": content})
    return id


async def restore(broker: Broker) -> None:
    """Make the stored ones known again after a start, and those that other workers store from then on."""
    contexts, urls = broker.contexts, dict[str, str]()

    async def others(kept: Sequence[Kept]) -> None:
        for one in kept:
            if one.kind == KIND and one.doc is not None:
                urls[one.id] = one.doc["url"]
                contexts.register(one.doc["url"], {"@context": one.doc["@context"]})
            elif one.kind == KIND and one.id in urls:
                contexts.forget(urls.pop(one.id))

    await others(
        [Kept(tenant, KIND, id, doc) for tenant, id, doc in await broker.store.documents(None, KIND)]
    )
    broker.store.on_documents(others)


def base(x: Exchange) -> str:
    """The address that hosted @contexts are told to have, without a path: where people reach this broker.

    Whoever asks does not choose it: unless the operator told it, the Host header is believed only as far as it is a
    name of the address that the request came in at.
    """
    if x.broker.address:
        return x.broker.address
    host, port = x.scope.get("server") or ("localhost", None)
    if port is None:  # the local socket has no address
        host, port = "localhost", 80
    scheme = x.scope.get("scheme", "http")
    named = f"{scheme}://{x.headers.get(b'host', b'').decode('latin-1')}"
    if _is_at(named, host, port):
        return named
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _is_at(address: str, host: str, port: int) -> bool:
    """Whether it is that host, or this machine's own name for itself, and that port."""
    try:
        parts = urlsplit(address)
        given = parts.hostname or ""
        at = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:  # such as a port that is no number
        return False
    if address != f"{parts.scheme}://{parts.netloc}" or parts.username is not None or at != port:
        return False
    return given == host.lower() or (given in _HERE and host in _HERE)


async def listing(x: Exchange) -> Answer:
    """GET jsonldContexts: addresses, or with `details` what is known of each."""
    request = await x.request()
    kind = request.params.get("kind")
    found = [one for one in await _all(request) if kind in (None, one["kind"])]
    details = request.params.get("details", False)
    return of_json(200, found if details else [one["URL"] for one in found], x.echo(request.tenant))


async def serve(x: Exchange, id: str) -> Answer:
    """GET jsonldContexts/{id}; with `details` what is known of it instead of itself."""
    media = negotiation.accepted(x.headers.get(b"accept"), negotiation.PLAIN)
    request = await x.request()
    found = await _find(request, id)
    if request.params.get("details", False):
        return of_json(200, found, x.echo(request.tenant))
    if found["kind"] == "Cached":
        raise Unprocessable(
            f"the @context {id} is a copy of what has its own address, and is not served here"
        )
    document = await request.broker.store.get(request.tenant, KIND, found["localId"])
    if document is None:
        raise NotFound(f"there is no @context {id}")
    body = orjson.dumps({"@context": document["@context"]})
    return Answer(200, body, [(b"content-type", media.encode("ascii")), *x.echo(request.tenant)])


async def delete(x: Exchange, id: str) -> Answer:
    """DELETE jsonldContexts/{id}; with `reload` a cached one is fetched anew instead."""
    request = await x.request()
    request.demand("write", "context")
    broker = request.broker
    if id in names.CORE_URLS:
        if request.params.get("reload", False):
            return NO_CONTENT  # it came with the program, and a version of it never changes
        raise BadRequest("the core @context is part of the broker and stays")
    found = await _find(request, id)
    if found["URL"] in broker.contexts.own:
        raise BadRequest("the city's own @context comes from its profile and stays")
    if request.params.get("reload", False):
        if found["kind"] != "Cached":
            raise BadRequest(
                f"an @context that is {found['kind']} was not fetched and cannot be fetched again"
            )
        await _reload(broker, found["URL"])
        return NO_CONTENT
    if found["kind"] != "Cached":

        async def drop(transaction: Transaction) -> bool:
            return await transaction.drop(request.tenant, KIND, found["localId"])

        await broker.store.transact(drop)
    broker.contexts.forget(found["URL"])
    return NO_CONTENT


async def _reload(broker: Broker, url: str) -> None:
    """Raises LdContextUnavailable and keeps the old copy when the new one cannot be had."""
    try:
        await broker.contexts.reload(url)
    except BadRequest as wrong:
        raise LdContextUnavailable(f"what is now at {url} is no @context: {wrong.detail}") from wrong


async def _find(request: Request, id: str) -> dict[str, Any]:
    """The core @contexts are not listed, and yet they are a copy of what has its own address."""
    if id in names.CORE_URLS:
        return _cached(request.broker, id)
    for one in await _all(request):
        if id in (one["localId"], one["URL"]):
            return one
    raise NotFound(f"there is no @context {id:.200}")


async def _all(request: Request) -> list[dict[str, Any]]:
    """What 5.13.3.5 says of each. Hosted ones are their tenant's alone (4.14)."""
    broker = request.broker
    found = []
    own = set()
    for tenant, id, document in await broker.store.documents(None, KIND):
        own.add(document["url"])
        if tenant != request.tenant:
            continue
        found.append(
            {
                "URL": document["url"],
                "localId": id,
                "kind": document["kind"],
                "createdAt": document["createdAt"],
            }
        )
    return found + [_cached(broker, url) for url in broker.contexts.urls() if url not in own]


def _cached(broker: Broker, url: str) -> dict[str, Any]:
    return {
        "URL": url,
        "localId": f"urn:ngsi-ld:Context:{hashlib.sha256(url.encode()).hexdigest()[:32]}",
        "kind": "Cached",
        "createdAt": clock.text(broker.started),
    }
