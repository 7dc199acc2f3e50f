"""Who cannot flee alone: a file brought twice, consent that is taken back, helpers in their districts, a disaster, paper; on both stores."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import html5lib
import pytest

import postgres_server
from bare_kaga import bare
from kitamae.kernel.people.assisted import Known, Wrong, table
from kitamae.kernel.people.assisted.said import Told
from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.retention import Retention
from kitamae.kernel.people.vault import Asked
from kitamae.kernel.people.vault.citykey import CityKey, write
from kitamae.sdk.sheltering import NEEDS
from kitamae.web.assisted.ground import WORDS
from serving import SAME, Served, serving
from signing_in import fields, outside, resident
from staffing import enter, give

DESK, HELPING = "/staff/assisted", "/staff/assisted-shared"
HEAD = "番号,氏名,氏名カナ,生年月日,性別,町,住所,電話,事由,必要な支援,支援者,支援者の電話,同意した日\n"
TARO = "A-1,試験 太郎,シケン タロウ,1940-05-01,男,一白町一丁目,例示１－２,0761-00-0001,高齢者、障害,車いす,近所 花子,0761-00-0002,2026-01-05\n"
JIRO = "A-2,試験 次郎,シケン ジロウ,1935/6/2,男,一白町一丁目,例示３,,医療的ケア,,,,\n"
HANAKO = "A-3,試験 花子,シケン ハナコ,,女,一白町二丁目,例示４,,障害,,,,2026-01-06\n"
NUMBER = "123456789018"
"""Twelve digits with the right check digit."""


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Served]:
    """On SQLite, for what keeps no state of its own."""
    async with serving(tmp_path / "data", city=bare(tmp_path / "city", "towns")) as served:
        await served.loaded()
        served.list = await staff(served, "assisted-list")  # type: ignore[attr-defined]
        yield served


@pytest.fixture(params=["sqlite", "postgresql"])
async def town(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    chosen: dict[str, str] = {}
    if request.param == "postgresql":
        name, key = hashlib.blake2s(str(tmp_path).encode(), digest_size=8).hexdigest(), tmp_path / "city.key"
        write(key, [CityKey.fresh()])
        store, keys = postgres_server.dsn(f"c{name}"), postgres_server.dsn(f"k{name}")
        chosen = {"store": store, "keys": keys, "city_key": str(key)}
    city = bare(tmp_path / "city", "towns")
    async with serving(tmp_path / "data", city=city, demo_residents=True, **chosen) as served:
        await served.loaded()
        served.list = await staff(served, "assisted-list")  # type: ignore[attr-defined]
        yield served


async def staff(served: Served, *duties: str) -> str:
    """Somebody of the staff with these duties, signed in with a passkey."""
    await served.kitamae.city.people.staff()
    ref = await served.kitamae.city.people.staff(another=True)
    await give(served, ref, *duties)
    await enter(served, ref)
    return str(ref)


async def page(served: Served, path: str, **params: str) -> str:
    answer = await served.client.get(path, params={"lang": "ja", **params})
    assert answer.status_code == 200, answer.text[-2000:]
    html5lib.HTMLParser(strict=True).parse(answer.text)
    return str(answer.text)


async def brought(served: Served, rows: str, do: str = "write", head: str = HEAD) -> Any:
    form = {**fields(await page(served, f"{DESK}/file")), "do": do, "text": head + rows}
    answer = await served.client.post(f"{DESK}/file", data=form, headers=SAME)
    html5lib.HTMLParser(strict=True).parse(answer.text)
    return answer


def many(answer: Any) -> tuple[str, ...]:
    """New, changed, said anew, the same."""
    return tuple(re.findall(r"<dd>(\d+)人</dd>", answer.text))


async def where(served: Served, name: str) -> str:
    """The address of the district in which somebody of that name is, found by opening them."""
    for path in re.findall(rf'href="({DESK}/towns/[^"/]+)"', await page(served, DESK)):
        if name in await page(served, path):
            return str(path)
    raise AssertionError(name)


async def ref_of(served: Served, name: str) -> str:
    found = re.search(rf'{DESK}/people/([^"]+)"[^>]*>{name}<', await page(served, await where(served, name)))
    assert found
    return found[1]


async def done(served: Served, ref: str, what: str, **more: str) -> Any:
    path = f"{DESK}/people/{ref}"
    form = {**fields(await page(served, path)), **more, "act": what}
    return await served.client.post(path, data=form, headers=SAME)


async def receipts(served: Served, ref: str) -> list[tuple[str, str, str]]:
    """(who, purpose, basis) of every look at that person and every word written of him."""
    own = Principal(ref, "resident", assurance=3, session="x")
    asked = Asked(own, "own", (ref,))
    return [
        (one.who, one.purpose, one.basis)
        for one in await served.kitamae.city.vault.receipts(asked, 1 << 62, 100)
    ]


async def helper(served: Served, *paths: str) -> str:
    """A helper whose districts these are, signed in; the list's own staff gave them to him."""
    ref = await staff(served, "assisted-helper")
    await enter(served, served.list)  # type: ignore[attr-defined]
    form = fields(await page(served, f"{DESK}/helpers", person=ref))
    given = {**form, "person": ref, "town": [one.rpartition("/")[2] for one in paths]}
    assert (await served.client.post(f"{DESK}/helpers", data=given, headers=SAME)).status_code == 303
    await enter(served, ref)
    return ref


