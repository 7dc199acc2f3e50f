"""Emergency notices in a real browser: asked for by keyboard, shown by the worker once however often they come, and left with one tap."""

from __future__ import annotations

import asyncio
import json

import pytest

from bare_kaga import bare
from browser.people import anybody, with_session
from browser.seen import PHONE, draw, in_order, wrong
from browser.town import Town
from kitamae.kernel.context import clock
from kitamae.kit.notices.area import announcement
from serving import Served
from staffing import give
from telling import Browser, PushService

HERE = "/disaster/notices"
ORDER = announcement.Item(what="issued", level=4, stated=True, name="避難指示", places={"003": "七日市町"})
FAKE = """
const bytes = (said) => Uint8Array.from(atob(said.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0)).buffer;
const keys = %s;
const made = (options) => ({
  endpoint: %s, options, getKey: (name) => bytes(keys[name]), unsubscribe: async () => localStorage.removeItem("made"),
});
PushManager.prototype.subscribe = async (options) => { localStorage.made = "yes"; return made(options); };
PushManager.prototype.getSubscription = async () => (localStorage.made ? made({}) : null);
"""
"""A browser of a test asks no maker's push service for an address: it has this one."""


@pytest.fixture
def town(tmp_path):
    city = bare(tmp_path / "city", "towns")
    with (city / "city.toml").open("a", encoding="utf-8") as file:
        file.write('\n[notices]\npush_hosts = ["127.0.0.1"]\n')
    town = Town(tmp_path / "data", city, worker=True, open=True)
    yield town
    town.stop()


async def ordered(town):
    store = town.kitamae.city.store
    return await store.transact(lambda tx: announcement.owe(tx, "orders", [ORDER], clock.now()))


async def pushed(service):
    for _ in range(200):
        if service.taken:
            return service.taken[0][2]
        await asyncio.sleep(0.05)
    raise AssertionError("nothing was pushed")


def test_a_browser_asks_is_told_once_under_one_number_and_leaves(chromium, town):
    keys, service = Browser(), PushService()
    town.do(service.receiver.listen())
    page = anybody(chromium, PHONE)
    page.context.grant_permissions(["notifications"], origin=town.address)
    page.add_init_script(FAKE % (json.dumps(keys.keys), json.dumps(service.address("me"))))
    page.goto(town.address + HERE)
    page.get_by_text("な行の地区").focus()
    page.keyboard.press("Enter")
    page.get_by_label("七日市町", exact=True).check()
    button = page.get_by_role("button", name="このブラウザーで受け取る")
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="登録しました").wait_for()
    page.get_by_role("heading", name="このブラウザーは登録されています").wait_for()
    assert wrong(page) == []
    draw(page, "area-notices mine", "ja", PHONE)

    number = town.do(ordered(town))
    told = keys.read(town.do(pushed(service)))
    control = page.context.new_cdp_session(page)
    registered = []
    control.on(
        "ServiceWorker.workerRegistrationUpdated", lambda said: registered.extend(said["registrations"])
    )
    control.send("ServiceWorker.enable")
    page.wait_for_timeout(500)
    worker = {
        "origin": town.address,
        "registrationId": registered[-1]["registrationId"],
        "data": told.decode(),
    }
    for _ in range(2):
        control.send("ServiceWorker.deliverPushMessage", worker)
    shown = """async () => {
      const worker = await navigator.serviceWorker.ready;
      return (await worker.getNotifications()).map((one) => [one.title, one.tag, one.body, one.data]);
    }"""
    for _ in range(100):
        if found := page.evaluate(shown):
            break
        page.wait_for_timeout(100)
    ((title, tag, body, link),) = found
    assert (title, tag) == ("加賀市：避難指示（警戒レベル4）が出ました", number)
    assert body.endswith("地区：七日市町")
    assert link == town.address + "/disaster"

    ref = town.do(town.kitamae.city.people.staff(another=True))
    town.do(give(Served(town.kitamae, None), ref, "disaster"))
    _, secret = town.session(ref, "staff", 2)
    in_order(
        with_session(chromium, town.address, secret), town.address, ["/staff/area-notices"], "area-notices"
    )
    page.get_by_role("button", name="このブラウザーへのお知らせをやめる").click()
    page.get_by_role("heading", name="やめました").wait_for()
    assert page.get_by_role("heading", name="このブラウザーは登録されています").count() == 0
    town.do(service.receiver.silence())


def test_the_page_is_without_a_fault_and_without_a_script_says_what_else_there_is(chromium, town):
    in_order(anybody(chromium, PHONE), town.address, [HERE, f"{HERE}/leave/0"], "area-notices")
    page = anybody(chromium, PHONE, java_script_enabled=False)
    page.goto(town.address + HERE)
    assert not page.get_by_role("button", name="このブラウザーで受け取る").is_visible()
    assert page.get_by_text("スクリプトを動かすと").is_visible()
    assert page.get_by_text("市役所の窓口で聞いてください").is_visible()
