"""A keeper asks for what is missing, the desk sends it and notes that it arrived. As browsers and phones do it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import html5lib
import pytest
from sheltering import ONE, act, entity, keeper, register, staff

from bare_kaga import bare
from kitamae.kernel.context import clock
from kitamae.kernel.people.links import Wish
from serving import SAME, Served, serving
from signing_in import fields, outside

DESK = "/staff/supplies"
OTHER = ONE[:-1] + "2"
HOUR = 3_600_000_000


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        await served.loaded()
        await register(served, entity(ONE, "作見小学校"), entity(OTHER, "山代小学校"))
        await staff(served)
        yield served


def update(id: str, at: int | None = None, **values: Any) -> dict[str, Any]:
    return {"id": id, "values": values} | ({} if at is None else {"at": clock.text(at)})


async def sent(served: Served, link: str, *updates: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await outside(served, "POST", link + "/supplies/updates", json={"updates": list(updates)})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["answers"])


async def page(served: Served, path: str, lang: str = "ja") -> str:
    answer = await served.client.get(path, params={"lang": lang})
    assert answer.status_code == 200, answer.text
    html5lib.HTMLParser(strict=True).parse(answer.text)
    return str(answer.text)


async def desk(served: Served, what: str, shelter: str = ONE, **typed: str) -> Any:
    """Fill in the first form of that kind on the shelter's page and send it."""
    found = re.findall(r'<form[^>]*method="post".*?</form>', await page(served, f"{DESK}/{shelter}"), re.S)
    form = next(fields(one) for one in found if fields(one).get("act") == what)
    return await served.client.post(f"{DESK}/{shelter}", data={**form, **typed}, headers=SAME)


async def test_a_keeper_asks_the_desk_sends_and_the_keeper_says_that_it_arrived(town: Served) -> None:
    assert "待っている物はありません" in await page(town, DESK)
    link = await keeper(town)
    shown = await page(town, link)
    assert f'href="{link}/supplies"' in shown
    form = {
        **fields(await page(town, f"{link}/supplies")),
        "v.item": "毛布",
        "v.amount": "120",
        "v.unit": "枚",
    }
    asked = await outside(town, "POST", f"{link}/supplies", data=form, headers=SAME)
    assert (asked.status_code, asked.headers["location"]) == (303, f"{link}/supplies?done=new")
    told = await page(town, f"{link}/supplies")
    assert "毛布" in told
    assert "市に届いています" in told
    waiting = await page(town, DESK)
    assert "作見小学校" in waiting
    assert re.search(r"毛布</b> 120<span>枚|毛布</b> 120<span[^>]*>枚", waiting)
    assert (await desk(town, "sent", amount="80", said="市の車、15時ごろ")).status_code == 303
    partly = await page(town, f"{DESK}/{ONE}")
    assert "一部を送りました" in partly
    assert "まだ送っていない数：40" in partly
    assert (await desk(town, "sent", amount="40")).status_code == 303
    told = await page(town, f"{link}/supplies")
    number = re.search(r'name="v.arrived" value="([0-9a-f]+)"', told)
    assert number
    (done,) = await sent(town, link, update("phone-0001", arrived=number[1], amount="120"))
    assert (done["status"], done["outcome"]) == (200, "new")
    assert "待っている物はありません" in await page(town, DESK)
    over = await page(town, f"{DESK}/{ONE}")
    assert "届きました" in over
    assert "避難所の人（報告用リンク）" in over


async def test_what_a_phone_sends_twice_counts_once_and_the_same_line_of_a_sheet_too(town: Served) -> None:
    link = await keeper(town)
    one = update("phone-0001", item="水 500mL", amount="48", unit="本")
    first, again = (await sent(town, link, one))[0], (await sent(town, link, one))[0]
    assert (first["outcome"], again["again"]) == ("new", True)
    for _ in range(2):
        typed = {"item": "おむつ M", "amount": "3", "unit": "箱", "at": "2026-01-05T09:30"}
        answer = await desk(town, "ask", **typed)
        assert answer.status_code == 303
    assert answer.headers["location"].endswith("?done=known")
    assert (await page(town, DESK)).count("おむつ M") == 1
    assert len(await town.kitamae.city.store.documents("", "supply")) == 2


async def test_a_sheet_of_before_the_shelter_was_closed_is_history_and_nobody_waits_for_it(
    town: Served,
) -> None:
    await act(town, "open")
    await act(town, "close")
    typed = {"item": "毛布", "amount": "10", "unit": "枚"}
    late = await desk(town, "ask", **typed, at="2026-01-05T09:30")
    assert late.headers["location"].endswith("?done=late")
    assert "待っている物はありません" in await page(town, DESK)
    assert "閉める前の分（記録だけ）" in await page(town, f"{DESK}/{ONE}")
    now = await desk(town, "ask", **typed)
    assert now.headers["location"].endswith("?done=new")
    assert "毛布" in await page(town, DESK)


