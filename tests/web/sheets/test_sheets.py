"""Sheets of paper for a shelter are printed, filled in by hand and entered as of the time that stands on them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import html5lib
import pytest
from sheltering import ONE, act, entity, known, register, staff

from bare_kaga import bare
from serving import HERE, Served, serving
from signing_in import outside

SHEETS = "/staff/sheets"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        await served.loaded()
        await register(served, entity(ONE, "作見小学校"))
        await staff(served)
        yield served


async def page(served: Served, path: str, **asked: str) -> str:
    answer = await served.client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    html5lib.HTMLParser(strict=True).parse(answer.text)
    return str(answer.text)


async def test_open_shelters_come_first_and_others_are_searched(town: Served) -> None:
    assert "開いている避難所はありません" in await page(town, SHEETS)
    assert "作見小学校" in await page(town, SHEETS, text="作見")
    assert "作見小学校" in await page(town, SHEETS, shelter=ONE)
    await act(town, "open")
    assert "作見小学校" in await page(town, SHEETS)


@pytest.mark.parametrize(("form", "entered"), [("opening", "shelters"), ("supplies", "supplies")])
async def test_a_sheet_bears_the_shelters_name_and_a_code_that_only_staff_can_use(
    town: Served, form: str, entered: str
) -> None:
    sheet = await page(town, f"{SHEETS}/{form}", shelter=ONE)
    assert "<b>作見小学校</b>" in sheet or "作見小学校</b>" in sheet
    assert f'aria-label="{HERE}/staff/{entered}/{ONE}"' in sheet
    assert "/l/" not in sheet, "whoever finds the paper has no key"
    assert (await outside(town, "GET", f"/staff/{entered}/{ONE}")).status_code in (401, 403)
    blank = await page(town, f"{SHEETS}/{form}")
    assert 'class="qr"' not in blank
    assert (await town.client.get(f"{SHEETS}/{form}", params={"shelter": ONE + "9"})).status_code == 404
    assert (await town.client.get(f"{SHEETS}/nothing")).status_code == 404
    assert (await outside(town, "GET", f"{SHEETS}/{form}")).status_code in (401, 403)


async def test_what_a_sheet_says_is_entered_as_of_its_own_time_and_overwrites_nothing_newer(
    town: Served,
) -> None:
    opened = await act(town, "open", at="2026-01-05T09:30")
    assert opened.headers["location"].endswith("?done=new")
    assert (await act(town, "count", 避難者数="40", at="2026-01-05T10:00")).status_code == 303
    shelter = (await outside(town, "GET", f"/ngsi-ld/v1/entities/{ONE}")).json()
    assert shelter["開設状況"]["observedAt"] == "2026-01-05T00:30:00Z"
    late = await act(town, "close", at="2026-01-05T09:00")
    assert late.headers["location"].endswith("?done=late")
    assert (await known(town))["開設状況"] == "開設"
    assert (await known(town))["避難者数"] == 40
    closed = await act(town, "close", at="2026-01-05T18:00")
    assert closed.headers["location"].endswith("?done=new")
    seen = await known(town)
    assert (seen["開設状況"], "避難者数" in seen) == ("閉鎖", False)
