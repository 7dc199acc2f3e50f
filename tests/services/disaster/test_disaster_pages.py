"""`/disaster` and CAP out, over a city in this process: what is in force first, in every language; silence is not safety."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import html5lib
import pytest
from bulletins import jma
from lxml import etree

from bare_kaga import bare
from kitamae.sdk.city import City
from kitamae.services.disaster import ingest, logic
from kitamae.services.disaster.alerts import cap
from kitamae.services.disaster.alerts.jma import read
from serving import Served, serving

KAGA = Path(__file__).resolve().parents[3] / "cities" / "kaga"
RAIN = "urn:ngsi-ld:Alert:17206:rain"


def ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="seconds")


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path, city=KAGA, open=True) as served:
        await served.loaded()
        yield served


async def hear(town: Served, *messages: bytes) -> None:
    present: dict[str, Any] = {
        one["id"]: one for one in (await town.client.get("/ngsi-ld/v1/entities?type=Alert&limit=1000")).json()
    }
    for news in ingest.changes([read(one) for one in messages], City.read(KAGA), present):
        answer = await town.client.post("/ngsi-ld/v1/entityOperations/upsert?options=update", json=news)
        assert answer.status_code in (201, 204), answer.text


async def page(town: Served, lang: str = "ja") -> str:
    answer = await town.client.get(f"/disaster?lang={lang}")
    assert answer.status_code == 200, answer.text
    html5lib.HTMLParser(strict=True).parse(answer.text)
    return answer.text


async def test_without_any_message_it_never_says_safe(town: Served) -> None:
    shown = await page(town)
    assert "届いていません" in shown
    assert "安全ということではありません" in shown
    assert (await town.client.get("/disaster/cap/rain.xml")).status_code == 404


@pytest.mark.parametrize(
    ("lang", "level", "do"),
    [
        ("ja", "警戒レベル4", "全員避難してください"),
        ("ja_Hira", "けいかい レベル4", "みんな にげてください"),
        ("en", "Alert level 4", "evacuate"),
        ("zh", "警戒级别4", "请全部避难"),
        ("ko", "경계 레벨 4", "모두 대피하십시오"),
    ],
)
async def test_the_highest_level_leads_with_what_to_do_in_every_language(
    town: Served, lang: str, level: str, do: str
) -> None:
    await hear(
        town, jma(("レベル４大雨危険警報", "43", "発表"), ("雷注意報", "14", "発表"), at=ago(1)),
    )  # fmt: skip
    shown = await page(town, lang)
    assert level in shown
    assert do in shown
    assert shown.index("レベル４大雨危険警報") < shown.index("雷注意報")


async def test_what_was_lifted_is_said_for_a_day_and_no_longer_leads(town: Served) -> None:
    await hear(town, jma(("大雨警報", "03", "発表"), at=ago(3)), jma(("大雨警報", "03", "解除"), at=ago(1)))
    shown = await page(town)
    assert "この1日に終わった情報" in shown
    assert "終わりました" in shown
    assert "警戒レベル3の情報が出ています" not in shown


async def test_its_history_tells_when_it_began_rose_and_ended(town: Served) -> None:
    steps = ((4, "大雨注意報", "発表"), (3, "大雨警報", "発表"), (1, "大雨警報", "解除"))
    await hear(town, *(jma((kind, "", state), at=ago(hours)) for hours, kind, state in steps))
    told = (await town.client.get(f"/ngsi-ld/v1/temporal/entities/{RAIN}?options=temporalValues")).json()
    assert [value for value, _ in told["状態"]["values"]] == ["発表中", "発表中", "解除"]
    assert [value for value, _ in told["警戒レベル"]["values"]] == [2, 3]


async def test_it_is_given_as_cap_that_the_oasis_schema_takes(town: Served, shared: Path) -> None:
    schema = etree.XMLSchema(etree.parse(shared / "data" / "vectors" / "cap" / "CAP-v1.2.xsd"))
    await hear(town, jma(("大雨警報", "03", "発表"), at=ago(2), until=ago(-24)))
    begun = await town.client.get("/disaster/cap/rain.xml")
    await hear(town, jma(("大雨警報", "03", "解除"), at=ago(1)))
    over = await town.client.get("/disaster/cap/rain.xml")
    for answer in (begun, over):
        assert answer.headers["content-type"] == "application/cap+xml"
        schema.assertValid(etree.fromstring(answer.content))
    message = cap.read(begun.content)
    assert (message.status, message.action, message.level) == ("actual", "issue", 3)
    assert message.in_force[0].area.code == "172065"
    ended = cap.read(over.content)
    assert (ended.action, ended.series) == ("cancellation", message.serial), (
        "it names the message that it ends"
    )
    assert etree.fromstring(over.content).findtext("{*}references") == ",".join(
        (message.office, message.serial, str(etree.fromstring(begun.content).findtext("{*}sent")))
    )


async def test_cap_tells_the_course_of_an_event_each_message_with_those_before_it(
    town: Served, shared: Path
) -> None:
    schema = etree.XMLSchema(etree.parse(shared / "data" / "vectors" / "cap" / "CAP-v1.2.xsd"))
    steps = [
        (6, "大雨注意報", "発表", "Alert"), (5, "大雨警報", "発表", "Update"), (4, "大雨特別警報", "発表", "Update"),
        (3, "大雨警報", "解除", "Cancel"), (2, "大雨警報", "発表", "Alert"),
    ]  # fmt: skip
    told: list[str] = []
    for hours, kind, state, type in steps:
        await hear(town, jma((kind, "", state), at=ago(hours)))
        answer = await town.client.get("/disaster/cap/rain.xml")
        root = etree.fromstring(answer.content)
        schema.assertValid(root)
        assert (root.findtext("{*}msgType"), root.findtext("{*}status")) == (type, "Actual")
        if type == "Alert":
            told = []
        assert (root.findtext("{*}references") or "").split() == told
        told.append(",".join(str(root.findtext(f"{{*}}{one}")) for one in ("sender", "identifier", "sent")))
    await hear(town, jma(info="取消", at=ago(1)))
    root = etree.fromstring((await town.client.get("/disaster/cap/rain.xml")).content)
    schema.assertValid(root)
    assert (root.findtext("{*}msgType"), root.findtext("{*}note")) == ("Cancel", "取消")
    assert cap.read(etree.tostring(root)).refers == (told[0].split(",")[1],)


async def test_a_demonstration_says_that_nobody_is_to_act_on_what_it_says(tmp_path: Path) -> None:
    async with serving(
        tmp_path / "data", city=bare(tmp_path / "city"), open=True, demo_residents=True
    ) as served:
        await hear(served, jma(("大雨警報", "03", "発表"), at=ago(1)))
        message = cap.read((await served.client.get("/disaster/cap/rain.xml")).content)
        assert (message.status, message.action) == ("test", "issue")


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"状態": {"value": 3}},
        {"状態": {"value": "発表中", "observedAt": "きのう"}},
        {"状態": {"value": "発表中"}},
    ],
)
def test_an_entity_that_says_no_state_or_no_time_is_in_force_for_nobody_said_that_it_ended(
    broken: dict[str, Any],
) -> None:
    force, ended = logic.now([{"id": RAIN, "type": "Alert", **broken}], datetime.now(UTC))
    assert [(one.phenomenon, one.in_force) for one in force] == [("rain", True)]
    assert ended == []


def test_what_has_an_end_is_over_after_it_and_an_event_after_a_day() -> None:
    now = datetime(2026, 8, 2, tzinfo=UTC)

    def entity(what: str, hours: int, until: str = "") -> dict[str, Any]:
        at = (now - timedelta(hours=hours)).isoformat()
        return {
            "id": f"urn:ngsi-ld:Alert:17206:{what}",
            "状態": {"value": "発表中", "observedAt": at},
            "有効期限": {"value": until},
            "警戒レベル": {"value": 9},
        }

    force, ended = logic.now(
        [
            entity("tornado", 2, "2026-08-01T23:00:00Z"),
            entity("fog", 100),
            entity("earthquake", 30),
            entity("eruption", 3),
        ],
        now,
    )
    assert [one.phenomenon for one in force] == ["eruption", "fog"]
    assert [one.phenomenon for one in ended] == ["tornado"]
    assert {one.level for one in force} == {None}, "9 is no level"


async def test_a_second_instance_of_its_state_neither_changes_an_alert_nor_stops_the_page(
    town: Served,
) -> None:
    await hear(town, jma(("大雨警報", "03", "発表"), at=ago(2)))
    other = {
        "type": "Property",
        "value": "解除",
        "observedAt": ago(1).replace("+00:00", "Z"),
        "datasetId": "urn:ngsi-ld:of:somebody",
    }
    answer = await town.client.post(f"/ngsi-ld/v1/entities/{RAIN}/attrs", json={"状態": other})
    assert answer.status_code in (204, 207), answer.text
    assert "大雨警報" in await page(town)
    await hear(town, jma(("大雨特別警報", "33", "発表"), at=ago(0.5)))
    assert "大雨特別警報" in await page(town)
