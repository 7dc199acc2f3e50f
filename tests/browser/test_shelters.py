"""Shelters in a real browser: the desk with and without script, the page for everybody, a keeper's phone that loses its connection."""

from __future__ import annotations

import re

import httpx2
import pytest
from served_city import kitamae, servers

from bare_kaga import bare
from browser.people import anybody, by_link, with_session
from browser.seen import LANGUAGES, PHONE, SHOTS, draw, in_order, wrong

DESK = "/staff/shelters"
SHELTER = {
    "id": "urn:ngsi-ld:EvacuationShelter:172065:E1720600002111",
    "type": "EvacuationShelter",
    "名称": {"type": "Property", "value": "作見小学校"},
    "想定収容人数": {"type": "Property", "value": "屋内100人／屋外4,560人(面積の1/2)"},
    "住所": {"type": "Property", "value": "石川県加賀市作見町"},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.35, 36.32]}},
}
ONE = f"{DESK}/{SHELTER['id']}"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    with servers() as start:
        running = start("--city", str(bare(folder / "city")), data=folder / "data")
        token = kitamae("token", "create", "t", "write:EvacuationShelter", "--data", running.data)
        made = httpx2.post(
            f"{running.address}/ngsi-ld/v1/entities", json=SHELTER,
            headers={"Authorization": f"Bearer {token.stdout.strip()}"},
        )  # fmt: skip
        assert made.status_code == 201, made.text
        yield running


@pytest.fixture(scope="module")
def staff(chromium, town):
    """The session of somebody whose duty the desk is."""
    cookies = by_link(anybody(chromium), town.link).context.cookies()
    return next(one["value"] for one in cookies if one["name"] == "kitamae_session")


def known(town):
    return httpx2.get(f"{town.address}/ngsi-ld/v1/entities/{SHELTER['id']}?options=keyValues").json()


def counts(town):
    """Every count of its history, in the order in which they were counted."""
    path = f"/ngsi-ld/v1/temporal/entities/{SHELTER['id']}?options=temporalValues&attrs=避難者数"
    return [value for value, _ in httpx2.get(town.address + path).json()["避難者数"]["values"]]


def test_the_desk_opens_counts_and_undoes_and_axe_finds_nothing(chromium, town, staff):
    desk = with_session(chromium, town.address, staff, java_script_enabled=False)
    desk.goto(f"{town.address}/staff")
    desk.get_by_role("link", name="避難所", exact=True).click()
    seen = with_session(chromium, town.address, staff)
    in_order(seen, town.address, (DESK,), "empty")
    desk.get_by_label("避難所の名前").fill("作見")
    desk.get_by_role("button", name="さがす").click()
    desk.get_by_role("link", name="作見小学校").click()
    desk.get_by_role("button", name="開く", exact=True).click()
    desk.get_by_text("記録しました").wait_for()
    desk.get_by_label("いる人の数（全部）").fill("120")
    desk.locator("summary", has_text="場所ごと").click()
    desk.get_by_label("手助けの要る高齢者").fill("7")
    desk.get_by_role("button", name="この人数にする").click()
    desk.get_by_text("入れる人数をこえています").wait_for()
    desk.get_by_label("いる人の数（全部）").fill("10000000")
    desk.get_by_role("button", name="この人数にする").click()
    desk.get_by_text("受け付けませんでした").wait_for()
    draw(desk, "refused", "ja", 1280)
    desk.goto(f"{town.address}{DESK}")
    desk.get_by_label("場所の名前").fill("湯の宿 さくら")
    desk.get_by_label("協定の相手（協定で開くときだけ）").fill("湯の宿組合")
    desk.get_by_label("協定の期限（最後の日）").fill("2026-01-31")
    desk.get_by_label("いまいる人の数（分かれば）").fill("12")
    desk.get_by_role("button", name="この場所を開く").click()
    desk.get_by_text("協定の期限を過ぎています").wait_for()
    desk.goto(f"{town.address}{DESK}")
    desk.get_by_label("場所の名前").fill("寄合い処")
    desk.get_by_role("button", name="この場所を開く").click()
    desk.get_by_role("button", name="まちがえて開いたので取り消す").wait_for()
    in_order(seen, town.address, (f"{DESK}?text=zzz", ONE), "busy")
    in_order(anybody(chromium), town.address, ("/disaster",), "everybody")
    desk.goto(f"{town.address}{ONE}?lang=ja")
    desk.get_by_role("button", name="いましたことを元にもどす").click()
    desk.get_by_text("元にもどしました").wait_for()
    assert "避難者数" not in known(town)


