"""気象庁防災情報XML: every sample of 気象庁, beside what an independent program reads in it."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from bulletins import jma as bulletin
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from kitamae.sdk.city import City
from kitamae.sdk.xml import BadMessageError
from kitamae.services.disaster import ingest
from kitamae.services.disaster.alerts import jma
from kitamae.services.disaster.alerts.levels import level

NONE = {"発表警報・注意報はなし", "海上警報なし"}


@pytest.fixture(scope="module")
def samples(shared: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """(messages, what MIERUNE/jmaxml parsed of them), by name."""
    xml: dict[str, bytes] = {}
    parsed: dict[str, Any] = {}
    with tarfile.open(shared / "data" / "jmaxml" / "samples.tar.xz") as archive:
        for member in archive:
            path = Path(member.name)
            if path.parent.name in {"xml", "json"} and (file := archive.extractfile(member)):
                (xml if path.suffix == ".xml" else parsed)[path.stem] = (
                    file.read() if path.suffix == ".xml" else json.loads(file.read())
                )
    return xml, parsed


def alerts(parsed: dict[str, Any]) -> Counter[tuple[str, ...]]:
    """(kind, code, state, area's code, area's name, layer) in the independent parse, each as often as it is said."""
    said: Counter[tuple[str, ...]] = Counter()
    for warning in parsed["body"].get("warnings", []):
        for item in warning["items"]:
            for kind in item["kinds"]:
                if kind.get("status") == "対象地域":
                    continue  # 浸水想定地区: places under water, no warning
                if kind.get("name") or kind.get("status") in NONE:
                    for area in [item["area"]] if "area" in item else item["areas"]["areas"]:
                        said[*_kind(kind, "status"), area.get("code", ""), area["name"], warning["type"]] += 1
    for item in parsed["body"].get("tsunami", {}).get("forecast", {}).get("items", []):
        said[
            *_kind(item["category"]["kind"], ""), item["area"]["code"], item["area"]["name"], "津波予報区"
        ] += 1
    if not said:
        for part in parsed["head"].get("headline", {}).get("informations", []):
            for item in part["items"]:
                for kind in item.get("kinds") or [item["kind"]]:
                    for area in item["areas"]["areas"]:
                        said[*_kind(kind, "condition"), area.get("code", ""), area["name"], part["type"]] += 1
    return said


def _kind(kind: dict[str, str], state: str) -> tuple[str, str, str]:
    return kind.get("name", ""), kind.get("code", ""), kind.get(state, "")


def test_every_sample_is_taken_and_says_what_the_independent_parse_says(
    samples: tuple[dict[str, bytes], dict[str, Any]],
) -> None:
    xml, parsed = samples
    assert len(xml) == 276
    compared = statements = 0
    for name, content in xml.items():
        message = jma.read(content)
        if name not in parsed:
            continue
        other, head = parsed[name], parsed[name]["head"]
        got = Counter(
            (s.kind, s.code, s.state, s.area.code, s.area.name, s.layer) for s in message.statements
        )
        assert got == alerts(other), name
        assert (message.bulletin, message.title) == (other["control"]["title"], head["title"]), name
        assert (message.status, message.action) == (
            {"通常": "actual", "訓練": "exercise", "試験": "test"}[other["control"]["status"]],
            {"発表": "issue", "訂正": "correction", "取消": "cancellation"}[head["infoType"]],
        ), name
        assert [message.sent, message.reported, message.target, message.valid_until] == [
            None if at is None else datetime.fromisoformat(at)
            for at in (
                other["control"]["dateTime"],
                *(head.get(f"{n}DateTime") for n in ("report", "target", "valid")),
            )
        ], name
        assert (message.series, message.serial) == (head["eventID"], head["serial"]), name
        compared += 1
        statements += sum(got.values())
    assert compared == 273, "three samples (VPRN50, VPTA50) have no parse beside them"
    assert statements > 6_000


def test_of_all_samples_those_alone_that_warn_kaga_become_its_alerts(
    samples: tuple[dict[str, bytes], dict[str, Any]],
) -> None:
    """Which name one of its areas, is read from the XML itself, by code and name: 361 is 石川県加賀 of tsunamis and 神奈川県西部 of
    earthquakes, 391 the other way round 伊勢・三河湾.
    """
    city = City.read(Path(__file__).resolve().parents[3] / "cities" / "kaga")
    ours = {(area.code, area.name) for area in city.alerts}
    named: Counter[tuple[str, str]] = Counter()
    made: dict[str, list[tuple[Any, ...]]] = {}
    for name, content in samples[0].items():
        message = jma.read(content)
        assert not ingest.refused(message, city), name
        report = etree.fromstring(content)
        areas = {
            (one.findtext("{*}Code"), one.findtext("{*}Name")) for one in report.iter("{*}Area", "{*}City")
        }
        if touched := bool(areas & ours):
            named[name.rpartition("_")[2], message.status] += 1
        if alerts := [one for step in ingest.changes([message], city, {}) for one in step]:
            assert touched, name
            made[name] = [
                (one["id"], *(one[said]["value"] for said in ("名称", "警戒レベル", "対象地域", "状態")))
                for one in alerts
            ]
    assert named == {
        ("VXSE51", "actual"): 2, ("VXSE53", "actual"): 1,
        ("VTSE41", "exercise"): 2, ("VTSE51", "exercise"): 3,
        ("VPRN50", "actual"): 2, ("VPTA50", "actual"): 1,
    }  # fmt: skip
    felt = [("urn:ngsi-ld:Alert:17206:earthquake", "震度３", 0, "石川県加賀", "発表中")]
    assert made == {
        "32-35_07_02_100915_VXSE51": felt,
        "32-35_07_04_100915_VXSE51": felt,
        "32-35_07_06_240613_VXSE53": felt,
    }, "neither what is exercised, nor how likely a typhoon is, nor a degree of danger without a warning"


def test_levels_are_those_that_messages_themselves_name_in_their_text(
    samples: tuple[dict[str, bytes], dict[str, Any]],
) -> None:
    """【警戒レベル４相当情報…】 stands in the text of landslide and flood messages: another way to the same number."""
    said = 0
    for name, content in samples[0].items():
        message = jma.read(content)
        if "【警戒レベル" in message.headline and message.level is not None:
            highest = max(
                int(part[0]) for part in message.headline.split("警戒レベル")[1:] if part[0].isdecimal()
            )
            assert message.level == highest, name
            said += 1
    assert said >= 5


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("レベル５大雨特別警報", 5), ("レベル４土砂災害危険警報", 4), ("レベル２大雨注意報", 2),
        ("大雨特別警報", 5), ("土砂災害警戒情報", 4), ("高潮警報", 4), ("氾濫発生情報（氾濫水の予報）", 5), ("洪水警報", 3),
        ("暴風特別警報", None), ("雷注意報", None), ("大津波警報", None), ("レベル３（入山規制）", None), ("レベル９大雨", None),
    ],
)  # fmt: skip
def test_a_level_is_said_by_the_name_in_both_schemes_and_a_volcanos_is_another(
    kind: str, expected: int | None
) -> None:
    assert level(kind) == expected


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no well-formed XML"),
        (b"<Report/>", "expected Report"),
        (bulletin()[:700], "no well-formed XML"),
        (b'<!DOCTYPE a [<!ENTITY b "x">]>' + bulletin().partition(b"?>")[2], "DOCTYPE"),
        (bulletin(status="たぶん"), "Control/Status"),
        (bulletin(info="うわさ"), "Head/InfoType"),
        (bulletin(at="2026-08-01T09:00:00"), "no offset"),
        (bulletin(at="きのう"), "is no time"),
        (bulletin().replace(b"<Head", b"<Heat").replace(b"</Head", b"</Heat"), "no Head"),
        (b" " * 10_000_001, "at most"),
    ],
)
def test_what_is_no_message_is_refused_and_said(content: bytes, why: str) -> None:
    with pytest.raises(BadMessageError, match=why):
        jma.read(content)


def test_a_bomb_of_entities_and_a_file_from_elsewhere_are_not_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("秘密")
    for declared in (
        '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">',
        f'<!ENTITY b SYSTEM "file://{secret}">',
        f'<!ENTITY % b SYSTEM "file://{secret}"> %b;',
    ):
        evil = f"<!DOCTYPE Report [{declared}]>".encode() + bulletin().partition(b"?>")[2].replace(
            "見出しの文。".encode(), b"&b;"
        )
        with pytest.raises(BadMessageError):
            jma.read(evil)


@given(st.binary(max_size=200), st.integers(0, 1500))
def test_any_bytes_are_a_message_or_a_clear_refusal(noise: bytes, at: int) -> None:
    whole = bulletin(("大雨警報", "03", "発表"))
    for content in (noise, whole[:at] + noise + whole[at:], whole[:at] + noise + whole[at + len(noise) :]):
        with suppress(BadMessageError):
            assert jma.read(content).format == "jma"
