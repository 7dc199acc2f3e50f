"""Ordering an evacuation in a real browser, with two passkeys, in rehearsal and for real: five languages, a phone, axe, the keyboard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from served_city import kitamae, servers

from browser.people import anybody, by_link, by_passkey, register_device, with_device
from browser.seen import DESK, PHONE, in_order
from browser.town import free_port

KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"


@pytest.fixture
def town(tmp_path, monkeypatch):
    """By a name, as passkeys want it; with its towns: they are the districts."""
    port = free_port()
    address = f"http://localhost:{port}"
    monkeypatch.setenv("KITAMAE_PUBLIC_URL", address)
    with servers() as start:
        running = start("--city", str(KAGA), "--port", str(port), data=tmp_path / "data")
        yield replace(running, address=address)


def test_two_with_passkeys_rehearse_order_and_lift_an_evacuation(chromium, town):
    here = town.address

    def person(link):
        page = by_link(with_device(chromium), link)
        ref = page.locator("dd code").inner_text()
        register_device(page, here, "携帯")
        by_passkey(page, here)
        return page, ref

    def give(page, ref):
        page.goto(here + "/staff/duties")
        page.locator("#person").select_option(ref)
        page.get_by_label("担当", exact=True).select_option("disaster")
        page.get_by_label("理由").fill("4月から")
        page.get_by_role("button", name="変更を出す").click()
        page.wait_for_load_state()

    def approved(desk, button, fill):
        """By the first proposed, by the second approved."""
        first.goto(here + desk)
        fill(first)
        first.get_by_role("button", name="案を作る").click()
        first.get_by_text("まだ出ていません").wait_for()
        second.goto(first.url.partition("?")[0])
        second.get_by_role("button", name=button).click()
        return first.url.partition("?")[0].removeprefix(here)

    def flood(page):
        page.get_by_label("避難指示").check()
        page.get_by_label("発令するときの災害").select_option("洪水")
        page.get_by_label("市民に伝える言葉と理由").fill("川の水があふれるおそれがあります。")
        page.get_by_text("な行の地区").click()
        page.get_by_label("七日市町").check()

    first, me = person(town.link)
    second, colleague = person(kitamae("sign-in", "--another", "--data", town.data).stdout.strip())
    give(first, me)
    give(first, colleague)

    approved("/staff/evacuation/rehearsal", "認める（訓練）", flood)
    second.get_by_text("訓練として記録しました").wait_for()
    public = anybody(chromium, PHONE, java_script_enabled=False)
    public.goto(here + "/disaster")
    assert "七日市町" not in public.content()

    proposal = approved("/staff/evacuation", "認めて出す", flood)
    second.get_by_text("市民のページをみる").wait_for()
    public.reload()
    assert "避難指示 警戒レベル4" in public.content()
    assert "七日市町" in public.content()
    first.goto(here + "/staff/evacuation")
    flood(first)
    first.get_by_label("緊急安全確保").check()
    first.get_by_role("button", name="案を作る").click()
    waiting = first.url.partition("?")[0].removeprefix(here)
    in_order(
        first,
        here,
        ("/staff/evacuation", "/staff/evacuation?level=4", "/staff/evacuation/rehearsal", waiting),
        "evacuation",
    )
    in_order(second, here, (waiting, proposal), "evacuation second")
    in_order(anybody(chromium, PHONE), here, ("/disaster",), "evacuation public")

    def lift(page):
        page.get_by_text("解除する、取り消す、広げる").click()
        assert page.get_by_label("七日市町").is_checked()
        page.get_by_label("市民に伝える言葉と理由").fill("水位が下がりました。")

    for page in (first, second):
        page.set_viewport_size({"width": DESK, "height": 800})
        page.goto(f"{here}/?lang=ja")
    approved("/staff/evacuation", "認めて出す", lift)
    second.get_by_text("市民のページをみる").wait_for()
    public.reload()
    assert "避難指示 警戒レベル4" not in public.content()
