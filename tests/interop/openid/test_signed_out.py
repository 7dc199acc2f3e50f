"""A partner whose server checks logout tokens with npm `jose` hears of a sign-out, also where ours was killed in the middle of telling."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from scripts import spoken_with
from served_city import Served, kitamae, servers
from test_provider import browse

from signing_in import fields, query

OPTIONS = ("--demo-residents",)


async def test_it_hears_of_it_under_the_names_of_its_id_token_and_after_a_kill_9_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITAMAE_DELIVER_TO", "127.0.0.0/8")
    with servers() as start:
        city: Served = start(*OPTIONS, data=tmp_path / "data")
        async with spoken_with("signed_out.mjs", {"port": 0}) as (say, hear, partner):
            back = f"http://127.0.0.1:{(await hear())['port']}/"
            done = kitamae(
                *("client", "add", "のりあいバス予約", "--purpose", "予約した人を見分けます", "--redirect", back),
                *("--backchannel", back + "signed-out", "--data", city.data),
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            id, secret = done.stdout.split()
            say(json.dumps({"issuer": city.address, "id": id}))
            assert (await hear())["ready"]

            known = await signed_in(city, id, secret, back)
            said = await hear()
            assert said["method"] == "POST", said
            assert said["type"] == "application/x-www-form-urlencoded"
            assert (said["told"]["sub"], said["told"]["sid"]) == (known["sub"], known["sid"])

            async def stopped() -> None:
                partner.send_signal(signal.SIGSTOP)

            again = await signed_in(city, id, secret, back, before_leaving=stopped)
            assert again["sub"] == known["sub"]
            city.kill()
            partner.send_signal(signal.SIGCONT)
            port = city.address.rpartition(":")[2]
            start(*OPTIONS, "--port", port, data=tmp_path / "data")
            heard = await hear()
            while "refused" in heard:  # what was on its way when the city died could not be checked
                heard = await hear()
            assert heard["told"]["sid"] == again["sid"] != known["sid"]


async def signed_in(
    city: Served, id: str, secret: str, back: str, *, before_leaving: Any = None
) -> dict[str, Any]:
    """What the ID token says of somebody who signed in to the partner, and signed out here again."""
    verifier = secrets.token_urlsafe(40)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "client_id": id, "redirect_uri": back, "response_type": "code", "scope": "openid",
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    async with httpx2.AsyncClient(base_url=city.address) as browser:
        code = query(await browse(browser, f"/openid/authorize?{urlencode(asked)}", back))["code"]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": verifier,
        }
        async with httpx2.AsyncClient(base_url=city.address) as server:
            answer = await server.post("/openid/token", data=form, auth=(id, secret))
            assert answer.status_code == 200, answer.text
            tokens = answer.json()
        if before_leaving:
            await before_leaving()
        csrf = fields((await browser.get("/account")).text)["csrf"]
        left = await browser.post("/sign-out", data={"csrf": csrf}, headers={"Origin": city.address})
        assert left.status_code == 303
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(tokens["id_token"].split(".")[1] + "=="))
    return said