async def test_a_file_is_tried_then_brought_and_brought_again_changes_nothing(town: Served) -> None:
    tried = await brought(town, TARO + JIRO + HANAKO, "try")
    assert many(tried) == ("3", "0", "0", "0")
    assert await town.kitamae.city.store.documents("", "assisted") == []
    assert many(await brought(town, TARO + JIRO + HANAKO)) == ("3", "0", "0", "0")
    taro = await ref_of(town, "試験 太郎")
    looks = len(await receipts(town, taro))
    assert many(await brought(town, TARO + JIRO + HANAKO)) == ("0", "0", "0", "3")
    assert len(await receipts(town, taro)) == looks, "nobody's record was opened for it"
    changed = JIRO.replace("例示３", "例示５")
    assert many(await brought(town, TARO + changed)) == ("0", "1", "0", "1")
    assert "例示5" in await page(town, await where(town, "試験 次郎"))
    counts = await page(town, DESK)
    assert "3人" in counts
    assert "太郎" not in counts
    kept = str(await town.kitamae.city.store.documents("", "assisted"))
    assert "太郎" not in kept
    assert "例示" not in kept


REFUSED = [
    ("一白町一丁目", "無い町", "町", "無い町", "市の町の名前"),
    ("1940-05-01", "1940-13-01", "生年月日", "1940-13-01", "2026-11-21のような日"),
    ("2026-01-05", "2099-01-05", "同意した日", "2099-01-05", "今日までの日"),
    (",男,", ",夫,", "性別", "夫", "男、女、または空"),
    ("高齢者、障害", "高齢者、借金", "事由", "借金", "手助けの要るわけ"),
    ("0761-00-0001", "電話なし", "電話", "電話なし", "電話番号"),
    ("試験 太郎", "", "氏名", "", "かならず書きます"),
    ("車いす", NUMBER, "必要な支援", "", "12桁の数字は書けません"),
    ("A-1,", "A-2,", "番号", "A-2", "ファイルの中に一度だけ"),
]


async def test_rows_are_refused_with_line_column_value_and_what_was_expected_and_nothing_is_written(
    alone: Served,
) -> None:
    rows = [TARO.replace("A-1", f"C-{n}").replace(old, new) for n, (old, new, *_) in enumerate(REFUSED[:-1])]
    answer = await brought(alone, JIRO + "".join(rows) + TARO.replace("A-1,", "A-2,"))
    assert answer.status_code == 400
    found = re.findall(
        r"<tr><td>(\d+)</td><td[^>]*>([^<]*)</td><td[^>]*>([^<]*)</td><td>([^<]*)</td>", answer.text
    )
    told = answer.text.split("<textarea")[0]
    assert NUMBER not in told
    for line, (row, (_, _, column, value, expected)) in enumerate(zip(found, REFUSED, strict=True), 3):
        assert row[:3] == (str(line), column, value)
        assert expected in row[3]
    assert await alone.kitamae.city.store.documents("", "assisted") == []


