"""Which services and partners people may sign in to from here: registered by the operator, and nobody else."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote_plus, urlsplit

from kitamae.kernel.context import clock
from kitamae.kernel.people import mynumber
from kitamae.kernel.people import secret as secrecy
from kitamae.kernel.people.access_log import noted
from kitamae.kernel.people.jose import claims as jwt
from kitamae.kernel.people.jose.algorithms import ASYMMETRIC
from kitamae.kernel.people.jose.encoding import BadToken
from kitamae.kernel.people.jose.keys import Keys
from kitamae.kernel.people.provider.errors import InvalidClient, OAuthError
from kitamae.kernel.people.provider.records import Authentication, Client
from kitamae.kernel.people.records import REVOKED, TENANT
from kitamae.kernel.problems import BadRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.once import Once

_KIND: Final = "client"
_MOST: Final = 20
_LONGEST: Final = 500
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS: Final = 300


class Clients:
    """On one store. `audience`: what a client may name as `aud` when it proves who it is."""

    def __init__(
        self, store: Store, once: Once, audience: Sequence[str], now: Callable[[], int] = clock.now
    ) -> None:
        self._store = store
        self._once = once
        self._audience = frozenset(audience)
        self._now = now

    # --- what the operator does
    async def add(
        self,
        name: str,
        purpose: str,
        redirects: Sequence[str],
        logouts: Sequence[str] = (),
        *,
        public: bool = False,
        keys: Any = None,
        backchannel: str = "",
    ) -> tuple[Client, str]:
        """The client and its secret, shown now and never again; "" for a public one and one with `keys`. `backchannel`: where its server
        is told that somebody signed out (`logouts.py`). Raises BadRequest.
        """
        for what, text in (("name", name), ("purpose", purpose)):
            if not text.strip() or len(text) > 200 or not text.isprintable():
                raise BadRequest(
                    f"a client needs a {what} of at most 200 characters, which people read before they agree"
                )
        mynumber.demand_none({"name": name, "purpose": purpose})
        if public and keys is not None:
            raise BadRequest("a client with keys is not public")
        if not 0 < len(redirects) <= _MOST or len(logouts) > _MOST:
            raise BadRequest(f"a client needs 1 to {_MOST} addresses to come back to")
        hosts = {_address(one) for one in (*redirects, *logouts, *([backchannel] if backchannel else ()))}
        if len(hosts) > 1:
            raise BadRequest(
                "all addresses of a client are on one host: what it knows people as depends on it"
            )
        way: Authentication = (
            "none" if public else "private_key_jwt" if keys is not None else "client_secret_basic"
        )
        made = secrecy.fresh("client") if way == "client_secret_basic" else ""
        client: Client = {
            "id": "client-" + secrets.token_hex(8),
            "name": name.strip(),
            "purpose": purpose.strip(),
            "redirects": list(redirects),
            "logouts": list(logouts),
            "authentication": way,
            "secret": secrecy.digest(made) if made else None,
            "keys": _published(keys) if keys is not None else None,
            "createdAt": clock.text(self._now()),
        }
        if backchannel:
            client["backchannel"] = backchannel

        async def put(transaction: Transaction) -> None:
            await transaction.put(TENANT, _KIND, client["id"], client)

        await self._store.transact(put)
        noted.about(client["id"])
        return client, made

    async def all(self) -> list[Client]:
        """Oldest first."""
        return [cast("Client", doc) for _, _, doc in await self._store.documents(TENANT, _KIND)]

    async def remove(self, id: str) -> Client:
        """From the next request on nobody signs in to it, and its tokens are worth nothing; no restore brings it back. Raises NotFound."""
        client = await self.get(id)
        if client is None:
            raise NotFound(f"there is no client {id!r:.80}; `kitamae client list` shows them")

        async def drop(transaction: Transaction) -> None:
            await transaction.drop(TENANT, _KIND, id)
            await transaction.put(TENANT, REVOKED, id, {"at": clock.text(self._now())})

        await self._store.transact(drop)
        return client

    async def get(self, id: str) -> Client | None:
        """None for one that is not registered."""
        return cast("Client | None", await self._store.get(TENANT, _KIND, id)) if 0 < len(id) < 100 else None

    # --- who asks at the token endpoint
    async def prove(self, authorization: str, form: Mapping[str, str]) -> Client:
        """The client that sends this, which proved it in the way that it was registered for. Raises InvalidClient, OAuthError."""
        ways = [name for name in ("client_secret", "client_assertion") if form.get(name)]
        if len(ways) + bool(authorization) > 1:
            raise OAuthError("a client proves who it is in one way")
        if ways == ["client_secret"]:
            raise InvalidClient("a secret is sent with HTTP Basic, or not at all")
        if authorization:
            id, sent = _basic(authorization)
        else:
            id, sent = form.get("client_id", ""), ""
        if authorization and form.get("client_id", id) != id:
            raise OAuthError("two clients are named")
        if ways == ["client_assertion"] and not id:
            id = _claimed(form["client_assertion"])
        client = await self.get(id)
        if client is None:
            raise InvalidClient("there is no such client")
        way = client["authentication"]
        if way == "client_secret_basic" and authorization:
            if client["secret"] and secrecy.same(secrecy.digest(sent), client["secret"]):
                return client
        elif way == "private_key_jwt" and ways:
            await self._assert(client, form)
            return client
        elif way == "none" and not ways and not authorization:
            return client
        raise InvalidClient("this client proves who it is in another way, or did not")

    async def _assert(self, client: Client, form: Mapping[str, str]) -> None:
        """RFC 7523. Each assertion works once."""
        if form.get("client_assertion_type") != _ASSERTION:
            raise InvalidClient("the type of the assertion is not known")
        now = self._now() / 1_000_000
        expected = jwt.Expected(client["id"], self._audience, {"JWT", ""}, now, oldest=_ASSERTION_SECONDS)
        try:
            said = jwt.believe(form["client_assertion"], Keys.read(client["keys"]), ASYMMETRIC, expected)
        except BadToken as wrong:
            raise InvalidClient(f"the assertion is not believed: {wrong.detail}") from wrong
        right = said["sub"] == client["id"] and isinstance(said.get("jti"), str)
        if not right or said["exp"] - said["iat"] > _ASSERTION_SECONDS:
            raise InvalidClient("the assertion needs `sub`, `jti` and an end within five minutes")
        if not await self._once.spend(f"assertion {client['id']} {said['jti']}", 3 * _ASSERTION_SECONDS):
            raise InvalidClient("this assertion was used already")


def _address(url: str) -> str:
    """The host of an address that browsers may be sent to. Raises BadRequest."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise BadRequest(f"{url!r:.200} is no address") from None
    here = parts.scheme == "http" and host in ("127.0.0.1", "::1")
    fine = url.isascii() and url.isprintable() and " " not in url and "\\" not in url and len(url) <= _LONGEST
    if not fine or not host or parts.fragment or "#" in url or "@" in parts.netloc or "*" in url:
        raise BadRequest(f"{url!r:.200}: expected an address without fragment, user and wildcard")
    if parts.scheme != "https" and not here:
        raise BadRequest(
            f"{url!r:.200}: expected https://, or http://127.0.0.1 for a program on one's own machine"
        )
    return host


