"""Our relying party signs in through npm `oidc-provider` with the parameters of デジタル認証アプリ."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
import pytest
from scripts import node

from kitamae.adapters import sqlite
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.people.jose.keys import Key
from kitamae.kernel.people.once import Once
from kitamae.kernel.people.pseudonyms import Pseudonyms
from kitamae.kernel.people.relying.flow import Client, Relying
from kitamae.kernel.people.relying.issuer import Issuer
from kitamae.kernel.people.relying.outbound import Guarded, IssuerFailed
from kitamae.kernel.people.relying.said import BasicFour
from kitamae.kernel.people.seal import Seal
from serving import HERE, serving

KEY = Key.make("city-1")
BACK = HERE + "/sign-in/resident/return"


@asynccontextmanager
async def issuing() -> AsyncIterator[tuple[str, asyncio.StreamReader]]:
    """Its address, and what it says about requests."""
    async with node("issuer.mjs", {"client": "RP00000001", "redirect": BACK, "jwk": KEY.public()}) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
        yield address, process.stderr


async def browse(address: str) -> str:
    """Follow redirects from the issuer until it sends the browser back to us."""
    async with httpx2.AsyncClient() as browser:
        for _ in range(10):
            if address.startswith(BACK):
                return address
            answer = await browser.get(address)
            assert answer.is_redirect, answer.text
            address = urljoin(address, answer.headers["location"])
    raise AssertionError(address)


async def asked(said: asyncio.StreamReader) -> dict[str, Any]:
    async for line in said:
        if line.startswith(b"{"):
            found: dict[str, Any] = json.loads(line)
            return found
    raise AssertionError("nothing was asked")


async def test_a_resident_signs_in_through_it_as_a_browser_does(tmp_path: Path) -> None:
    key = tmp_path / "rp.jwk"
    key.write_text(json.dumps(KEY.private()))
    async with issuing() as (issuer, _):
        chosen = {"residents_issuer": issuer, "residents_client": "RP00000001", "residents_key": key}
        async with serving(tmp_path / "data", open=True, **chosen) as served:
            begun = await served.client.get("/sign-in/resident/start?next=/data")
            back = await browse(begun.headers["location"])
            entered = await served.client.get(back)
            assert (entered.status_code, entered.headers["location"]) == (303, "/data")
            assert "高い：マイナンバーカード" in (await served.client.get("/account")).text
            assert (await served.client.get(back)).status_code == 400, "a code works once"


async def test_scopes_level_transaction_and_the_four_facts_are_as_the_public_documents_have_them(
    tmp_path: Path,
) -> None:
    kept: dict[str, BasicFour] = {}

    class Keeper:
        async def keep(self, resident: str, said: BasicFour) -> None:
            kept[resident] = said

    store = await sqlite.open(tmp_path / "kitamae.db")
    seal, once = Seal(tmp_path / "seal.key"), Once(store)
    async with issuing() as (issuer, said):
        outbound = Guarded(issuer, Destinations.of([], loopback=True))
        client = Client("RP00000001", KEY, BACK)
        relying = Relying(
            Issuer(issuer, outbound), outbound, client, seal, once, Pseudonyms(store, seal), Keeper()
        )
        transaction = "65a04b4e-af8b-45a2-8713-5ec2631bab64"
        begun = await relying.begin("/", transaction)
        back = await browse(begun.address)
        sent = {name: value[0] for name, value in parse_qs(urlsplit(back).query).items()}
        resident = await relying.finish(begun.note, sent)
        told = await asked(said)
        assert told["scope"] == "openid name address birthdate gender sign"
        assert (told["acr_values"], told["sign_transaction_id"]) == ("aal3 crl", transaction)
        assert (told["response_type"], told["code_challenge_method"]) == ("code", "S256")
        assert kept == {resident.ref: BasicFour("連携 太郎", "試験県見本市例示町１番地", "19850401", "1")}
        guarded = Guarded(issuer, Destinations())
        with pytest.raises(Exception, match="does not allow connections"):
            await Issuer(issuer, guarded).endpoints()
        with pytest.raises(IssuerFailed):
            await outbound.ask("http://127.0.0.1:1/")
        await guarded.close()
        await outbound.close()
    await store.close()
