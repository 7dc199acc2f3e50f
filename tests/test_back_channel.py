"""Whoever signs out here is signed out at partners: OpenID Connect Back-Channel Logout 1.0, as a partner's server sees it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kitamae.kernel.people.jose import claims as jwt
from kitamae.kernel.people.jose.encoding import decode, members
from kitamae.kernel.people.jose.keys import Keys
from kitamae.kernel.people.provider.logouts import EVENT
from kitamae.kernel.problems import BadRequest
from receivers import Receiver
from serving import HERE, SAME, Served, serving
from signing_in import BACK, Partner, fields, query, resident

LOOPBACK = "127.0.0.0/8"
HOUR = 3_600_000_000


class Server:
    """A partner's server on a port of its own, which takes what it is told. `status`: how it answers."""

    def __init__(self) -> None:
        self.status, self.tokens = 200, list[str]()
        self._receiver = Receiver(self._answer)

    async def _answer(self, receiver: Receiver, request: web.Request) -> web.Response:
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        form = await request.post()
        assert list(form) == ["logout_token"]
        if self.status < 300:
            self.tokens.append(str(form["logout_token"]))
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})

    async def __aenter__(self) -> Server:
        await self._receiver.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._receiver.silence()

    listen = __aenter__
    silence = __aexit__

    @property
    def at(self) -> str:
        return f"http://127.0.0.1:{self._receiver.port}"

    async def told(self, count: int = 1) -> list[str]:
        for _ in range(400):
            if len(self.tokens) >= count:
                return self.tokens
            await asyncio.sleep(0.02)
        raise AssertionError(f"{len(self.tokens)} of {count} sign-outs were told")

    async def registered(self, city: Served) -> Partner:
        made = await Partner.of(city, redirects=[self.at + "/back"], backchannel=self.at + "/signed-out")
        made.asked["redirect_uri"] = self.at + "/back"
        return made


@asynccontextmanager
async def town(data: Path, **chosen: Any) -> AsyncIterator[Served]:
    async with serving(data, demo_residents=True, **{"deliver_to": LOOPBACK} | chosen) as one:
        yield one


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[Served]:
    async with town(tmp_path / "data") as one:
        yield one


@pytest.fixture
async def bus() -> AsyncIterator[Server]:
    async with Server() as one:
        yield one


async def signed_in_at(partner: Partner) -> dict[str, Any]:
    """What its ID token says. Somebody is signed in here."""
    answer = await partner.ask()
    if answer.status_code == 200:
        sent = fields(answer.text) | {"decision": "allow"}
        answer = await partner.served.client.post("/openid/consent", data=sent, headers=SAME)
    code = query(answer.headers["location"])["code"]
    tokens = (await partner.exchange(code, redirect_uri=partner.asked["redirect_uri"])).json()
    return members(decode(tokens["id_token"].split(".")[1]))


async def believed(city: Served, token: str, partner: Partner) -> dict[str, Any]:
    """As section 2.6 says, with the published keys."""
    keys = Keys.read((await city.client.get("/openid/keys")).json())
    said = jwt.believe(token, keys, ["ES256"], jwt.Expected(HERE, {partner.id}, {"logout+jwt"}, time.time()))
    assert said["events"] == {EVENT: {}}
    assert said["exp"] - said["iat"] <= 120
    assert said["jti"]
    assert "nonce" not in said
    return said


async def leave(city: Served) -> None:
    page = (await city.client.get("/account")).text
    sent = {"csrf": fields(page)["csrf"]}
    assert (await city.client.post("/sign-out", data=sent, headers=SAME)).status_code == 303


async def owed(city: Served) -> list[Any]:
    return [doc for _, _, doc in await city.kitamae.city.store.documents("", "logout")]


async def tried(city: Served) -> list[Any]:
    """What is owed, once nobody took it."""
    for _ in range(400):
        found = await owed(city)
        if found and all(one["tries"] for one in found):
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(found)


async def settled(city: Served) -> None:
    """Nothing is owed any more."""
    for _ in range(400):
        if not await owed(city):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(await owed(city))


async def test_who_signs_out_is_signed_out_at_each_partner_under_the_names_that_it_alone_knows(
    city: Served, bus: Server
) -> None:
    async with Server() as train:
        partners = [await one.registered(city) for one in (bus, train)]
        await resident(city)
        known = [await signed_in_at(one) for one in partners]
        assert (await signed_in_at(partners[0]))["sid"] == known[0]["sid"], "it is the same session still"
        assert known[0]["sid"] != known[1]["sid"]
        await leave(city)
        for server, partner, id_token in zip((bus, train), partners, known, strict=True):
            (token,) = await server.told()
            said = await believed(city, token, partner)
            assert (said["sub"], said["sid"]) == (id_token["sub"], id_token["sid"])
            assert set(said) == {"iss", "aud", "iat", "exp", "jti", "events", "sub", "sid"}
    await settled(city)


async def test_a_partner_that_was_not_visited_or_has_no_address_is_told_nothing(
    city: Served, bus: Server
) -> None:
    await bus.registered(city)
    quiet = await Partner.of(city)
    await resident(city)
    await quiet.code()
    await leave(city)
    assert await owed(city) == []


async def test_who_withdraws_his_consent_is_signed_out_there_in_all_his_sessions(
    city: Served, bus: Server
) -> None:
    partner = await bus.registered(city)
    await resident(city)
    known = await signed_in_at(partner)
    sent = {"client": partner.id, "csrf": fields((await city.client.get("/account")).text)["csrf"]}
    await city.client.post("/openid/withdraw", data=sent, headers=SAME)
    (token,) = await bus.told()
    said = await believed(city, token, partner)
    assert (said["sub"], "sid" in said) == (known["sub"], False)
    assert (await city.client.get("/account")).status_code == 200, "and stays signed in here"


