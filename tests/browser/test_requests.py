"""Requests, complaints, breaches and the register of files in a real browser: five languages, a small phone, axe, strict HTML."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import threading
from datetime import timedelta
from pathlib import Path

import html5lib
import httpx2
import pytest
import uvicorn

from browser.conftest import ROOT
from browser.test_accessibility import RULES
from kitamae.app import Kitamae
from kitamae.directory.lock import Lock
from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.settings import Settings
from serving import Served
from staffing import give, known

ALL = ("ja", "ja_Hira", "en", "zh", "ko")
ASKED = {
    "kind": "disclosure",
    "capacity": "agent",
    "represented": "加賀 花子 加賀市片山津温泉",
    "name": "加賀 太郎",
    "address": "加賀市大聖寺",
    "target": "令和7年度の国民健康保険の記録",
}
SHOTS = os.environ.get("KITAMAE_SHOTS", "")
"""A folder: then the pages are drawn into it, to be looked at."""


class Town:
    """A city in a thread of this process, so that a test can let anybody in."""

    def __init__(self, data: Path, city: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.ready, self.over = threading.Event(), asyncio.Event()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self.thread = threading.Thread(target=self._run, args=(data, city, port), daemon=True)
        self.thread.start()
        assert self.ready.wait(60)

    def _run(self, data: Path, city: Path, port: int) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve(data, city, port))

    async def _serve(self, data: Path, city: Path, port: int) -> None:
        with Lock(data) as lock:
            self.kitamae = Kitamae(Settings.chosen(data=data, city=city), lock, address=self.address)
            async with self.kitamae.running():
                server = uvicorn.Server(
                    uvicorn.Config(self.kitamae, "127.0.0.1", port, lifespan="off", log_level="error")
                )
                serving = asyncio.create_task(server.serve())
                while not server.started:
                    await asyncio.sleep(0.05)
                self.ready.set()
                await self.over.wait()
                server.should_exit = True
                await serving

    def do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def session(self, ref, role, assurance):
        secret, _ = self.do(self.kitamae.city.people.admit(ref, role, assurance))
        return httpx2.Client(base_url=self.address, cookies={"kitamae_session": secret}), secret

    def stop(self):
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(60)


def send(client, at, page="", /, **fields):
    shown = client.get(page or at)
    csrf = re.search(r'name="csrf" value="([^"]+)"', shown.text)
    answer = client.post(
        at, data={"csrf": csrf[1], **fields}, headers={"Origin": str(client.base_url).rstrip("/")}
    )
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def day_before():
    """Yesterday in Japan."""
    return (days.of(clock.now()) - timedelta(days=1)).isoformat()


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Kaga's profile without its data, in five languages; a resident and a member of staff are signed in, cases are there."""
    folder = tmp_path_factory.mktemp("town")
    text = (ROOT / "cities" / "kaga" / "city.toml").read_text("utf-8")
    text = re.sub(r"\[\[data\]\][^\[]*", "", text)
    (folder / "city.toml").write_text(text, "utf-8")
    context = (ROOT / "cities" / "kaga" / "context.jsonld").read_text("utf-8")
    (folder / "context.jsonld").write_text(context, "utf-8")
    shutil.copytree(ROOT / "cities" / "kaga" / "pia", folder / "pia")
    town = Town(folder / "data", folder)
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


@pytest.fixture(scope="module")
def axe():
    from axe_playwright_python.sync_playwright import Axe

    return Axe()


def page_of(chromium, town, who, width):
    context = chromium.new_context(locale="ja-JP", viewport={"width": width, "height": 700})
    if who != "public":
        secret = {"mine": town.resident, "orders": town.second}.get(who, town.staff)
        context.add_cookies([{"name": "kitamae_session", "value": secret, "url": town.address}])
    return context.new_page()


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("who", ["mine", "desk", "orders", "public"])
def test_axe_and_the_html_parser_find_nothing_and_nothing_scrolls_sideways(chromium, town, axe, who, width):
    page = page_of(chromium, town, who, width)
    for path in getattr(town, who):
        for lang in ALL if width == 320 else ("ja", "en") if SHOTS else ("ja",):
            page.goto(town.address + path + ("&" if "?" in path else "?") + f"lang={lang}")
            where = f"{path} {lang}"
            found = axe.run(page, options={"runOnly": RULES}).response["violations"]
            assert [
                (rule["id"], [node["html"][:200] for node in rule["nodes"]][:3]) for rule in found
            ] == [], where
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where
            if width == 1280 or lang == "ko":
                html5lib.HTMLParser(strict=True).parse(page.request.get(page.url).body())
            if SHOTS and lang in ("ja", "en"):
                name = re.sub(r"\W+", "-", path).strip("-")
                page.screenshot(path=f"{SHOTS}/{name}-{lang}-{width}.png", full_page=True)


def test_a_resident_asks_without_script_and_by_keyboard_and_the_desk_answers(chromium, town):
    context = chromium.new_context(
        locale="ja-JP", java_script_enabled=False, viewport={"width": 320, "height": 640}
    )
    context.add_cookies([{"name": "kitamae_session", "value": town.resident, "url": town.address}])
    phone = context.new_page()
    phone.goto(f"{town.address}/privacy")
    phone.get_by_role("link", name="新しく請求・相談する").click()
    phone.get_by_role("link", name="相談", exact=True).click()
    phone.get_by_label("内容").fill("だれが見たのか知りたいです。")
    phone.get_by_role("button", name="送る").focus()
    phone.keyboard.press("Enter")
    phone.get_by_text("受け付けました").wait_for()
    number = phone.url.rpartition("/")[2]

    desk = page_of(chromium, town, "desk", 1280)
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
    context = chromium.new_context(
        locale="ja-JP", java_script_enabled=False, viewport={"width": 320, "height": 640}
    )
    context.add_cookies([{"name": "kitamae_session", "value": town.second, "url": town.address}])
    desk = context.new_page()
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
    context.close()
