"""What a browser does to sign in, for tests: as an invented resident, and on to a partner."""

from __future__ import annotations

import hashlib
import html
import re
import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from kitamae.kernel.people.jose.encoding import encode
from serving import HERE, SAME, Served

PARTNER = "https://bus.example.jp"
BACK = PARTNER + "/back"
LEFT = PARTNER + "/left"


def query(address: str) -> dict[str, str]:
    return {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}


def fields(page: str) -> dict[str, str]:
    """The hidden fields of a form."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {name: html.unescape(value) for name, value in found}


async def resident(served: Served, who: str = "test-1", next: str = "/account") -> str:
    """Sign in; where the browser goes then."""
    begun = await served.client.get("/sign-in/resident/start", params={"next": next})
    page = await served.client.get(begun.headers["location"])
    sent = {"who": who, "csrf": fields(page.text)["csrf"]}
    chosen = await served.client.post(begun.headers["location"], data=sent, headers=SAME)
    back = await served.client.get(chosen.headers["location"])
    assert back.status_code == 303, back.text
    return str(back.headers["location"])


async def outside(served: Served, method: str, path: str, **sent: Any) -> Any:
    """One request of a program elsewhere: it has no cookie of the browser."""
    transport = httpx2.ASGITransport(app=served.kitamae, client=("127.0.0.1", 1))
    async with httpx2.AsyncClient(transport=transport, base_url=HERE) as client:
        return await client.request(method, path, **sent)


class Partner:
    """A registered client, and what it keeps of one sign-in."""

    def __init__(self, served: Served, client: dict[str, Any], secret: str) -> None:
        self.served, self.id, self.secret = served, client["id"], secret
        self.verifier = secrets.token_urlsafe(40)
        self.asked = {
            "client_id": self.id,
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": "openid role offline_access",
            "state": "s1",
            "nonce": "n1",
            "code_challenge": encode(hashlib.sha256(self.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }

    @classmethod
    async def of(cls, served: Served, **chosen: Any) -> Partner:
        clients = served.kitamae.city.ways.provider.clients
        logouts = [] if "redirects" in chosen else [LEFT]
        redirects = chosen.pop("redirects", [BACK])
        client, secret = await clients.add(
            "のりあいバス予約", "予約した人を見分けます", redirects, logouts, **chosen
        )
        return cls(served, dict(client), secret)

    async def ask(self, **changes: str) -> Any:
        sent = {name: value for name, value in (self.asked | changes).items() if value}
        return await self.served.client.get("/openid/authorize", params=sent)

    async def code(self, **changes: str) -> str:
        """Through the page that asks, when it does. Somebody is signed in."""
        answer = await self.ask(**changes)
        if answer.status_code == 200:
            sent = fields(answer.text) | {"decision": "allow"}
            answer = await self.served.client.post("/openid/consent", data=sent, headers=SAME)
        assert answer.headers["location"].startswith(BACK + "?"), answer.text
        return query(answer.headers["location"])["code"]

    async def token(self, **form: str) -> Any:
        return await outside(self.served, "POST", "/openid/token", data=form, auth=(self.id, self.secret))

    async def exchange(self, code: str, **changes: str) -> Any:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": BACK,
            "code_verifier": self.verifier,
        }
        return await self.token(**{**form, **changes})

    async def refresh(self, token: str, **more: str) -> Any:
        return await self.token(grant_type="refresh_token", refresh_token=token, **more)

    async def about(self, access: str) -> Any:
        headers = {"Authorization": f"Bearer {access}"}
        return await outside(self.served, "GET", "/openid/userinfo", headers=headers)
