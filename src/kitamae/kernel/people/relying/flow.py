"""A sign-in from the first step to the last (OpenID Connect Core 1.0, 3.1; RFC 7636; RFC 9207; RFC 9700)."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from kitamae.kernel.context import clock
from kitamae.kernel.people import secret
from kitamae.kernel.people.jose import claims as jwt
from kitamae.kernel.people.jose.compact import split
from kitamae.kernel.people.jose.encoding import BadToken, encode
from kitamae.kernel.people.relying.outbound import IssuerFailed
from kitamae.kernel.people.relying.said import BasicFour
from kitamae.kernel.problems import BadRequest, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.people.jose.keys import Key
    from kitamae.kernel.people.once import Once
    from kitamae.kernel.people.pseudonyms import Pseudonyms
    from kitamae.kernel.people.relying.issuer import Issuer
    from kitamae.kernel.people.relying.outbound import Outbound
    from kitamae.kernel.people.relying.said import Keeper
    from kitamae.kernel.people.seal import Seal

MINUTES: Final = 10
_SECONDS: Final = MINUTES * 60
_PURPOSE: Final = "sign-in of a resident"
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LEVEL: Final = "aal3"
_ACR: Final = f"{_LEVEL} crl"
"""By the card's certificate for authentication (利用者証明用電子証明書), and checked that it was not revoked."""
_BASIC_FOUR: Final = ("name", "address", "birthdate", "gender")
_BELIEVED: Final = frozenset({"ES256", "PS256", "RS256"})


class SignInFailed(Problem):
    """A sign-in that began here and did not come to its end. Nobody is signed in; the resident may begin again."""

    type = "https://kitamae.example/problems/sign-in-failed"
    status = 400
    title = "The sign-in did not succeed"


@dataclass(frozen=True, slots=True)
class Client:
    """What the issuer knows us as: the id that it gave us, the private key whose public half it has, where it sends browsers."""

    id: str
    key: Key
    redirect: str


@dataclass(frozen=True, slots=True)
class Begun:
    """`address` is where the browser goes, `note` what it carries meanwhile, for `MINUTES`."""

    address: str
    note: str


@dataclass(frozen=True, slots=True)
class Resident:
    """Who came back: an opaque reference, and the page on which the sign-in began."""

    ref: str
    next: str


