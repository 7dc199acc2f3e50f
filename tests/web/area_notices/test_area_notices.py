"""Notices by area: what is ordered, warned of and opened reaches whoever asked for it, on a page, by web push, e-mail and LINE; a drill reaches nobody."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

import telling
from bare_kaga import bare
from kitamae.kernel.context import clock
from kitamae.kernel.people.accounts import Accounts
from kitamae.kernel.people.jose import signed
from kitamae.kernel.people.jose.encoding import decode, encode
from kitamae.kernel.people.jose.keys import Keys
from kitamae.kernel.people.records import TENANT
from kitamae.kit.notices.area import announcement
from kitamae.kit.notices.area.choice import Choice
from kitamae.kit.notices.area.subscribers import _bucket
from kitamae.web.area_notices.own import _wide
from services.rivers.test_gauge_archive import UDANI, report, watched
from serving import SAME, Served, serving
from signing_in import fields
from telling import Browser, Line, PushService
from web.evacuation.test_evacuation_desk import REHEARSAL, RIVER, TOWNS, colleague, ordered, page
from web.notices.test_notices_over_http import OWN, taro, until

HERE = "/disaster/notices"
DESK = "/staff/area-notices"
FIRST, SECOND = "U" + "1" * 32, "U" + "2" * 32
ALL = {"orders": "3", "alerts": "2", "shelters": "yes", "speaks": "ja"}


class Mailbox:
    """An SMTP server on loopback."""

    def __init__(self) -> None:
        self.letters: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.letters.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@asynccontextmanager
async def posting() -> AsyncIterator[tuple[Mailbox, str]]:
    import socket

    mailbox = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    post = Controller(mailbox, hostname="127.0.0.1", port=port)
    post.start()
    try:
        yield mailbox, f"smtp://127.0.0.1:{port}"
    finally:
        await asyncio.to_thread(post.stop)


def city(folder: Path, **notices: Any) -> Path:
    """Kaga with its towns and gauges alone, which believes a push service on loopback."""
    bare(folder, "towns", "river_gauges")
    said = {"push_hosts": ["127.0.0.1"], **notices}
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in said.items())
    with (folder / "city.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[notices]\n{lines}")
    return folder


@asynccontextmanager
async def town(
    tmp_path: Path, line: Line | None = None, mail: str = "", **notices: Any
) -> AsyncIterator[Served]:
    more: dict[str, Any] = {"mail": mail, "mail_from": "noreply@city.example.jp"} if mail else {}
    if line:
        more |= {"line_api": line.api, "line_token": telling.TOKEN, "line_secret": telling.SECRET}
    async with serving(
        tmp_path / "data", city=city(tmp_path / "city", **notices), open=True, **more
    ) as served:
        await served.loaded()
        yield served


async def send(served: Served, path: str = HERE, **form: Any) -> Any:
    there = fields((await served.client.get(HERE)).text.split('id="choose"')[1])
    return await served.client.post(path, data={"csrf": there["csrf"], **form}, headers=SAME)


async def subscribe(served: Served, service: PushService, name: str, browser: Browser, **choice: Any) -> None:
    given = {"by": "push", "endpoint": service.address(name), **browser.keys, **ALL, **choice}
    answer = await send(served, **given)
    assert answer.headers.get("location") == f"{HERE}?done=push", answer.text


async def done(served: Served, count: int = 1) -> list[announcement.Announcement]:
    """Once so many announcements are over."""

    async def look() -> list[announcement.Announcement]:
        every = [one for _, one in await announcement.every(served.kitamae.city.store)]
        return every if len(every) >= count and all(one["state"] != "waiting" for one in every) else []

    return await until(look, 20)


def got(service: PushService, browser: Browser, name: str) -> list[dict[str, Any]]:
    return [json.loads(browser.read(body)) for who, _, body in service.taken if who == name]


async def observe(served: Served, *entities: dict[str, Any]) -> None:
    answer = await served.client.post(
        "/ngsi-ld/v1/entityOperations/upsert?options=update", json=list(entities)
    )
    assert answer.status_code in (201, 204), answer.text


def alert(
    name: str, level: int, state: str = "発表中", what: str = "rain", at: datetime | None = None
) -> dict[str, Any]:
    when = (at or datetime.now(UTC)).isoformat().replace("+00:00", "Z")
    said = {"名称": name, "警戒レベル": level, "状態": state, "見出し": "", "対象地域": "加賀市", "発表者": "試験", "電文": "試験", "電文番号": "1", "有効期限": ""}  # fmt: skip
    values = {key: {"type": "Property", "value": value, "observedAt": when} for key, value in said.items()}
    return {"id": f"urn:ngsi-ld:Alert:17206:{what}", "type": "Alert", **values}


async def test_an_order_reaches_the_districts_that_it_is_about_and_says_one_line_and_a_link(
    tmp_path: Path,
) -> None:
    one, other, late = Browser(), Browser(), Browser()
    async with PushService() as service, town(tmp_path) as served:
        await subscribe(served, service, "here", one, area=TOWNS[:1])
        await subscribe(served, service, "whole", other, speaks="en")
        await subscribe(served, service, "elsewhere", late, area="001")
        await subscribe(served, service, "none", late, orders="0")
        await ordered(served, **RIVER)
        (told,) = await done(served)
        assert service.times() == {"here": 1, "whole": 1}
        (here,) = got(service, one, "here")
        assert here["title"] == "加賀市：避難指示（警戒レベル4）が出ました"
        assert here["body"] == "危険な場所から、全員避難してください。地区：七日市町、三木町"
        assert here["link"].endswith("/disaster")
        assert "\n" not in here["body"]
        assert got(service, other, "whole")[0]["title"] == "Kaga City: Evacuation order (level 4)"
        headers = service.taken[0][1]
        assert (headers["Urgency"], headers["Content-Encoding"]) == ("high", "aes128gcm")
        vapid = re.fullmatch(r"vapid t=([^,]+), k=(.+)", headers["Authorization"])
        assert vapid
        public = decode(vapid[2])
        key = Keys.read({"kty": "EC", "crv": "P-256", "x": encode(public[1:33]), "y": encode(public[33:])})
        _, said = signed.verify(vapid[1], key, {"ES256"})
        assert json.loads(said)["aud"] == f"http://127.0.0.1:{service.receiver.port}"
        assert told["counts"] == {"push": {"sent": 2}}
        await colleague(served, "disaster")
        desk = await page(served, DESK)
        assert "送った：2" in desk
        assert "2026-0001" in desk


async def test_a_lifted_order_is_told_to_whom_it_concerned(tmp_path: Path) -> None:
    one, four = Browser(), Browser()
    async with PushService() as service, town(tmp_path) as served:
        await subscribe(served, service, "three", one, area=TOWNS)
        await subscribe(served, service, "four", four, orders="4")
        await ordered(served, **(RIVER | {"level": "3"}))
        await ordered(served, districts=TOWNS[:1], act="lift", text="危険がなくなりました。")
        await done(served, 2)
        assert service.times() == {"three": 2}
        assert [told["title"] for told in got(service, one, "three")] == [
            "加賀市：高齢者等避難（警戒レベル3）が出ました",
            "加賀市：高齢者等避難（警戒レベル3）が解除されました",
        ]


async def test_of_an_order_that_ends_at_two_levels_each_reads_the_one_that_was_in_force_where_he_is(
    tmp_path: Path,
) -> None:
    three, both = Browser(), Browser()
    async with PushService() as service, town(tmp_path) as served:
        await subscribe(served, service, "three", three, area=TOWNS[1:])
        await subscribe(served, service, "both", both)
        await ordered(served, **(RIVER | {"districts": TOWNS[:1]}))
        await ordered(served, **(RIVER | {"districts": TOWNS[1:], "level": "3"}))
        await ordered(served, districts=TOWNS, act="lift", text="危険がなくなりました。")
        await done(served, 3)
        last = got(service, three, "three")[-1]
        assert (last["title"], last["body"]) == (
            "加賀市：高齢者等避難（警戒レベル3）が解除されました",
            "地区：三木町",
        )
        last = got(service, both, "both")[-1]
        assert last["title"] == "加賀市：避難情報が解除されました"
        assert last["body"] == "避難指示（警戒レベル4）：七日市町。高齢者等避難（警戒レベル3）：三木町。"


def item(what: str, level: int, name: str, places: dict[str, str] | None = None) -> announcement.Item:
    return announcement.Item(what=what, level=level, stated=True, name=name, places=places or {})


@pytest.mark.parametrize(
    ("kind", "items", "title", "body"),
    [
        (
            "alerts", [item("ended", 5, "大雨特別警報"), item("raised", 2, "雷注意報")],
            "加賀市：警戒レベル2の情報が出ました", "雷注意報。いますることを、ページで確かめてください。",
        ),
        (
            "alerts", [item("raised", 5, "大雨特別警報"), item("raised", 2, "雷注意報"), item("ended", 5, "大雨特別警報")],
            "加賀市：警戒レベル2の情報が出ました", "雷注意報。いますることを、ページで確かめてください。",
        ),
        (
            "alerts", [item("raised", 3, "洪水警報"), item("ended", 3, "洪水警報")],
            "加賀市：災害の情報が終わりました", "洪水警報。ほかの情報が出ていることがあります。ページで確かめてください。",
        ),
        (
            "orders", [item("lifted", 4, "避難指示", {"003": "七日市町"}), item("lifted", 3, "高齢者等避難")],
            "加賀市：避難情報が解除されました", "避難指示（警戒レベル4）：七日市町。高齢者等避難（警戒レベル3）：市の全域。",
        ),
        (
            "orders", [item("issued", 4, "避難指示")],
            "加賀市：避難指示（警戒レベル4）が出ました", "危険な場所から、全員避難してください。地区：市の全域",
        ),
    ],
)  # fmt: skip
async def test_of_several_things_at_once_what_is_said_is_what_stands(
    tmp_path: Path, kind: Any, items: list[announcement.Item], title: str, body: str
) -> None:
    one = Browser()
    async with PushService() as service, town(tmp_path) as served:
        await subscribe(served, service, "here", one)
        store, now = served.kitamae.city.store, clock.now() - 10_000_000
        await store.transact(lambda tx: announcement.owe(tx, kind, items, now))
        await done(served)
        (told,) = got(service, one, "here")
        assert (told["title"], told["body"]) == (title, body)


async def test_a_drill_reaches_no_channel_and_the_desk_says_how_many_it_would_have_been(
    tmp_path: Path,
) -> None:
    async with PushService() as service, Line() as line, town(tmp_path, line) as served:
        await subscribe(served, service, "here", Browser())
        await on_line(served, line)
        before = len(line.said)
        await ordered(served, REHEARSAL, **RIVER)
        (told,) = await done(served)
        assert told["counts"] == {"push": {"rehearsed": 1}, "line": {"rehearsed": 1}}
        assert (service.taken, len(line.said)) == ([], before)
        await colleague(served, "disaster")
        desk = await page(served, DESK)
        assert "訓練（送らない）：1" in desk
        assert "訓練：避難情報の発令" in desk


async def test_where_the_city_rehearses_a_real_order_reaches_nobody_and_every_page_says_so(
    tmp_path: Path,
) -> None:
    async with PushService() as service, town(tmp_path, rehearsal=True) as served:
        await subscribe(served, service, "here", Browser())
        await ordered(served, **RIVER)
        (told,) = await done(served)
        assert told["counts"] == {"push": {"rehearsed": 1}}
        assert service.taken == []
        assert "いまは練習中なので、お知らせは送られません。" in await page(served, HERE)
        assert "お知らせは送られません。" in await page(served, DESK)


async def on_line(served: Served, line: Line, user: str = FIRST, **choice: str) -> None:
    body, headers = telling.signed(telling.event("follow", user))
    answer = await served.client.post("/line/webhook", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    link = re.search(r"line=(\S+)", line.said[-1][1]["messages"][0]["text"])
    assert link
    there = (await served.client.get(HERE, params={"line": link[1]})).text
    assert "LINEで受け取る</button>" in there
    answer = await send(served, by="line", line=link[1], **ALL, **choice)
    assert answer.headers.get("location") == f"{HERE}?done=line", answer.text


async def test_whoever_follows_the_citys_account_on_line_chooses_by_a_link_and_is_told_until_he_leaves(
    tmp_path: Path,
) -> None:
    async with Line() as line, town(tmp_path, line) as served:
        await on_line(served, line)
        await on_line(served, line, SECOND)
        await ordered(served, **RIVER)
        await done(served)
        sent = [told for what, told in line.said if what == "multicast"]
        assert sorted(user for told in sent for user in told["to"]) == [FIRST, SECOND]
        (message,) = sent[0]["messages"]
        assert message["text"].splitlines()[0] == "加賀市：避難指示（警戒レベル4）が出ました"
        assert message["text"].splitlines()[2].endswith("/disaster")
        served.client.cookies.clear()
        body, headers = telling.signed(telling.event("unfollow", FIRST))
        answer = await served.client.post("/line/webhook", content=body, headers=headers)
        assert answer.status_code == 200
        await ordered(served, districts=TOWNS[:1], act="lift", text="危険がなくなりました。")
        await done(served, 2)
        assert line.said[-1][1]["to"] == [SECOND]
        stored = str(await served.kitamae.city.store.documents(None, "subscriber"))
        assert SECOND not in stored


async def test_what_line_did_not_sign_is_not_heard(tmp_path: Path) -> None:
    async with Line() as line, town(tmp_path, line) as served:
        body, headers = telling.signed(telling.event("follow"))
        for wrong in ({}, {"X-Line-Signature": "AAAA"}):
            answer = await served.client.post("/line/webhook", content=body, headers=wrong)
            assert answer.status_code == 403
        answer = await served.client.post("/line/webhook", content=body + b" ", headers=headers)
        assert answer.status_code == 403
        assert line.said == []
        empty, headers = telling.signed()
        assert (await served.client.post("/line/webhook", content=empty, headers=headers)).status_code == 200


async def test_an_alert_of_a_gauge_reaches_the_page_the_snapshot_web_push_smtp_and_line(
    tmp_path: Path,
) -> None:
    browser = Browser()
    async with (
        posting() as (mailbox, smtp),
        PushService() as service,
        Line() as line,
        town(tmp_path, line, smtp) as served,
    ):
        await subscribe(served, service, "here", browser)
        await on_line(served, line)
        await by_mail(served, mailbox)
        served.client.cookies.clear()
        mailbox.letters.clear()
        for minutes, level in ((30, 23.9), (20, 24.1), (10, 24.5)):
            await observe(served, report(UDANI, level, minutes))
            await watched(served)
        (told, *_) = await done(served)
        assert [item["name"] for item in told["items"]], told
        assert "川の水位" in await page(served)
        assert await until(lambda: _snapshot(served))
        (pushed,) = got(service, browser, "here")
        assert pushed["title"] == "加賀市：災害の情報が出ました"
        assert line.said[-1][1]["messages"][0]["text"].splitlines()[0] == pushed["title"]
        (letter,) = mailbox.letters
        assert (letter["To"], letter["Subject"]) == ("taro@example.jp", pushed["title"])
        assert letter.get_content().strip().splitlines()[0] == pushed["body"]
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        (kept,) = [one for one in await all_subscribers(served) if one.by == "mail"]
        assert str(kept.to["person"]) not in str(letter["Message-ID"])
        assert kept.id not in str(letter["Message-ID"])


async def all_subscribers(served: Served) -> list[Any]:
    kept = served.kitamae.city._rooms.area_notices.subscribers
    docs = await served.kitamae.city.store.documents(None, "subscriber")
    return [await kept.one(id) for _, id, _ in docs]


async def _snapshot(served: Served) -> str:
    """The city's state as it outlives the server, once the gauge stands in it."""
    listed = await served.client.get("/snapshot/disaster.json")
    state = await served.client.get(f"/{listed.json()['snapshot']}") if listed.status_code == 200 else None
    return state.text if state and "gauge-" in state.text else ""


