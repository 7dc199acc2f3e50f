"""Of messages, what concerns the city: begun, risen, lifted, withdrawn, corrected, rehearsed, late."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from bulletins import ELSEWHERE, PREFECTURE, SOUTH, cap, jma
from hypothesis import given
from hypothesis import strategies as st

from kitamae.sdk.city import AlertArea
from kitamae.sdk.xml import BadMessageError
from kitamae.services.disaster import ingest, logic
from kitamae.services.disaster.alerts import cap as cap_format
from kitamae.services.disaster.alerts import jma as jma_format
from kitamae.services.disaster.alerts.jma import FORECAST_AREAS, MUNICIPALITIES, TSUNAMI_AREAS
from kitamae.services.disaster.alerts.message import Message

RAIN, FLOOD = "urn:ngsi-ld:Alert:17206:rain", "urn:ngsi-ld:Alert:17206:flood"


class Kaga:
    code5 = "17206"
    cap_senders = ("water.example",)
    alerts = (
        AlertArea(of=MUNICIPALITIES, code="1720600", name="加賀市"),
        AlertArea(of=FORECAST_AREAS, code="170012", name="加賀南部"),
        AlertArea(of=FORECAST_AREAS, code="170000", name="石川県"),
        AlertArea(of=TSUNAMI_AREAS, code="361", name="石川県加賀"),
    )


def after(*messages: bytes, present: dict[str, Any] | None = None) -> dict[str, Any]:
    return folded([jma_format.read(one) for one in messages], present)


def folded(messages: list[Message], present: dict[str, Any] | None = None) -> dict[str, Any]:
    """What changed, as it is at the end."""
    now: dict[str, Any] = {}
    for step in ingest.changes(messages, Kaga(), present or {}):  # type: ignore[arg-type]
        for entity in step:
            now[entity["id"]] = {
                **(present or {}).get(entity["id"], {}),
                **now.get(entity["id"], {}),
                **entity,
            }
    return now


def said(entities: dict[str, Any], id: str = RAIN) -> tuple[Any, ...]:
    one = entities[id]
    return one["名称"]["value"], one["警戒レベル"]["value"], one["状態"]["value"], one["状態"]["observedAt"]


def rain(hour: int, *kinds: tuple[str, str, str], **more: Any) -> bytes:
    return jma(*(kinds or (("大雨警報", "03", "発表"),)), at=f"2026-08-01T{hour:02}:00:00+09:00", **more)


def test_a_warning_of_the_city_becomes_an_alert_with_its_level_and_the_time_of_the_message() -> None:
    now = after(rain(9))
    assert list(now) == [RAIN]
    assert said(now) == ("大雨警報", 3, "発表中", "2026-08-01T00:00:00Z")
    assert (now[RAIN]["対象地域"]["value"], now[RAIN]["発表者"]["value"]) == ("加賀市", "金沢地方気象台")


def test_it_rises_in_either_scheme_and_ends_when_the_message_says_so_or_names_it_no_more() -> None:
    new = rain(10, ("レベル４大雨危険警報", "43", "発表"), title="気象警報・注意報（Ｒ０６）（大雨）")
    assert said(after(rain(9), new)) == ("レベル４大雨危険警報", 4, "発表中", "2026-08-01T01:00:00Z")
    assert said(after(rain(9), rain(10, ("大雨警報", "03", "解除"))))[2] == "解除"
    assert said(after(rain(9), rain(10, ("洪水警報", "04", "発表"))))[2] == "解除"
    assert said(after(rain(9), jma(at="2026-08-01T10:00:00+09:00")))[2] == "解除"


def test_a_message_of_one_phenomenon_of_the_scheme_of_2026_lifts_only_its_own() -> None:
    rains = rain(9, ("レベル３大雨警報", "03", "発表"), title="気象警報・注意報（Ｒ０６）（大雨）")
    storm = rain(10, ("暴風警報", "05", "発表"), title="気象警報・注意報（Ｒ０６）（暴風）")
    assert said(after(rains, storm))[2] == "発表中"


def test_the_smallest_area_counts_and_elsewhere_changes_nothing() -> None:
    assert after(rain(9, area=ELSEWHERE)) == {}
    assert after(rain(9, area=SOUTH))[RAIN]["対象地域"]["value"] == "加賀南部"
    assert said(after(rain(9), rain(10, area=ELSEWHERE)))[2:] == ("発表中", "2026-08-01T00:00:00Z")
    assert said(after(rain(9, area=PREFECTURE)))[2] == "発表中"


@pytest.mark.parametrize("status", ["訓練", "試験"])
def test_an_exercise_and_a_test_raise_nothing_and_lift_nothing(status: str) -> None:
    assert after(rain(9, status=status)) == {}
    assert said(after(rain(9), jma(at="2026-08-01T10:00:00+09:00", status=status)))[2] == "発表中"


def test_what_is_older_than_what_the_city_knows_changes_nothing() -> None:
    known = after(rain(10, ("大雨特別警報", "33", "発表")))
    for late in (rain(9), rain(9, ("大雨警報", "03", "解除")), rain(9, info="取消")):
        assert after(late, present=known) == {}


def test_a_correction_counts_and_a_withdrawal_takes_back_what_the_same_office_said() -> None:
    first = rain(9, ("大雨特別警報", "33", "発表"))
    assert said(after(first, rain(9, info="訂正")))[:2] in {("大雨特別警報", 5), ("大雨警報", 3)}
    assert said(after(rain(9), present=after(first)))[:2] == ("大雨警報", 3)
    assert said(after(first, rain(10, info="取消")))[2] == "取消"
    assert said(after(first, rain(10, info="取消", office="新潟地方気象台")))[2] == "発表中"


def test_a_withdrawal_with_a_number_takes_back_that_event_alone() -> None:
    one = rain(9, ("土砂災害警戒情報", "3", "発表"), event="a")
    other = rain(10, info="取消", event="b")
    id = "urn:ngsi-ld:Alert:17206:landslide"
    assert said(after(one, other), id)[2] == "発表中"
    assert said(after(one, rain(10, info="取消", event="a")), id)[2] == "取消"


def test_a_code_counts_only_in_its_own_list() -> None:
    """361 is 石川県加賀 of the tsunami areas and 神奈川県西部 of the seismic ones."""
    quake = """<Report xmlns="http://xml.kishou.go.jp/jmaxml1/"><Control><Title>震度速報</Title>
