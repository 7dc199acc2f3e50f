"""`/congestion` and its desk: what is known is said, what is small is not, what is not known is never taken for empty."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import html5lib
import pytest
from counting_city import (
    DESK,
    HALL,
    TOKYO,
    fill,
    judged,
    keeper,
    remember,
    send,
    staff,
    told,
)

from bare_kaga import bare
from serving import SAME, Served, serving
from signing_in import fields, outside

LANGUAGES = ("ja", "ja_Hira", "en", "zh", "ko")


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        await served.loaded()
        yield served


async def page(served: Served, path: str = "/congestion", lang: str = "ja") -> str:
    answer = await outside(served, "GET", f"{path}?lang={lang}")
    assert answer.status_code == 200, answer.text
    html5lib.HTMLParser(strict=True).parse(answer.text)
    return str(answer.text)


def ago(minutes: int) -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=minutes)


async def test_a_city_that_counts_nowhere_says_so(town: Served) -> None:
    assert "人数を数えている施設は、まだありません" in await page(town)
    missing = await outside(town, "GET", "/congestion/hall")
    assert missing.status_code == 404


async def test_what_a_counter_sends_is_shown_with_its_time_in_every_language(town: Served) -> None:
    await send(town, 42, ago(5), 名称="市民会館")
    await judged(town, "正常")
    assert "42人" in await page(town)
    for lang in LANGUAGES:
        for path in ("/congestion", "/congestion/hall"):
            assert "42" in await page(town, path, lang)
    assert (await told(town))["人数_公開"] == 42
    assert "見通しはまだありません" in await page(town, "/congestion/hall")


async def test_a_small_number_is_said_at_no_door_to_everybody(town: Served) -> None:
    await send(town, 42, ago(20), 名称="市民会館")
    await judged(town, "正常")
    await send(town, 7, ago(5))
    await judged(town, "少数")
    assert "10人未満" in await page(town)
    assert "10人未満" in await page(town, "/congestion/hall")
    name = quote("人数")
    for door in (
        f"/ngsi-ld/v1/entities/{HALL}", f"/ngsi-ld/v1/temporal/entities/{HALL}?options=temporalValues", f"/v2/entities/{HALL}",
        f"/entity/{HALL}", "/ngsi-ld/v1/entities?type=CrowdFlowObserved&options=keyValues",
    ):  # fmt: skip
        answer = await outside(town, "GET", door)
        assert answer.status_code == 200, (door, answer.text[:200])
        assert '"人数"' not in answer.text, door
    asked = await outside(town, "GET", f"/ngsi-ld/v1/entities?type=CrowdFlowObserved&q={name}==7")
    assert asked.status_code == 403
    shown = await told(town)
    assert shown["人数_公開"] == 42, "the last one that may be said, with its own time"


async def test_an_outlook_of_small_numbers_says_them_at_no_door(town: Served) -> None:
    until = await remember(town, 70, 3)
    await send(town, 3, until, 名称="市民会館", 計測間隔=60)
    await judged(town, "少数")
    for _ in range(200):
        if "混雑の見通し" in await told(town):
            break
        await send(town, 3, until)
    for door in (
        f"/ngsi-ld/v1/entities/{HALL}", f"/ngsi-ld/v1/temporal/entities/{HALL}?options=temporalValues", f"/v2/entities/{HALL}",
        f"/entity/{HALL}", "/ngsi-ld/v1/entities?type=CrowdFlowObserved&options=keyValues",
    ):  # fmt: skip
        text = (await outside(town, "GET", door)).text.replace("&lt;", "<").replace("&#34;", '"')
        assert "usual" in text, door
        assert not re.search(r'"?(usual|low|middle|high)"?\W{1,4}[0-9]', text.replace('"<10"', '"few"')), door
    assert "3人" not in (await page(town, "/congestion/hall"))


@pytest.mark.parametrize("people", [10_000_000, -3, 1.5])
async def test_a_count_that_cannot_be_is_marked_and_nobody_is_told_it(town: Served, people: float) -> None:
    await send(town, 42, ago(20), 名称="市民会館")
    await judged(town, "正常")
    await send(town, people, ago(5))
    await judged(town, "範囲外")
    text = await page(town)
    assert "いまの人数は分かりません" in text
    assert "ありえない数が届きました" in text
    assert str(people) not in await page(town, "/congestion/hall")


async def test_a_count_that_is_old_says_nothing_of_now(town: Served) -> None:
    await send(town, 42, ago(200), 名称="市民会館")
    await judged(town, "正常")
    text = await page(town)
    assert "いまの人数は分かりません" in text
    assert "空いているとは限りません" in text


async def test_ten_weeks_of_counts_tell_what_is_usual_and_what_to_expect(town: Served) -> None:
    until = await remember(town, 70, 40)
    await send(town, 80, until, 名称="市民会館", 計測間隔=60)
    await judged(town, "正常")
    for _ in range(200):
        if "混雑の見通し" in await told(town):
            break
        await send(town, 80, until)
    text = await page(town)
    assert "ふだんより多い" in text
    assert "この時間の、ふだんの人数：40人" in text.replace("\n", "")
    assert "これからの見通し" in text
    one = await page(town, "/congestion/hall")
    assert one.count("時台</th>") > 20
    drawn = await outside(town, "GET", "/congestion/hall/chart.svg")
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    tomorrow = (until + timedelta(days=1)).date().isoformat()
    assert f"day={tomorrow}" in one
    assert (await outside(town, "GET", f"/congestion/hall?day={tomorrow}")).status_code == 200
    assert (await outside(town, "GET", "/congestion/hall?day=x")).status_code == 200


async def test_zeros_where_people_usually_are_are_said_to_be_not_known(town: Served) -> None:
    until = await remember(town, 21, 60)
    await send(town, 0, until, 名称="市民会館", 計測間隔=60)
    await judged(town, "欠測")
    text = await page(town)
    assert "いまの人数は分かりません" in text
    assert "10人未満" not in text.partition("この数について")[0]
    assert "測れていません" in await page(town, "/congestion/hall")


async def test_staff_add_a_place_count_take_back_and_are_refused_what_cannot_be(town: Served) -> None:
    await staff(town)
    hours = {"利用可能曜日": "毎日", "開始時間": "00:00", "終了時間": "23:59"}
    made = await fill(town, DESK, 名称="図書館", position="136.31,36.30", **hours)
    assert made.status_code == 303
    address = made.headers["location"].partition("?")[0]
    id = address.rpartition("/")[2]
    assert (await fill(town, address, "count", 人数="64")).headers["location"].endswith("?done=new")
    await judged(town, "正常", id)
    text = await page(town)
    assert "64人" in text
    assert "00:00から23:59まで" in text
    for wrong in ("10000000", "-1", "x", "1.5", ""):
        refused = await fill(town, address, "count", 人数=wrong)
        assert refused.status_code == 400, wrong
        assert "受け付けませんでした" in refused.text
    assert (await fill(town, address, "undo")).headers["location"].endswith("?done=undone")
    await judged(town, "取消", id)
    assert "報告が取り消されました" in await page(town)
    assert "64人" not in await page(town, f"/congestion/{id.rpartition(':')[2]}")
    assert (await fill(town, address, "describe", 利用可能曜日="第3月")).status_code == 400
    twice = await fill(town, DESK, 名称="図書館")
    assert twice.headers["location"] == address


async def test_of_two_who_count_at_once_the_second_is_shown_the_first(town: Served) -> None:
    await staff(town)
    address = (await fill(town, DESK, 名称="図書館")).headers["location"].partition("?")[0]
    page_ = await town.client.get(address)
    assert (await fill(town, address, "count", 人数="20")).status_code == 303
    form = next(fields(one) for one in page_.text.split("<form")[1:] if 'name="act" value="count"' in one)
    second = await town.client.post(address, data={**form, "人数": "33"}, headers=SAME)
    assert second.status_code == 409
    assert "ほかの人が報告しました" in second.text


async def test_a_keeper_counts_through_a_link_within_its_bounds(town: Served) -> None:
    await send(town, 42, ago(30), 名称="市民会館")
    link = await keeper(town)
    update = {"id": "phone-0001", "values": {"人数": 55}}
    sent = await outside(town, "POST", link + "/updates", json={"updates": [update]})
    assert sent.json()["answers"][0]["status"] == 200
    update = {"id": "phone-0002", "values": {"人数": 10_000_000}}
    sent = await outside(town, "POST", link + "/updates", json={"updates": [update]})
    assert sent.json()["answers"][0]["status"] == 400
    await judged(town, "正常", people=55)
    assert "55人" in await page(town)


async def test_the_hours_of_the_facility_in_which_it_counts_are_its_own(town: Served) -> None:
    made, _ = await town.kitamae.city.people.tokens.issue("load", ["write:PublicFacility"])
    closed = (datetime.now(TOKYO) + timedelta(days=1)).weekday()
    facility = {
        "id": "urn:ngsi-ld:PublicFacility:172065:1", "type": "PublicFacility",
        "名称": {"type": "Property", "value": "体育館"},
        **{name: {"type": "Property", "value": value} for name, value in (
            ("利用可能曜日", "月火水木金土日"[closed]), ("開始時間", "09:00"), ("終了時間", "17:00"),
        )},
    }  # fmt: skip
    sent = await outside(
        town, "POST", "/ngsi-ld/v1/entities", json=facility, headers={"Authorization": f"Bearer {made}"}
    )
    assert sent.status_code == 201, sent.text
    await send(town, 42, ago(5), 名称="体育館の計測機器", 施設=facility["id"])
    await judged(town, "正常")
    text = await page(town)
    assert "いまは閉まっています" in text
    assert "09:00から17:00まで" in text
