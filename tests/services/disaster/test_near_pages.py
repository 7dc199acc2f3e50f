"""`/disaster?near=`, `/disaster/print` and `/disaster/wall`: the nearest shelter that is safe, in a city of Kaga's data."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import html5lib
import pytest
from warned import KAGA, warn

from kitamae.kernel.context import clock
from kitamae.kernel.problems import Unavailable
from kitamae.sdk.reader import Reader
from kitamae.services.disaster import pages as disaster_pages
from kitamae.web import kept as kept_page
from kitamae.web.kept import ANSWERS
from kitamae.web.outside.writing import Outside
from serving import Served, serving

KINMEI, SHIOYA, NANGO = (f"urn:ngsi-ld:EvacuationShelter:172065:E17206000{n}111" for n in ("02", "01", "05"))
"""With flags (洪水 and 内水氾濫 designated, 高潮 not); with none; 南郷小学校, with those of its ground."""


@pytest.fixture
async def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    async def none(*_: Any) -> None:
        return

    monkeypatch.setattr(Outside, "write", none)
    async with serving(tmp_path, city=KAGA, open=True) as served:
        await served.loaded()
        yield served


async def opened(town: Served, *ids: str, people: int | None = 10) -> None:
    at = clock.text(clock.now())
    for id in ids:
        said = {"開設状況": "開設"} | ({} if people is None else {"避難者数": people})
        attrs = {name: {"type": "Property", "value": one, "observedAt": at} for name, one in said.items()}
        answer = await town.client.patch(f"/ngsi-ld/v1/entities/{id}/attrs", json=attrs)
        assert answer.status_code == 204, answer.text


async def page(town: Served, path: str, lang: str = "ja") -> str:
    answer = await town.client.get(f"{path}{'&' if '?' in path else '?'}lang={lang}")
    assert answer.status_code == 200, answer.text
    html5lib.HTMLParser(strict=True).parse(answer.text)
    return answer.text


def listed(shown: str) -> list[str]:
    """The ends of the shelters' numbers, in the order of the page."""
    return re.findall(
        r'<(?:li|tr)[^>]* id="e-urn-ngsi-ld-EvacuationShelter-172065-E17206000(\d\d)111"', shown
    )


async def test_safe_comes_before_near_and_unknown_is_said_as_unknown(town: Served) -> None:
    await opened(town, SHIOYA, KINMEI, NANGO)
    calm = await page(town, "/disaster?near=塩屋町")
    assert listed(calm) == ["01", "05", "02"], "nothing threatens: by distance"
    assert "いまの災害に対して" not in calm
    assert "安全と分かっている" not in calm
    await warn(town, "大雨警報")
    shown = await page(town, "/disaster?near=塩屋町")
    assert listed(shown) == ["05", "02", "01"], (
        "safe ones, by distance, then the one of which nothing is known"
    )
    assert shown.count("建物の指定ではありません") == 2
    assert "に対して指定あり" not in shown
    assert "塩屋町</span>から、安全と分かっているところを先に、近い順です" in shown
    assert "安全と分かっている避難所は、開いていません" in shown
    assert 'href="geo:36.30' in shown
    assert listed(await page(town, "/disaster")) == ["05", "02", "01"]
    printed = await page(town, "/disaster/print?near=塩屋町")
    assert listed(printed) == ["05", "02", "01"]
    assert f"{town.kitamae.address}/disaster</b>" in printed
    assert "<svg" in printed
    assert printed.count("建物の指定ではありません") == 2
    wall = await page(town, "/disaster/wall")
    assert wall.count("建物の指定ではありません") == 2
    assert "いまの災害：" in wall
    designate = {
        f"災害種別_{kind}": {"type": "Property", "value": "designated"}
        for kind in ("洪水", "内水氾濫", "土砂災害")
    }
    assert (await town.client.post(f"/ngsi-ld/v1/entities/{NANGO}/attrs", json=designate)).status_code == 204
    shown = await page(town, "/disaster?near=塩屋町")
    nearest = re.search(r"安全な避難所で、いちばん近いのは：.*?</p>", shown)
    assert nearest is not None
    assert re.search(r"南郷小学校.*km、東の方向。歩いて約\d+分", nearest[0])
    assert "洪水、がけ崩れ・土石流・地すべり、内水氾濫に対して指定あり" in shown
    assert wall.index("大雨") < wall.index("南郷小学校") < wall.index("塩屋地区会館")
    for lang in ("ja_Hira", "en", "zh", "ko"):
        for path in (
            "/disaster?near=塩屋町",
            "/disaster?near=",
            "/disaster?near=zzz",
            "/disaster/print",
            "/disaster/wall",
        ):
            assert "いまの災害" not in await page(town, path, lang), (path, lang)