async def by_mail(served: Served, mailbox: Mailbox, to: str = "taro@example.jp") -> None:
    """Whoever is signed in gives his address, makes it sure, and chooses."""
    async with taro(served):
        form = fields((await served.client.get(OWN)).text.split(f'action="{OWN}"')[1])
        await served.client.post(OWN, data=form | {"email": to, "speaks": "ja"}, headers=SAME)
        code = re.search(r"\b([2-9A-Z]{4}-[2-9A-Z]{4})\b", mailbox.letters[-1].get_content())
        assert code
        form = fields((await served.client.get(OWN)).text.split(f'action="{OWN}/sure"')[1])
        await served.client.post(f"{OWN}/sure", data=form | {"code": code[1]}, headers=SAME)
        answer = await send(served, by="mail", **ALL)
        assert answer.headers.get("location") == f"{HERE}?done=mail", answer.text
        assert "メールで受け取っています" in (await served.client.get(HERE)).text


async def test_who_asked_by_e_mail_leaves_with_one_click_and_each_use_of_his_address_left_a_receipt(
    tmp_path: Path,
) -> None:
    async with posting() as (mailbox, smtp), town(tmp_path, None, smtp) as served:
        await by_mail(served, mailbox)
        await ordered(served, **RIVER)
        (told,) = await done(served)
        assert told["counts"] == {"mail": {"sent": 1}}
        letter = mailbox.letters[-1]
        leave = letter["List-Unsubscribe"].strip("<>").removeprefix("http://127.0.0.1:8080")
        async with taro(served):
            looks = (await served.client.get("/my/receipts")).json()["receipts"]
            assert [one["who"] for one in looks if one["purpose"] == "contact"] == ["system"]
        served.client.cookies.clear()
        assert "やめる</button>" in await page(served, leave)
        answer = await served.client.post(leave, data={"List-Unsubscribe": "One-Click"})
        assert answer.headers["location"] == f"{HERE}?done=left"
        assert "もう登録されていません" in await page(served, leave)
        assert await served.kitamae.city.store.documents(None, "subscriber") == []


