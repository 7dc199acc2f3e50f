"""A city that follows 気象庁's feeds, over HTTP: a warning reaches `/disaster`, a hub is believed only when it signs, staff see what is silent."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import html5lib
import pytest
from bulletins import jma
from hypothesis import given
from hypothesis import strategies as st
from jma_standin import StandIn, atom

import staffing
from bare_kaga import bare
from kitamae.kit.feeds import atom as feeds
from kitamae.kit.feeds.hub import METHODS, signed
from kitamae.sdk.xml import BadMessageError
from serving import Served, serving

OFFICE = "金沢地方気象台"


@pytest.fixture
async def agency() -> AsyncIterator[StandIn]:
    async with StandIn() as one:
        for name in ("extra.xml", "extra_l.xml", "eqvol.xml", "eqvol_l.xml"):
            one.lists(name, [])
        yield one


@pytest.fixture
async def town(tmp_path: Path, agency: StandIn) -> AsyncIterator[Served]:
    folder = bare(tmp_path / "city")
    async with serving(
        tmp_path / "data", city=folder, open=True, jma=agency.feed, jma_hub=agency.hub
    ) as served:
        await served.loaded()
        yield served


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(200):
        if await true():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("never")


async def test_a_hub_is_believed_with_our_signature_alone_and_a_warning_is_on_the_page(
    town: Served, agency: StandIn
) -> None:
    async def asked() -> bool:
        return len(agency.forms) == 2

    await until(asked)
    form = next(one for one in agency.forms if one["hub.topic"].endswith("/extra.xml"))
    assert (form["hub.mode"], len(form["hub.secret"])) == ("subscribe", 64)
    at = urlsplit(form["hub.callback"]).path
    said = {
        "hub.mode": "subscribe",
        "hub.topic": form["hub.topic"],
        "hub.challenge": "c-1",
        "hub.lease_seconds": "86400",
    }
    answer = await town.client.get(at, params=said)
    assert (answer.status_code, answer.text) == (200, "c-1")
    assert answer.headers["content-type"].startswith("text/plain")
    for wrong in ({"hub.topic": "http://x/"}, {"hub.mode": "unsubscribe"}):
        assert (await town.client.get(at, params={**said, **wrong})).status_code == 404
    assert (await town.client.get(at, params={**said, "hub.lease_seconds": "9" * 40})).status_code == 400
    assert (await town.client.get(f"{at}x", params=said)).status_code == 404
    now = datetime.now(UTC)
    agency.files["one.xml"] = jma(
        ("大雨警報", "03", "発表"), at=(now - timedelta(minutes=1)).isoformat(timespec="seconds")
    )
    told = atom(agency.feed, [("one.xml", OFFICE, now)])
    right = hmac.new(form["hub.secret"].encode(), told, hashlib.sha256).hexdigest()
    for signature in ("", "sha256=", f"md5={right}", f"sha256={'0' * 64}", f"sha1={right}"):
        answer = await town.client.post(at, content=told, headers={"X-Hub-Signature": signature})
        assert answer.status_code == 202, "the hub is not told what is wrong"
    assert (await town.client.post(f"{at}x", content=told)).status_code == 404
    assert (await town.client.post(at, content=b"x" * 2_000_001)).status_code == 413
    await asyncio.sleep(2.5)
    assert not agency.asked["one.xml", 200]
    answer = await town.client.post(at, content=told, headers={"X-Hub-Signature": f"sha256={right}"})
    assert answer.status_code == 202

    async def shown() -> bool:
        return "大雨警報" in (await town.client.get("/disaster")).text

    await until(shown)
    assert agency.asked["one.xml", 200] == 1
    health = (await town.client.get("/health")).json()
    assert health["checks"]["feeds:alerts"][0]["status"] == "pass"
    denied = {"hub.mode": "denied", "hub.topic": form["hub.topic"], "hub.reason": "full"}
    assert (await town.client.get(at, params=denied)).status_code == 200
    hub = town.kitamae.city._rooms.feeds.hub  # type: ignore[union-attr]
    assert (await hub.state())["extra"]["state"] == "denied"  # type: ignore[union-attr]


async def test_staff_who_order_see_what_arrives_and_what_was_not_taken_and_nobody_else_does(
    town: Served, agency: StandIn
) -> None:
    assert (await town.client.get("/staff/feeds")).status_code in (401, 403)
    await town.kitamae.city.people.staff()
    clerk = await town.kitamae.city.people.staff(another=True)
    await staffing.enter(town, clerk)
    assert (await town.client.get("/staff/feeds")).status_code == 403
    await staffing.give(town, clerk, "disaster")
    now = datetime.now(UTC)
    agency.files["bad.xml"] = b"<Report>"
    told = atom(agency.feed, [("bad.xml", "<b>台</b>", now)])
    follower = town.kitamae.city._rooms.feeds
    assert follower is not None
    await follower._want("extra", feeds.read(told, f"{agency.feed}/extra.xml"))

    async def refused() -> bool:
        return "読めませんでした" in (await town.client.get("/staff/feeds?lang=ja")).text

    await until(refused)
    for lang, word in (
        ("ja", "取り入れなかった電文"),
        ("ja_Hira", "とりいれなかった"),
        ("en", "not taken"),
        ("zh", "未采用"),
        ("ko", "받아들이지"),
    ):
        page = await town.client.get(f"/staff/feeds?lang={lang}")
        assert word in page.text
        assert "<b>台" not in page.text
        html5lib.HTMLParser(strict=True).parse(page.text)
    assert "/staff/feeds" in (await town.client.get("/staff")).text
    assert "電文が届いていません" not in (await town.client.get("/staff/evacuation?lang=ja")).text
    await follower.store.transact(
        lambda tx: tx.put(
            "", "feed", "eqvol", {"asked": "2099-01-01T00:00:00Z", "answered": "2020-01-01T00:00:00Z"}
        )
    )
    town.kitamae.city._rooms._shell.kept["/disaster"]._dirty = True
    assert "情報が、いま届いていません" in (await town.client.get("/disaster?lang=ja")).text
    for address in ("/staff/evacuation", "/staff/feeds"):
        page = await town.client.get(f"{address}?lang=ja")
        assert "電文が届いていません" in page.text
        html5lib.HTMLParser(strict=True).parse(page.text)
    assert follower.silence({"answered": "2020-01-01T00:00:00Z"}) == ("answer", "2020-01-01T00:00:00Z")


async def test_a_city_that_follows_no_feed_has_neither_desk_nor_address(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city"), open=True) as served:
        assert (await served.client.get("/feeds/extra/x")).status_code == 404
        assert (await served.client.get("/staff/feeds")).status_code == 404
        assert "feeds:alerts" not in (await served.client.get("/health")).json()["checks"]


@given(st.binary(max_size=300), st.integers(0, 900))
def test_any_bytes_are_a_feed_or_a_clear_refusal(noise: bytes, at: int) -> None:
    whole = atom("http://a.example/feed", [("one.xml", OFFICE, datetime(2026, 8, 1, tzinfo=UTC))])
    for content in (noise, whole[:at] + noise + whole[at:], whole[:at] + noise + whole[at + len(noise) :]):
        with suppress(BadMessageError):
            for one in feeds.read(content, "http://a.example/feed/extra.xml").entries:
                assert one.href.startswith("http://a.example/")


@given(st.binary(max_size=50), st.binary(max_size=200), st.sampled_from(METHODS), st.text(max_size=70))
def test_only_the_signature_of_these_bytes_with_this_secret_is_right(
    secret: bytes, content: bytes, method: str, said: str
) -> None:
    right = hmac.new(secret, content, getattr(hashlib, method)).hexdigest()
    assert signed(secret, f"{method}={right}", content)
    assert not signed(secret + b"x", f"{method}={right}", content)
    assert not signed(secret, f"{method}={right}", content + b"x")
    assert signed(secret, said, content) == (said.strip().lower() == f"{method}={right}")
