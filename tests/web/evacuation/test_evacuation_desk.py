"""`/staff/evacuation`: nothing is ordered by one person, what two order leads /disaster at once, and a rehearsal stays one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import html5lib
import pytest
from lxml import etree

import staffing
from bare_kaga import bare
from kitamae.services.disaster.alerts import cap
from serving import SAME, Served, serving
from signing_in import fields, outside

LED = "市が出している避難情報</h2>"
DESK = "/staff/evacuation"
REHEARSAL = DESK + "/rehearsal"
RIVER = {"act": "issue", "level": "4", "hazard": "洪水", "text": "川の水があふれるおそれがあります。"}
TOWNS = ["003", "004"]  # 七日市町, 三木町


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city", "towns")) as served:
        await served.loaded()
        yield served


async def colleague(town: Served, *duties: str, assurance: int = 2) -> str:
    await town.kitamae.city.people.staff()
    ref = await town.kitamae.city.people.staff(another=True)
    if duties:
        await staffing.give(town, ref, *duties)
    await staffing.enter(town, ref, assurance)
    return ref


async def page(town: Served, path: str = "/disaster", lang: str = "ja") -> str:
    answer = await town.client.get(path, params={"lang": lang})
    assert answer.status_code == 200, answer.text
    html5lib.HTMLParser(strict=True).parse(answer.text)
    return answer.text


async def propose(town: Served, desk: str = DESK, districts: list[str] = TOWNS, **sent: str) -> Any:
    csrf = fields(await page(town, desk))["csrf"]
    return await town.client.post(
        desk, data={"csrf": csrf, "district": districts, **sent}, headers=SAME, follow_redirects=False
    )


async def say(town: Served, address: str, word: str, **more: str) -> Any:
    form = re.search(rf'(?s)<form[^>]*action="{address}/{word}".*?</form>', await page(town, address))
    sent = fields(form[0]) if form else {"csrf": fields(await page(town, DESK))["csrf"], "digest": "x"}
    return await town.client.post(f"{address}/{word}", data=sent | more, headers=SAME)


async def ordered(town: Served, desk: str = DESK, districts: list[str] = TOWNS, **sent: str) -> str:
    """By two; the proposal's address."""
    await colleague(town, "disaster")
    answer = await propose(town, desk, districts, **sent)
    assert answer.status_code == 303, answer.text
    address = str(answer.headers["location"]).partition("?")[0]
    await colleague(town, "disaster")
    decided = await say(town, address, "approve")
    assert decided.status_code == 303, decided.text
    return address


async def test_nobody_orders_alone_and_nobody_without_the_duty_or_a_passkey_is_the_second(
    town: Served,
) -> None:
    await colleague(town)
    assert (await town.client.get(DESK)).status_code == 403
    await colleague(town, "disaster")
    answer = await propose(town, **RIVER)
    assert answer.status_code == 303
    address = answer.headers["location"].partition("?")[0]
    assert (await say(town, address, "approve")).status_code == 403
    assert LED not in await page(town)
    await colleague(town, "disaster", assurance=1)
    assert (await say(town, address, "approve", digest="x")).status_code == 403
    await colleague(town, "counter")
    assert (await town.client.get(address)).status_code == 403
    assert LED not in await page(town)


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("ja", "避難指示 警戒レベル4"),
        ("ja_Hira", "ひなんしじ けいかい レベル4"),
        ("en", "Evacuation Instruction Alert level 4"),
        ("zh", "避难指示 警戒级别4"),
        ("ko", "피난 지시 경계 레벨 4"),
    ],
)
async def test_what_two_ordered_leads_the_page_in_every_language(town: Served, lang: str, said: str) -> None:
    await ordered(town, **RIVER)
    shown = await page(town, lang=lang)
    assert said in shown
    assert lang != "ja" or LED in shown
    assert "七日市町、三木町" in shown
    assert RIVER["text"] in shown


async def test_it_is_widened_raised_lifted_and_withdrawn_and_history_tells_the_course(town: Served) -> None:
    await ordered(town, **RIVER)
    await ordered(town, districts=["001"], **RIVER)
    assert "一白町一丁目、七日市町、三木町" in await page(town)
    await ordered(town, districts=["004"], **{**RIVER, "level": "5"})
    shown = await page(town)
    assert shown.index("緊急安全確保 警戒レベル5") < shown.index("避難指示 警戒レベル4")
    assert "一白町一丁目、七日市町</p>" in shown
    await ordered(town, districts=["003", "001"], act="lift", text="水位が下がりました。")
    await ordered(town, districts=["004"], act="withdraw", text="地区をまちがえました。")
    shown = await page(town)
    assert LED not in shown
    assert "終わりました" in shown
    assert "取り消されました" in shown
    address = (
        "/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:EvacuationOrder:17206:evacuation-4?options=temporalValues"
    )
    told = (await town.client.get(address)).json()
    assert [value for value, _ in told["状態"]["values"]] == ["発表中"] * 3 + ["解除"]
    assert [value.count("、") + 1 for value, _ in told["対象地域"]["values"]] == [2, 3, 2]