async def test_a_link_of_line_that_is_too_old_ends_nobodys_mail_and_is_said_to_be_too_old(
    tmp_path: Path,
) -> None:
    async with posting() as (mailbox, smtp), Line() as line, town(tmp_path, line, smtp) as served:
        await by_mail(served, mailbox)
        async with taro(served):
            for path in (f"{HERE}/leave", HERE):
                answer = await send(served, path, by="line", line="too old", **ALL)
                assert "このリンクは期限が切れています" in answer.text
            assert "メールで受け取っています" in (await served.client.get(HERE)).text
            assert (await send(served, f"{HERE}/leave")).headers["location"] == f"{HERE}?done=left"
            assert (await send(served, f"{HERE}/leave")).headers["location"] == HERE


async def test_where_the_key_of_web_push_was_sealed_by_another_seal_mail_and_line_go_on(
    tmp_path: Path,
) -> None:
    async with posting() as (_, smtp), Line() as line, town(tmp_path, line, smtp) as served:
        await on_line(served, line)
        room, store = served.kitamae.city._rooms.area_notices, served.kitamae.city.store
        room.push.vapid._key = None
        await store.transact(lambda tx: tx.put(TENANT, "announcing", "vapid", {"sealed": "another's"}))
        answer = await served.client.get(HERE)
        assert (answer.status_code, 'value="push"' in answer.text) == (200, False)
        await room.subscribers.keep("push", {"endpoint": "http://127.0.0.1:1/x", **Browser().keys}, Choice())
        await ordered(served, **RIVER)
        (told,) = await done(served)
        assert told["counts"] == {"push": {"again": 1}, "line": {"sent": 1}}