def test_a_phone_without_a_connection_keeps_reports_and_sends_them_with_their_own_times(
    chromium, town, staff
):
    desk = with_session(chromium, town.address, staff)
    desk.goto(f"{town.address}{ONE}")
    desk.get_by_role("link", name="この避難所の人に報告用リンクをわたす").click()
    desk.get_by_role("button", name="リンクを作る").click()
    address = desk.locator("p > code").inner_text()
    phone = anybody(chromium, PHONE)
    phone.goto(address)
    count, send, waiting = (
        phone.get_by_label("避難者数（人）"), phone.get_by_role("button", name="送る"), phone.get_by_role("status"),
    )  # fmt: skip
    phone.context.set_offline(True)
    for people in ("21", "22"):
        count.fill(people)
        send.click()
    phone.get_by_text("2件がこのスマートフォンに残っています").wait_for()
    assert count.input_value() == ""
    draw(phone, "waiting", "ja", PHONE)
    assert wrong(phone) == []
    phone.context.set_offline(False)
    phone.get_by_text("送りました").wait_for()
    assert "残っています" not in waiting.inner_text()
    assert phone.locator("#v1-2-now").inner_text().startswith("いま：22")
    assert counts(town)[-2:] == [21, 22]

    phone.context.set_offline(True)
    count.fill("30")
    send.click()
    phone.get_by_text("1件がこのスマートフォンに残っています").wait_for()
    desk.goto(f"{town.address}{ONE}?lang=ja")
    desk.get_by_label("いる人の数（全部）").fill("55")
    desk.get_by_role("button", name="この人数にする").click()
    desk.get_by_text("記録しました").wait_for()
    phone.context.set_offline(False)
    phone.get_by_text("もっと新しい報告があります").wait_for()
    assert phone.locator("#v1-2-now").inner_text().startswith("いま：55")
    assert (known(town)["避難者数"], counts(town)[-2:]) == (55, [30, 55])
    draw(phone, "late", "ja", PHONE)

    count.fill("10000000")
    send.click()
    phone.get_by_text("受け付けられなかった報告があります").wait_for()
    assert known(town)["避難者数"] == 55
    phone.reload()
    refused = phone.get_by_role("listitem").filter(has_text="10000000")
    refused.filter(has_text="書いた内容を確かめてください").wait_for()
    assert wrong(phone) == []
    draw(phone, "refused-report", "ja", PHONE)
    phone.get_by_role("button", name="読んだので消す").click()
    refused.wait_for(state="detached")
    for lang in LANGUAGES:
        phone.goto(f"{address}?lang={lang}")
        assert wrong(phone) == [], lang


def test_what_waits_outlives_the_server_and_the_page_and_is_sent_once(chromium, town, staff):
    desk = with_session(chromium, town.address, staff)
    desk.goto(f"{town.address}/staff/links?kind=shelter-keeper&text=作見")
    desk.get_by_role("button", name="リンクを作る").click()
    phone = anybody(chromium, PHONE)
    phone.goto(desk.locator("p > code").inner_text())
    before = counts(town)
    refusing = True

    def lost(route):
        """The city hears it, and its answer never arrives."""
        if refusing:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    phone.route("**/updates", lost)
    phone.get_by_label("避難者数（人）").fill("61")
    phone.get_by_role("button", name="送る").click()
    phone.get_by_text("1件がこのスマートフォンに残っています").wait_for()
    refusing = False
    phone.reload()
    phone.get_by_text("送りました").wait_for()
    assert counts(town) == [*before, 61]


