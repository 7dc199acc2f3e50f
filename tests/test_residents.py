"""A resident signs in, as a browser sees it, through the stand-in of デジタル認証アプリ."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from pydantic import ValidationError

from kitamae.kernel.people.jose.keys import Key
from kitamae.kernel.people.relying.stand_in import RESIDENTS
from kitamae.settings import Settings
from serving import HERE, SAME, Served, serving

KAGA = Path(__file__).resolve().parent.parent / "cities" / "kaga"


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", demo_residents=True) as one:
        yield one


async def away(served: Served, who: str = "test-1", next: str = "/account") -> str:
    """Where the stand-in sends the browser back to."""
    begun = await served.client.get("/sign-in/resident/start", params={"next": next})
    assert begun.status_code == 303
    page = await served.client.get(begun.headers["location"])
    csrf = re.search(r'name="csrf" value="([0-9a-f]*)"', page.text)
    assert csrf
    sent = {"who": who, "csrf": csrf[1]}
    chosen = await served.client.post(begun.headers["location"], data=sent, headers=SAME)
    assert chosen.status_code == 303
    return str(chosen.headers["location"])


async def test_a_resident_signs_in_sees_how_surely_and_signs_out(demo: Served) -> None:
    page = await demo.client.get("/sign-in/resident")
    assert "デジタル認証アプリでサインインする" in page.text
    back = await demo.client.get(await away(demo))
    assert (back.status_code, back.headers["location"]) == (303, "/account")
    cookies = back.headers.get_list("set-cookie")
    assert any(one.startswith("kitamae_session=kitamae_session_") and "HttpOnly" in one for one in cookies)
    assert any(one.startswith("kitamae_resident=;") and "Max-Age=0" in one for one in cookies)
    account = await demo.client.get("/account")
    assert "高い：マイナンバーカード" in account.text
    assert not re.search("試験 一郎|test-1", account.text)
    csrf = re.search(r'name="csrf" value="([0-9a-f]{64})"', account.text)
    assert csrf
    assert (await demo.client.post("/sign-out", data={"csrf": csrf[1]}, headers=SAME)).status_code == 303
    assert (await demo.client.get("/account")).headers["location"] == "/sign-in/resident"


async def test_a_resident_may_do_nothing_that_staff_may(demo: Served) -> None:
    await demo.client.get(await away(demo))
    entity = {"id": "urn:x:1", "type": "Town"}
    assert (await demo.client.post("/ngsi-ld/v1/entities", json=entity, headers=SAME)).status_code == 403
    staff = await demo.client.get("/staff")
    assert (staff.status_code, staff.headers["location"]) == (303, "/account")


async def test_the_way_back_works_once_and_only_in_the_same_browser(demo: Served) -> None:
    back = await away(demo)
    note = demo.client.cookies["kitamae_resident"]
    demo.client.cookies.clear()
    stranger = await demo.client.get(back)
    assert stranger.status_code == 400
    assert "サインインできませんでした" in stranger.text
    assert "set-cookie" not in stranger.headers
    demo.client.cookies.set("kitamae_resident", note)
    assert (await demo.client.get(back)).status_code == 303
    demo.client.cookies.set("kitamae_resident", note)
    assert (await demo.client.get(back)).status_code == 400


async def test_only_pages_of_this_server_are_come_back_to(demo: Served) -> None:
    for next, expected in (
        ("/places?text=a", "/places?text=a"),
        ("//other.example", "/account"),
        ("https://other.example", "/account"),
        ("/\\other.example", "/account"),
        ("/a\r\nSet-Cookie: x", "/account"),
    ):
        back = await demo.client.get(await away(demo, next=next))
        assert back.headers["location"] == expected


async def test_the_stand_in_serves_nobody_but_this_city(demo: Served) -> None:
    begun = await demo.client.get("/sign-in/resident/start")
    asked = {name: value[0] for name, value in parse_qs(urlsplit(begun.headers["location"]).query).items()}
    for change in (
        {"redirect_uri": "https://other.example/"},
        {"client_id": "other"},
        {"code_challenge_method": "plain"},
        {"response_type": "token"},
        {"nonce": ""},
    ):
        refused = await demo.client.get("/stand-in/authorize", params={**asked, **change})
        assert (refused.status_code, "location" in refused.headers) == (400, False)


@pytest.mark.parametrize("lang", ["ja", "ja_Hira", "en"])
async def test_every_page_of_a_demonstration_says_that_it_is_one(demo: Served, lang: str) -> None:
    marks = {"ja": "試験用", "ja_Hira": "ためすための ページ", "en": "Test only"}
    begun = await demo.client.get("/sign-in/resident/start")
    for page in (
        "/",
        "/map",
        "/data",
        "/sign-in",
        "/sign-in/resident",
        "/nowhere",
        begun.headers["location"],
    ):
        shown = (
            await demo.client.get(page, params={"lang": lang}, headers={"Accept": "text/html"})
            if "?" not in page
            else await demo.client.get(f"{page}&lang={lang}")
        )
        assert marks[lang] in html.unescape(shown.text), page


async def test_what_the_card_says_goes_to_the_vault_once_and_the_resident_alone_sees_it(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path / "data", city=KAGA, demo_residents=True) as served:
        begun = await served.client.get("/sign-in/resident/start")
        asked = parse_qs(urlsplit(begun.headers["location"]).query)
        assert asked["scope"] == ["openid name address birthdate gender"]
        for who in ("test-1", "test-1", "test-4"):
            back = await served.client.get(await away(served, who))
            assert back.status_code == 303
        (record,) = (await served.client.get("/my/records")).json()["records"]
        assert record["fields"] == {
            "name": "SAMPLE MARIA",
            "address": RESIDENTS["test-4"]["address"],
            "birth_date": "1999-02-29",
            "gender": "2",
        }
        await served.client.get(await away(served, "test-1"))
        (record,) = (await served.client.get("/my/records")).json()["records"]
        assert record["fields"]["name"] == "試験 一郎"
        for kind in ("resident", "session", "spent", "sealed"):
            assert "試験" not in str(await served.kitamae.city.store.documents("", kind))


async def test_where_the_vault_is_closed_nobody_is_signed_in(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", city=KAGA, demo_residents=True) as served:
        back = await away(served)
        served.kitamae.city._vault, vault = None, served.kitamae.city._vault
        assert (await served.client.get(back)).status_code == 503
        assert (await served.client.get("/account")).headers["location"] == "/sign-in/resident"
        served.kitamae.city._vault = vault


async def test_a_city_without_the_app_says_so_and_begins_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as served:
        page = await served.client.get("/sign-in/resident")
        assert "まだ使えません" in page.text
        assert "試験用" not in page.text
        for path in ("/sign-in/resident/start", "/sign-in/resident/return", "/stand-in/authorize"):
            assert (await served.client.get(path)).status_code == 404


async def test_who_signed_in_through_the_stand_in_is_nobody_when_it_is_gone(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", demo_residents=True) as served:
        await served.client.get(await away(served))
        session = served.client.cookies["kitamae_session"]
    async with serving(tmp_path / "data") as served:
        served.client.cookies.set("kitamae_session", session)
        assert (await served.client.get("/account")).status_code == 303


REAL = {
    "residents_issuer": "https://auth.example.jp/main",
    "residents_client": "RP1",
    "residents_key": Path("rp.jwk"),
}


@pytest.mark.parametrize(
    "chosen",
    [
        {**REAL, "demo_residents": True}, {"residents_issuer": REAL["residents_issuer"], "demo_residents": True},
        {"residents_client": "RP1", "demo_residents": True}, {"residents_issuer": REAL["residents_issuer"]},
        {**REAL, "residents_issuer": "http://auth.example.jp"}, {**REAL, "residents_issuer": "http://127.0.0.1:1"},
        {**REAL, "residents_issuer": "https://auth.example.jp/?a=b"}, {**REAL, "residents_issuer": "auth.example.jp"},
        {**REAL, "residents_client": "RP 1"},
    ],
)  # fmt: skip
def test_settings_refuse_the_stand_in_beside_a_real_issuer_and_a_half_configured_one(
    chosen: dict[str, object],
) -> None:
    with pytest.raises(ValidationError):
        Settings.chosen(**chosen)


async def test_a_key_that_cannot_sign_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    public = tmp_path / "rp.jwk"
    for content in ("", "{}", str(Key.make("a").public()).replace("'", '"')):
        public.write_text(content)
        with pytest.raises(Exception, match="KITAMAE_RESIDENTS_KEY"):
            async with serving(tmp_path / "data", **{**REAL, "residents_key": public}):
                pass


async def test_an_issuer_in_the_town_halls_own_network_is_not_asked(tmp_path: Path) -> None:
    key = tmp_path / "rp.jwk"
    key.write_bytes(orjson.dumps(Key.make("a").private()))
    chosen = {**REAL, "residents_key": key, "residents_issuer": "https://10.0.0.1/main"}
    async with serving(tmp_path / "data", **chosen) as served:
        began = await served.client.get("/sign-in/resident/start")
        assert (began.status_code, HERE in began.text) == (400, False)