def _published(document: Any) -> dict[str, Any]:
    """Raises BadRequest for keys that are unusable, secret, or private."""
    try:
        keys = Keys.read(document)
        found = {"keys": [key.public() for key in keys.all]}
    except BadToken as wrong:
        raise BadRequest(f"the client's keys: {wrong.detail}") from None
    if any(key.inner.is_private for key in keys.all):
        raise BadRequest(
            "these are private keys: nobody but the client may have them; make new ones and send the public half"
        )
    if not any(key.fits(alg, "verify") for key in keys.all for alg in ASYMMETRIC):
        raise BadRequest("none of the client's keys can be used to prove who it is")
    return found


def _basic(header: str) -> tuple[str, str]:
    """RFC 6749, 2.3.1. Raises InvalidClient."""
    scheme, _, sent = header.partition(" ")
    try:
        id, colon, password = base64.b64decode(sent.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise InvalidClient("HTTP Basic is not written as it should be") from None
    if scheme.lower() != "basic" or not colon:
        raise InvalidClient("a client proves who it is with HTTP Basic")
    return unquote_plus(id), unquote_plus(password)


def _claimed(assertion: str) -> str:
    """Whom an assertion speaks for, before anything of it is believed. Raises InvalidClient."""
    from kitamae.kernel.people.jose.compact import split
    from kitamae.kernel.people.jose.encoding import members

    try:
        subject = members(split(assertion, 3)[1][1]).get("sub")
    except BadToken as wrong:
        raise InvalidClient(f"the assertion cannot be read: {wrong.detail}") from None
    return subject if isinstance(subject, str) else ""