<DateTime>2026-08-01T09:00:00+09:00</DateTime><Status>通常</Status><EditorialOffice>気象庁</EditorialOffice></Control>
<Head xmlns="http://xml.kishou.go.jp/jmaxml1/informationBasis1/"><Title>震度速報</Title>
<ReportDateTime>2026-08-01T09:00:00+09:00</ReportDateTime><InfoType>発表</InfoType><Headline><Text/>
<Information type="震度速報"><Item><Kind><Name>震度６弱</Name></Kind><Areas codeType="地震情報／細分区域">
<Area><Name>神奈川県西部</Name><Code>361</Code></Area></Areas></Item></Information></Headline></Head></Report>"""
    assert after(quake.encode()) == {}


def reports(*messages: bytes) -> dict[str, Any]:
    """As a feed brings them: one by one, with what was noted of those before."""
    now: dict[str, Any] = {}
    heard: dict[str, str] = {}
    for one in messages:
        for step in ingest.changes([jma_format.read(one)], Kaga(), now, heard):  # type: ignore[arg-type]
            for entity in step:
                now[entity["id"]] = {**now.get(entity["id"], {}), **entity}
    return now


@given(
    st.permutations(
        [
            rain(9), rain(10, ("大雨警報", "03", "解除")), rain(11, ("大雨特別警報", "33", "発表"), info="訂正"), rain(12, ("洪水警報", "04", "発表")),
            rain(13, info="取消"), rain(11, office="新潟地方気象台", area=ELSEWHERE),
        ]
    )
)  # fmt: skip
def test_one_by_one_in_any_order_nothing_stands_that_was_over(messages: list[bytes]) -> None:
    now = reports(*messages)
    assert all(one["状態"]["value"] != "発表中" for one in now.values()), "13:00 withdraws all"


def test_a_correction_of_the_same_moment_holds_against_the_original_that_comes_after_it() -> None:
    right = rain(9, ("大雨警報", "03", "発表"), info="訂正").replace(
        b"<DateTime>2026-08-01T09:00", b"<DateTime>2026-08-01T09:07"
    )
    wrong = rain(9, ("大雨特別警報", "33", "発表"))
    for order in ((wrong, right), (right, wrong)):
        assert said(reports(*order))[:2] == ("大雨警報", 3)


FLOOD_OF_A_RIVER = """<Report xmlns="http://xml.kishou.go.jp/jmaxml1/"><Control><Title>指定河川洪水予報</Title>
<DateTime>{at}</DateTime><Status>通常</Status><EditorialOffice>金沢地方気象台</EditorialOffice></Control>
<Head xmlns="http://xml.kishou.go.jp/jmaxml1/informationBasis1/"><Title>例川{kind}</Title><ReportDateTime>{at}</ReportDateTime>
<EventID>{river}</EventID><InfoType>発表</InfoType><Headline><Text/><Information type="指定河川洪水予報（府県予報区等）"><Item><Kind>
<Name>{kind}</Name><Condition>洪水警報</Condition></Kind><Areas codeType="気象情報／府県予報区・細分区域等"><Area><Name>石川県</Name><Code>170000</Code></Area></Areas></Item></Information>
<Information type="指定河川洪水予報（河川）"><Item><Kind><Name>{kind}</Name></Kind><Areas codeType="河川"><Area><Name>例川</Name>
<Code>{river}</Code></Area></Areas></Item></Information></Headline></Head><Body xmlns="http://xml.kishou.go.jp/jmaxml1/body/meteorology1/">
<Warning type="指定河川洪水予報"><Item><Kind><Name>浸水想定地区</Name><Status>対象地域</Status></Kind><Areas><Area codeType="水位観測所">
<Name>例橋</Name><Code>1</Code><City>{city[0]}</City><CityCode>{city[1]}</CityCode></Area></Areas></Item></Warning></Body></Report>"""


def flood(
    hour: int, kind: str, river: str = "830303020300", city: tuple[str, str] = ("加賀市", "1720600")
) -> bytes:
    return FLOOD_OF_A_RIVER.format(
        at=f"2026-08-01T{hour:02}:00:00+09:00", kind=kind, river=river, city=city
    ).encode()


def test_a_rivers_flood_concerns_those_whom_it_reaches_and_ends_with_that_river() -> None:
    id = "urn:ngsi-ld:Alert:17206:river-flood.830303020300"
    assert reports(flood(9, "氾濫警戒情報", city=("小松市", "1720300"))) == {}
    now = reports(flood(9, "氾濫警戒情報"), flood(10, "氾濫危険情報"))
    assert said(now, id)[:3] == ("氾濫危険情報", 4, "発表中")
    other = flood(11, "氾濫注意情報", river="830303029999")
    assert said(reports(flood(10, "氾濫危険情報"), other), id)[:2] == ("氾濫危険情報", 4)
    lifted = flood(12, "氾濫注意情報解除", city=("小松市", "1720300"))
    assert said(reports(flood(10, "氾濫危険情報"), lifted), id)[2] == "解除"


def test_of_two_rivers_each_has_its_own_alert_and_ends_only_its_own() -> None:
    one, two = (f"urn:ngsi-ld:Alert:17206:river-flood.{river}" for river in ("830303020300", "830303029999"))
    now = reports(flood(9, "氾濫危険情報"), flood(10, "氾濫警戒情報", river="830303029999"))
    assert [said(now, id)[1:3] for id in (one, two)] == [(4, "発表中"), (3, "発表中")]
    now = reports(
        flood(9, "氾濫危険情報"),
        flood(10, "氾濫警戒情報", river="830303029999"),
        flood(11, "氾濫注意情報解除"),
    )
    assert [said(now, id)[2] for id in (one, two)] == ["解除", "発表中"]
    force, _ = logic.now(now.values(), datetime(2026, 8, 1, 3, tzinfo=UTC))
    assert [alert.phenomenon for alert in force] == ["river-flood"]


def test_a_river_that_was_noted_under_the_former_id_is_ended_there_by_its_own_message_alone() -> None:
    old = "urn:ngsi-ld:Alert:17206:river-flood"
    ((_, entity),) = after(flood(9, "氾濫危険情報")).items()
    present = {old: {**entity, "id": old}}
    assert after(flood(10, "氾濫警戒情報", river="830303029999"), present=present).keys() != {old}
    now = after(flood(10, "氾濫警戒情報"), present=present)
    assert said(now, old)[2] == "解除"
    assert said(now, f"{old}.830303020300")[1:3] == (3, "発表中")


def test_a_sender_of_cap_neither_replaces_nor_ends_what_the_agency_warns_of() -> None:
    known = after(rain(9))
    loud = folded([cap_format.read(cap(event="大雨特別警報"))], known)
    assert RAIN not in loud
    assert len(loud) == 1
    lifted = rain(10, ("レベル３大雨警報", "03", "解除"), title="気象警報・注意報（Ｒ０６）（大雨）")
    assert after(lifted, present=known) == {}, "of another kind of message"


def test_an_area_code_that_ended_is_refused_by_name_and_one_that_is_known_beside_it_counts() -> None:
    class Merged(Kaga):
        alerts = (
            AlertArea(of=MUNICIPALITIES, code="1720699", name="加賀市"),
            AlertArea(of=MUNICIPALITIES, code="1720600", name="旧加賀市", until=date(2026, 7, 1)),
            *Kaga.alerts[1:],
        )

    ended = jma_format.read(rain(9))
    why = f"旧加賀市 (1720600, {MUNICIPALITIES}): this code ended on 2026-07-01"
    assert ingest.refused(ended, Merged()) == why  # type: ignore[arg-type]
    before = jma_format.read(jma(("大雨警報", "03", "発表"), at="2026-07-01T09:00:00+09:00"))
    assert ingest.refused(before, Merged()) == "", "on its last day it held"  # type: ignore[arg-type]
    unknown = jma_format.read(rain(9, area=("加賀市", "1720688")))
    assert "加賀市 (1720688" in ingest.refused(unknown, Kaga())  # type: ignore[arg-type]
    assert ingest.refused(jma_format.read(rain(9, area=ELSEWHERE)), Kaga()) == ""  # type: ignore[arg-type]
    both = rain(9).replace(
        b"</Area></Item>", "</Area><Area><Name>加賀市</Name><Code>1720688</Code></Area></Item>".encode()
    )
    assert ingest.refused(jma_format.read(both), Kaga()) == ""  # type: ignore[arg-type]
    assert "1720688" in ingest.remarks(jma_format.read(both), Kaga())[0]  # type: ignore[arg-type]
    assert said(after(both))[2] == "発表中"


@given(
    st.permutations(
        [rain(9), rain(10, ("大雨特別警報", "33", "発表")), rain(11, ("洪水警報", "04", "発表")), rain(12)]
    )
)
def test_in_whatever_order_messages_come_the_end_is_the_same(messages: list[bytes]) -> None:
    now = after(*messages)
    assert said(now)[2:] == ("発表中", "2026-08-01T03:00:00Z")
    assert said(now, FLOOD)[2] == "解除"


def test_cap_is_taken_in_japanese_from_a_sender_that_the_city_names_and_from_nobody_else() -> None:
    message = cap_format.read(cap())
    ((id, entity),) = folded([message]).items()  # type: ignore[arg-type]
    assert id.startswith("urn:ngsi-ld:Alert:17206:cap-")
    assert (entity["名称"]["value"], entity["状態"]["value"]) == ("断水", "発表中")
    assert ingest.refused(message, Kaga()) == ""  # type: ignore[arg-type]
    assert "cap_senders" in ingest.refused(cap_format.read(cap(sender="x")), Kaga())  # type: ignore[arg-type]
    assert folded([cap_format.read(cap(status="Exercise"))]) == {}  # type: ignore[arg-type]
    assert folded([cap_format.read(cap(code="0000000"))]) == {}  # type: ignore[arg-type]


def test_a_cap_cancel_takes_back_the_message_that_it_refers_to() -> None:
    first = folded([cap_format.read(cap())])
    (id,) = first
    refers = "<references>water.example,{},2026-08-01T09:00:00+09:00</references>"
    update = cap_format.read(
        cap(kind="Update", extra=refers.format("w-1")).replace(b">w-1</identifier", b">w-2</identifier")
    )
    first = {**first, **folded([update], first)}
    for named, state in (("w-1", "取消"), ("w-2", "取消"), ("w-3", "発表中")):
        cancel = cap_format.read(cap(kind="Cancel", extra=refers.format(named)))
        now = {**first, **folded([cancel], first)}  # type: ignore[arg-type]
        assert now[id]["状態"]["value"] == state


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<alert/>", "expected alert of"),
        (cap(kind="Ack"), "msgType"),
        (cap(status="Maybe"), "status"),
        (cap(sender=""), "no sender"),
        (cap().replace(b"<sent>2026-08-01T09:00:00+09:00</sent>", b""), "no sent"),
    ],
)
def test_what_is_no_cap_is_refused_and_said(content: bytes, why: str) -> None:
    with pytest.raises(BadMessageError, match=why):
        cap_format.read(content)
