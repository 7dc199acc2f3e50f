"""Who guesses what proves who somebody is must wait; who knows it never does, also from the same address."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from serving import SAME, Served, serving
from signing_in import Partner, outside, resident

ALLOWED = 5
Guess = Callable[[Served, Partner], Awaitable[Any]]


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", demo_residents=True, bad_credentials=ALLOWED) as one:
        yield one


async def _code(city: Served, partner: Partner) -> Any:
    return await city.client.post("/sign-in", data={"code": "nobody-was-given-this"}, headers=SAME)


async def _no_code(city: Served, partner: Partner) -> Any:
    return await city.client.post("/sign-in", data={"code": ""}, headers=SAME)


async def _secret(city: Served, partner: Partner) -> Any:
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    return await outside(city, "POST", "/openid/token", data=form, auth=(partner.id, "guess"))


async def _revoking(city: Served, partner: Partner) -> Any:
    return await outside(city, "POST", "/openid/revoke", data={"token": "x"}, auth=(partner.id, "guess"))


async def _bearer(city: Served, partner: Partner) -> Any:
    token = secrets.token_urlsafe()  # the same one again is not another guess
    return await city.client.get("/ngsi-ld/v1/entities?type=X", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("guess", [_code, _no_code, _secret, _revoking, _bearer])
async def test_who_guesses_waits_and_what_is_known_still_works_from_the_same_address(
    city: Served, guess: Guess
) -> None:
    partner = await Partner.of(city)
    seen = [(await guess(city, partner)).status_code for _ in range(ALLOWED)]
    assert set(seen) <= {401, 403}
    late = await guess(city, partner)
    assert late.status_code == 429
    assert 0 < int(late.headers["retry-after"]) <= 300
    link = await city.kitamae.sign_in_link()
    entered = await city.client.post("/sign-in", data={"code": link.rpartition("/")[2]}, headers=SAME)
    assert entered.status_code == 303, "a code that was given"
    city.client.cookies.clear()
    await resident(city)
    tokens = await partner.exchange(await partner.code())
    assert tokens.status_code == 200, "a client that knows its secret"


async def test_who_forges_a_passkeys_answer_waits(tmp_path: Path) -> None:
    """Passkeys need an address with a name."""
    async with serving(tmp_path, public_url="http://localhost:8080", bad_credentials=ALLOWED) as city:
        assert (await city.client.get("/sign-in")).status_code == 200
        sent = {"note": "forged", "credential": "{}"}
        seen = [
            (await city.client.post("/sign-in/passkey", data=sent, headers=SAME)).status_code
            for _ in range(ALLOWED + 1)
        ]
    assert seen == [403] * ALLOWED + [429]


async def test_a_session_that_ended_costs_nobody_the_page(city: Served) -> None:
    """Every page of an honest reader brings the old cookie along."""
    city.client.cookies.set("kitamae_session", "it-ended-long-ago")
    assert {(await city.client.get("/")).status_code for _ in range(ALLOWED * 3)} == {200}