async def test_what_is_no_such_file_is_refused_as_a_whole(alone: Served) -> None:
    for head, rows in (("名前,町\n", "a,b\n"), (HEAD, '"A-1\n'), (HEAD, JIRO * 1001)):
        assert (await brought(alone, rows, head=head)).status_code == 400
    assert await alone.kitamae.city.store.documents("", "assisted") == []


async def test_a_helper_sees_who_agreed_in_his_districts_until_it_is_taken_back(town: Served) -> None:
    await brought(town, TARO + JIRO + HANAKO)
    taro, first = await ref_of(town, "試験 太郎"), await where(town, "試験 太郎")
    ref = await helper(town, first)
    seen = await page(town, HELPING)
    assert "試験 太郎" in seen
    assert "近所 花子" in seen
    assert "次郎" not in seen, "he did not agree"
    assert "試験 花子" not in seen, "another district"
    assert "1940" not in seen
    assert (ref, "assisted-shared", "law") in await receipts(town, taro)
    for path in (DESK, first, f"{first}/paper", f"{DESK}/people/{taro}", f"{DESK}/file", f"{DESK}/helpers"):
        assert (await town.client.get(path)).status_code == 403
    await enter(town, town.list)  # type: ignore[attr-defined]
    assert (await done(town, taro, "undone")).status_code == 303
    await enter(town, ref)
    assert "太郎" not in await page(town, HELPING)
    who = Principal(ref, "service", frozenset({"read:person:assisted-shared"}), 1)
    read = await town.kitamae.city.vault.read(Asked(who, "assisted-shared", (taro,)))
    assert read == [], "it is destroyed, not hidden"
    await enter(town, town.list)  # type: ignore[attr-defined]
    assert many(await brought(town, TARO)) == ("0", "0", "0", "1")
    again = await brought(town, TARO.replace("車いす", "歩ける"))
    assert again.status_code == 400
    assert "取り消した日より後の日" in again.text
    assert (await done(town, taro, "agreed", agreed="2026-01-05")).status_code == 400


async def test_one_person_is_entered_corrected_leaves_and_comes_back(town: Served) -> None:
    form = fields(await page(town, f"{DESK}/new"))
    id = re.findall(r'<option value="([^"]+)">一白町一丁目<', await page(town, f"{DESK}/new"))[0]
    told = {
        **form,
        "number": "B-1",
        "name": "例 一",
        "town": id,
        "address": "例示９",
        "need": "障害",
        "agreed": "2026-02-01",
    }
    made = await town.client.post(f"{DESK}/new", data=told, headers=SAME)
    assert made.status_code == 303
    ref = made.headers["location"].split("/people/")[1].split("?")[0]
    twice = await town.client.post(f"{DESK}/new", data=told, headers=SAME)
    assert twice.status_code == 400
    assert "まだ名簿にないもの" in twice.text
    fixed = {"name": "例 一", "town": id, "address": "例示１０", "support": "耳が聞こえない", "need": "障害"}
    assert (await done(town, ref, "corrected", **fixed)).status_code == 303
    mine = await helper(town, f"{DESK}/towns/{id}")
    shown = await page(town, HELPING)
    assert "例示10" in shown, "what helpers see is corrected with it"
    assert "耳が聞こえない" in shown
    await enter(town, town.list)  # type: ignore[attr-defined]
    assert (await done(town, ref, "renewed")).status_code == 303
    assert (await done(town, ref, "left")).status_code == 303
    assert "名簿から外した人" in await page(town, f"{DESK}/towns/{id}")
    assert (await done(town, ref, "left")).status_code == 409
    assert (await done(town, ref, "back")).status_code == 303
    assert "担当の職員だけが見る" in await page(town, f"{DESK}/people/{ref}"), "he is asked anew"
    await enter(town, mine)
    assert "例 一" not in await page(town, HELPING)


