"""Duties with a second person's passkey, a transfer, and an emergency: in a real browser, in five languages, on a phone, with axe."""

from __future__ import annotations

from served_city import kitamae

from browser.people import by_link, by_passkey, register_device, with_device
from browser.seen import DESK, in_order

WHY = "避難所にいる人の安否を確かめるため"


def test_two_members_of_staff_with_passkeys_give_a_duty_undo_it_and_review_an_emergency(chromium, named_town):
    here = named_town.address

    def person(link):
        """Somebody with a device of his own, signed in with its passkey; the page and the number."""
        page = by_link(with_device(chromium), link)
        ref = page.locator("dd code").inner_text()
        register_device(page, here, "携帯")
        by_passkey(page, here)
        return page, ref

    def give(page, ref, duty):
        page.goto(here + "/staff/duties")
        page.locator("#person").select_option(ref)
        page.get_by_label("担当", exact=True).select_option(duty)
        page.get_by_label("理由").fill("4月から")
        page.get_by_role("button", name="変更を出す").click()
        page.wait_for_load_state()

    def looked_at(page, path, name):
        in_order(page, here, (path,), name)
        page.set_viewport_size({"width": DESK, "height": 800})
        page.goto(f"{here}/?lang=ja")

    first, me = person(named_town.link)
    assert "最初のアカウント" in first.content()
    second, colleague = person(kitamae("sign-in", "--another", "--data", named_town.data).stdout.strip())
    third, officer = person(kitamae("sign-in", "--another", "--data", named_town.data).stdout.strip())
    looked_at(first, "/staff/duties", "founder")
    give(first, me, "staffing")
    give(first, colleague, "staffing")

    give(first, officer, "privacy-officer")
    change = first.url
    assert "自分で用意した変更は、自分では認められません" in first.content()
    looked_at(second, "/staff/duties", "duties")
    looked_at(second, change.removeprefix(here), "transfer")
    third.goto(here + "/staff/emergencies")
    assert "desk privacy" in third.content() or "403" in third.content()
    second.goto(change)
    second.get_by_role("button", name="認める", exact=True).click()
    second.get_by_text("効いています").wait_for()
    third.goto(here + "/staff/emergencies")
    third.get_by_text("緊急アクセスはありません").wait_for()

    second.goto(here + "/staff/transfers")
    second.get_by_label("名前（例").fill("異動")
    second.get_by_label("または、ここにはる").fill(
        f"職員番号,旧所属,新所属,付ける担当\n{me},総務課,防災課,防災担当\n"
    )
    second.get_by_role("button", name="ためす").click()
    second.get_by_text("まだ何も変わっていません").wait_for()
    second.get_by_role("button", name="確かめる人に回す").click()
    second.get_by_text("所属：総務課 から 防災課 へ").wait_for()
    second.get_by_role("button", name="取り下げる").click()
    second.get_by_text("取り下げました").wait_for()
    looked_at(second, "/staff/transfers", "transfers")

    second.goto(here + "/staff/emergency")
    second.get_by_label("何が要るか").select_option("desk:incidents")
    second.get_by_label("理由").fill(WHY)
    second.get_by_role("button", name="緊急アクセスを始める").click()
    second.get_by_role("button", name="終わらせる").wait_for()
    looked_at(second, "/staff/emergency", "emergency")
    looked_at(third, "/staff/emergencies", "emergencies-running")
    second.goto(here + "/staff/emergency")
    second.get_by_role("button", name="終わらせる").click()
    second.get_by_text("確認を待っています").wait_for()
    looked_at(third, "/staff/emergencies", "emergencies")
    third.goto(here + "/staff/emergencies")
    third.get_by_label("そう考えた理由").fill("災害対策本部の指示だった")
    third.get_by_role("button", name="正しかった", exact=True).click()
    third.get_by_text("災害対策本部の指示だった").wait_for()
    looked_at(third, "/emergency-access", "emergency-access")
    looked_at(third, "/staff", "staff")

    first.goto(change)
    first.get_by_role("button", name="もどす変更を用意する").click()
    first.wait_for_load_state()
    second.goto(first.url)
    second.get_by_role("button", name="認める", exact=True).click()
    second.get_by_text("効いています").wait_for()
    third.goto(here + "/staff/emergencies")
    assert third.locator("h2", has_text="事故と障害の仕事").count() == 0, "from the next request on"
    for page in (first, second, third):
        page.context.close()