async def test_two_of_the_staff_who_note_at_once_count_it_once(town: Served) -> None:
    await desk(town, "ask", item="水", amount="10", unit="箱")
    shown = await page(town, f"{DESK}/{ONE}")
    found = re.findall(r'<form[^>]*method="post".*?</form>', shown, re.S)
    form = next(fields(one) for one in found if fields(one).get("act") == "sent")
    answers = await asyncio.gather(
        *[
            town.client.post(
                f"{DESK}/{ONE}", data={**form, "form": f"form-000{n}", "amount": "10"}, headers=SAME
            )
            for n in range(3)
        ]
    )
    assert sorted(one.status_code for one in answers) == [303, 409, 409]
    refused = next(one for one in answers if one.status_code == 409)
    assert "見たあとに内容が変わりました" in refused.text
    again = await town.client.post(
        f"{DESK}/{ONE}", data={**form, "form": "form-0000", "amount": "10"}, headers=SAME
    )
    assert again.status_code in (303, 409)
    (kept,) = [doc for _, _, doc in await town.kitamae.city.store.documents("", "supply")]
    assert [step["what"] for step in kept["steps"]] == ["asked", "sent"]


async def test_what_was_noted_is_taken_back_and_what_is_not_sent_says_why(town: Served) -> None:
    await desk(town, "ask", item="発電機", amount="1", unit="台")
    assert (await desk(town, "declined", said="")).status_code == 400
    assert (await desk(town, "declined", said="市に残っていません")).status_code == 303
    link = await keeper(town)
    assert "市に残っていません" in await page(town, f"{link}/supplies")
    assert "待っている物はありません" in await page(town, DESK)
    assert (await desk(town, "undo")).status_code == 303
    shown = await page(town, f"{DESK}/{ONE}")
    assert "（元にもどした）" in shown
    assert "発電機" in await page(town, DESK)
    assert (await desk(town, "withdrawn")).status_code == 303
    assert "取り下げ" in await page(town, f"{DESK}/{ONE}")


@pytest.mark.parametrize(
    "wrong",
    [
        {"item": "", "amount": "1", "unit": "本"}, {"item": "水", "amount": "0", "unit": "本"},
        {"item": "水", "amount": "-1", "unit": "本"}, {"item": "水", "amount": "10000000", "unit": "本"},
        {"item": "水", "amount": "1", "unit": ""}, {"item": "水" * 61, "amount": "1", "unit": "本"},
        {"item": "123456789018 さんの分", "amount": "1", "unit": "本"},
    ],
)  # fmt: skip
async def test_what_cannot_be_asked_for_is_refused_and_nothing_is_kept(
    town: Served, wrong: dict[str, str]
) -> None:
    answer = await desk(town, "ask", **wrong)
    assert answer.status_code in (400, 422)
    assert "受け付けませんでした" in answer.text
    link = await keeper(town)
    (refused,) = await sent(town, link, update("phone-0009", **wrong))
    assert refused["status"] in (400, 422)
    assert await town.kitamae.city.store.documents("", "supply") == []


async def test_a_link_asks_only_for_its_own_shelter_and_only_what_it_was_given_out_for(town: Served) -> None:
    link = await keeper(town)
    (refused,) = await sent(
        town, link, {**update("phone-0001", item="水", amount="1", unit="本"), "entity": OTHER}
    )
    assert refused["status"] == 403
    links = town.kitamae.city._rooms.links
    kind = links.kinds["shelter-keeper"]
    links.kinds["shelter-keeper"] = type(kind)(kind.id, kind.name, kind.type, kind.fields)
    code, _ = await links.make("staff-1", Wish("shelter-keeper", [ONE]))
    links.kinds["shelter-keeper"] = kind
    assert (await outside(town, "GET", f"/l/{code}/supplies")).status_code == 410
    (refused,) = await sent(town, f"/l/{code}", update("phone-0002", item="水", amount="1", unit="本"))
    assert refused["status"] == 400
    assert "supplies" not in (await outside(town, "GET", f"/l/{code}")).text
    assert await town.kitamae.city.store.documents("", "supply") == []


async def test_a_lost_link_asks_for_nothing_any_more(town: Served) -> None:
    links = town.kitamae.city._rooms.links
    code, kept = await links.make("staff-1", Wish("shelter-keeper", [ONE]))
    await links.end("staff-1", kept["terms"]["number"], "lost")
    (refused,) = await sent(
        town, f"/l/{code}", update("phone-0001", clock.now() - HOUR, item="水", amount="1", unit="本")
    )
    assert refused["status"] == 410


async def test_only_whose_duty_it_is_sees_what_shelters_ask_for(town: Served) -> None:
    for path in (DESK, f"{DESK}/{ONE}"):
        assert (await outside(town, "GET", path)).status_code in (401, 403)
    assert (await town.client.get(f"{DESK}/urn:ngsi-ld:EvacuationShelter:none")).status_code == 404


@pytest.mark.parametrize("lang", ["ja_Hira", "en", "zh", "ko"])
async def test_every_page_speaks_the_readers_language(town: Served, lang: str) -> None:
    await desk(town, "ask", item="abc", amount="1", unit="kg")
    link = await keeper(town)
    for path in (DESK, f"{DESK}/{ONE}", f"{link}/supplies"):
        shown = await page(town, path, lang)
        main = shown[shown.index("<main") : shown.index("</main>")].replace("作見小学校", "")
        main = re.sub(r'lang="ja">[^<]*<|value="[^"]*"|action="[^"]*"|href="[^"]*"', "", main)
        kanji = re.findall(r"[一-龠]", re.sub(r"<[^>]*>", "", main))
        assert lang == "zh" or kanji == [], (path, kanji)
