"""The headers that every answer carries."""

from __future__ import annotations

from typing import Final

CONTENT_SECURITY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",  # MapLibre draws its icons and glyphs into blobs
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""No inline script or style anywhere, nothing from another host."""

_ALWAYS: Final = [(b"x-content-type-options", b"nosniff")]
_PAGES: Final = [
    (b"content-security-policy", CONTENT_SECURITY.encode()),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(), microphone=(), payment=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
_DRAWN: Final = (b"text/html", b"application/xhtml", b"image/svg")
"""What a browser draws, and might run."""
_INERT: Final = [(b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")]
_DATA: Final = (
    b"application/json",
    b"application/ld+json",
    b"application/geo+json",
    b"application/problem+json",
    b"application/health+json",
    b"text/plain",
    b"text/csv",
)
"""What nobody should draw: a browser that does so all the same runs and loads nothing. Scripts are not among them: the rules that
come with a worker's script are the worker's own.
"""
_TLS: Final = (b"strict-transport-security", b"max-age=31536000")

Headers = list[tuple[bytes, bytes]]


class _AsWritten(bytes):
    """A name that uvicorn does not write in lower case: there are clients that look for `Location` by its capital."""

    def lower(self) -> bytes:
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, bytes) and bytes.lower(self) == bytes.lower(
            other
        )  # as all field names: RFC 9110 5.1

    def __hash__(self) -> int:
        return hash(bytes.lower(self))


_LOCATION: Final = _AsWritten(b"Location")


class SecurityHeaders:
    """`secure`: people reach the server over TLS, and must keep doing so."""

    def __init__(self, *, secure: bool) -> None:
        self._data = [*_ALWAYS, *([_TLS] if secure else [])]
        self._page = [*self._data, *_PAGES]
        self._inert = [*self._data, *_INERT]

    def added_to(self, headers: Headers) -> Headers:
        """What an answer carries besides its own `headers`, which win."""
        added, own = self._data, set()
        for number, (name, value) in enumerate(headers):
            own.add(name)
            if name == b"content-type":
                added = (
                    self._page
                    if value.startswith(_DRAWN)
                    else self._inert
                    if value.startswith(_DATA)
                    else added
                )
            elif name == b"location":
                headers[number] = (_LOCATION, value)
        return [*headers, *(pair for pair in added if pair[0] not in own)]