def test_a_clock_that_is_ahead_loses_nothing_and_a_phone_that_keeps_nothing_sends_at_once(
    chromium, town, staff
):
    desk = with_session(chromium, town.address, staff)
    desk.goto(f"{town.address}/staff/links?kind=shelter-keeper&text=作見")
    desk.get_by_role("button", name="リンクを作る").click()
    address = desk.locator("p > code").inner_text()
    fast = anybody(chromium, PHONE)
    fast.add_init_script(
        "const real = Date.now; Date.now = () => real() + 3_600_000;"
        "globalThis.Date = class extends Date { constructor(...of) { super(...(of.length ? of : [Date.now()])); } };"
    )
    fast.goto(address)
    fast.get_by_label("避難者数（人）").fill("71")
    fast.get_by_role("button", name="送る").click()
    fast.get_by_text("いま：71").wait_for(timeout=40_000)
    assert known(town)["避難者数"] == 71

    blocked = anybody(chromium, PHONE)
    blocked.add_init_script(
        "Object.defineProperty(globalThis, 'localStorage', { get() { throw new DOMException('', 'SecurityError'); } });"
    )
    blocked.goto(address)
    blocked.get_by_label("避難者数（人）").fill("72")
    blocked.get_by_role("button", name="送る").click()
    blocked.wait_for_url("**?done=new")
    assert known(town)["避難者数"] == 72


def test_a_phone_without_a_connection_asks_for_supplies_and_the_desk_sends_them(chromium, town, staff):
    desk = with_session(chromium, town.address, staff)
    desk.goto(f"{town.address}/staff/links?kind=shelter-keeper&text=作見")
    desk.get_by_role("button", name="リンクを作る").click()
    address = desk.locator("p > code").inner_text()
    phone = anybody(chromium, PHONE)
    phone.goto(address)
    phone.get_by_role("link", name="足りない物を知らせる").click()
    phone.context.set_offline(True)
    for item, amount, unit in (("毛布", "120", "枚"), ("水 500mL", "48", "本")):
        phone.get_by_label("何が足りませんか").fill(item)
        phone.get_by_label("いくつ").fill(amount)
        phone.get_by_label("数え方（本、箱、枚など）").fill(unit)
        phone.get_by_role("button", name="送る", exact=True).click()
    phone.get_by_text("2件がこのスマートフォンに残っています").wait_for()
    phone.context.set_offline(False)
    phone.locator("#asked1-now").get_by_text("毛布").wait_for()

    plain = with_session(chromium, town.address, staff, java_script_enabled=False)
    plain.goto(f"{town.address}/staff/supplies?lang=ja")
    plain.get_by_role("link", name="作見小学校").click()
    blankets = plain.locator("section.place").filter(has_text="毛布")
    blankets.locator("summary").click()
    blankets.get_by_label("どう送ったか（分かれば）").fill("市の車")
    blankets.get_by_role("button", name="送ったと書く").click()
    plain.get_by_text("書きました").wait_for()

    phone.reload()
    phone.context.set_offline(True)
    phone.get_by_role("button", name="届いたと知らせる").click()
    phone.get_by_text("1件がこのスマートフォンに残っています").wait_for()
    phone.context.set_offline(False)
    phone.locator("#asked1-now").get_by_text("届きました").wait_for()
    assert wrong(phone) == []
    draw(phone, "supplies-asked", "ja", PHONE)
    phone.get_by_label("何が足りませんか").fill("水")
    phone.get_by_label("いくつ").fill("0")
    phone.get_by_label("数え方（本、箱、枚など）").fill("本")
    phone.get_by_role("button", name="送る", exact=True).click()
    phone.get_by_text("受け付けられなかった報告があります").wait_for()

    plain.goto(f"{town.address}/staff/supplies/{SHELTER['id']}?lang=ja")
    plain.get_by_text("避難所の人（報告用リンク）").first.wait_for()
    in_order(
        with_session(chromium, town.address, staff), town.address,
        ("/staff/supplies", f"/staff/supplies/{SHELTER['id']}", f"{address.removeprefix(town.address)}/supplies"), "supplies",
    )  # fmt: skip


def test_each_sheet_of_paper_is_one_page_of_a4_and_axe_finds_nothing(chromium, town, staff):
    desk = with_session(chromium, town.address, staff)
    paths = [f"/staff/sheets/{form}?shelter={SHELTER['id']}" for form in ("opening", "supplies")]
    for path in paths:
        desk.goto(f"{town.address}{path}&lang=ja")
        printed = desk.pdf(prefer_css_page_size=True, print_background=True)
        assert re.findall(rb"/Type\s*/Pages?\b", printed).count(b"/Type /Page") == 1, path
        if SHOTS:
            desk.emulate_media(media="print")
            draw(desk, f"printed {path}", "ja", 794)
            desk.emulate_media(media="null")
    in_order(desk, town.address, ("/staff/sheets?text=作見", *paths), "sheets")
