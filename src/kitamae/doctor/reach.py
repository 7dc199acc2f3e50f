"""How people get here: the address, TLS, the proxy, and what is only for demonstrations."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from kitamae.doctor.finding import Kind
from kitamae.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kitamae.doctor.finding import Found
    from kitamae.settings import Settings

_SOON: Final = 30
"""Days before a certificate ends."""
_SECONDS: Final = 4.0

NO_ADDRESS: Final = Kind(
    "no-public-url",
    "warn",
    "The city does not know by which address people reach it.",
    "Sign-in links, letters and the ledger name this machine alone, and passkeys cannot be registered.",
    "Set KITAMAE_PUBLIC_URL=https://... and start again. See docs/operate/tls.md.",
)
PLAIN: Final = Kind(
    "no-tls",
    "bad",
    "People reach the city over {address}, without TLS.",
    "Whoever is on the way can read what they send, take their sign-in over, and change what they see.",
    "Put a web server with a certificate in front, and set KITAMAE_PUBLIC_URL=https://... See docs/operate/tls.md.",
)
EXPOSED: Final = Kind(
    "listens-to-all",
    "warn",
    "Kitamae itself listens on {host}, which other machines reach.",
    "It speaks plain HTTP there, past the web server that holds the certificate.",
    "Start it with --host 127.0.0.1, or let only the web server through the firewall.",
)
NO_PROXY: Final = Kind(
    "no-trusted-proxy",
    "warn",
    "No proxy is trusted, though people come through one.",
    "Everybody seems to come from the same address: one person who guesses codes locks everybody out.",
    "Set KITAMAE_TRUSTED_PROXIES to the address of the web server, such as 127.0.0.1.",
)
CERTIFICATE: Final = Kind(
    "certificate-ends",
    "warn",
    "The certificate of {host} ends in {days} days.",
    "After that no browser opens the city's pages.",
    "Renew it, and look why it was not renewed by itself.",
)
BAD_CERTIFICATE: Final = Kind(
    "certificate-refused",
    "bad",
    "The certificate of {host} is refused: {why}.",
    "Browsers warn people off, and partners do not connect.",
    "Get a certificate for this name from an authority that browsers know.",
)
UNREACHED: Final = Kind(
    "address-not-reached",
    "warn",
    "{address} cannot be reached from here: {why}.",
    "Perhaps only from here; perhaps for nobody.",
    "Open the address from outside. If that works, nothing is wrong.",
)
OPEN: Final = Kind(
    "open",
    "bad",
    "The city runs with --open.",
    "Every program on this machine may change everything without signing in.",
    "Start it without --open. It is for tests.",
)
DEMO: Final = Kind(
    "demo-residents",
    "warn",
    "Anybody can sign in as one of four invented residents.",
    "Applications of people who do not exist would stand among real ones.",
    "Start it without --demo-residents before people use it.",
)


async def look(settings: Settings) -> AsyncIterator[Found]:
    """What the settings say, and what the city's own address answers."""
    parts = urlsplit(settings.public_url)
    outside = bool(parts.hostname) and not is_loopback(parts.hostname or "")
    if not settings.public_url:
        yield NO_ADDRESS.found()
    elif outside and parts.scheme != "https":
        yield PLAIN.found(address=settings.public_url)
    if not is_loopback(settings.host) and settings.tls_certificate is None:
        if outside and settings.secure:
            yield EXPOSED.found(host=settings.host)
        elif not outside:
            yield PLAIN.found(address=f"http://{settings.host}:{settings.port}")
    if outside and settings.secure and not settings.trusted_proxies and settings.tls_certificate is None:
        yield NO_PROXY.found()
    if outside and settings.secure:
        async for one in _certificate(settings.public_url, parts.hostname or "", parts.port or 443):
            yield one
    if settings.open:
        yield OPEN.found()
    if settings.demo_residents:
        yield DEMO.found("bad" if outside else None)


async def _certificate(address: str, host: str, port: int) -> AsyncIterator[Found]:
    try:
        ends = await asyncio.to_thread(_ends, host, port)
    except ssl.SSLCertVerificationError as refused:
        yield BAD_CERTIFICATE.found(host=host, why=refused.verify_message)
    except OSError as error:
        yield UNREACHED.found(address=address, why=error.strerror or type(error).__name__)
    else:
        days = int((ends - time.time()) // 86_400)
        if days < _SOON:
            yield CERTIFICATE.found("bad" if days < 7 else None, host=host, days=days)


def _ends(host: str, port: int) -> float:
    """When its certificate ends, in seconds since 1970. Raises OSError, of which SSLError is one."""
    with (
        socket.create_connection((host, port), timeout=_SECONDS) as plain,
        ssl.create_default_context().wrap_socket(plain, server_hostname=host) as safe,
    ):
        shown = safe.getpeercert() or {}
    return ssl.cert_time_to_seconds(str(shown["notAfter"]))