class Relying:
    """One issuer and us. `keeper` None: nobody here keeps the 基本4情報, so they are not asked for."""

    def __init__(
        self,
        issuer: Issuer,
        outbound: Outbound,
        client: Client,
        seal: Seal,
        once: Once,
        pseudonyms: Pseudonyms,
        keeper: Keeper | None,
        now: Callable[[], int] = clock.now,
        *,
        prefix: str = "resident-",
        known_as: str = "",
    ) -> None:
        """`prefix`: how the references of those who sign in begin; they follow from the issuer's name, or from `known_as`."""
        self._issuer = issuer
        self._outbound = outbound
        self._client = client
        self._seal = seal
        self._once = once
        self._pseudonyms = pseudonyms
        self._keeper = keeper
        self._now = now
        self._prefix = prefix
        self._known_as = known_as or issuer.name

    async def begin(self, next: str, sign_transaction: str = "") -> Begun:
        """`sign_transaction`: the id of a transaction (UUID) in which the resident signs a document on the way.

        Raises IssuerFailed, BadRequest.
        """
        endpoints = await self._issuer.endpoints()
        flow = {name: encode(secrets.token_bytes(32)) for name in ("state", "nonce", "verifier")}
        scope = ["openid", *(_BASIC_FOUR if self._keeper else ())]
        asked = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": self._client.redirect,
            "state": flow["state"],
            "nonce": flow["nonce"],
            "code_challenge": encode(hashlib.sha256(flow["verifier"].encode()).digest()),
            "code_challenge_method": "S256",
            "acr_values": _ACR,
        }
        if sign_transaction:
            scope.append("sign")
            asked["sign_transaction_id"] = _uuid(sign_transaction)
        query = urlencode({**asked, "scope": " ".join(scope)})
        joint = "&" if "?" in endpoints.authorization else "?"
        note = self._seal.write(_PURPOSE, {**flow, "next": next}, _SECONDS)
        return Begun(f"{endpoints.authorization}{joint}{query}", note)

    async def finish(self, note: str, sent: Mapping[str, str]) -> Resident:
        """`sent` is the query with which the browser came back, `note` what it carried. Raises SignInFailed, IssuerFailed."""
        flow = self._flow(note, sent)
        endpoints = await self._issuer.endpoints()
        if sent.get("iss", "" if endpoints.names_itself else self._issuer.name) != self._issuer.name:
            raise SignInFailed("the answer comes from another sign-in service")
        if not await self._once.spend(flow["state"], _SECONDS):
            raise SignInFailed("this sign-in was finished already")
        if "error" in sent:
            raise SignInFailed(_declined(sent["error"]))
        tokens = await self._exchange(endpoints.token, sent.get("code", ""), flow["verifier"])
        said = await self._believe(tokens.get("id_token"), flow["nonce"])
        ref = self._prefix + (await self._pseudonyms.of("resident", self._known_as, said["sub"]))[:32]
        if self._keeper:
            four = await self._userinfo(endpoints.userinfo, tokens.get("access_token"), said["sub"])
            await self._keeper.keep(ref, four)
        return Resident(ref, flow["next"])

    def _flow(self, note: str, sent: Mapping[str, str]) -> dict[str, str]:
        try:
            flow: dict[str, str] = self._seal.read(_PURPOSE, note)
        except BadToken:
            raise SignInFailed("it did not begin in this browser, or more than ten minutes ago") from None
        if not secret.same(flow["state"], sent.get("state", "")):
            raise SignInFailed(
                "the answer belongs to another sign-in than the one that began in this browser"
            )
        return flow

    async def _exchange(self, endpoint: str, code: str, verifier: str) -> dict[str, Any]:
        if not 0 < len(code) <= 2048:
            raise SignInFailed("no code came along")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect,
            "code_verifier": verifier,
            "client_id": self._client.id,
            "client_assertion_type": _ASSERTION,
            "client_assertion": self._assertion(endpoint),
        }
        status, said = await self._outbound.ask(endpoint, form=form)
        if status != 200:
            raise SignInFailed(f"the code was not accepted: {_declined(said.get('error'))}")
        return said

    def _assertion(self, audience: str) -> str:
        """RFC 7523, 2.2: we are who we say, to this endpoint, for a minute, once."""
        now = self._now() // 1_000_000
        said = {
            "iss": self._client.id,
            "sub": self._client.id,
            "aud": audience,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
        }
        return jwt.issue(said, self._client.key, self._client.key.alg or "ES256", typ="JWT")

    async def _believe(self, token: object, nonce: str) -> dict[str, Any]:
        if not isinstance(token, str):
            raise SignInFailed("no ID token came along")
        expected = jwt.Expected(
            issuer=self._issuer.name,
            audience={self._client.id},
            types={"JWT", ""},
            now=self._now() / 1_000_000,
            nonce=nonce,
            client=self._client.id,
            oldest=_SECONDS,
        )
        try:
            keys = await self._issuer.keys(split(token, 3)[0].get("kid"))
            said = jwt.believe(token, keys, _BELIEVED, expected)
        except BadToken as wrong:
            raise SignInFailed(f"the ID token is not believed: {wrong.detail}") from wrong
        if "acr" in said and _LEVEL not in str(said["acr"]).split():
            raise SignInFailed("the sign-in was not made with the card")
        return said

    async def _userinfo(self, endpoint: str, token: object, subject: str) -> BasicFour:
        if not isinstance(token, str) or not token:
            raise SignInFailed("no access token came along")
        status, said = await self._outbound.ask(endpoint, bearer=token)
        if status != 200:
            raise IssuerFailed(f"its userinfo endpoint answers {status}")
        if said.get("sub") != subject:
            raise SignInFailed("the claims are about somebody else")
        return BasicFour.of(said)


def _declined(error: object) -> str:
    """The error's name in the standard, or nothing of what a stranger may have written there."""
    known = (
        isinstance(error, str) and error.replace("_", "").isalpha() and error.isascii() and len(error) < 50
    )
    return str(error) if known else "it gave no reason"


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise BadRequest(f"{text!r:.50}: the id of a transaction is a UUID") from None