async def test_who_owns_a_48_of_ipv6_is_one_who_asks_too_often() -> None:
    assert _wide("2001:db8:1:2::3") == _wide("2001:db8:1:ffff::1") == "2001:db8:1::/48"
    assert _wide("192.0.2.1") == "192.0.2.1"


async def test_what_was_chosen_by_e_mail_is_taken_along_and_goes_with_whoever_erases_everything(
    tmp_path: Path,
) -> None:
    async with PushService() as service, posting() as (mailbox, smtp), town(tmp_path, None, smtp) as served:
        await subscribe(served, service, "other", Browser())
        await by_mail(served, mailbox)
        store, people = served.kitamae.city.store, served.kitamae.city.people
        async with taro(served):
            file = (await served.client.get("/my/export")).json()
            (chosen,) = file["areaNotices"]
            assert (chosen["by"], chosen["orders"], chosen["alerts"], chosen["shelters"]) == (
                "mail",
                3,
                2,
                True,
            )
            assert "subscriber" not in str(file["leftOut"])
        accounts = Accounts(store, people)
        past = await accounts.ending({file["person"]: 1}, clock.now())
        assert "subscriber" not in await store.transact(past), "what was chosen since is another choice"
        async with taro(served):
            form = fields((await served.client.get("/my/erase")).text)
            done = await served.client.post("/my/erase", data=form, headers=SAME)
            assert "subscriber" in done.text, "the proof says what went"
        (kept,) = await store.documents(None, "subscriber")
        index = [doc for _, _, doc in await store.documents(None, "subscribers")]
        assert [one for one in index if one] == [{kept[1]: "push"}], "and nobody else's went"


