"""個人番号 enters by no door: files of open data, what programs write, names that people give to things."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kitamae.intake.reading import Reading
from kitamae.intake.row import Outcome, Refusal, Taken
from kitamae.kernel.people.mynumber import HoldsMyNumber, check_digit
from kitamae.kernel.problems import Problem
from serving import Served, serving

MINE = "12345678901" + str(check_digit("12345678901"))
FULL = MINE.translate({ord("0") + n: "０１２３４５６７８９"[n] for n in range(10)})
HEADER = "全国地方公共団体コード,ID,名称,緯度,経度,備考,電話番号,個人番号欄"
ROW = "172065,{id},トイレ,36.32,136.33,{note},{phone},{own}\n"


def taken(folder: Path, **cells: str) -> Outcome:
    path = folder / "toilets.csv"
    path.write_text(
        f"{HEADER}\n" + ROW.format(**{"id": "1", "note": "", "phone": "", "own": "", **cells}), "utf-8"
    )
    with Reading(path, city="172065", layout="public_toilets") as rows:
        (outcome,) = list(rows)
    return outcome


@pytest.mark.parametrize(
    "cells",
    [
        {"note": f"マイナンバー {MINE}"},
        {"note": MINE},
        {"note": f"担当 {FULL[:4]} {FULL[4:8]} {FULL[8:]}"},
        {"phone": f"個人番号 {MINE}"},
        {"own": MINE},
    ],
)
def test_a_row_that_carries_one_is_held_back_and_the_report_does_not_repeat_it(
    tmp_path: Path, cells: dict[str, str]
) -> None:
    outcome = taken(tmp_path, **cells)
    assert isinstance(outcome, Refusal)
    assert "個人番号" in outcome.expected
    assert MINE not in outcome.value
    assert FULL not in outcome.value


@pytest.mark.parametrize(
    "cells",
    [
        {"id": MINE},
        {"phone": MINE},
        {"note": "202611211330"},
        {"note": "123456789012345"},
        {"note": "123456789012円"},
    ],
)
def test_a_number_of_something_else_is_taken(tmp_path: Path, cells: dict[str, str]) -> None:
    assert isinstance(taken(tmp_path, **cells), Taken)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path, open=True) as served:
        yield served


@pytest.mark.parametrize("ascii", [True, False])
@pytest.mark.parametrize(
    "attribute",
    [
        {"備考": {"type": "Property", "value": f"マイナンバーは{MINE}です"}},
        {"個人番号": {"type": "Property", "value": MINE}},
        {"備考": {"type": "Property", "value": {"個人番号": int(MINE)}}},
        {"備考": {"type": "LanguageProperty", "languageMap": {"ja": f"個人番号：{FULL}"}}},
    ],
)
async def test_what_programs_call_one_is_refused_in_both_dialects_however_json_writes_it(
    town: Served, attribute: dict[str, object], ascii: bool
) -> None:
    for path, entity in (
        ("/ngsi-ld/v1/entities", {"id": "urn:ngsi-ld:T:1", "type": "T", **attribute}),
        ("/ngsi-ld/v1/entityOperations/upsert", [{"id": "urn:ngsi-ld:T:1", "type": "T", **attribute}]),
        ("/v2/entities", {"id": "T1", "type": "T", "備考": {"value": attribute, "type": "StructuredValue"}}),
    ):
        body = json.dumps(entity, ensure_ascii=ascii).encode()
        answer = await town.client.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), (path, answer.text)
        assert MINE not in answer.text
    assert (await town.client.get("/ngsi-ld/v1/entities?type=T")).json() == []


async def test_a_code_of_twelve_digits_that_nobody_calls_so_is_a_programs_own(town: Served) -> None:
    entity = {"id": f"urn:ngsi-ld:T:{MINE}", "type": "T", "meter": {"type": "Property", "value": MINE}}
    assert (await town.client.post("/ngsi-ld/v1/entities", json=entity)).status_code == 201
    told = {
        "id": "urn:ngsi-ld:T:2",
        "type": "T",
        "備考": {"type": "Property", "value": "マイナンバーカードの窓口"},
    }
    assert (await town.client.post("/ngsi-ld/v1/entities", json=told)).status_code == 201


async def test_names_that_people_give_to_things_hold_none(town: Served) -> None:
    city = town.kitamae.city
    with pytest.raises(HoldsMyNumber):
        await city.people.tokens.issue(f"試験 {MINE}", ["write:T"])
    with pytest.raises(HoldsMyNumber):
        await city.ways.provider.clients.add("バス", f"{FULL} を見分けます", ["https://bus.example.jp/back"])
    with pytest.raises(HoldsMyNumber):
        await city.ways.passkeys.register("staff-1", "", "", MINE)
    with pytest.raises(Problem):
        await city.ways.passkeys.register("staff-1", "", "", "わたしの電話")
