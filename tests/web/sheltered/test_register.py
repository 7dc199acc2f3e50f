"""Who came to a shelter: written by a keeper or by staff, read with receipts, found by whoever looks only where the person wants it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import html5lib
import pytest
from sheltering import ONE, act, entity, keeper, register

from bare_kaga import bare
from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.retention import Retention
from kitamae.kernel.people.sheltered import Sheltered
from kitamae.kernel.people.vault import Asked
from kitamae.kernel.problems import BadRequest
from serving import SAME, Served, serving
from signing_in import fields, outside
from staffing import enter, give

DESK = f"/staff/sheltered/{ONE}"
TARO = {
    "name": "試験 太郎",
    "kana": "しけん たろう",
    "town": "例示町",
    "age": "75-",
    "need": "高齢者",
    "findable": "yes",
}
HANAKO = {"name": "試験 花子", "kana": "しけん はなこ", "town": "例示町", "age": "15-64", "findable": "no"}


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    """Somebody of the staff whose duties are shelters and their register."""
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        await served.loaded()
        await register(served, entity(ONE, "作見小学校"))
        ref = await served.kitamae.city.people.staff(another=True)
        await give(served, ref, "shelter-register", "disaster")
        await enter(served, ref)
        yield served


async def page(served: Served, path: str, lang: str = "ja") -> str:
    answer = await served.client.get(path, params={"lang": lang})
    assert answer.status_code == 200, answer.text
    html5lib.HTMLParser(strict=True).parse(answer.text)
    return str(answer.text)


async def came(served: Served, who: dict[str, str], **more: str) -> Any:
    form = fields(await page(served, DESK))
    return await served.client.post(DESK, data={**form, **who, **more}, headers=SAME)


async def person(served: Served, name: str) -> str:
    """The reference that the opened register has for somebody of that name."""
    part = (await page(served, f"{DESK}/names")).split(f">{name}<")[1]
    found = re.search(r'name="person" value="([^"]+)"', part)
    assert found
    return found[1]


async def done(served: Served, what: str, name: str) -> Any:
    form = {**fields(await page(served, f"{DESK}/names")), "act": what, "person": await person(served, name)}
    return await served.client.post(f"{DESK}/names", data=form, headers=SAME)


async def sought(served: Served, name: str, town: str = "例示町") -> str:
    """As anybody, who is not signed in, hears it."""
    answer = await outside(served, "POST", "/find", data={"name": name, "town": town}, headers=SAME)
    assert answer.status_code == 200, answer.text
    html5lib.HTMLParser(strict=True).parse(answer.text)
    return str(answer.text)


async def receipts(served: Served, ref: str) -> list[tuple[str, str]]:
    """(who, purpose) of every look at that person and every word written of him."""
    own = Principal(ref, "resident", assurance=3, session="x")
    asked = Asked(own, "own", (ref,))
    return [(one.who, one.purpose) for one in await served.kitamae.city.vault.receipts(asked, 1 << 62, 100)]


async def test_who_wants_to_be_found_is_found_by_name_and_town_together_and_nobody_else(town: Served) -> None:
    await act(town, "open")
    for one in (TARO, HANAKO):
        assert (await came(town, one)).status_code == 303
    for name in ("試験太郎", "試験　太郎", "シケン タロウ", "しけんたろう"):
        assert "作見小学校" in await sought(town, name)
    for name, where in (
        ("試験 太郎", "別の町"),
        ("試験", "例示町"),
        ("太郎", "例示町"),
        ("試験 花子", "例示町"),
    ):
        assert "見つかりませんでした" in await sought(town, name, where), (name, where)
    hidden, nobody = await sought(town, "試験 花子"), await sought(town, "試験 次郎")
    assert hidden.replace("花子", "次郎") == nobody, (
        "the answer does not tell who hides from who is not there"
    )
    assert "75" not in await sought(town, "試験太郎"), "where, and nothing else"


async def test_every_look_leaves_a_receipt_and_a_search_leaves_one_only_with_whom_it_found(
    town: Served,
) -> None:
    for one in (TARO, HANAKO):
        await came(town, one)
    taro, hanako = await person(town, "試験 太郎"), await person(town, "試験 花子")
    before = {ref: len(await receipts(town, ref)) for ref in (taro, hanako)}
    await sought(town, "試験 太郎")
    await sought(town, "試験 花子")
    assert ("find-a-person", "sheltered-found") in await receipts(town, taro)
    assert len(await receipts(town, taro)) == before[taro] + 1
    assert len(await receipts(town, hanako)) == before[hanako]
    await page(town, f"{DESK}/names")
    assert len(await receipts(town, hanako)) == before[hanako] + 1


async def test_who_changes_his_mind_or_leaves_is_not_found_from_the_next_search_on(town: Served) -> None:
    await came(town, TARO)
    assert "作見小学校" in await sought(town, "試験 太郎")
    assert (await done(town, "hush", "試験 太郎")).status_code == 303
    assert "見つかりませんでした" in await sought(town, "試験 太郎")
    assert (await done(town, "tell", "試験 太郎")).status_code == 303
    assert "作見小学校" in await sought(town, "試験 太郎")
    assert (await done(town, "left", "試験 太郎")).status_code == 303
    assert "見つかりませんでした" in await sought(town, "試験 太郎")
    assert "出た人" in await page(town, f"{DESK}/names")
    assert (await done(town, "back", "試験 太郎")).status_code == 303
    assert "見つかりませんでした" in await sought(town, "試験 太郎"), "he is asked anew"


async def test_counts_by_need_come_without_names_and_open_nothing(town: Served) -> None:
    for one in (TARO, HANAKO, {**TARO, "name": "試験 三郎", "kana": ""}):
        await came(town, one)
    ref = await person(town, "試験 太郎")
    looks = len(await receipts(town, ref))
    counts = await page(town, "/staff/sheltered")
    assert "3人" in counts
    assert re.search(r"手助けの要る高齢者</dt><dd>2人", counts)
    assert "太郎" not in counts
    assert len(await receipts(town, ref)) == looks
    await done(town, "left", "試験 太郎")
    after = await page(town, "/staff/sheltered")
    assert re.search(r"手助けの要る高齢者</dt><dd>1人", after)


async def test_a_keeper_writes_through_his_link_and_reads_nothing(town: Served) -> None:
    link = await keeper(town)
    assert f'href="{link}/people"' in await page(town, link)
    shown = (await outside(town, "GET", f"{link}/people")).text
    form = {**fields(shown), **TARO}
    for _ in range(2):
        sent = await outside(town, "POST", f"{link}/people", data=form, headers=SAME)
        assert (sent.status_code, sent.headers["location"]) == (303, f"{link}/people?done=new")
    again = (await outside(town, "GET", f"{link}/people")).text
    assert "太郎" not in again
    assert (await page(town, f"{DESK}/names")).count(">試験 太郎<") == 1
    assert "作見小学校" in await sought(town, "試験 太郎")
    store = town.kitamae.city.store
    links = town.kitamae.city._rooms.links
    number = links.number(link.removeprefix("/l/"))
    assert "太郎" not in str(await links.uses(number)), "of the person nothing stays with the link"
    for kind in ("sheltered", "sheltered-count"):
        assert "太郎" not in str(await store.documents("", kind))
    await links.end("staff-1", number, "lost")
    lost = await outside(town, "POST", f"{link}/people", data={**form, "form": "another-form"}, headers=SAME)
    assert lost.status_code == 410


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"town": ""},
        {"findable": ""},
        {"age": "12"},
        {"need": "借金"},
        {"name": "あ" * 61},
        {"name": "123456789018"},
    ],
)
async def test_what_is_not_asked_or_not_answered_is_refused_and_nobody_is_entered(
    town: Served, wrong: dict[str, str]
) -> None:
    answer = await came(town, {**TARO, **wrong})
    assert answer.status_code in (400, 422)
    assert "受け付けませんでした" in answer.text
    assert await town.kitamae.city.store.documents("", "sheltered") == []


async def test_a_sheet_is_entered_as_of_its_time_and_has_the_shelters_name(town: Served) -> None:
    sheet = (await town.client.get("/staff/sheets/people", params={"shelter": ONE})).text
    assert "作見小学校" in sheet
    assert f"/staff/sheltered/{ONE}" in sheet
    assert (await came(town, TARO, at="2026-01-05T09:30")).status_code == 303
    assert "2026年1月5日 9:30" in await page(town, f"{DESK}/names")
    assert (await came(town, {**TARO, "name": "別 人"}, at="2099-01-01T00:00")).status_code == 400


async def test_only_whose_duty_it_is_reads_names_and_whoever_looks_too_often_waits(town: Served) -> None:
    await came(town, TARO)
    for path in ("/staff/sheltered", DESK, f"{DESK}/names"):
        assert (await outside(town, "GET", path)).status_code in (401, 403)
    other = await town.kitamae.city.people.staff(another=True)
    await give(town, other, "disaster")
    await enter(town, other)
    assert (await town.client.get(f"{DESK}/names")).status_code == 403
    statuses = [
        (
            await outside(town, "POST", "/find", data={"name": f"名前{n}", "town": "町"}, headers=SAME)
        ).status_code
        for n in range(21)
    ]
    assert (statuses[0], statuses[-1]) == (200, 429)


async def test_retention_ends_the_register(town: Served) -> None:
    await came(town, TARO)
    city = town.kitamae.city
    after = city.vault._inner.now() + 366 * 24 * 3_600_000_000
    await Retention(city.store, city.vault.purposes, lambda: after).sweep()
    assert await city.store.documents("", "sheltered") == []
    assert await city.store.documents("", "sheltered-count") == []


async def test_after_the_time_of_answers_who_leaves_can_be_written_and_who_wants_it_is_found_anew(
    town: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("試験 太郎", "試験 二郎", "試験 三郎"):
        await came(town, {**TARO, "name": name, "kana": ""})
    vault = town.kitamae.city.vault
    later = vault._inner.now() + 91 * 24 * 3_600_000_000
    monkeypatch.setattr(vault._inner, "now", lambda: later)
    assert await vault.sweep(confirmed=True) == 3
    assert "見つかりませんでした" in await sought(town, "試験 太郎")
    ref = await person(town, "試験 三郎")
    form = fields(await page(town, f"{DESK}/names"))
    told = await town.client.post(f"{DESK}/names", data={**form, "act": "tell", "person": ref}, headers=SAME)
    assert told.status_code == 303
    assert "作見小学校" in await sought(town, "試験 三郎")
    assert (await done(town, "left", "試験 太郎")).status_code == 303
    assert (await done(town, "hush", "試験 二郎")).status_code == 303
    assert (await done(town, "tell", "試験 二郎")).status_code == 303
    assert "作見小学校" in await sought(town, "試験 二郎")


async def test_the_same_form_with_another_name_is_not_said_to_be_entered(town: Served) -> None:
    form = fields(await page(town, DESK))
    link = await keeper(town)
    written = fields((await outside(town, "GET", f"{link}/people")).text)
    for who, status in ((TARO, 303), (TARO, 303), (HANAKO, 409)):
        answer = await town.client.post(DESK, data={**form, **who}, headers=SAME)
        sent = await outside(town, "POST", f"{link}/people", data={**written, **who}, headers=SAME)
        assert (answer.status_code, sent.status_code) == (status, status)
    for refused in (answer, sent):
        assert "ちがう内容でもう送られています" in refused.text
        assert fields(refused.text)["form"] not in (form["form"], written["form"])
    assert len(await town.kitamae.city.store.documents("", "sheltered")) == 2


async def test_what_a_crash_cut_off_is_finished_by_the_same_form_but_not_against_what_was_written_since(
    town: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {**fields(await page(town, DESK)), **TARO}

    async def crash(*_: object) -> None:
        raise BadRequest("the power is gone")

    with monkeypatch.context() as cut:
        cut.setattr(Sheltered, "_show", crash)
        await town.client.post(DESK, data=form, headers=SAME)
    assert "見つかりませんでした" in await sought(town, "試験 太郎")
    await town.client.post(DESK, data=form, headers=SAME)
    assert "作見小学校" in await sought(town, "試験 太郎")
    await done(town, "hush", "試験 太郎")
    await town.client.post(DESK, data=form, headers=SAME)
    assert "見つかりませんでした" in await sought(town, "試験 太郎")