async def test_what_is_history_or_a_neighbours_is_not_told(tmp_path: Path) -> None:
    async with PushService() as service, town(tmp_path) as served:
        await subscribe(served, service, "here", Browser())
        await observe(served, alert("大雨警報", 3, at=datetime.now(UTC) - timedelta(hours=4)))
        await observe(served, alert("大雨警報", 3) | {"id": "urn:ngsi-ld:Alert:17202:rain"})
        assert await announcement.every(served.kitamae.city.store) == []


async def test_alerts_are_told_from_the_level_that_was_asked_for_once_and_when_they_end(
    tmp_path: Path,
) -> None:
    two, four = Browser(), Browser()
    async with PushService() as service, town(tmp_path) as served:
        await subscribe(served, service, "two", two, alerts="2")
        await subscribe(served, service, "four", four, alerts="4")
        await observe(served, alert("大雨警報", 3), alert("雷注意報", 0, what="thunder"))
        await observe(served, alert("大雨警報", 3))
        (told,) = await done(served)
        assert [(item["name"], item["level"]) for item in told["items"]] == [("大雨警報", 3), ("雷注意報", 2)]
        assert service.times() == {"two": 1}
        await observe(served, alert("大雨特別警報", 5))
        await done(served, 2)
        assert got(service, four, "four")[0]["title"] == "加賀市：警戒レベル5の情報が出ました"
        await observe(served, alert("大雨特別警報", 5, "解除"))
        await done(served, 3)
        assert got(service, four, "four")[1]["title"] == "加賀市：災害の情報が終わりました"


