"""Codes, and the tokens that they are exchanged for (RFC 6749, 4.1.3 and 6; RFC 7009; RFC 9700, 4.14).

A refresh token works once and brings the next one. When one that was used comes again, somebody has stolen it, thief or owner: the whole
grant ends, and both must ask the person again. The same for a code that comes twice.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people import secret as secrecy
from kitamae.kernel.people.jose.encoding import encode
from kitamae.kernel.people.provider.errors import InvalidGrant, InvalidScope, InvalidToken, LoginRequired
from kitamae.kernel.people.provider.owing import of_consents, went_on, withdraw
from kitamae.kernel.people.provider.records import Code, Grant
from kitamae.kernel.people.records import TENANT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kitamae.kernel.context.store import Reader, Store, Transaction
    from kitamae.kernel.people.provider.request import Asked

CODE_SECONDS: Final = 60
ACCESS_SECONDS: Final = 600
GRANT_SECONDS: Final = 30 * 86_400
KINDS: Final = ("code", "grant", "access", "refresh")
"""What ends by itself, and with a restore."""
_SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who agrees: an opaque reference, with how surely and when (seconds since 1970) the person signed in, and the session."""

    person: str
    role: str
    assurance: int
    at: int
    session: str


@dataclass(frozen=True, slots=True)
class Issued:
    """`refresh` is "" without `offline_access`; `nonce` is that of the request, "" after a refresh."""

    grant: Grant
    access: str
    refresh: str
    scope: str
    nonce: str


