"""A stand-in of デジタル認証アプリ, for demonstrations and tests: invented residents, and no card.

It speaks as the real one does as far as its public documents say (code flow, PKCE S256, private_key_jwt, ES256), in the same
process: `StandIn` is an `Outbound`, so the relying party is the one that speaks with the real one. It is marked 試験用 on
every page, and the settings refuse it beside a real issuer.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from kitamae.kernel.context import clock
from kitamae.kernel.people.jose import claims as jwt
from kitamae.kernel.people.jose.encoding import BadToken, encode
from kitamae.kernel.people.jose.keys import Key, Keys
from kitamae.kernel.problems import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kitamae.kernel.people.once import Once
    from kitamae.kernel.people.relying.flow import Client
    from kitamae.kernel.people.seal import Seal

PATH: Final = "/stand-in"
PREFIX: Final = "test-resident-"
"""How the references of those who signed in through it begin."""

RESIDENTS: Final = {
    "test-1": {
        "name": "試験 一郎",
        "address": "試験県見本市例示町１丁目１番１号",
        "birthdate": "19850401",
        "gender": "1",
    },
    "test-2": {
        "name": "試験 花子",
        "address": "試験県見本市例示町１丁目１番１号",
        "birthdate": "19880715",
        "gender": "2",
    },
    "test-3": {
        "name": "見本 ツル",
        "address": "試験県見本市見本町２３番地",
        "birthdate": "19381103",
        "gender": "2",
    },
    "test-4": {
        "name": "SAMPLE MARIA",
        "address": "試験県見本市例示町２丁目５番６号",
        "birthdate": "19990229",
        "gender": "2",
    },
}
"""Nobody real: the names, the places and (29 February 1999) a birthday are not there."""

_CODE: Final = "code of the stand-in"
_ACCESS: Final = "access token of the stand-in"
_SECONDS: Final = 60
_ASKED: Final = ("client_id", "redirect_uri", "state", "nonce", "code_challenge", "scope")


class StandIn:
    """`address` is how people reach this server, which may change: residents are known by `PATH`."""

    def __init__(
        self,
        address: str,
        client: Client,
        seal: Seal,
        once: Once,
        now: Callable[[], int] = clock.now,
        *,
        residents: Mapping[str, Mapping[str, str]] = RESIDENTS,
    ) -> None:
        """`residents`: their cards; a sandbox has its own."""
        self.issuer = address + PATH
        self.residents = residents
        self._client = client
        self._seal = seal
        self._once = once
        self._now = now
        self._key = Key.make("stand-in")

    # --- what the browser sees
    def asked(self, query: Mapping[str, str]) -> dict[str, str]:
        """The request of a relying party. Raises BadRequest, and never sends a browser anywhere else then."""
        right = {
            "client_id": self._client.id,
            "redirect_uri": self._client.redirect,
            "response_type": "code",
            "code_challenge_method": "S256",
        }
        if any(query.get(name) != value for name, value in right.items()):
            raise BadRequest("this is not a sign-in that this city began")
        asked = {name: query.get(name, "") for name in _ASKED}
        if not all(asked.values()) or max(map(len, asked.values())) > 255:
            raise BadRequest("something is missing in the request")
        return asked

    def chosen(self, asked: Mapping[str, str], who: str) -> str:
        """Where the browser goes back to, for one of `residents`; any other name declines."""
        if who in self.residents:
            answer = {"code": self._seal.write(_CODE, {**asked, "who": who}, _SECONDS)}
        else:
            answer = {"error": "access_denied"}
        query = urlencode({**answer, "state": asked["state"], "iss": self.issuer})
        return f"{asked['redirect_uri']}?{query}"

    # --- what the relying party asks (an `Outbound`)
    async def ask(
        self, url: str, *, form: Mapping[str, str] | None = None, bearer: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """See `Outbound`."""
        path = url.removeprefix(self.issuer)
        if path == "/token" and form is not None:
            return await self._tokens(form)
        if path == "/userinfo":
            return self._userinfo(bearer)
        if path == "/jwks":
            return 200, {"keys": [self._key.public()]}
        if path == "/.well-known/openid-configuration":
            names = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/jwks"}
            said = {name: self.issuer + path for name, path in names.items()}
            return 200, {
                "issuer": self.issuer,
                **said,
                "userinfo_endpoint": self.issuer + "/userinfo",
                "authorization_response_iss_parameter_supported": True,
            }
        return 404, {}

    async def close(self) -> None:
        """Nothing is open."""

    async def _tokens(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        now = self._now() // 1_000_000
        believing = jwt.Expected(self._client.id, {self.issuer + "/token"}, {"JWT"}, now, oldest=_SECONDS)
        try:
            ours = Keys((Key.read(self._client.key.public()),))
            jwt.believe(form.get("client_assertion", ""), ours, {"ES256"}, believing)
        except BadToken:
            return 401, {"error": "invalid_client"}
        try:
            code = self._seal.read(_CODE, form.get("code", ""))
        except BadToken:
            return 400, {"error": "invalid_grant"}
        right = encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        wrong = right != code["code_challenge"] or form.get("redirect_uri") != code["redirect_uri"]
        if wrong or not await self._once.spend(form["code"], _SECONDS):
            return 400, {"error": "invalid_grant"}
        said = {
            "iss": self.issuer,
            "aud": self._client.id,
            "sub": code["who"],
            "nonce": code["nonce"],
            "acr": "aal3",
            "iat": now,
            "exp": now + _SECONDS,
        }
        access = self._seal.write(_ACCESS, {"who": code["who"], "scope": code["scope"]}, _SECONDS)
        return 200, {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": _SECONDS,
            "id_token": jwt.issue(said, self._key, "ES256", typ="JWT"),
        }

    def _userinfo(self, bearer: str) -> tuple[int, dict[str, Any]]:
        try:
            access = self._seal.read(_ACCESS, bearer)
        except BadToken:
            return 401, {"error": "invalid_token"}
        scope = access["scope"].split()
        four = {name: value for name, value in self.residents[access["who"]].items() if name in scope}
        return 200, {"sub": access["who"], **four}