async def test_of_whoever_erases_everything_partners_are_told_and_nothing_that_waits_names_him(
    city: Served, bus: Server
) -> None:
    partner = await bus.registered(city)
    await resident(city)
    known = await signed_in_at(partner)
    [(_, _, session)] = await city.kitamae.city.store.documents("", "session")
    bus.status = 503
    sent = fields((await city.client.get("/my/erase")).text)
    assert (await city.client.post("/my/erase", data=sent, headers=SAME)).status_code == 200
    waiting = await owed(city)
    assert {one["subject"] for one in waiting} == {known["sub"]}
    assert session["person"] not in str(waiting)
    await tried(city)
    bus.status = 200
    await later(city, HOUR)
    told = [await believed(city, token, partner) for token in await bus.told(2)]
    assert {one["sub"] for one in told} == {known["sub"]}
    assert {one.get("sid", "") for one in told} == {known["sid"], ""}
    assert len({one["jti"] for one in told}) == 2


async def later(city: Served, micros: int) -> None:
    """What is due then is handed over."""
    waiting = city.kitamae.city.ways.provider.logouts.waiting
    real, waiting._now = waiting._now, lambda: time.time_ns() // 1000 + micros
    waiting.look()
    for _ in range(400):
        await asyncio.sleep(0.02)
        if not waiting._due():
            break
    waiting._now = real


async def test_a_partner_that_is_down_is_told_after_a_restart_and_delays_no_other(
    tmp_path: Path, bus: Server
) -> None:
    async with Server() as train:
        async with town(tmp_path / "data") as city:
            partners = [await one.registered(city) for one in (bus, train)]
            await resident(city)
            known = [await signed_in_at(one) for one in partners]
            await bus.silence()
            await leave(city)
            await train.told()
            [waits] = await tried(city)
            assert waits["client"] == partners[0].id
        await bus.listen()
        async with town(tmp_path / "data") as city:
            await later(city, HOUR)
            (token,) = await bus.told()
            assert (await believed(city, token, partners[0]))["sid"] == known[0]["sid"]
            await settled(city)
            assert len(train.tokens) == 1


@pytest.mark.parametrize("status", [302, 400, 500])
async def test_what_is_no_answer_of_success_is_tried_again_and_no_redirect_is_followed(
    city: Served, bus: Server, status: int
) -> None:
    await bus.registered(city)
    await resident(city)
    await signed_in_at(await bus.registered(city))
    bus.status = status
    await leave(city)
    [doc] = await tried(city)
    assert 25_000_000 < doc["next"] - time.time_ns() // 1000 <= 30_000_000
    bus.status = 204
    await later(city, HOUR)
    assert len(bus.tokens) == 1


async def test_a_private_address_is_never_asked_and_given_up_after_a_day(tmp_path: Path, bus: Server) -> None:
    async with town(tmp_path / "data", deliver_to="") as city:
        await resident(city)
        await signed_in_at(await bus.registered(city))
        await leave(city)
        [doc] = await tried(city)
        assert (doc["tries"], doc["until"] - doc["at"]) == (1, 24 * HOUR)
        await later(city, 24 * HOUR)
        assert (await owed(city), bus.tokens) == ([], [])
        assert "1 sign-outs were not told" in city.kitamae.city.ways.provider.logouts.trouble()


async def test_signing_in_again_as_the_same_person_ends_nothing_at_partners_as_another_one_does(
    city: Served, bus: Server
) -> None:
    partner = await bus.registered(city)
    await resident(city)
    first = await signed_in_at(partner)
    await resident(city)
    assert await owed(city) == []
    again = await signed_in_at(partner)
    assert (again["sid"], again["sub"]) == (first["sid"], first["sub"])
    await resident(city, "test-2")
    (token,) = await bus.told()
    assert (await believed(city, token, partner))["sid"] == first["sid"]
    assert (await signed_in_at(partner))["sid"] != first["sid"]


async def test_a_session_that_ends_by_its_time_signs_nobody_out(city: Served, bus: Server) -> None:
    await resident(city)
    await signed_in_at(await bus.registered(city))
    people = city.kitamae.city.people
    real, people._now = people._now, lambda: time.time_ns() // 1000 + 11 * HOUR
    await people.tidy()
    people._now = real
    assert await city.kitamae.city.store.documents("", "session") == []
    assert await owed(city) == []


async def test_a_code_of_a_session_that_was_ended_begins_nothing(city: Served) -> None:
    partner = await Partner.of(city)
    await resident(city)
    code = await partner.code()
    await leave(city)
    answer = await partner.exchange(code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_token_that_says_who_signed_out_is_good_for_nothing_else(city: Served, bus: Server) -> None:
    partner = await bus.registered(city)
    await resident(city)
    await signed_in_at(partner)
    await leave(city)
    (token,) = await bus.told()
    hint = {"id_token_hint": token, "client_id": partner.id}
    assert (await city.client.get("/openid/end-session", params=hint)).status_code == 400
    answer = await partner.about(token)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    "address",
    ["https://other.example.jp/out", "http://bus.example.jp/out", "https://bus.example.jp/#a", "file:///etc/passwd", "/out"],
)  # fmt: skip
async def test_a_partner_is_told_only_on_its_own_host_and_over_tls(city: Served, address: str) -> None:
    with pytest.raises(BadRequest):
        await Partner.of(city, redirects=[BACK], backchannel=address)


async def test_what_it_says_of_itself_names_it(city: Served) -> None:
    said = (await city.client.get("/.well-known/openid-configuration")).json()
    assert said["backchannel_logout_supported"]
    assert said["backchannel_logout_session_supported"]
    assert "sid" in said["claims_supported"]