class Grants:
    """On one store. `left`: whether this member of staff is none any more (退職), as a store or a transaction sees it."""

    def __init__(
        self, store: Store, left: Callable[[Reader, str], Awaitable[bool]], now: Callable[[], int] = clock.now
    ) -> None:
        self._store = store
        self._left = left
        self._now = now

    async def code(self, asked: Asked, who: SignedIn, subject: str) -> str:
        """A code for what was asked, which the person agreed to. `subject`: what the client knows him as. Raises LoginRequired."""
        made, id = secrecy.fresh("code"), asked.back.client["id"]
        kept: Code = {
            "client": id,
            "person": who.person,
            "role": who.role,
            "assurance": who.assurance,
            "scope": " ".join(asked.scope),
            "redirect": asked.back.redirect,
            "challenge": asked.challenge,
            "nonce": asked.nonce,
            "authTime": who.at,
            "session": who.session,
            "sid": "",
            "grant": "",
            "expiresAt": self._in(CODE_SECONDS),
        }

        async def put(tx: Transaction) -> bool:
            sid = await went_on(tx, who.session, id, subject)
            if sid is None:
                return False
            known: Code = {**kept, "sid": sid}
            await tx.put(TENANT, "code", secrecy.digest(made), known)
            return True

        if not await self._store.transact(put):
            raise LoginRequired("the session has ended")
        return made

    async def exchange(self, client: str, code: str, redirect: str, verifier: str) -> Issued:
        """Raises InvalidGrant."""
        key = secrecy.digest(code)
        fresh = self._fresh()

        async def spend(transaction: Transaction) -> Issued | str:
            kept = cast("Code | None", await transaction.get(TENANT, "code", key))
            if kept is None or kept["client"] != client:
                return "the code is not known"
            if kept["grant"]:
                await transaction.drop(TENANT, "grant", kept["grant"])
                return "the code was used already: what it was exchanged for has ended"
            if self._past(kept["expiresAt"]):
                return "the code has expired"
            if await self._gone(transaction, kept):
                return "whoever agreed has left"
            if await transaction.get(TENANT, "session", kept.get("session", "")) is None:
                return "whoever agreed has signed out"  # and the client was told so: it must not begin now
            if kept["redirect"] != redirect:
                return "`redirect_uri` is not that of the request"
            if not _matches(verifier, kept["challenge"]):
                return "`code_verifier` does not fit"
            grant: Grant = {
                "client": client,
                "person": kept["person"],
                "role": kept["role"],
                "assurance": kept["assurance"],
                "scope": kept["scope"],
                "authTime": kept["authTime"],
                "sid": kept["sid"],
                "expiresAt": self._in(GRANT_SECONDS),
            }
            await transaction.put(TENANT, "grant", fresh.grant, grant)
            await transaction.put(TENANT, "code", key, {**kept, "grant": fresh.grant})
            return await self._issue(transaction, fresh.grant, grant, fresh, kept["scope"], kept["nonce"])

        return _demand(await self._store.transact(spend))

    async def refresh(self, client: str, token: str, scope: str) -> Issued:
        """`scope` may ask for less. Raises InvalidGrant, InvalidScope."""
        key = secrecy.digest(token)
        fresh = self._fresh()

        async def turn(transaction: Transaction) -> Issued | str:
            kept: Any = await transaction.get(TENANT, "refresh", key)
            if kept is None:
                return "the refresh token is not known"
            grant = cast("Grant | None", await transaction.get(TENANT, "grant", kept["grant"]))
            if grant is None or grant["client"] != client:
                return "the refresh token is not known"
            if await self._gone(transaction, grant):
                await transaction.drop(TENANT, "grant", kept["grant"])
                return "whoever agreed has left: everything that came of it has ended"
            if kept["spent"]:
                await transaction.drop(TENANT, "grant", kept["grant"])
                return "the refresh token was used already: everything that came of it has ended"
            if self._past(kept["expiresAt"]):
                return "the refresh token has expired"
            wanted = scope or grant["scope"]
            if not set(wanted.split()) <= set(grant["scope"].split()):
                raise InvalidScope("more than the person agreed to")
            await transaction.put(TENANT, "refresh", key, {**kept, "spent": True})
            return await self._issue(transaction, kept["grant"], grant, fresh, wanted, "")

        return _demand(await self._store.transact(turn))

    async def holder(self, access: str) -> tuple[Grant, str]:
        """The grant behind an access token, and the token's scope. Raises InvalidToken."""
        kept: Any = await self._store.get(TENANT, "access", secrecy.digest(access))
        if kept is None or self._past(kept["expiresAt"]):
            raise InvalidToken("the access token is not known, or has expired")
        grant = cast("Grant | None", await self._store.get(TENANT, "grant", kept["grant"]))
        if grant is None or await self._gone(self._store, grant):
            raise InvalidToken("the access token was revoked")
        return grant, kept["scope"]

    async def revoke(self, client: str, token: str) -> None:
        """A refresh token ends its grant, an access token itself; what is another client's, or nothing, ends nothing."""
        key = secrecy.digest(token)

        async def end(transaction: Transaction) -> None:
            for kind in ("refresh", "access"):
                kept: Any = await transaction.get(TENANT, kind, key)
                grant: Any = kept and await transaction.get(TENANT, "grant", kept["grant"])
                if grant and grant["client"] == client:
                    what = ("grant", kept["grant"]) if kind == "refresh" else (kind, key)
                    await transaction.drop(TENANT, *what)

        await self._store.transact(end)

    async def _gone(self, store: Reader, of: Code | Grant) -> bool:
        return of["role"] == "staff" and await self._left(store, of["person"])

    async def _issue(
        self, transaction: Transaction, id: str, grant: Grant, fresh: _Fresh, scope: str, nonce: str
    ) -> Issued:
        access = {"grant": id, "scope": scope, "expiresAt": self._in(ACCESS_SECONDS)}
        await transaction.put(TENANT, "access", secrecy.digest(fresh.access), access)
        offline = "offline_access" in grant["scope"].split()
        if offline:
            refresh = {"grant": id, "spent": False, "expiresAt": grant["expiresAt"]}
            await transaction.put(TENANT, "refresh", secrecy.digest(fresh.refresh), refresh)
        return Issued(grant, fresh.access, fresh.refresh if offline else "", scope, nonce)

    def _fresh(self) -> _Fresh:
        return _Fresh(secrets.token_hex(16), secrecy.fresh("access"), secrecy.fresh("refresh"))

    def _in(self, seconds: int) -> str:
        return clock.text(self._now() + seconds * _SECOND)

    def _past(self, time: str) -> bool:
        return clock.micros(time) <= self._now()


async def end(store: Store, person: str, client: str = "", *, withdrawn: bool = False, now: int) -> int:
    """Everything that a person allowed a client, or ("") all of them; how many. They are told to sign the person out. `withdrawn`: and he
    is asked again. `now`: microseconds UTC.
    """

    async def of(kind: str) -> list[tuple[str, Any]]:
        return [
            (id, doc)
            for _, id, doc in await store.documents(TENANT, kind)
            if doc["person"] == person and client in ("", doc["client"])
        ]

    gone, agreed = await of("grant"), await of("consent")

    async def drop(transaction: Transaction) -> None:
        for id, _ in gone:
            await transaction.drop(TENANT, "grant", id)
        if withdrawn:
            for id, _ in agreed:
                await withdraw(transaction, id, now)
        await of_consents(transaction, [doc for _, doc in agreed], now)

    await store.transact(drop)
    return len(gone)


@dataclass(frozen=True, slots=True)
class _Fresh:
    grant: str
    access: str
    refresh: str


def _demand(found: Issued | str) -> Issued:
    """What ended is committed before it is said: an exception inside would undo it."""
    if isinstance(found, str):
        raise InvalidGrant(found)
    return found


def _matches(verifier: str, challenge: str) -> bool:
    right = 43 <= len(verifier) <= 128 and verifier.isascii()
    return right and secrecy.same(encode(hashlib.sha256(verifier.encode()).digest()), challenge)
