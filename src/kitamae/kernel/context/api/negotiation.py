"""What the headers agree on: media types, the @context of the Link header, the tenant, preferences (6.3.4-6.3.6)."""

from __future__ import annotations

import re
from functools import lru_cache
from math import isnan
from typing import TYPE_CHECKING, Final

from kitamae.kernel.context.earlier import NEWEST, OLDEST
from kitamae.kernel.problems import BadRequest, InvalidRequest, NotAcceptable, UnsupportedMediaType

if TYPE_CHECKING:
    from kitamae.kernel.context.earlier import Version

JSON: Final = "application/json"
LD_JSON: Final = "application/ld+json"
GEO_JSON: Final = "application/geo+json"
MERGE_PATCH: Final = "application/merge-patch+json"

PLAIN: Final = (JSON, LD_JSON)
"""What every operation can answer in; the order is the order of preference (6.3.4)."""
WITH_GEO: Final = (JSON, LD_JSON, GEO_JSON)
"""What Retrieve Entity and Query Entities can answer in."""

ND_JSON: Final = "application/x-ndjson"
QUERIED: Final = (*WITH_GEO, ND_JSON)
"""What Query Entities can answer in: lines are our own, for whoever takes everything."""

CONTEXT_REL: Final = "http://www.w3.org/ns/json-ld#context"
_TENANT: Final = re.compile(r"[\w.-]{1,64}\Z")
_LINK: Final = re.compile(r"<([^>]*)>([^,<]*(?:\"[^\"]*\"[^,<]*)*)")
_REL: Final = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)
_PREFER: Final = re.compile(r"(?:^|[,;\s])body\s*=\s*\"?(json|ld\+json)\"?", re.IGNORECASE)
_VERSION: Final = re.compile(
    r"(?:^|,)\s*ngsi-ld\s*=\s*\"?(\d{1,3})\.(\d{1,3})\"?\s*(?:[;,]|$)", re.IGNORECASE
)


@lru_cache(maxsize=256)
def accepted(accept: bytes | None, offered: tuple[str, ...]) -> str:
    """The representation to answer in. Raises NotAcceptable, listing what there is.

    Weights as RFC 9110 12.5.1: each type takes the weight of the most specific range that matches it, 0 refuses
    it; between equals the order of `offered` decides. No Accept header: the first one offered.
    """
    if accept is None:
        return offered[0]
    ranges = [_range(part) for part in accept.decode("latin-1").split(",") if part.strip()]
    if not ranges:
        return offered[0]
    best, weight = "", 0.0
    for media in offered:
        kind = media.split("/")[0]
        found = [
            (specific, q)
            for pattern, q in ranges
            for specific, same in ((2, media), (1, f"{kind}/*"), (0, "*/*"))
            if pattern == same
        ]
        if found and (q := max(found)[1]) > weight:
            best, weight = media, q
    if not best:
        raise NotAcceptable(f"available: {', '.join(offered)}", available=list(offered))
    return best


def _range(part: str) -> tuple[str, float]:
    pattern, *parameters = part.split(";")
    weight = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                weight = min(max(float(value), 0.0), 1.0)
            except ValueError:
                weight = 1.0
    return pattern.strip().lower(), 1.0 if isnan(weight) else weight


@lru_cache(maxsize=64)
def content_type(header: bytes | None, patch: bool) -> str:
    """JSON or LD_JSON: what the body is to be read as. Raises UnsupportedMediaType, InvalidRequest where none is named.

    merge-patch+json is JSON, for PATCH alone.
    """
    if not header:
        raise InvalidRequest(f"Content-Type is missing: expected {JSON} or {LD_JSON}")
    media = header.decode("latin-1").split(";")[0].strip().lower()
    if media == MERGE_PATCH and patch:
        return JSON
    if media in PLAIN:
        return media
    raise UnsupportedMediaType(f"Content-Type {media}: expected {JSON} or {LD_JSON}")


@lru_cache(maxsize=1024)
def context_link(header: bytes | None) -> str | None:
    """The URL of the Link header's @context. Raises BadRequest when there are two, or a broken one."""
    if header is None:
        return None
    try:
        text = header.decode("utf-8")
    except UnicodeDecodeError:
        text = header.decode("latin-1")
    urls = []
    for url, parameters in _LINK.findall(text):
        rel = _REL.search(parameters)
        if rel and CONTEXT_REL in (rel[1] or rel[2] or "").split():
            urls.append(url.strip())
    if len(urls) > 1:
        raise BadRequest(
            "Link: more than one JSON-LD @context; an array of contexts needs a document of its own"
        )
    if not urls and CONTEXT_REL in text:
        raise BadRequest('Link: expected <URL>; rel="http://www.w3.org/ns/json-ld#context"')
    return urls[0] if urls else None


@lru_cache(maxsize=256)
def tenant(header: bytes | None) -> str:
    """The NGSILD-Tenant header; "" is the default tenant. Raises BadRequest."""
    if header is None:
        return ""
    name = header.decode("latin-1").strip()
    if name and not _TENANT.match(name):
        raise BadRequest(
            f"NGSILD-Tenant: expected up to 64 letters, digits, '.', '_' or '-', got {name!r:.80}"
        )
    return name


@lru_cache(maxsize=64)
def prefers_plain_json(prefer: bytes | None) -> bool:
    """`Prefer: body=json`: GeoJSON without an @context in it (6.3.6)."""
    found = _PREFER.search(prefer.decode("latin-1")) if prefer else None
    return found is not None and found[1].lower() == "json"


@lru_cache(maxsize=64)
def preferred_version(prefer: bytes | None) -> Version | None:
    """`Prefer: ngsi-ld=1.5`, in any spelling of RFC 7240: the version to answer in, never a later one than ours (4.3.6.8)."""
    found = _VERSION.search(prefer.decode("latin-1")) if prefer else None
    version = (int(found[1]), int(found[2])) if found else None
    return None if version is None or version < OLDEST else min(version, NEWEST)


def applied(version: Version) -> tuple[bytes, bytes]:
    """The header that says which version the payload conforms to (6.3.6)."""
    return (b"preference-applied", b"ngsi-ld=%d.%d" % version)