async def test_a_browser_that_is_gone_is_removed_one_that_is_busy_is_tried_again_and_the_desk_counts_both(
    tmp_path: Path,
) -> None:
    async with PushService() as service, town(tmp_path) as served:
        for name, status in (("gone", 410), ("busy", 503), ("bad", 400), ("fine", 201)):
            service.answers[name] = status
            await subscribe(served, service, name, Browser())
        await ordered(served, **RIVER)
        (told,) = await done(served)
        assert told["counts"] == {"push": {"gone": 1, "again": 1, "refused": 1, "sent": 1}}
        room = served.kitamae.city._rooms.area_notices
        assert (await room.subscribers.counts())["push"] == 2, "what refuses the first message goes too"
        service.answers["busy"] = 201
        for doc in room.sender._waiting._known.values():
            doc["next"] = 0
        await room.sender._waiting.turn()
        (told,) = await done(served)
        assert told["counts"] == {"push": {"gone": 1, "refused": 1, "sent": 2}}
        assert service.times() == {"busy": 1, "fine": 1}
        service.answers["fine"] = 400
        await ordered(served, districts=TOWNS[:1], act="lift", text="危険がなくなりました。")
        assert (await done(served, 2))[0]["counts"] == {"push": {"refused": 1, "sent": 1}}
        assert (await room.subscribers.counts())["push"] == 2, "who was told once stays"


