"""Who sends a request: from a session cookie or a bearer token to a Principal in `scope["principal"]`.

A request without credentials never touches the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from kitamae.kernel.people import secret
from kitamae.kernel.people.person import NOBODY, Principal, asking
from kitamae.kernel.problems import Forbidden, NotSignedIn

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.providers.meter import Meter
    from kitamae.kernel.people.throttle import Throttle

COOKIE: Final = "kitamae_session"
SECURE_COOKIE: Final = "__Host-kitamae_session"
"""Over TLS the name itself forbids other hosts and plain HTTP to set it."""

APART: Final = "/openid/"
"""There partners say who they are in the ways of OAuth, which the provider checks itself."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate:
    """`secure`: people reach the server over TLS (`Settings.secure`)."""

    def __init__(self, people: People, throttle: Throttle, *, secure: bool = False) -> None:
        self.meter: Meter | None = None  # counts what comes with a provider's key
        self._people = people
        self._throttle = throttle
        self._secure = secure
        self._name = SECURE_COOKIE if secure else COOKIE
        self._mark = (self._name + "=").encode()

    async def let_in(self, scope: MutableMapping[str, Any]) -> None:
        """Set `scope["principal"]` and, for a session, `scope["csrf"]`.

        Raises NotSignedIn for a bearer token that is wrong (a wrong cookie is just not signed in), Forbidden for a
        write that another site's page sends with the reader's cookie, TooManyRequests. A provider's key is counted
        (`scope["passage"]`), and over its quota nothing is done.
        """
        bearer = cookie = ""
        apart = scope["path"].startswith(APART)
        for name, value in scope["headers"]:
            if name == b"authorization" and not apart:
                bearer = value.decode("latin-1")
            elif name == b"cookie" and self._mark in value:
                cookie = _cookie(value.decode("latin-1"), self._name)
        if bearer:
            who = scope["principal"] = await self._bearer(bearer, scope)
            if who.metered is not None and self.meter is not None:
                scope["passage"], over = await self.meter.admit(who.metered, scope["method"], scope["path"])
                if over is not None:
                    raise over
        elif cookie:
            await self._session(cookie, scope)
        else:
            scope["principal"] = NOBODY

    async def _bearer(self, header: str, scope: Mapping[str, Any]) -> Principal:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise NotSignedIn(f"Authorization: expected `Bearer <token>`, got the scheme {scheme!r:.40}")
        digest = secret.digest(token.strip())
        who = self._people.remembered(digest)
        if fresh := who is None:
            who = await self._people.who(digest)
        if who is NOBODY or who.session:
            if (
                fresh
            ):  # who keeps guessing waits; who knows is never asked to, however many guess from that address
                self.guessed(scope)
            raise NotSignedIn("the token is not known, has expired or was revoked")
        return who

    async def _session(self, cookie: str, scope: MutableMapping[str, Any]) -> None:
        digest = secret.digest(cookie)
        who = self._people.remembered(digest) or await self._people.who(digest)
        if not who.session:  # a token in a cookie is no session
            scope["principal"] = NOBODY
            return
        if scope["method"] not in _SAFE and not same_origin(scope):
            raise Forbidden("a page of another site may not change anything here in your name")
        scope["principal"] = who
        scope["csrf"] = secret.csrf(cookie)

    def guessed(self, scope: Mapping[str, Any]) -> None:
        """What it sent to prove who it is, nobody was given: a token, a sign-in code, a passkey's answer, a client's secret.

        A cookie is not counted: nobody guesses one, and one that has expired comes from honest people with every page.
        Raises TooManyRequests where that came too often from this address.
        """
        self._throttle.unknown((scope.get("client") or ("",))[0])

    def cookie(self, session: str, seconds: int) -> str:
        """The Set-Cookie value that signs a browser in; `seconds` 0 signs it out."""
        return self._cookie(self._name, session, seconds)

    def carry(self, name: str, note: str, seconds: int) -> str:
        """The Set-Cookie value with which a browser carries a sealed note for a while; `seconds` 0 takes it away."""
        return self._cookie(self._prefix + name, note, seconds)

    def carried(self, scope: Mapping[str, Any], name: str) -> str:
        """That note, "" where there is none."""
        headers = (v.decode("latin-1") for k, v in scope["headers"] if k == b"cookie")
        return next((note for one in headers if (note := _cookie(one, self._prefix + name))), "")

    @property
    def _prefix(self) -> str:
        return "__Host-kitamae_" if self._secure else "kitamae_"

    def _cookie(self, name: str, value: str, seconds: int) -> str:
        secure = "; Secure" if self._secure else ""
        return f"{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"


def demand_form(scope: Mapping[str, Any], sent: object) -> None:
    """A form of a signed-in page must carry the session's token in its field `csrf`. Raises Forbidden."""
    expected = scope.get("csrf")
    if expected is None and not asking(scope).session:
        return
    if not (isinstance(expected, str) and isinstance(sent, str) and secret.same(expected, sent)):
        raise Forbidden("the form is not from this session: load the page again and send it once more")


def same_origin(scope: Mapping[str, Any]) -> bool:
    """Whether a browser sent this from our own page. Browsers say so on every write; a program that does not, may not
    write with a cookie (it uses a token).
    """
    headers: dict[bytes, bytes] = dict(scope["headers"])
    fetch_site = headers.get(b"sec-fetch-site")
    if fetch_site is not None:
        return fetch_site in (b"same-origin", b"none")
    origin = headers.get(b"origin")
    if origin is None:
        return False
    try:
        sender = urlsplit(origin.decode("latin-1")).netloc
    except ValueError:  # such as an IPv6 address without its end
        return False
    return sender.lower() == headers.get(b"host", b"").decode("latin-1").lower()


def _cookie(header: str, name: str) -> str:
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""
