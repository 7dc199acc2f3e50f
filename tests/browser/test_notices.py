"""Notices in a real browser: one's own page, the desk, and the letters that it prints; with and without script, by keyboard."""

from __future__ import annotations

import re
from email import message_from_bytes, policy

import pytest

from bare_kaga import bare
from browser.people import with_session
from browser.seen import DESK, LANGUAGES, PHONE, draw, in_order, wrong
from browser.town import Town, send
from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.vault import Asked
from serving import Served
from staffing import give, known

MY, STAFF = "/my/notices", "/staff/notices"


@pytest.fixture(scope="module")
def town(chromium, tmp_path_factory):
    """Taro gave an address and was told of an answer; Hanako gets a letter; an officer sends it."""
    folder = tmp_path_factory.mktemp("town")
    town = Town(
        folder / "data",
        bare(folder / "city"),
        mail=f"file://{folder}/post",
        mail_from="noreply@city.example.jp",
    )
    town.post = folder / "post"
    city = Served(town.kitamae, None)
    town.do(town.kitamae.city.people.staff())
    officer = town.do(town.kitamae.city.people.staff(another=True))
    town.do(give(city, officer, "requests"))
    town.do(known(city, "resident-hanako"))
    staff, town.officer = town.session(officer, "staff", 2)
    taro, town.taro = town.session("resident-taro", "resident", 3)
    hanako, town.hanako = town.session("resident-hanako", "resident", 3)
    page = with_session(chromium, town.address, town.taro)
    page.goto(town.address + MY)
    page.get_by_label("メールアドレス").fill("taro@example.jp")
    page.keyboard.press("Enter")
    page.wait_for_url("**done=asked")
    letter = message_from_bytes(next(town.post.glob("*")).read_bytes(), policy=policy.default).get_content()
    page.get_by_label("8つの文字").fill(re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}", letter)[0])
    page.keyboard.press("Enter")
    page.wait_for_url("**done=sure")
    assert page.get_by_text("taro@example.jp").is_visible()
    page.context.close()
    for who in (taro, hanako):
        filed = send(who, "/my/requests/new?kind=question", kind="question", text="なぜ見たのですか。")
        case = f"/staff/requests/{filed.rpartition('/')[2]}"
        send(staff, case, step="answer", text="窓口の手続きのためです。")
    for client in (staff, taro, hanako):
        client.close()
    page = with_session(chromium, town.address, town.officer)
    for _ in range(40):
        page.goto(town.address + STAFF)
        if page.get_by_role("button", name="えらんだ手紙を印刷する").count():
            break
        page.wait_for_timeout(250)
    page.context.close()
    yield town
    town.stop()


def test_axe_and_the_html_parser_find_nothing_and_nothing_scrolls_sideways(chromium, town):
    for who, paths in (
        (town.taro, (MY, f"{MY}?done=sure", f"{MY}?size=larger")),
        (town.hanako, (MY,)),
        (town.officer, (STAFF, f"{STAFF}?done=posted", f"{STAFF}?size=larger")),
    ):
        in_order(with_session(chromium, town.address, who), town.address, paths, who[:3])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_without_a_script_the_pages_say_the_same(chromium, town, lang):
    for who, path in ((town.taro, MY), (town.officer, STAFF)):
        words = []
        for script in (True, False):
            page = with_session(chromium, town.address, who, PHONE, java_script_enabled=script)
            page.goto(f"{town.address}{path}?lang={lang}")
            words.append(page.locator("main").inner_text())
            page.context.close()
        assert words[0] == words[1]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_letter_is_one_sheet_with_its_address_in_the_window_of_the_envelope(chromium, town, lang):
    page = with_session(chromium, town.address, town.officer, PHONE, java_script_enabled=False)
    page.goto(f"{town.address}{STAFF}?lang={lang}")
    page.locator(f'form[action="{STAFF}/letters"] button').focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/letters")
    for width in (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": 800})
        draw(page, "letters", lang, width)
    page.context.close()
    page = with_session(chromium, town.address, town.officer, PHONE)
    page.goto(f"{town.address}{STAFF}?lang={lang}")
    page.locator(f'form[action="{STAFF}/letters"] button').click()
    page.wait_for_url("**/letters")
    assert wrong(page) == []
    assert page.locator(".window").inner_text().split("\n")[0].strip() == "例示町１"
    page.emulate_media(media="print")
    page.set_viewport_size(
        {"width": 643, "height": 1032}
    )  # 170 x 273 mm: A4 without its margins, at 96 dots an inch
    box, sheet = (page.locator(one).first.bounding_box() for one in (".window", ".sheet"))
    mm = 96 / 25.4
    assert sheet["y"] < 2 * mm, "nothing stands above it on the paper"
    assert 20 <= 20 + box["x"] / mm <= 30
    assert 12 + (box["y"] - 0) / mm >= 12
    assert 12 + (box["y"] + box["height"]) / mm <= 12 + 45 + 3
    assert sheet["height"] <= 1032, "one sheet"
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", prefer_css_page_size=True))) == 1
    page.context.close()


def test_what_is_posted_is_noted_and_undone_by_keyboard(chromium, town):
    page = with_session(chromium, town.address, town.officer)
    page.goto(town.address + STAFF)
    page.get_by_role("button", name="えらんだ手紙を印刷する").press("Enter")
    page.get_by_role("button", name="えらんだ手紙を出した").press("Enter")
    page.wait_for_url("**done=posted")
    assert page.get_by_role("button", name="えらんだ手紙を印刷する").count() == 0
    assert wrong(page) == []
    page.get_by_role("button", name=re.compile("「出した」を取り消す")).press("Enter")
    page.wait_for_url("**done=undo")
    assert page.get_by_role("button", name="えらんだ手紙を印刷する").is_visible()
    page.context.close()


def test_a_breach_is_told_from_its_page_by_keyboard_and_read_by_whom_it_concerns(chromium, town):
    officer = town.do(town.kitamae.city.people.staff(another=True))
    town.do(give(Served(town.kitamae, None), officer, "privacy-officer"))
    client, secret = town.session(officer, "staff", 2)
    today = days.of(clock.now()).isoformat()
    address = send(client, "/staff/breaches", learnt=today, summary="鍵が盗まれた", sensitive="1")
    client.close()
    thief = Principal("token-9", "service", frozenset({"read:person:identity"}), 1, tenants=frozenset({"*"}))
    town.do(town.kitamae.city.vault.read(Asked(thief, "identity", ("resident-hanako",))))
    page = with_session(chromium, town.address, secret)
    page.goto(town.address + address)
    page.get_by_label("見た職員の番号").fill("token-9")
    page.get_by_label("この日から").fill(today)
    page.get_by_label("この日まで").fill(today)
    page.keyboard.press("Enter")
    page.get_by_text("1人が見つかりました").wait_for()
    for width in (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": 800})
        assert wrong(page) == []
        draw(page, "breach-counted", "ja", width)
    page.get_by_role("button", name="この人たちに知らせる").press("Enter")
    page.get_by_text("これまでに1人に知らせました。").wait_for()
    in_order(page, town.address, (address,), "breach")
    told = f"{MY}/breaches/{address.rpartition('/')[2]}"
    in_order(with_session(chromium, town.address, town.hanako), town.address, (told,), "told")
