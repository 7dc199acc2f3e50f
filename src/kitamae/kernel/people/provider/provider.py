"""The provider as a whole: what it says of itself, what a person is asked, and what a client gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from kitamae.kernel.context import clock
from kitamae.kernel.people.jose import claims as jwt
from kitamae.kernel.people.jose import signed
from kitamae.kernel.people.jose.encoding import BadToken, members
from kitamae.kernel.people.provider.clients import Clients
from kitamae.kernel.people.provider.errors import InvalidToken, OAuthError, UnsupportedGrantType
from kitamae.kernel.people.provider.grants import ACCESS_SECONDS, Grants, end
from kitamae.kernel.people.provider.keys import SigningKeys
from kitamae.kernel.people.provider.logouts import Logouts
from kitamae.kernel.people.provider.owing import pair
from kitamae.kernel.people.provider.request import SCOPES
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.relying.stand_in import PREFIX

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from kitamae.kernel.context.store import Reader, Store, Transaction
    from kitamae.kernel.context.subscription.destinations import Destinations
    from kitamae.kernel.people.once import Once
    from kitamae.kernel.people.provider.grants import Issued, SignedIn
    from kitamae.kernel.people.provider.records import Client, Grant
    from kitamae.kernel.people.provider.request import Asked
    from kitamae.kernel.people.pseudonyms import Pseudonyms
    from kitamae.kernel.people.seal import Seal

PATH: Final = "/openid"
ID_TOKEN_SECONDS: Final = 300
_ALG: Final = "ES256"


class Provider:
    """`issuer` is how people reach this server: it stands in every token, so a city that moves becomes another one. `left` as `Grants`
    has it; `destinations`: where sign-outs may be told.
    """

    def __init__(
        self,
        issuer: str,
        store: Store,
        seal: Seal,
        once: Once,
        pseudonyms: Pseudonyms,
        destinations: Destinations,
        left: Callable[[Reader, str], Awaitable[bool]],
        now: Callable[[], int] = clock.now,
    ) -> None:
        self.issuer = issuer
        self.clients = Clients(store, once, (issuer, issuer + PATH + "/token"), now)
        self.grants = Grants(store, left, now)
        self.keys = SigningKeys(store, seal, now)
        self.logouts = Logouts(issuer, _ALG, store, self.clients, self.keys, destinations, now)
        self._pseudonyms = pseudonyms
        self._store = store
        self._now = now

    def metadata(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0, section 3; RFC 8414."""
        at = self.issuer + PATH
        ways = ["client_secret_basic", "private_key_jwt", "none"]
        return {
            "issuer": self.issuer,
            "authorization_endpoint": at + "/authorize",
            "token_endpoint": at + "/token",
            "jwks_uri": at + "/keys",
            "userinfo_endpoint": at + "/userinfo",
            "revocation_endpoint": at + "/revoke",
            "end_session_endpoint": at + "/end-session",
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
            "scopes_supported": list(SCOPES),
            "claims_supported": [
                "sub",
                "iss",
                "aud",
                "exp",
                "iat",
                "auth_time",
                "nonce",
                "acr",
                "sid",
                "role",
            ],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": [_ALG],
            "acr_values_supported": [_acr(level) for level in (1, 2, 3)],
            "token_endpoint_auth_methods_supported": ways,
            "token_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256", "RS256", "EdDSA"],
            "revocation_endpoint_auth_methods_supported": ways,
            "code_challenge_methods_supported": ["S256"],
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "authorization_response_iss_parameter_supported": True,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
            "claims_parameter_supported": False,
        }

    # --- the token endpoint
    async def tokens(self, authorization: str, form: Mapping[str, str]) -> dict[str, Any]:
        """What a client gets for a code or a refresh token. Raises OAuthError."""
        client = await self.clients.prove(authorization, form)
        kind = form.get("grant_type", "")
        if kind == "authorization_code":
            given = (form.get("code", ""), form.get("redirect_uri", ""), form.get("code_verifier", ""))
            issued = await self.grants.exchange(client["id"], *given)
        elif kind == "refresh_token":
            issued = await self.grants.refresh(
                client["id"], form.get("refresh_token", ""), form.get("scope", "")
            )
        else:
            raise UnsupportedGrantType("only authorization_code and refresh_token")
        answer = {
            "access_token": issued.access,
            "token_type": "Bearer",
            "expires_in": ACCESS_SECONDS,
            "scope": issued.scope,
            "id_token": await self._id_token(client, issued),
        }
        return answer | ({"refresh_token": issued.refresh} if issued.refresh else {})

    async def userinfo(self, access: str) -> dict[str, Any]:
        """Raises InvalidToken."""
        grant, scope = await self.grants.holder(access)
        client = await self.clients.get(grant["client"])
        if client is None:
            raise InvalidToken("the client was removed")
        return await self._about(client, grant, scope)

    async def code(self, asked: Asked, who: SignedIn) -> str:
        """For what was asked, which the person agreed to. Raises LoginRequired where the session has ended meanwhile."""
        return await self.grants.code(asked, who, await self.subject(asked.back.client, who.person))

    async def subject(self, client: Client, person: str) -> str:
        """What a client knows a person as: nobody else knows him as that, and it says nothing of who he is."""
        return await self._pseudonyms.of("partner", urlsplit(client["redirects"][0]).hostname or "", person)

    async def _about(self, client: Client, grant: Grant, scope: str) -> dict[str, Any]:
        said: dict[str, Any] = {"sub": await self.subject(client, grant["person"])}
        return said | ({"role": grant["role"]} if "role" in scope.split() else {})

    async def _id_token(self, client: Client, issued: Issued) -> str:
        now = self._now() // 1_000_000
        said = await self._about(client, issued.grant, issued.scope)
        said |= {
            "iss": self.issuer,
            "aud": client["id"],
            "iat": now,
            "exp": now + ID_TOKEN_SECONDS,
            "auth_time": issued.grant["authTime"],
            "acr": _acr("test" if issued.grant["person"].startswith(PREFIX) else issued.grant["assurance"]),
        }
        said |= {"nonce": issued.nonce} if issued.nonce else {}
        said |= {"sid": sid} if (sid := issued.grant.get("sid")) else {}
        return jwt.issue(said, await self.keys.signing(), _ALG, typ="JWT")

    # --- what a person agreed to
    async def agreed(self, person: str, asked: Asked) -> bool:
        """Whether the person agreed to all of it before."""
        kept: Any = await self._store.get(TENANT, "consent", pair(person, asked.back.client["id"]))
        return kept is not None and set(asked.scope) <= set(kept["scope"].split())

    async def agree(self, person: str, asked: Asked) -> None:
        """Remember it, so that the person is not asked again for the same."""
        kept = {
            "person": person,
            "client": asked.back.client["id"],
            "scope": " ".join(asked.scope),
            "subject": await self.subject(asked.back.client, person),
            "at": clock.text(self._now()),
        }

        async def put(transaction: Transaction) -> None:
            await transaction.put(TENANT, "consent", pair(person, kept["client"]), kept)

        await self._store.transact(put)

    async def partners(self, person: str) -> list[Client]:
        """To whom the person agreed."""
        kept = [
            doc for _, _, doc in await self._store.documents(TENANT, "consent") if doc["person"] == person
        ]
        found = [await self.clients.get(doc["client"]) for doc in kept]
        return [client for client in found if client is not None]

    async def withdraw(self, person: str, client: str) -> None:
        """From the next request on the client learns nothing more, must ask again, and is told to sign the person out."""
        await end(self._store, person, client, withdrawn=True, now=self._now())
        self.logouts.waiting.look()

    # --- logging out
    async def hinted(self, token: str) -> tuple[str, str]:
        """The client and the subject of an ID token of ours, however old. Raises OAuthError."""
        try:
            header, payload = signed.verify(token, await self.keys.published(), [_ALG])
            said = members(payload)
        except BadToken as wrong:
            raise OAuthError(f"`id_token_hint` is not believed: {wrong.detail}") from wrong
        if header.get("typ") != "JWT" or said.get("iss") != self.issuer:
            raise OAuthError("`id_token_hint` is not an ID token of this provider")
        return str(said["aud"]), str(said["sub"])


def _acr(assurance: int | Literal["test"]) -> str:
    """Who came through the stand-in is not known to be anybody, and a partner must see that."""
    return f"urn:kitamae:assurance:{assurance}"
