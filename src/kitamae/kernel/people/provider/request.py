"""The request with which a client sends a browser here (OpenID Connect Core 1.0, 3.1.2.1; RFC 7636; RFC 9700, 2.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from kitamae.kernel.people.provider.errors import (
    InvalidScope,
    OAuthError,
    RequestNotSupported,
    UnsupportedResponseType,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.people.provider.clients import Clients
    from kitamae.kernel.people.provider.records import Client

SCOPES: Final = ("openid", "role", "offline_access")
"""That it is the same person; resident, visitor or staff; and again later without the person."""

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_LONGEST: Final = 512
_PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})


@dataclass(frozen=True, slots=True)
class Return:
    """Where a client's browsers go back to: an address that is registered, letter for letter."""

    client: Client
    redirect: str
    state: str
    issuer: str

    def to(self, **answer: str) -> str:
        """The address with an answer; every one names us (RFC 9207)."""
        sent = {**answer, **({"state": self.state} if self.state else {}), "iss": self.issuer}
        return f"{self.redirect}{'&' if '?' in self.redirect else '?'}{urlencode(sent)}"

    def failed(self, error: OAuthError) -> str:
        """The address with an error."""
        return self.to(error=error.error, error_description=error.detail)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a person. `max_age` in seconds, None: however long ago the sign-in was."""

    back: Return
    scope: tuple[str, ...]
    challenge: str
    nonce: str
    prompt: frozenset[str]
    max_age: int | None


async def whence(clients: Clients, sent: Sequence[tuple[str, str]], issuer: str) -> Return:
    """Who asks. Raises OAuthError, and then no browser is sent anywhere: the address may be an attacker's."""
    given = dict(sent)
    once = [name for name, _ in sent]
    if len(set(once)) != len(once):
        raise OAuthError("a parameter stands twice")
    client = await clients.get(given.get("client_id", ""))
    if client is None:
        raise OAuthError("there is no such client")
    redirect = given.get("redirect_uri", "")
    if redirect not in client["redirects"]:
        raise OAuthError("`redirect_uri` is not one that the client registered, letter for letter")
    state = given.get("state", "")
    if len(state) > _LONGEST:
        raise OAuthError("`state` is too long")
    return Return(client, redirect, state, issuer)


def read(back: Return, given: Mapping[str, str]) -> Asked:
    """Raises OAuthError, which the client is told."""
    if "request" in given or "request_uri" in given:
        raise RequestNotSupported("request objects are not read here")
    if given.get("response_type") != "code":
        raise UnsupportedResponseType("only response_type=code")
    if given.get("response_mode", "query") != "query":
        raise OAuthError("only response_mode=query")
    if given.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(
        given.get("code_challenge", "")
    ):
        raise OAuthError("PKCE with S256 is needed: code_challenge and code_challenge_method=S256")
    scope = tuple(one for one in SCOPES if one in given.get("scope", "").split())
    if "openid" not in scope:
        raise InvalidScope("`openid` is missing in the scope")
    nonce = given.get("nonce", "")
    if len(nonce) > _LONGEST:
        raise OAuthError("`nonce` is too long")
    prompt = frozenset(given.get("prompt", "").split())
    if prompt - _PROMPTS or ("none" in prompt and len(prompt) > 1):
        raise OAuthError("`prompt` is one of none, login, consent, select_account")
    return Asked(back, scope, given["code_challenge"], nonce, prompt, _age(given.get("max_age")))


def _age(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise OAuthError("`max_age` is a number of seconds")
    return int(text)