async def test_its_words_are_corrected_and_the_same_twice_is_refused(town: Served) -> None:
    await ordered(town, **RIVER)
    await colleague(town, "disaster")
    answer = await propose(town, **RIVER)
    assert (answer.status_code, "もうそのとおりに発令中です" in answer.text) == (409, True)
    await ordered(town, **{**RIVER, "text": "右岸の人は避難してください。"})
    shown = await page(town)
    assert "右岸の人は避難してください。" in shown
    assert RIVER["text"] not in shown


async def test_it_is_given_as_cap_that_the_oasis_schema_takes(town: Served, shared: Path) -> None:
    schema = etree.XMLSchema(etree.parse(shared / "data" / "vectors" / "cap" / "CAP-v1.2.xsd"))
    await ordered(town, **RIVER)
    begun = (await town.client.get("/disaster/cap/evacuation-4.xml")).content
    await ordered(town, act="lift", text="水位が下がりました。")
    over = (await town.client.get("/disaster/cap/evacuation-4.xml")).content
    for message in (begun, over):
        schema.assertValid(etree.fromstring(message))
    read = cap.read(begun)
    assert (read.status, read.action, read.level, read.statements[0].area.name) == (
        "actual",
        "issue",
        4,
        "七日市町、三木町",
    )
    assert cap.read(over).action == "cancellation"
    assert (await town.client.get("/disaster/cap/evacuation-3.xml")).status_code == 404


async def test_a_rehearsal_is_seen_at_its_desk_and_nowhere_else(town: Served) -> None:
    leaves = len(await town.kitamae.city.store.leaves(0, 100_000))
    await ordered(town, REHEARSAL, **RIVER)
    assert RIVER["text"] in await page(town, REHEARSAL)
    assert "訓練です" in await page(town, REHEARSAL)
    assert RIVER["text"] not in await page(town, DESK)
    assert "避難指示 警戒レベル4" not in await page(town)
    assert (await town.client.get("/disaster/cap/evacuation-4.xml")).status_code == 404
    assert (await town.client.get("/ngsi-ld/v1/entities?type=EvacuationOrder")).json() == []
    entries = [one.data for one in await town.kitamae.city.store.leaves(0, 100_000)][leaves:]
    assert not [one for one in entries if b'"evacuation' in one]
    told = (await town.client.get(f"{DESK}/orders/rehearsal/{datetime.now(UTC):%Y}-0001.json")).json()
    assert told["運用種別"] == "訓練"
    assert (await town.client.get(f"{DESK}/orders/live/{datetime.now(UTC):%Y}-0001.json")).status_code == 404


async def test_the_items_for_l_alert_say_what_was_ordered_and_guess_nothing(town: Served) -> None:
    await ordered(town, **RIVER)
    year = (await page(town, DESK)).partition("/orders/live/")[2][:9]
    told = (await town.client.get(f"{DESK}/orders/live/{year}.json")).json()
    assert (told["運用種別"], told["更新種別"], told["避難情報の区分"], told["警戒レベル"], told["発表団体コード"]) == (
        "通常", "発令", "避難指示", 4, "172065",
    )  # fmt: skip
    assert [one["地区名"] for one in told["対象地区"]] == ["七日市町", "三木町"]
    assert {one["対象世帯数"] for one in told["対象地区"]} == {None}


async def test_the_ledger_says_that_it_was_ordered(town: Served) -> None:
    await ordered(town, **RIVER)
    entries = [one.data for one in await town.kitamae.city.store.leaves(0, 100_000)]
    assert len([one for one in entries if b'"register":"evacuation"' in one]) == 1


async def test_what_changed_since_it_was_shown_is_not_approved(town: Served) -> None:
    await colleague(town, "disaster")
    first = (await propose(town, **RIVER)).headers["location"].partition("?")[0]
    other = (await propose(town, **{**RIVER, "level": "3"})).headers["location"].partition("?")[0]
    await colleague(town, "disaster")
    form = re.search(rf'(?s)<form[^>]*action="{first}/approve".*?</form>', await page(town, first))
    assert form
    digest = fields(form[0])["digest"]
    assert (await say(town, other, "approve")).status_code == 303
    assert (await say(town, first, "approve", digest=digest)).status_code == 409
    assert "避難指示 警戒レベル4" not in await page(town)
    assert (await say(town, first, "approve")).status_code == 303, "looked at again"
    assert "避難指示 警戒レベル4" in await page(town)