async def test_what_waited_is_not_told_any_more_once_a_later_order_stands_in_its_place(
    tmp_path: Path,
) -> None:
    one = Browser()
    async with PushService() as service, town(tmp_path) as served:
        await subscribe(served, service, "here", one)
        service.answers["here"] = 503
        await ordered(served, **RIVER)
        await ordered(served, **(RIVER | {"districts": TOWNS[:1], "level": "5"}))
        await done(served, 2)
        service.answers["here"] = 201
        await again(served)
        await again(served)
        said = {told["title"]: told["body"] for told in got(service, one, "here")}
        assert said == {
            "加賀市：緊急安全確保（警戒レベル5）が出ました": "命の危険があります。すぐに身を守ってください。地区：七日市町",
            "加賀市：避難指示（警戒レベル4）が出ました": "危険な場所から、全員避難してください。地区：三木町",
        }
        service.answers["here"] = 503
        await ordered(served, districts=TOWNS, act="lift", text="危険がなくなりました。")
        await ordered(served, **RIVER)
        await done(served, 4)
        service.answers["here"] = 201
        await again(served)
        assert [told["title"] for told in got(service, one, "here")[2:]] == [
            "加賀市：避難指示（警戒レベル4）が出ました"
        ]
        assert await served.kitamae.city.store.documents(None, "announcement-again") == []


async def again(served: Served) -> None:
    """What waits is tried now."""
    waiting = served.kitamae.city._rooms.area_notices.sender._waiting
    for doc in waiting._known.values():
        doc["next"] = 0
    await waiting.turn()


async def test_whom_line_took_in_one_call_it_is_asked_for_again_in_the_same_call_under_the_same_key(
    tmp_path: Path,
) -> None:
    async with Line() as line, town(tmp_path, line) as served:
        kept = served.kitamae.city._rooms.area_notices.subscribers
        users = ("U" + f"{n:032x}" for n in range(1 << 20))
        bucket = _bucket(kept.id("line", FIRST))
        second = next(one for one in users if _bucket(kept.id("line", one)) == bucket)
        await on_line(served, line)
        await on_line(served, line, second)
        line.lost = True
        await ordered(served, **RIVER)
        await done(served)
        line.lost = False
        served.client.cookies.clear()
        body, headers = telling.signed(telling.event("unfollow", FIRST))
        answer = await served.client.post("/line/webhook", content=body, headers=headers)
        assert answer.status_code == 200
        await again(served)
        (told,) = await done(served)
        assert [len(said["to"]) for what, said in line.said if what == "multicast"] == [2]
        assert told["counts"] == {"line": {"sent": 1, "gone": 1}}


async def test_who_leaves_is_told_nothing_more_and_nothing_of_him_is_kept(tmp_path: Path) -> None:
    async with PushService() as service, town(tmp_path) as served:
        await subscribe(served, service, "here", Browser(), area=TOWNS)
        stored = str(await served.kitamae.city.store.documents(None, "subscriber"))
        assert "127.0.0.1" not in stored
        assert "七日市" not in stored
        answer = await send(served, f"{HERE}/leave", endpoint=service.address("here"))
        assert answer.headers.get("location") == f"{HERE}?done=left"
        assert await served.kitamae.city.store.documents(None, "subscriber") == []
        await ordered(served, **RIVER)
        await done(served)
        assert service.taken == []


@pytest.mark.parametrize("id", ["0", "x" * 32, "%00" * 32, "g" * 4000])
async def test_a_link_to_leave_that_nobody_was_sent_leads_nowhere(tmp_path: Path, id: str) -> None:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        assert "もう登録されていません" in (await served.client.get(f"{HERE}/leave/{id}")).text
        assert (await served.client.post(f"{HERE}/leave/{id}")).headers["location"] == HERE


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "https://192.168.0.1/x"}, {"endpoint": "http://10.0.0.1/x"}, {"endpoint": ""}, {"p256dh": "x"}, {"orders": "7"}, {"area": "nowhere"},
        {"orders": "0", "alerts": "0", "shelters": ""}, {"by": "pigeon"}, {"by": "mail"}, {"by": "line", "line": "forged"}, {"area": [f"{n:03}" for n in range(1, 60)]},
    ],
)  # fmt: skip
async def test_what_nobody_can_be_told_by_is_refused_on_the_page(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    async with PushService() as service, town(tmp_path) as served:
        given = {"by": "push", "endpoint": service.address("x"), **Browser().keys, **ALL} | wrong
        answer = await send(served, **given)
        assert answer.status_code == 400
        assert "登録できませんでした" in answer.text
        assert await served.kitamae.city.store.documents(None, "subscriber") == []
