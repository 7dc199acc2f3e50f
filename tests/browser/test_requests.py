"""Requests, complaints, breaches and the register of files in a real browser: five languages, a small phone, axe, strict HTML."""

from __future__ import annotations

import pytest

from bare_kaga import bare
from browser.people import with_session
from browser.seen import PHONE, in_order
from browser.town import Town, day_before, send
from serving import Served
from staffing import give, known

ASKED = {
    "kind": "disclosure",
    "capacity": "agent",
    "represented": "加賀 花子 加賀市片山津温泉",
    "name": "加賀 太郎",
    "address": "加賀市大聖寺",
    "target": "令和7年度の国民健康保険の記録",
}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Kaga's profile without its data, in five languages; a resident and a member of staff are signed in, cases are there."""
    folder = tmp_path_factory.mktemp("town")
    town = Town(folder / "data", bare(folder / "city"))
    town.do(
        town.kitamae.city.people.staff()
    )  # the first account, which may do everything until somebody holds a duty
    ref = town.do(town.kitamae.city.people.staff(another=True))
    town.do(give(Served(town.kitamae, None), ref, "requests", "privacy-officer"))
    resident, town.resident = town.session("resident-taro", "resident", 3)
    staff, town.staff = town.session(ref, "staff", 2)
    town.own = [
        send(resident, "/my/requests/new?kind=disclosure", **ASKED),
        send(
            resident,
            "/my/requests/new?kind=complaint",
            kind="complaint",
            about="receipt:3",
            text="説明がありませんでした。",
        ),
    ]
    number = town.own[0].rpartition("/")[2]
    for step, fields in (
        ("take", {}),
        ("identify", {"identity": "licence"}),
        ("extend", {"days": "30", "text": "文書が多いため"}),
        ("decide", {"outcome": "part", "text": "写しを交付します。", "reason": "第78条第1項第2号"}),
    ):
        send(staff, f"/staff/requests/{number}", step=step, **fields)
    town.do(known(Served(town.kitamae, None), "resident-taro"))
    asked = {
        "capacity": "self",
        "name": "試験 一郎",
        "address": "例示町１",
        "target": "本人確認の情報",
        "received_on": day_before(),
        "text": "利用をやめてください。",
        "reason": "目的の外で利用されたため",
    }
    ends = send(resident, "/my/requests/new?kind=suspension", kind="suspension", **asked).rpartition("/")[2]
    for step, fields in (
        ("take", {}),
        ("identify", {"identity": "licence"}),
        ("decide", {"outcome": "whole", "text": "消します。"}),
    ):
        send(staff, f"/staff/requests/{ends}", step=step, **fields)
    from_case = f"/staff/orders?case={ends}"
    order = send(
        staff,
        "/staff/orders",
        from_case,
        person="resident-taro",
        purpose="identity",
        why="第98条の請求により",
        case=ends,
    ).partition("?")[0]
    second = town.do(town.kitamae.city.people.staff(another=True))
    town.do(give(Served(town.kitamae, None), second, "requests"))
    other, town.second = town.session(second, "staff", 2)
    other.close()
    answered = town.own[1].rpartition("/")[2]
    breach = send(
        staff,
        "/staff/breaches",
        learnt="2026-04-01",
        wrongful="1",
        persons="120",
        summary="名簿を誤って送った",
    )
    resident.close()
    staff.close()
    town.mine = (
        "/my/requests", *town.own, "/my/requests/new", "/my/requests/new?kind=correction", f"/my/requests/{number}/letters/4",
    )  # fmt: skip
    town.desk = (
        "/staff/requests", f"/staff/requests/{answered}", f"/staff/requests/{number}", "/staff/requests/new?kind=question",
        "/staff/breaches", breach, f"{breach}/papers/full",
    )  # fmt: skip
    town.orders = (f"/staff/requests/{ends}", "/staff/orders", from_case, order)
    town.public = ("/privacy", "/privacy/forms/suspension", "/privacy/files", "/privacy/breaches")
    yield town
    town.stop()


@pytest.mark.parametrize("who", ["mine", "desk", "orders", "public"])
def test_axe_and_the_html_parser_find_nothing_and_nothing_scrolls_sideways(chromium, town, who):
    secret = {"mine": town.resident, "desk": town.staff, "orders": town.second}.get(who, "")
    in_order(with_session(chromium, town.address, secret), town.address, getattr(town, who))


def test_a_resident_asks_without_script_and_by_keyboard_and_the_desk_answers(chromium, town):
    phone = with_session(chromium, town.address, town.resident, PHONE, java_script_enabled=False)
    phone.goto(f"{town.address}/privacy")
    phone.get_by_role("link", name="新しく請求・相談する").click()
    phone.get_by_role("link", name="相談", exact=True).click()
    phone.get_by_label("内容").fill("だれが見たのか知りたいです。")
    phone.get_by_role("button", name="送る").focus()
    phone.keyboard.press("Enter")
    phone.get_by_text("受け付けました").wait_for()
    number = phone.url.rpartition("/")[2]

    desk = with_session(chromium, town.address, town.staff)
    desk.goto(f"{town.address}/staff")
    desk.get_by_role("link", name="請求・相談の受付簿").click()
    desk.get_by_role("link", name=number).click()
    desk.get_by_role("button", name="自分が担当する").click()
    desk.locator("#answer-text").fill("窓口の手続きのためです。")
    desk.get_by_role("button", name="回答").click()
    desk.get_by_text("お答えしました").wait_for()

    phone.reload()
    phone.get_by_text("窓口の手続きのためです。").wait_for()


def test_what_was_decided_is_erased_from_the_case_without_script_and_by_two(chromium, town):
    desk = with_session(chromium, town.address, town.second, PHONE, java_script_enabled=False)
    desk.goto(town.address + town.orders[0])
    desk.get_by_role("link", name="記録を消すことを申し出る").click()
    desk.get_by_text("試験 一郎").wait_for()
    assert town.orders[0].rpartition("/")[2] == desk.get_by_label("もとの請求の番号").input_value()
    desk.goto(town.address + town.orders[3])
    desk.get_by_text("試験 一郎").wait_for()
    desk.get_by_role("button", name="認めて消す").focus()
    desk.keyboard.press("Enter")
    desk.get_by_text("本人の記録に、だれがなぜ消したかが残りました。").wait_for()
    assert desk.get_by_text("試験 一郎").count() == 0
    desk.context.close()