@pytest.mark.parametrize(
    ("sent", "districts", "why"),
    [
        (RIVER, [], "地区を選んでください。"),
        (RIVER, ["999"], "地区を選んでください。"),
        ({**RIVER, "level": "2"}, TOWNS, "種類と災害を選んでください。"),
        ({**RIVER, "hazard": "x"}, TOWNS, "種類と災害を選んでください。"),
        ({"act": "lift", "text": ""}, TOWNS, "わけを書いてください。"),
        ({"act": "lift", "text": "水が引いた"}, TOWNS, "発令中でないところがあります。"),
        ({**RIVER, "text": "個人番号 123456789018"}, TOWNS, "できませんでした"),
        ({**RIVER, "act": "x"}, TOWNS, "できませんでした"),
    ],
)
async def test_what_is_wrong_is_refused_and_what_was_typed_stays(
    town: Served, sent: dict[str, str], districts: list[str], why: str
) -> None:
    await colleague(town, "disaster")
    answer = await propose(town, districts=districts, **sent)
    assert answer.status_code in (400, 409, 422), answer.text
    assert why in answer.text
    assert sent["text"] in answer.text
    assert "案はありません。" in await page(town, DESK)


async def test_whoever_proposed_takes_it_back_and_a_second_one_refuses_with_a_reason(town: Served) -> None:
    await colleague(town, "disaster")
    first = (await propose(town, **RIVER)).headers["location"].partition("?")[0]
    other = (await propose(town, **RIVER)).headers["location"].partition("?")[0]
    assert (await say(town, first, "withdraw")).status_code == 303
    await colleague(town, "disaster")
    assert (await say(town, first, "approve", digest="x")).status_code == 409
    assert (await say(town, other, "refuse", why="地区がちがいます")).status_code == 303
    assert "地区がちがいます" in await page(town, other)
    assert LED not in await page(town)


def forged(level: int, type_: str = "Alert", **more: Any) -> dict[str, Any]:
    at = "2099-11-21T00:00:00Z"
    said = {"状態": "発表中", "警戒レベル": level, "名称": "緊急安全確保"}
    entity = {"id": f"urn:ngsi-ld:EvacuationOrder:17206:evacuation-{level}", "type": type_, **more}
    return entity | {name: {"type": "Property", "value": one, "observedAt": at} for name, one in said.items()}


async def sent_in(town: Served, entity: dict[str, Any], method: str = "POST", path: str = "") -> Any:
    """By a program whose token is for alerts."""
    token, _ = await town.kitamae.city.people.tokens.issue("alerts", ["write:Alert", "write:EvacuationOrder"])
    return await outside(
        town, method, f"/ngsi-ld/v1/{path or 'entities'}", json=entity, headers={"Authorization": f"Bearer {token}"}
    )  # fmt: skip


@pytest.mark.parametrize("type_", ["EvacuationOrder", "Alert", ["Alert", "EvacuationOrder"]])
async def test_nobody_writes_an_order_past_the_desk(town: Served, type_: Any) -> None:
    """Neither staff nor a program, and no alert is called like one."""
    await colleague(town, "disaster")
    entity = forged(5, type_)
    answer = await town.client.post("/ngsi-ld/v1/entities", json=entity, headers=SAME)
    assert answer.status_code == 403, answer.text
    assert (await sent_in(town, entity)).status_code == 403
    assert (await sent_in(town, entity, path="temporal/entities")).status_code == 403
    assert (await town.client.get("/disaster/cap/evacuation-5.xml")).status_code == 404
    assert "緊急安全確保 警戒レベル5" not in await page(town)
    assert (
        await sent_in(town, entity | {"id": "urn:ngsi-ld:Alert:17206:x"}, path="entities")
    ).status_code == (201 if type_ == "Alert" else 403)


async def test_what_was_forged_before_that_was_refused_is_no_order_and_hides_none(town: Served) -> None:
    policy = town.kitamae.city.policy
    now = policy.facts
    policy.change(facts=replace(now, register_ids=()))
    for level in (4, 5):
        assert (await sent_in(town, forged(level))).status_code == 201
    policy.change(facts=now)
    assert (await town.client.get("/disaster/cap/evacuation-4.xml")).status_code == 404
    await ordered(town, **RIVER)
    assert "避難指示 警戒レベル4" in await page(town)
    assert (await town.client.get("/disaster/cap/evacuation-4.xml")).status_code == 200
    there = f"entities/{forged(5)['id']}"
    assert (await sent_in(town, forged(5), "PATCH", f"{there}/attrs")).status_code == 403
    assert (await sent_in(town, {}, "DELETE", there)).status_code == 204, "it can be taken away"
    assert (await sent_in(town, {}, "DELETE", f"entities/{forged(4)['id']}")).status_code == 403


async def test_a_warning_that_is_higher_than_what_is_ordered_says_what_to_do_first(town: Served) -> None:
    await ordered(town, **{**RIVER, "level": "3"})
    shown = await page(town)
    assert "警戒レベル3の情報が出ています" not in shown
    rain = forged(5, id="urn:ngsi-ld:Alert:17206:rain")
    assert (await sent_in(town, rain)).status_code == 201
    shown = await page(town)
    assert shown.index("警戒レベル5の情報が出ています") < shown.index("高齢者等避難")
