from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kitamae.adapters import sqlite
from kitamae.kernel.people import secret
from kitamae.kernel.people.gate import Gate, demand_form
from kitamae.kernel.people.people import People
from kitamae.kernel.people.person import NOBODY, asking
from kitamae.kernel.people.throttle import WINDOW, Throttle
from kitamae.kernel.problems import Forbidden, NotSignedIn, TooManyRequests

HERE = {"host": "city.example"}


def request(method: str = "GET", client: str = "192.0.2.1", **headers: str) -> dict[str, Any]:
    pairs = [(k.replace("_", "-").encode(), v.encode("latin-1")) for k, v in {**HERE, **headers}.items()]
    return {"type": "http", "method": method, "path": "/", "headers": pairs, "client": (client, 1)}


class Desk:
    """A gate with somebody signed in and a program with a token."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.gate = Gate(people, Throttle(3))
        self.session = self.token = ""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    store = await sqlite.open(tmp_path / "kitamae.db")
    desk = Desk(People(store, lambda name: name))
    desk.session, _ = await desk.people.sign_in(await desk.people.invite(await desk.people.staff()))
    desk.token, _ = await desk.people.tokens.issue("a", ["write:*"])
    yield desk
    await store.close()


async def test_a_bearer_token_says_who_asks(desk: Desk) -> None:
    scope = request("POST", authorization=f"Bearer {desk.token}")
    await desk.gate.let_in(scope)
    assert asking(scope).role == "service"
    assert "csrf" not in scope


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Basic YTpi", "bearer \xff", ""])
async def test_a_wrong_bearer_token_is_never_treated_as_nobody(desk: Desk, header: str) -> None:
    scope = request(authorization=header)
    if header:
        with pytest.raises(NotSignedIn):
            await desk.gate.let_in(scope)
    else:
        await desk.gate.let_in(scope)
        assert asking(scope) is NOBODY


async def test_a_session_is_no_bearer_token_and_a_token_no_cookie(desk: Desk) -> None:
    with pytest.raises(NotSignedIn):
        await desk.gate.let_in(request(authorization=f"Bearer {desk.session}"))
    scope = request(cookie=f"kitamae_session={desk.token}")
    await desk.gate.let_in(scope)
    assert asking(scope) is NOBODY


async def test_a_cookie_among_others_says_who_asks(desk: Desk) -> None:
    scope = request(cookie=f"lang=ja; kitamae_session={desk.session}; other=1")
    await desk.gate.let_in(scope)
    assert asking(scope).role == "staff"
    assert scope["csrf"] == secret.csrf(desk.session)


async def test_a_cookie_that_is_wrong_is_just_not_signed_in(desk: Desk) -> None:
    scope = request(cookie="kitamae_session=old")
    await desk.gate.let_in(scope)
    assert asking(scope) is NOBODY


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "origin": "https://city.example"},
    ],
)
async def test_a_write_with_a_cookie_must_come_from_our_own_page(desk: Desk, headers: dict[str, str]) -> None:
    scope = request("POST", cookie=f"kitamae_session={desk.session}", **headers)
    with pytest.raises(Forbidden, match="another site"):
        await desk.gate.let_in(scope)


@pytest.mark.parametrize("headers", [{"origin": "https://city.example"}, {"sec_fetch_site": "same-origin"}])
async def test_a_write_from_our_own_page_is_let_in(desk: Desk, headers: dict[str, str]) -> None:
    scope = request("POST", cookie=f"kitamae_session={desk.session}", **headers)
    await desk.gate.let_in(scope)
    assert asking(scope).role == "staff"


async def test_a_form_must_carry_the_sessions_own_token(desk: Desk) -> None:
    scope = request(cookie=f"kitamae_session={desk.session}")
    await desk.gate.let_in(scope)
    demand_form(scope, secret.csrf(desk.session))
    other, _ = await desk.people.sign_in(await desk.people.invite(await desk.people.staff()))
    for sent in (None, "", "x", "ÿ", secret.csrf(other), desk.session):
        with pytest.raises(Forbidden, match="load the page again"):
            demand_form(scope, sent)
    demand_form(request(), None)  # nobody is signed in: there is nothing to protect


async def test_an_address_that_keeps_guessing_waits_while_known_tokens_from_it_work(desk: Desk) -> None:
    await desk.gate.let_in(request(authorization=f"Bearer {desk.token}"))
    for guess in range(3):
        with pytest.raises(NotSignedIn):
            await desk.gate.let_in(request(authorization=f"Bearer guess{guess}"))
    with pytest.raises(TooManyRequests) as refused:
        await desk.gate.let_in(request(authorization="Bearer guess3"))
    assert 0 < refused.value.more["retryAfter"] <= WINDOW
    await desk.gate.let_in(request(authorization=f"Bearer {desk.token}"))
    with pytest.raises(NotSignedIn):  # elsewhere nobody waits
        await desk.gate.let_in(request(client="192.0.2.2", authorization="Bearer guess3"))


async def test_whoever_guesses_locks_out_nobody_else_at_the_same_address(desk: Desk) -> None:
    for guess in range(5):
        with pytest.raises((NotSignedIn, TooManyRequests)):
            await desk.gate.let_in(request(authorization=f"Bearer guess{guess}"))
    program, session = (
        request(authorization=f"Bearer {desk.token}"),
        request(cookie=f"kitamae_session={desk.session}"),
    )
    await desk.gate.let_in(program)
    await desk.gate.let_in(session)
    assert (asking(program).role, asking(session).role) == ("service", "staff")


async def test_browsers_whose_sign_in_has_ended_never_have_to_wait(desk: Desk) -> None:
    for number in range(10):
        scope = request(cookie=f"kitamae_session=ended{number}")
        await desk.gate.let_in(scope)
        assert asking(scope) is NOBODY


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "http://[::1]x"])
async def test_an_origin_that_is_no_address_is_another_site(desk: Desk, origin: str) -> None:
    with pytest.raises(Forbidden, match="another site"):
        await desk.gate.let_in(request("POST", cookie=f"kitamae_session={desk.session}", origin=origin))


async def test_one_wrong_token_sent_again_and_again_locks_nobody_out(desk: Desk) -> None:
    for _ in range(50):
        with pytest.raises(NotSignedIn):
            await desk.gate.let_in(request(authorization="Bearer forgotten"))


async def test_over_tls_the_cookie_is_bound_to_this_host(desk: Desk) -> None:
    gate = Gate(desk.people, Throttle(), secure=True)
    cookie = gate.cookie(desk.session, 60)
    assert cookie.startswith("__Host-kitamae_session=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    scope = request(cookie=f"kitamae_session={desk.session}")
    await gate.let_in(scope)
    assert asking(scope) is NOBODY
    assert "Secure" not in desk.gate.cookie(desk.session, 60)


def test_an_ipv6_subscriber_counts_as_one_address() -> None:
    throttle = Throttle(2, now=lambda: 0.0)
    throttle.wrong("2001:db8:1:2::1")
    throttle.wrong("2001:db8:1:2:ffff::9")
    with pytest.raises(TooManyRequests):
        throttle.demand("2001:db8:1:2::abcd")
    throttle.demand("2001:db8:1:3::1")


def test_the_wait_ends() -> None:
    at = 0.0
    throttle = Throttle(1, now=lambda: at)
    throttle.wrong("192.0.2.1")
    with pytest.raises(TooManyRequests):
        throttle.demand("192.0.2.1")
    at = WINDOW + 1
    throttle.demand("192.0.2.1")
