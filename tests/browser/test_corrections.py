"""A correction in a real browser: asked for by the person, proposed and decided by two of the staff, seen by the person."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from bare_kaga import bare
from browser.people import with_session
from browser.seen import PHONE, in_order
from browser.town import Town, day_before, send
from kitamae.kernel.people.person import SYSTEM
from serving import Served
from signing_in import fields
from staffing import give, known

PERSON = "resident-taro"
NEW = "/my/requests/new?kind=correction&about=purpose:identity"
FORM = "/staff/orders/correct"
ASKED = {
    "kind": "correction",
    "capacity": "self",
    "name": "試験 一郎",
    "address": "例示町１",
    "target": "本人確認の情報",
    "received_on": day_before(),
    "reason": "転居したため",
}


def values(client, page, **typed):
    """The rows of a form, with these typed."""
    text = client.get(page).text
    sent = {name: raw for name, raw in fields(text).items() if name.startswith("row.")}
    for name, raw in list(sent.items()):
        index, field = name.partition(".")[2], raw.split('","')[1].split('"')[0]
        shown = re.search(rf'<input[^>]* name="now\.{index}" value="([^"]*)"', text)
        sent[f"now.{index}"] = typed.get(field, shown[1] if shown else "")
    return sent


def granted(staff, number):
    for step, more in (
        ("take", {}),
        ("identify", {"identity": "licence"}),
        ("decide", {"outcome": "whole", "text": "訂正します。"}),
    ):
        send(staff, f"/staff/requests/{number}", step=step, **more)
    return number


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A case of each state; what is about one's duty waits, was done, or can be done no more."""
    folder = tmp_path_factory.mktemp("town")
    town = Town(folder / "data", bare(folder / "city"))
    served = Served(town.kitamae, None)
    town.do(town.kitamae.city.people.staff())
    staff, other = (town.do(town.kitamae.city.people.staff(another=True)) for _ in range(2))
    for ref in (staff, other):
        town.do(give(served, ref, "requests"))
    town.do(known(served, PERSON))
    resident, town.resident = town.session(PERSON, "resident", 3)
    first, town.staff = town.session(staff, "staff", 2)
    second, town.second = town.session(other, "staff", 2)

    def filed(**more):
        sent = values(resident, NEW, **more) if more else {"text": "住所を直してください。"}
        about = {"about": "purpose:identity"} if more else {}
        at = send(resident, "/my/requests/new", NEW, **ASKED, **sent, **about)
        return granted(first, at.rpartition("/")[2])

    def proposed(number, **typed):
        page = f"{FORM}?{urlencode({'case': number, 'purpose': 'identity'})}"
        sent = values(first, page, **typed) | {"why": "第92条による訂正", "case": number}
        return send(first, FORM, page, purpose="identity", **sent).partition("?")[0]

    def approved(order):
        page = second.get(order).text
        send(second, f"{order}/approve", order, digest=fields(page)["digest"])
        return order

    waits, done, bare_case = filed(address="例示町２番地３", gender=""), filed(address="例示町５"), filed()
    over = approved(proposed(done, address="例示町５"))
    stale = proposed(bare_case, birth_date="1980-01-06")
    order = proposed(waits, address="例示町２番地３")
    (record,) = first.get(f"/people/{PERSON}/records?purpose=identity").json()["records"]
    town.do(
        town.kitamae.city.vault.keep(
            *(SYSTEM, PERSON, "identity", record["kind"], record["fields"] | {"birth_date": "1980-01-07"}),
            id=record["id"],
        )
    )
    town.do(
        town.kitamae.city.vault.keep(
            SYSTEM,
            PERSON,
            "identity",
            "note",
            {"name": "試験 一郎", "note": "窓口で聞いたこと。" * 12, "kana": "シケン イチロウ"},
        )
    )
    for one in (resident, first, second):
        one.close()
    town.desk = (
        f"/staff/requests/{done}", f"{FORM}?case={waits}", f"{FORM}?case={bare_case}", (f"{FORM}?case=2026-222222", 404), "/staff/orders", over,
        stale, order,
    )  # fmt: skip
    town.mine = (NEW, f"/my/requests/{done}", f"/my/requests/{waits}", "/my", "/my/log")
    town.waits = waits
    yield town
    town.stop()


@pytest.mark.parametrize("who", ["mine", "desk"])
def test_axe_and_the_html_parser_find_nothing_and_nothing_scrolls_sideways(chromium, town, who):
    secret = {"mine": town.resident, "desk": town.second}[who]
    in_order(with_session(chromium, town.address, secret), town.address, getattr(town, who), f"correct-{who}")


def test_it_goes_its_way_on_a_phone_without_script_and_by_keyboard(chromium, town):
    phone = with_session(chromium, town.address, town.resident, PHONE, java_script_enabled=False)
    phone.goto(f"{town.address}/my")
    phone.get_by_role("link", name="直すように求める").first.click()
    phone.locator("[name='now.0']").fill("例示町８")
    for name, text in ASKED.items():
        if name not in ("kind", "capacity"):
            phone.locator(f"#{name}").fill(text)
    phone.get_by_role("button", name="送る").click()
    phone.get_by_text("例示町８").first.wait_for()
    number = phone.url.rpartition("/")[2]

    desk = with_session(chromium, town.address, town.staff, PHONE, java_script_enabled=False)
    desk.goto(f"{town.address}/staff/requests/{number}")
    desk.get_by_role("button", name="自分が担当する").click()
    desk.locator("summary", has_text="決定").click()
    desk.locator("form:has([value=decide]) button").click()
    desk.get_by_role("link", name="記録を直すことを申し出る").click()
    assert desk.locator("[name='now.0']").input_value() == "例示町８"
    desk.get_by_role("button", name="申し出る").first.focus()
    desk.keyboard.press("Enter")
    desk.get_by_text("まだ何も直っていません。別の職員が決めます。").wait_for()
    assert desk.get_by_role("button", name="認めて直す").count() == 0

    second = with_session(chromium, town.address, town.second, PHONE, java_script_enabled=False)
    second.goto(desk.url.partition("?")[0])
    second.get_by_role("button", name="認めて直す").focus()
    second.keyboard.press("Enter")
    second.get_by_text("前の値と、だれがなぜ直したかが、本人に見えます。").wait_for()

    phone.reload()
    phone.get_by_text("決定のとおりに、記録を直しました。").wait_for()
    phone.get_by_role("link", name="いまの値と前の値を見る").click()
    phone.get_by_text("例示町８").first.wait_for()
    phone.get_by_text("でした").first.wait_for()
