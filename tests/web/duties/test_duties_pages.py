"""Duties, transfers and emergency access, as staff and everybody else meet them on the pages."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

from kitamae.kernel.people.colleagues import Called
from kitamae.kernel.people.duties.office import step
from kitamae.kernel.people.person import SYSTEM
from serving import SAME, Served, serving
from signing_in import fields
from staffing import enter, give

KAGA = Path(__file__).resolve().parents[3] / "cities" / "kaga"
WHY = "避難所にいる人の安否を確かめるため"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=KAGA) as served:
        yield served


async def new(town: Served, *duties: str) -> str:
    ref = await town.kitamae.city.people.staff(another=True)
    if duties:
        await give(town, ref, *duties)
    return ref


async def send(town: Served, path: str, page: str, **form: Any) -> Any:
    """The form, as the page at `page` would send it."""
    csrf = fields((await town.client.get(page)).text)["csrf"]
    return await town.client.post(path, data={"csrf": csrf, **form}, headers=SAME)


async def change(town: Served, person: str, duty: str, do: str = "give", **more: str) -> str:
    """Ask for a change on the page; where it is shown."""
    form = {"person": person, "duty": duty, "do": do, "title": "4月から", **more}
    answer = await send(town, "/staff/duties", "/staff/duties", **form)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def say(town: Served, page: str, word: str, **more: str) -> Any:
    digest = fields((await town.client.get(page)).text).get("digest", "")
    return await send(town, f"{page}/{word}", page, digest=digest, **more)


async def test_the_first_account_is_told_what_it_is_on_every_page_until_it_gave_the_first_duties(
    town: Served,
) -> None:
    link = (await town.kitamae.sign_in_link()).rpartition("/")[2]
    await town.client.post("/sign-in", data={"code": link}, headers=SAME)
    assert "最初のアカウント" in (await town.client.get("/")).text
    before = (await town.client.get("/staff/duties")).text
    assert "あなた自身の名前と所属を書きます" in before
    assert "付けた担当の分だけになります" in before, "what it will lose is said before"
    for _ in range(2):
        assert "最初のアカウント" in (await town.client.get("/")).text
        made = await send(town, "/staff/duties/account", "/staff/duties", name="山代 温子", section="人事課")
        assert made.headers["location"] == "/staff/link"
        handed = (await town.client.get("/staff/link")).text
        (ref,) = re.findall(r"(staff-[0-9a-f]{12})", handed)
        assert "山代 温子" in handed
        assert "10分のあいだに" in handed
        page = await change(town, ref, "staffing")
        if page != "/staff":
            assert "一人で決めた" in (await town.client.get(page)).text
    assert page == "/staff"
    assert "最初のアカウント：" not in (await town.client.get("/")).text
    assert (await town.client.get("/staff/duties")).status_code == 403
    assert "最初のアカウントの役目は終わりました" in (await town.client.get("/staff")).text


async def test_a_desk_is_open_to_its_duty_from_the_next_request_on_and_closed_when_it_is_taken(
    town: Served,
) -> None:
    me, other = await new(town, "staffing"), await new(town)
    await enter(town, other)
    assert (await town.client.get("/staff/emergencies")).status_code == 403
    await give(town, other, "privacy-officer")
    assert (await town.client.get("/staff/emergencies")).status_code == 200
    assert (await town.client.get("/staff/duties")).status_code == 403
    await town.kitamae.city.ways.office.prepare(SYSTEM, "t", [step(other, "privacy-officer", gives=False)])
    assert (await town.client.get("/staff/emergencies")).status_code == 403
    await enter(town, me)
    assert (await town.client.get("/staff/duties")).status_code == 200


async def test_two_persons_give_a_powerful_duty_and_the_second_one_sees_what_changes(town: Served) -> None:
    one, two, new_one = await new(town, "staffing"), await new(town, "staffing"), await new(town)
    await enter(town, one)
    page = await change(town, new_one, "privacy-officer")
    shown = (await town.client.get(page)).text
    assert "自分で用意した変更は" in shown
    assert (await say(town, page, "approve")).status_code == 403
    await enter(town, two, 1)
    assert "パスキーでサインインしてください" in (await town.client.get(page)).text
    await enter(town, two)
    shown = (await town.client.get(page)).text
    assert new_one in shown
    assert "<ins>個人情報保護担当</ins>" in shown
    assert (await say(town, page, "approve")).status_code == 303
    assert "効いています" in (await town.client.get(page)).text
    await enter(town, new_one)
    assert (await town.client.get("/staff/emergencies")).status_code == 200


async def test_one_person_alone_makes_no_account_that_reads_personal_data(town: Served) -> None:
    one, two = await new(town, "staffing"), await new(town, "staffing")
    vault = town.kitamae.city.vault
    await vault.keep(SYSTEM, "p-taro", "identity", "person", {"name": "加賀 太郎"})
    await enter(town, one)
    made = await new(town)
    page = await change(town, made, "counter")
    assert "二人目の確認を待っています" in (await town.client.get(page)).text
    await enter(town, made)
    look = "/people/p-taro/records?purpose=identity"
    assert (await town.client.get(look)).status_code == 403
    await enter(town, two)
    assert (await say(town, page, "approve")).status_code == 303
    await enter(town, made)
    assert (await town.client.get(look)).status_code == 200


async def test_a_change_is_refused_with_a_reason_withdrawn_or_undone(town: Served) -> None:
    one, two, new_one = await new(town, "staffing"), await new(town, "staffing"), await new(town)
    await enter(town, one)
    refused, withdrawn = (
        await change(town, new_one, "systems"),
        await change(town, new_one, "privacy-officer"),
    )
    counts = await change(town, new_one, "disaster")
    assert (await say(town, withdrawn, "withdraw")).status_code == 303
    assert "取り下げました" in (await town.client.get(withdrawn)).text
    assert (await send(town, f"{withdrawn}/withdraw", "/staff/duties")).status_code == 409
    back = await say(town, counts, "undo")
    assert "もとにもどす変更" in (await town.client.get(back.headers["location"])).text
    await enter(town, two)
    assert (await say(town, refused, "refuse", why="")).status_code == 400
    assert (await say(town, refused, "refuse", why="人がちがう")).status_code == 303
    assert "人がちがう" in (await town.client.get(refused)).text
    assert (await send(town, f"{refused}/dance", "/staff/duties")).status_code == 404


async def test_a_form_without_the_sessions_token_changes_nothing(town: Served) -> None:
    await enter(town, await new(town, "staffing", "privacy-officer"))
    for path in ("/staff/duties", "/staff/duties/account", "/staff/transfers", "/staff/emergency"):
        assert (await town.client.post(path, data={"title": "x"}, headers=SAME)).status_code == 403
    assert len(await town.kitamae.city.ways.office.all()) == 1


async def test_a_file_is_tried_then_asked_for_and_counts_for_all_on_its_day(town: Served) -> None:
    one, two = await new(town, "staffing"), await new(town, "staffing")
    leaving, coming = await new(town, "disaster"), await new(town)
    text = (
        "職員番号,氏名,旧所属,新所属,外す担当,付ける担当,終了日\n"
        f"{leaving},山田 花子,防災課,市民課,防災担当,窓口担当;苦情・開示請求担当,2099-03-31\n"
        f"{coming},,市民課,防災課,,disaster,\n"
    ).replace("2099-03-31", "")
    await enter(town, one)
    tried = await send(
        town, "/staff/transfers", "/staff/transfers", do="try", text=text, title="異動", effective=""
    )
    assert "まだ何も変わっていません" in tried.text
    assert "<del>防災担当</del>" in tried.text
    office = town.kitamae.city.ways.office
    before = len(await office.all())
    csrf = fields((await town.client.get("/staff/transfers")).text)["csrf"]
    answer = await town.client.post(
        "/staff/transfers",
        data={"csrf": csrf, "do": "ask", "title": "12月の異動"},
        files={"file": ("a.csv", text.encode("cp932"), "text/csv")},
        headers=SAME,
    )
    assert answer.status_code == 303, answer.text
    page = answer.headers["location"]
    assert len(await office.all()) == before + 1
    shown = (await town.client.get(page)).text
    assert "所属：防災課 から 市民課 へ" in shown
    assert "山田" not in str(await town.kitamae.city.store.documents("", "transfer"))
    assert "山田 花子" in shown
    await enter(town, two)
    assert (await say(town, page, "approve")).status_code == 303
    assert {one.duty for one in (await office.held(leaving)).held} == {"counter", "requests"}
    assert {one.duty for one in (await office.held(coming)).held} == {"disaster"}


async def test_a_file_finds_people_by_the_town_halls_own_numbers_and_no_number_is_kept(town: Served) -> None:
    me, other, far = await new(town, "staffing"), await new(town), await new(town)
    await enter(town, me)
    bind = ("/staff/duties/number", "/staff/duties")
    assert "結びつけました" in (await send(town, *bind, person=other, number="００１２－３４")).text
    for person, number, status in (
        (far, "0012-34", 409), (far, "1234 5678 9018", 400), (far, "123456789018", 422), (far, "", 400), ("staff-x", "7", 404),
    ):  # fmt: skip
        assert (await send(town, *bind, person=person, number=number)).status_code == status, number
    text = "職員番号,付ける担当\n0012-34,窓口担当\n"
    answer = await send(town, "/staff/transfers", "/staff/transfers", do="ask", title="a", text=text)
    assert answer.status_code == 303, answer.text
    assert other in (await town.client.get(answer.headers["location"])).text
    store = town.kitamae.city.store
    assert "0012-34" not in str([await store.documents("", one) for one in ("staff-number", "transfer")])
    await send(town, *bind, person=other, number="9")
    assert (await send(town, *bind, person=far, number="0012-34")).status_code == 200


MISTAKES = [
    ("", "ファイルを選ぶか"),
    ("名前,役\na,b\n", "1行目には、列の名前だけ"),
    ("職員番号\nstaff-1\n", "の列が要ります"),
    ("職員番号,付ける担当\nstaff-1,王様\n", "その名前の担当はありません"),
    ("職員番号,付ける担当\n山田,窓口担当\n", "職員の番号は staff- で始まります"),
    ("職員番号,付ける担当\nstaff-1,窓口担当\nstaff-1,防災担当\n", "2回書かれています"),
    ("職員番号,付ける担当\nstaff-1,\n", "付ける担当を書いてください"),
    ("職員番号,付ける担当,終了日\nstaff-1,窓口担当,来年\n", "日付は 2027-04-01 のように"),
    ("職員番号,付ける担当\nstaff-1,窓口担当,余り\n", "列の数が合わない行"),
    ("職員番号,氏名,付ける担当\nstaff-1,1234 5678 9018,窓口担当\n", "マイナンバーと思われる"),
    ('職員番号,付ける担当\n"staff-1,窓口担当\n', "閉じていない引用符"),
    ("職員番号,付ける担当\nstaff-ffffffffffff,窓口担当\n", "その番号の職員はいません"),
    (
        "職員番号,付ける担当\n" + "".join(f"staff-{n},counter\n" for n in range(2001)),
        "一度に変えられる数を超えて",
    ),
]


async def test_a_file_with_one_mistake_changes_nothing_and_says_where_it_is(town: Served) -> None:
    await enter(town, await new(town, "staffing"))
    for text, says in MISTAKES:
        answer = await send(town, "/staff/transfers", "/staff/transfers", do="ask", title="a", text=text)
        assert answer.status_code in (400, 404), text[:100]
        assert says in html.unescape(answer.text), text[:100]
    assert len(await town.kitamae.city.ways.office.all()) == 1


async def test_in_a_disaster_staff_read_what_is_not_their_duty_openly_and_the_receipt_is_marked(
    town: Served,
) -> None:
    officer, me = await new(town, "privacy-officer"), await new(town)
    vault = town.kitamae.city.vault
    await vault.keep(SYSTEM, "p-taro", "identity", "person", {"name": "加賀 太郎"})
    await enter(town, me)
    look = "/people/p-taro/records?purpose=identity"
    assert (await town.client.get(look)).status_code == 403
    form = {"what": "purpose:identity", "hours": "4", "why": WHY}
    assert (await send(town, "/staff/emergency", "/staff/emergency", **form)).status_code == 303
    assert (await town.client.get(look)).status_code == 200
    assert (await town.client.delete(f"{look}&why=誤りのため", headers=SAME)).status_code in (400, 403), (
        "nothing is erased in an emergency"
    )
    for page in ("/", "/places", "/staff"):
        assert "緊急アクセス中" in (await town.client.get(page)).text
    await enter(town, officer)
    home = (await town.client.get("/")).text
    assert "緊急アクセス中" not in home
    assert "確認を待っている緊急アクセスが1件あります" in home
    assert WHY in (await town.client.get("/staff/emergencies")).text
    assert ">1</td>" in (await town.client.get("/emergency-access")).text
    id = (await town.kitamae.city.ways.emergencies.all())[0].taken["id"]
    path = f"/staff/emergencies/{id}"
    assert (
        await send(town, path, "/staff/emergencies", do="justified", why="安否確認のため")
    ).status_code == 409
    assert (await send(town, path, "/staff/emergencies", do="end")).status_code == 303
    assert (
        await send(town, path, "/staff/emergencies", do="justified", why="安否確認のため")
    ).status_code == 303
    assert "確認を待っている緊急アクセスが" not in (await town.client.get("/")).text
    await enter(town, me)
    assert (await town.client.get(look)).status_code == 403
    assert "正しかった" in (await town.client.get("/staff/emergency")).text
    resident, _ = await town.kitamae.city.people.admit("p-taro", "resident", 3)
    town.client.cookies.set("kitamae_session", resident)
    (receipt,) = (await town.client.get("/my/receipts")).json()["receipts"]
    assert (receipt["who"], receipt["basis"]) == (me, "break-glass")


async def test_an_emergency_needs_a_passkey_a_reason_and_something_that_can_be_taken(town: Served) -> None:
    me = await new(town)
    await enter(town, me, 1)
    assert "パスキーでサインインしてください" in (await town.client.get("/staff/emergency")).text
    form = {"what": "purpose:identity", "hours": "4", "why": WHY}
    assert (await send(town, "/staff/emergency", "/staff", **form)).status_code == 403
    await enter(town, me)
    for bad in ({"what": "desk:staff"}, {"hours": "999"}, {"hours": "x"}, {"why": "急ぐ"}):
        answer = await send(town, "/staff/emergency", "/staff/emergency", **{**form, **bad})
        assert answer.status_code == 400, bad
    assert await town.kitamae.city.ways.emergencies.all() == []


async def test_the_page_of_staff_leads_to_the_desks_of_ones_duties_and_each_is_there(town: Served) -> None:
    me = await new(town, "staffing", "privacy-officer", "requests", "disaster")
    await enter(town, me)
    shown = (await town.client.get("/staff")).text.partition("<h2>しごと</h2>")[2]
    led_to = re.findall(r'href="(/(?:staff|desk)/[^"]+)"', shown)
    assert {"/staff/emergency", "/staff/duties", "/staff/emergencies", "/staff/requests"} <= set(led_to)
    assert len(led_to) == len(set(led_to)), "each once"
    for address in led_to:
        assert (await town.client.get(address)).status_code == 200, address
    await enter(town, await new(town, "requests"))
    shown = (await town.client.get("/staff")).text
    assert "/staff/requests" in shown
    assert "/staff/duties" not in shown


async def test_residents_and_strangers_see_the_count_and_nothing_else(town: Served) -> None:
    for path, status in (
        ("/emergency-access", 200),
        ("/staff/emergency", 303),
        ("/staff/duties", 401),
        ("/staff/transfers", 401),
        ("/staff/emergencies", 401),
    ):
        assert (await town.client.get(path)).status_code == status, path


@pytest.mark.parametrize("lang", ["ja", "ja_Hira", "en", "zh", "ko"])
def test_every_text_of_these_pages_is_there_in_every_language(lang: str) -> None:
    here = Path(__file__).resolve().parents[3] / "src" / "kitamae" / "web" / "duties"
    texts = "".join(path.read_text() for path in (here / "templates").glob("*.html"))
    keys = set(re.findall(r'(?:ngettext|_)\("((?:[^"\\]|\\.)*)"', texts))
    if lang == "ja":
        assert len(keys) > 100
        return
    with (here / "locales" / f"{lang}.po").open("rb") as file:
        found = {
            message.id if isinstance(message.id, str) else message.id[0]: message for message in read_po(file)
        }
    for key in keys:
        said = found[key].string
        said = said if isinstance(said, str) else "".join(said)
        assert set(re.findall(r"%\((\w+)\)s", said)) >= set(re.findall(r"%\((\w+)\)s", key)), key
        assert said.strip(), key


async def test_nobody_comes_to_a_colleagues_duties_by_letting_him_in_again(town: Served) -> None:
    people = town.kitamae.city.people
    founder = await people.staff()
    officer, clerk, curious, keeper = await new(town, "privacy-officer"), await new(town, "counter"), await new(town), await new(town, "staffing")  # fmt: skip
    for who, colleague, status in (
        (curious, officer, 403), (curious, clerk, 403), (curious, founder, 403), (keeper, officer, 403), (keeper, clerk, 403),
        (keeper, await new(town, "disaster"), 303), (keeper, "staff-x", 404),
        (clerk, curious, 303), (await new(town, "counter"), clerk, 303), (await new(town, "privacy-officer"), officer, 303),
    ):  # fmt: skip
        await enter(town, who)
        assert (await send(town, "/staff/recovery", "/staff", person=colleague)).status_code == status
    found: Any = await people.recovery(officer)
    assert found["ledger"]["told"]["person"] == officer


async def test_a_number_is_never_bound_by_whom_it_is_about_and_the_ledger_says_who_did(town: Served) -> None:
    await town.kitamae.city.people.staff()
    keeper, clerk = await new(town, "staffing"), await new(town, "counter")
    await enter(town, keeper)
    for person, status in ((keeper, 403), (clerk, 200)):
        answer = await send(town, "/staff/duties/number", "/staff/duties", person=person, number="A-1")
        assert answer.status_code == status, answer.text
    ((_, _, kept),) = await town.kitamae.city.store.documents("", "staff-number")
    assert kept["ledger"]["told"]["by"] == keeper


async def test_without_a_passkey_nobody_makes_an_account_or_binds_a_number(town: Served) -> None:
    await town.kitamae.city.people.staff()
    keeper, clerk = await new(town, "staffing"), await new(town, "counter")
    before = len(await town.kitamae.city.store.documents("", "person"))
    for assurance, status in ((1, [403, 403]), (2, [303, 200])):
        await enter(town, keeper, assurance)
        made = await send(town, "/staff/duties/account", "/staff/duties", name="山中 花子", section="")
        bound = await send(town, "/staff/duties/number", "/staff/duties", person=clerk, number="A-1")
        assert [made.status_code, bound.status_code] == status
        numbers = await town.kitamae.city.store.documents("", "staff-number")
        assert len(numbers) == (assurance == 2)
        assert len(await town.kitamae.city.store.documents("", "person")) == before + (assurance == 2)


async def test_nobodys_number_is_what_an_account_is_called(town: Served) -> None:
    await town.kitamae.city.people.staff()
    keeper, clerk, other = await new(town, "staffing"), await new(town), await new(town)
    await enter(town, keeper)
    for number in (other, "staff-1", "ＳＴＡＦＦ-1"):
        answer = await send(town, "/staff/duties/number", "/staff/duties", person=clerk, number=number)
        assert answer.status_code == 400
    assert await town.kitamae.city.ways.numbers.whose([other]) == {}


async def test_a_refused_change_says_in_the_readers_language_what_to_write_instead(town: Served) -> None:
    link = (await town.kitamae.sign_in_link()).rpartition("/")[2]
    await town.client.post("/sign-in", data={"code": link}, headers=SAME)
    form = {"duty": "counter", "do": "give", "title": "4月から"}
    nobody = await send(town, "/staff/duties", "/staff/duties", person="1234", **form)
    assert nobody.status_code == 400
    assert "職員の番号は staff- で始まります。" in nobody.text
    late = "職員番号,付ける担当,終了日\nstaff-1,窓口担当,2028-13-31"
    wrong = await send(town, "/staff/transfers", "/staff/transfers", title="4月", text=late, do="try")
    assert wrong.status_code == 400
    assert "日付は 2027-04-01 のように書いてください。" in wrong.text


async def test_the_list_of_duties_names_purposes_in_words_and_a_last_day_as_that_day(town: Served) -> None:
    link = (await town.kitamae.sign_in_link()).rpartition("/")[2]
    await town.client.post("/sign-in", data={"code": link}, headers=SAME)
    page = (await town.client.get("/staff/duties")).text
    assert "個人情報を「本人確認」の目的で見ること" in page
    assert "「identity」" not in page
    ref = await new(town)
    shown = await change(town, ref, "counter", until="2028-03-31")
    assert "2028年3月31日" in (await town.client.get(shown)).text


async def test_who_came_by_a_link_is_told_that_a_desk_wants_a_passkey(town: Served) -> None:
    await new(town)  # the first account does every desk's work
    ref = await new(town, "requests")
    link = await town.kitamae.city.people.let_in_again(SYSTEM.ref, ref)
    town.client.cookies.clear()
    await town.client.post("/sign-in", data={"code": link}, headers=SAME)
    refused = await town.client.get("/staff/duties", headers={"Accept": "text/html"})
    assert refused.status_code == 403
    assert "パスキーでサインインし直してください" in refused.text


async def test_nobody_takes_in_an_emergency_what_those_have_who_look_after_him(town: Served) -> None:
    await town.kitamae.city.people.staff()
    await enter(town, await new(town))
    assert "purpose:identity" in town.kitamae.city.ways.emergencies.offered
    form = {"what": "purpose:watching", "why": WHY, "hours": "1"}
    assert (await send(town, "/staff/emergency", "/staff/emergency", **form)).status_code == 400


async def test_whoever_makes_an_account_names_it_and_the_name_stands_wherever_the_number_does(
    town: Served,
) -> None:
    one, two = await new(town, "staffing"), await new(town, "staffing", "privacy-officer")
    names = {one: ("大聖寺 一", "人事課"), two: ("片山津 次郎", "総務課")}
    await enter(town, one)
    for ref, (name, section) in names.items():
        kept = await send(town, "/staff/duties/name", "/staff/duties", person=ref, name=name, section=section)
        assert f"{name}" in kept.text, kept.text
    made = await send(
        town, "/staff/duties/account", "/staff/duties", name="山中 花子", section="市民課 窓口係"
    )
    assert made.status_code == 303
    handed = await town.client.get(made.headers["location"])
    (ref,) = set(re.findall(r"staff-[0-9a-f]{12}", handed.text))
    page = await change(town, ref, "counter")
    await enter(town, two)
    assert (await say(town, page, "approve")).status_code == 303
    shown = (await town.client.get(page)).text
    for name in ("大聖寺 一", "人事課", "片山津 次郎", "山中 花子", "市民課 窓口係"):
        assert name in shown, name
    await enter(town, ref)
    await send(town, "/staff/emergency", "/staff/emergency", what="desk:incidents", hours="4", why=WHY)
    assert "山中 花子（市民課 窓口係）" in (await town.client.get("/staff")).text
    await enter(town, two)
    assert "山中 花子" in (await town.client.get("/staff/emergencies")).text
    assert "山中 花子（市民課 窓口係）" in (await town.client.get("/staff")).text, "to be chosen from"
    for path in ("/staff/duties", "/staff/transfers"):
        assert "大聖寺 一" in (await town.client.get(path)).text, path


async def test_the_ledger_says_that_somebody_was_named_and_not_how(town: Served) -> None:
    one, two = await new(town, "staffing"), await new(town)
    await enter(town, one)
    await send(town, "/staff/duties/name", "/staff/duties", person=two, name="山中 花子", section="市民課")
    person = await town.kitamae.city.people.person(two)
    told = person["named"]["told"]
    assert (told["word"], told["person"], told["by"]) == ("named", two, one)
    assert "山中" not in str(person["named"])
    for name, section, status in (("", "市民課", 400), ("あ" * 61, "", 400), ("山中 123456789018", "", 422)):
        refused = await send(
            town, "/staff/duties/name", "/staff/duties", person=two, name=name, section=section
        )
        assert refused.status_code == status, name
    assert (
        await send(town, "/staff/duties/name", "/staff/duties", person="staff-x", name="a")
    ).status_code == 404
    assert "山中 花子" in (await town.client.get("/staff/duties")).text


async def test_a_sign_in_link_is_shown_once_and_no_other_one_is_made_by_loading_again(town: Served) -> None:
    one = await new(town, "staffing")
    await enter(town, one)
    made = await send(town, "/staff/duties/account", "/staff/duties", name="山中 花子")
    first = (await town.client.get(made.headers["location"])).text
    (link,) = re.findall(r"/sign-in/([^<]+)</code>", first)
    count = len(await town.kitamae.city.store.documents("", "link"))
    again = (await town.client.get(made.headers["location"])).text
    assert link not in again
    assert "リンクは、もう見えません" in again
    assert len(await town.kitamae.city.store.documents("", "link")) == count
    town.client.cookies.clear()
    await town.client.post("/sign-in", data={"code": link}, headers=SAME)
    welcomed = (await town.client.get("/staff")).text
    assert "あなたのアカウントを作りました" in welcomed
    assert "すぐに管理する人に" not in welcomed, "nothing to be alarmed about"


async def test_nobody_else_in_the_same_browser_sees_the_link(town: Served) -> None:
    one, two = await new(town, "staffing"), await new(town, "staffing")
    await enter(town, one)
    made = await send(town, "/staff/duties/account", "/staff/duties", name="山中 花子")
    session, _ = await town.kitamae.city.people.admit(two, "staff", 2)
    town.client.cookies.set("kitamae_session", session)
    assert "リンクは、もう見えません" in (await town.client.get(made.headers["location"])).text


async def test_a_file_names_who_has_no_name_moves_offices_on_its_day_and_stops_at_anothers_name(
    town: Served,
) -> None:
    one, two, new_one = await new(town, "staffing"), await new(town, "staffing"), await new(town)
    await enter(town, one)
    text = f"職員番号,氏名,旧所属,新所属,付ける担当\n{new_one},山中　花子,税務課,市民課,防災担当\n"
    asked = await send(town, "/staff/transfers", "/staff/transfers", do="ask", title="異動", text=text)
    colleagues = town.kitamae.city.people.colleagues
    assert colleagues.called(new_one) == ("山中 花子", "税務課")
    await enter(town, two)
    assert (await say(town, asked.headers["location"], "approve")).status_code == 303
    assert colleagues.called(new_one) == ("山中 花子", "市民課")
    wrong = text.replace("山中　花子", "橋立 三郎").replace("防災担当", "窓口担当")
    answer = await send(town, "/staff/transfers", "/staff/transfers", do="ask", title="異動", text=wrong)
    assert answer.status_code == 400
    assert "ファイルとちがう氏名が付いています" in answer.text


async def test_an_office_that_is_planned_for_later_comes_then_or_not_at_all(town: Served) -> None:
    one, two, other = await new(town, "staffing"), await new(town, "staffing"), await new(town)
    people = town.kitamae.city.people
    await people.colleagues.call(SYSTEM, {other: Called("山中 花子", "税務課")})
    text = f"職員番号,新所属,付ける担当\n{other},市民課,防災担当\n"
    day = (datetime.now(UTC) + timedelta(days=40)).date().isoformat()
    await enter(town, one)
    asked = await send(
        town, "/staff/transfers", "/staff/transfers", do="ask", title="異動", text=text, effective=day
    )
    page = asked.headers["location"]
    await enter(town, two)
    await say(town, page, "approve")
    assert people.colleagues.called(other) == ("山中 花子", "税務課")
    assert [one["section"] for one in (await people.person(other))["moves"]] == ["市民課"]
    await say(town, page, "withdraw")
    assert (await people.person(other))["moves"] == []