async def test_in_a_disaster_others_read_the_list_loudly_and_paper_is_receipted(town: Served) -> None:
    await brought(town, TARO + JIRO)
    taro, first = await ref_of(town, "試験 太郎"), await where(town, "試験 太郎")
    other = await staff(town, "disaster")
    assert (await town.client.get(first)).status_code == 403
    emergencies, who = town.kitamae.city.ways.emergencies, Principal(other, "staff", assurance=2, session="x")
    for what in ("purpose:assisted", "desk:assisted"):
        assert what in emergencies.offered
        await emergencies.take(who, what, "大雨で、避難を助ける人を決めるため", 1)
    await enter(town, other)
    paper = await page(town, f"{first}/paper")
    assert "試験 太郎" in paper
    assert "試験 次郎" in paper
    assert other in paper
    assert (other, "assisted", "break-glass") in await receipts(town, taro)
    assert (await outside(town, "GET", f"{first}/paper")).status_code in (401, 403)


async def test_whoever_has_a_my_page_sees_there_who_looked_at_him(town: Served) -> None:
    town.client.cookies.clear()
    assert await resident(town, "test-1", "/my") == "/my"
    person = str((await town.client.get("/my/export")).json()["person"])
    await enter(town, town.list)  # type: ignore[attr-defined]
    head = HEAD.strip() + ",マイページの番号\n"
    wrong = await brought(town, TARO.strip() + ",nobody-1\n", head=head)
    assert wrong.status_code == 400
    assert "カードでサインイン" in wrong.text
    assert many(await brought(town, TARO.strip() + f",{person}\n", head=head)) == ("1", "0", "0", "0")
    await page(town, await where(town, "試験 太郎"))
    town.client.cookies.clear()
    await resident(town, "test-1", "/my")
    assert "避難行動要支援者名簿" in await page(town, "/my")
    file = (await town.client.get("/my/export")).json()
    assert "近所 花子" in str(file["records"])
    assert "assisted" in str(file["looks"])


async def test_retention_ends_it_and_a_row_that_still_holds_begins_it_anew(town: Served) -> None:
    await brought(town, JIRO)
    city = town.kitamae.city
    (old,) = await city.store.documents("", "assisted")

    async def work(tx: Any) -> None:
        await tx.put("", "assisted", old[1], {**old[2], "at": "2026-01-01T00:00:00Z"})

    await city.store.transact(work)
    assert many(await brought(town, JIRO)) == ("0", "0", "1", "0")
    after = city.vault._inner.now() + 1096 * 24 * 3_600_000_000
    await Retention(city.store, city.vault.purposes, lambda: after).sweep()
    assert await city.store.documents("", "assisted") == []


async def test_pages_are_whole_in_every_language(alone: Served) -> None:
    await brought(alone, TARO)
    first, ref = await where(alone, "試験 太郎"), await ref_of(alone, "試験 太郎")
    paths = (f"{DESK}/new", f"{DESK}/file", f"{DESK}/helpers", DESK, first, f"{first}/paper")
    for lang in ("ja", "ja_Hira", "en", "zh", "ko"):
        for path in paths:
            await page(alone, path, lang=lang)
        for word in WORDS:
            await page(alone, f"{DESK}/people/{ref}", lang=lang, done=word)


def test_a_file_is_read_or_refused_and_never_breaks_whatever_stands_in_it() -> None:
    known = Known(NEEDS, {"町": "1"}, date(2026, 11, 22))
    for cell in ("", "'", '"', "\x00", "町" * 500, "=1+1", "2026-11-22", "１２３"):
        rows, wrong = table(f"番号,氏名,町,住所\n1,{cell.replace(chr(34), '')},町,x\n", known)
        assert len(rows) + len(wrong) == 1
    with pytest.raises(Wrong) as refused:
        Told.read({"number": "1", "name": "a", "town": "町", "address": NUMBER}, (), known)
    assert NUMBER not in str(refused.value)
