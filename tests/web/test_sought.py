"""At a counter somebody is found by what his papers say; nobody types a reference, and every look leaves a receipt."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bare_kaga import bare
from kitamae.kernel.people.colleagues import Called
from kitamae.kernel.people.person import SYSTEM
from serving import SAME, Served, serving
from signing_in import fields
from staffing import enter, give

TARO = {"name": "加賀 太郎", "birth_date": "1968-04-01", "address": "加賀市大聖寺南町ニ41番地", "gender": "1"}
HANAKO = {**TARO, "address": "加賀市山代温泉桔梗丘二丁目1番地", "gender": "2"}
SOUGHT = {"name": "加賀　太郎", "birth_date": "1968-04-01"}
COUNTER = ("/staff/consents/search", "/staff/consents")


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        await served.kitamae.city.people.staff()  # the first account, which does every desk's work
        await served.kitamae.city.vault.keep(SYSTEM, "resident-taro", "identity", "basic-four", TARO)
        yield served


async def clerk(town: Served, *duties: str) -> str:
    ref = await town.kitamae.city.people.staff(another=True)
    await give(town, ref, *duties)
    await enter(town, ref)
    return ref


async def send(town: Served, path: str, page: str, **form: Any) -> Any:
    csrf = fields((await town.client.get(page)).text)["csrf"]
    return await town.client.post(path, data={"csrf": csrf, **form}, headers=SAME)


async def looks(town: Served, person: str = "resident-taro") -> list[dict[str, Any]]:
    """Who looked, as that person sees it; nobody is signed in afterwards."""
    session, _ = await town.kitamae.city.people.admit(person, "resident", 3)
    town.client.cookies.clear()
    town.client.cookies.set("kitamae_session", session)
    found = (await town.client.get("/my/receipts")).json()["receipts"]
    town.client.cookies.clear()
    return [one for one in found if one["who"] != person]


async def test_a_consent_is_withdrawn_for_whom_the_papers_name_and_he_sees_who_looked(town: Served) -> None:
    ref = await clerk(town, "counter")
    empty = (await town.client.get("/staff/consents")).text
    assert "resident-" not in empty
    found = (await send(town, *COUNTER, **SOUGHT)).text
    for word in ("加賀 太郎", "南町ニ41番地", '<time datetime="1968-04-01">'):
        assert word in found, word
    person = fields(found[found.index('action="/staff/consents" ') :])["person"]
    done = await send(
        town, "/staff/consents", "/staff/consents", person=person, purpose="notices", seen="yes"
    )
    assert (done.status_code, done.headers["location"]) == (303, "/staff/consents?done")
    (look,) = await looks(town)
    assert (look["who"], look["purpose"]) == (ref, "identity")


async def test_a_name_with_another_birthday_is_nobody_and_nobody_is_told_more(town: Served) -> None:
    await clerk(town, "counter")
    for wrong in (
        {"birth_date": "1968-04-02"},
        {"name": "加賀"},
        {"name": "加賀 太"},
        {"address": "加賀市大聖寺"},
    ):
        said = (await send(town, *COUNTER, **{**SOUGHT, **wrong})).text
        assert "見つかりませんでした" in said
        assert "南町" not in said
        assert 'name="person"' not in said
    lacking = (await send(town, *COUNTER, name="加賀 太郎", birth_date="")).text
    assert "名前と生年月日の両方を書いてください。" in lacking
    assert await looks(town) == []


async def test_who_finds_nobody_again_and_again_waits_and_his_colleague_does_not(town: Served) -> None:
    await clerk(town, "counter")
    for number in range(20):
        assert (
            await send(town, *COUNTER, name=f"加賀 {number}郎", birth_date="1968-04-01")
        ).status_code == 200
    assert (await send(town, *COUNTER, **SOUGHT)).status_code == 429
    await clerk(town, "counter")
    assert "南町ニ41番地" in (await send(town, *COUNTER, **SOUGHT)).text


async def test_of_two_with_one_name_and_birthday_the_address_decides_before_anything_is_opened(
    town: Served,
) -> None:
    await town.kitamae.city.vault.keep(SYSTEM, "resident-hanako", "identity", "basic-four", HANAKO)
    await clerk(town, "counter")
    asked = (await send(town, *COUNTER, **SOUGHT)).text
    assert "書類の住所も書いて" in asked
    assert "南町" not in asked
    assert 'name="address"' in asked
    assert await looks(town) == []
    await clerk(town, "counter")
    found = (await send(town, *COUNTER, **SOUGHT, address="加賀市大聖寺南町ニ４１番地")).text
    assert "南町ニ41番地" in found
    assert len(await looks(town)) == 1
    assert await looks(town, "resident-hanako") == []


async def test_a_complaint_at_the_counter_is_the_case_of_who_was_found_and_he_follows_it(
    town: Served,
) -> None:
    ref = await clerk(town, "requests")
    await town.kitamae.city.people.colleagues.call(SYSTEM, {ref: Called("山代 節子", "市民課")})
    form = "/staff/requests/new?kind=complaint"
    found = (await send(town, "/staff/requests/new/search", form, kind="complaint", **SOUGHT)).text
    assert "この人の件として受け付けます" in found
    filled = fields(found[found.index('action="/staff/requests/new?kind') :])
    for name in ("name", "address"):
        assert f'name="{name}" value="{TARO[name]}"' in found, name
    told = {"name": TARO["name"], "address": TARO["address"], "text": "説明がありませんでした。"}
    made = await send(town, "/staff/requests/new", form, **{**filled, **told})
    assert made.status_code == 303, made.text
    shown = (await town.client.get(made.headers["location"])).text
    assert "加賀 太郎" in shown
    assert "山代 節子" in shown, "a colleague reads who took it"
    session, _ = await town.kitamae.city.people.admit("resident-taro", "resident", 3)
    town.client.cookies.set("kitamae_session", session)
    assert made.headers["location"].rpartition("/")[2] in (await town.client.get("/my/requests")).text


async def test_a_complaint_on_paper_needs_no_search(town: Served) -> None:
    await clerk(town, "requests")
    form = "/staff/requests/new?kind=complaint"
    assert 'name="person"' not in (await town.client.get(form)).text
    made = await send(
        town, "/staff/requests/new", form, kind="complaint", name="匿名", text="説明がありませんでした。"
    )
    assert made.status_code == 303, made.text


async def test_the_privacy_desk_finds_a_log_and_opens_no_record_for_it(town: Served) -> None:
    ref = await clerk(town, "privacy-officer")
    assert "resident-" not in (await town.client.get("/staff/withheld")).text
    led = await send(town, "/staff/withheld/search", "/staff/withheld", **SOUGHT)
    assert (led.status_code, led.headers["location"]) == (303, "/staff/withheld?person=resident-taro")
    assert "南町" not in (await town.client.get(led.headers["location"])).text
    nobody = (
        await send(
            town, "/staff/withheld/search", "/staff/withheld", name="加賀 太郎", birth_date="1968-04-02"
        )
    ).text
    assert "見つかりませんでした" in nobody
    assert (await send(town, *COUNTER[:1], "/staff/withheld", **SOUGHT)).status_code == 403, "not his desk"
    (look,) = await looks(town)
    assert (look["who"], look["purpose"]) == (ref, "oversight")


async def test_who_has_the_desk_and_not_the_purpose_finds_nobody(town: Served) -> None:
    await enter(town, await town.kitamae.city.people.staff())  # the first account reads for no purpose
    assert (await send(town, *COUNTER, **SOUGHT)).status_code == 403
    assert await looks(town) == []


async def test_a_my_number_in_the_search_is_refused(town: Served) -> None:
    await clerk(town, "counter")
    assert (await send(town, *COUNTER, name="123456789018", birth_date="1968-04-01")).status_code == 422


def test_no_page_asks_for_a_reference() -> None:
    web = Path(__file__).resolve().parents[2] / "src" / "kitamae" / "web"
    asking = [
        str(one)
        for one in web.rglob("*.html")
        if re.search(r"（(?:resident|staff)-…）", one.read_text("utf-8"))
    ]
    assert asking == []