async def test_a_town_is_typed_chosen_or_not_found(town: Served) -> None:
    assert "どの町ですか" in await page(town, "/disaster?near=大聖寺")
    assert "その名前の町は、みつかりませんでした" in await page(town, "/disaster?near=<b>どこか")
    every = await page(town, "/disaster?near=")
    assert every.count("#shelters") > 230
    assert "読みの分からない町" in every
    found = await page(town, "/disaster?near=Shioya")
    assert "塩屋町" in found
    assert "kind=EvacuationSite&amp;near=136." in found, "no shelter is open: the places to flee to"


async def test_it_is_there_while_the_store_is_not_and_made_up_questions_fill_nothing(
    town: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opened(town, SHIOYA)
    assert listed(await page(town, "/disaster?near=塩屋町")) == ["01"]

    async def gone(*_: Any, **__: Any) -> Any:
        raise Unavailable("the store does not answer")

    monkeypatch.setattr(Reader, "find", gone)
    for name in ("塩屋町", "作見町"):  # the second one for the first time
        assert f"{name}</span>から近い順です" in await page(town, f"/disaster?near={name}")
    kept = town.kitamae.city._rooms._shell.kept["/disaster"]
    before = len(kept._answers)
    for n in range(20):
        await town.client.get(f"/disaster?near=zzz{n}")
    assert len(kept._answers) == before <= ANSWERS
    monkeypatch.undo()
    kept._drawn_at.extend([time.monotonic() + 60] * kept_page.AT_ONCE)
    await warn(town, "大雨警報")
    assert "いまの災害：" in await page(town, "/disaster")
    assert "いまの災害：" in await page(town, "/disaster?near=作見町"), (
        "too many were drawn, but what threatens is another"
    )
    kept._drawn_at.extend([time.monotonic() + 60] * kept_page.AT_ONCE)
    await opened(town, NANGO)
    assert listed(await page(town, "/disaster")) == ["05", "01"]
    assert listed(await page(town, "/disaster?near=作見町")) == ["01"], "the former one, for a moment"
    monkeypatch.setattr(kept_page, "ASKED_FOR", 0.0)
    assert listed(await page(town, "/disaster?near=作見町")) == ["05", "01"]
    for odd in ("?near=a&near=b", "?near=塩屋町&x=1", "?near=" + "塩" * 5000):
        assert (await town.client.get(f"/disaster{odd}")).status_code == 200


@pytest.mark.parametrize("ordered", [False, True])
async def test_where_warnings_do_not_arrive_that_is_said_and_no_shelter_is_safe(
    town: Served, monkeypatch: pytest.MonkeyPatch, ordered: bool
) -> None:
    await opened(town, NANGO)
    if ordered:
        await warn(town, "大雨警報")
    kept = town.kitamae.city._rooms._shell.kept
    monkeypatch.setattr(disaster_pages, "_PAGE", 1)
    monkeypatch.setattr(disaster_pages, "_PAGES", 1)
    await warn(town, "大雨警報", level=2)  # a full read
    for path in ("/disaster", "/disaster/print", "/disaster/wall"):
        kept[path]._dirty, kept[path]._tried_at = True, 0.0
        shown = await page(town, path)
        assert "情報が、いま届いていません" in shown, path
        assert "に対して指定あり" not in shown
    for lang in ("ja_Hira", "en", "zh", "ko"):
        assert "届いていません" not in await page(town, "/disaster", lang)
