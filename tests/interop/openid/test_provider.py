"""npm `openid-client` signs in to our provider, in each of the ways in which a client may prove who it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from scripts import talking
from served_city import Served, kitamae, servers

from kitamae.kernel.people.jose.keys import Key
from signing_in import fields

KEY = Key.make("partner-1")
PARTNER = (
    "--purpose",
    "予約した人を見分けます",
    "--redirect",
    "http://127.0.0.1:9/back",
    "--logout",
    "http://127.0.0.1:9/left",
)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with servers() as start:
        yield start("--demo-residents", data=tmp_path_factory.mktemp("city") / "data")


def registered(city: Served, *options: str) -> list[str]:
    done = kitamae("client", "add", "のりあいバス予約", *PARTNER, *options, "--data", city.data)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


async def browse(browser: httpx2.AsyncClient, address: str, back: str = "http://127.0.0.1:9/") -> str:
    """Sign in as an invented resident and agree, as a person does with links and buttons; where one is sent `back`."""
    same = {"Origin": str(browser.base_url).rstrip("/")}
    for _ in range(12):
        if address.startswith(back):
            return address
        answer = await browser.get(address)
        if answer.status_code == 200 and "/sign-in/resident" in address:
            address = address.replace("/sign-in/resident?", "/sign-in/resident/start?")
            continue
        if answer.status_code == 200:
            stand_in = "/stand-in/" in address
            sent = fields(answer.text) | ({"who": "test-1"} if stand_in else {"decision": "allow"})
            answer = await browser.post(address if stand_in else "/openid/consent", data=sent, headers=same)
        assert answer.is_redirect, answer.text
        address = answer.headers["location"]
    raise AssertionError(address)


@pytest.mark.parametrize("way", ["secret", "keys", "public"])
async def test_it_signs_in_refreshes_notices_reuse_and_signs_out(
    city: Served, tmp_path: Path, way: str
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [KEY.public()]}))
    options = {"secret": (), "keys": ("--keys", str(keys)), "public": ("--public",)}[way]
    id, *secret = registered(city, *options)
    given: dict[str, Any] = {"issuer": city.address, "id": id}
    given |= {"secret": secret[0]} if secret else {"jwk": KEY.private()} if way == "keys" else {}
    assert bool(secret) == (way == "secret")
    async with (
        talking("client.mjs", given) as (say, hear),
        httpx2.AsyncClient(base_url=city.address) as browser,
    ):
        say(await browse(browser, (await hear())["address"]))
        known = await hear()
        assert known["claims"]["role"] == "resident"
        assert (known["claims"]["iss"], known["claims"]["aud"]) == (city.address, id)
        assert known["about"] == {"sub": known["claims"]["sub"], "role": "resident"}
        assert (known["same"], known["reused"], known["ended"]) == (True, "invalid_grant", "invalid_grant")
        left = await browser.get(known["leave"])
        assert left.headers["location"] == "http://127.0.0.1:9/left"
        assert (await browser.get("/account")).is_redirect
