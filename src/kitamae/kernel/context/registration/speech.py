"""How another source is spoken to: in which words, who asked before, and with whose identity (4.3.6.4-4.3.6.6, 6.3.19).

Nothing of the caller's own goes to another source unless its registration says so: `contextSourceInfo` names each header,
with a value of its own (the source sees the city) or `urn:ngsi-ld:request` (it sees the caller).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import orjson

from kitamae.kernel.context import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.registration.model import Registration

_JSON: Final = "application/json"
_LD_JSON: Final = "application/ld+json"
_LINK: Final = '<%s>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
_IN_A_URL: Final = "%/:?#[]@!$&'()*+,;=~"
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


def said(registration: Registration, key: str) -> str | None:
    """A value of contextSourceInfo."""
    pairs = registration.doc.get("contextSourceInfo", ())
    return next((pair["value"] for pair in pairs if pair["key"] == key), None)


def identity(registration: Registration) -> str:
    """Whom the source is told to be dealing with: `caller`, `city`, or `nobody` (it knows our address alone)."""
    pairs = registration.doc.get("contextSourceInfo", ())
    secrets = [pair["value"] for pair in pairs if pair["key"].lower() in _SECRETS]
    return "nobody" if not secrets else "caller" if _FROM_REQUEST in secrets else "city"


def via(request: Mapping[bytes, bytes], alias: str) -> str:
    """Everybody who asked before, and we."""
    before = request.get(b"via", b"").decode("latin-1")
    return f"{before + ', ' if before else ''}1.1 {alias}"


def link(context: Context) -> str:
    """The value of a Link header; a header is ASCII, an address need not be."""
    return _LINK % quote(context.link or names.CORE_URL, safe=_IN_A_URL)


def spoken(
    registration: Registration,
    via: str,
    context: Context,
    content: Json = None,
    request: Mapping[bytes, bytes] = MappingProxyType({}),
) -> tuple[bytes | None, dict[str, str]]:
    """Body and headers of a request in the words of `context`; `content`: an object, an array of them, or nothing.

    What has an @context of its own keeps it. The @context goes in the Link header where one address names it, unless
    the source wants it inside (6.3.5). `request`: the headers of the request that this one is for.
    """
    headers = {"Via": via, **_headers(registration, request)}
    wants = said(registration, "contentType") if said(registration, "jsonldContext") is None else None
    if content is not None and (context.link is None or wants == _LD_JSON or _speak_apart(content)):
        headers["Content-Type"] = _LD_JSON
        inside = context.link or (names.CORE_URL if context.source is None else context.source)
        told = (
            [_named(one, inside) for one in content] if isinstance(content, list) else _named(content, inside)
        )
        return orjson.dumps(told), headers
    if context.link is not None:
        headers["Link"] = link(context)
    if content is None:
        return None, headers
    headers["Content-Type"] = _JSON
    return orjson.dumps(content), headers


def _headers(registration: Registration, request: Mapping[bytes, bytes]) -> dict[str, str]:
    accept = said(registration, "accept")
    found = {"Accept": accept if accept in (_JSON, _LD_JSON) else _LD_JSON}
    if "tenant" in registration.doc:
        found["NGSILD-Tenant"] = registration.doc["tenant"]
    for pair in registration.doc.get("contextSourceInfo", ()):
        name, value = pair["key"], pair["value"]
        if name in _MEANT or name.lower() in _OURS or not name.replace("-", "").isalnum():
            continue
        if value == _FROM_REQUEST:
            value = request.get(name.lower().encode("ascii", "replace"), b"").decode("latin-1")
        if value:
            found[name] = value
    return found


def _speak_apart(content: Json) -> bool:
    return isinstance(content, list) and any(isinstance(one, dict) and "@context" in one for one in content)


def _named(content: Json, named: Json) -> Json:
    return {"@context": named, **content} if isinstance(content, dict) else content


def local_only(registration: Registration) -> list[tuple[str, str]]:
    """The parameter for a source that is to answer from what it has itself (5.2.34)."""
    doc = registration.doc
    return [("local", "true")] if doc.get("localOnly") or doc.get("management", {}).get("localOnly") else []
