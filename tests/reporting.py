"""A city with two towns where somebody reports something, as a browser sends it, and the desk that looks at it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bare_kaga import bare
from kitamae.kit.reports import record
from serving import SAME, Served, serving
from signing_in import fields, outside
from staffing import enter, give

TOWNS = {"打越町": ("ウチコシマチ", 136.35, 36.33), "永井町": ("ナガイマチ", 136.28, 36.32)}
BODY = {"text": "打越町で水道から茶色い水が出ます", "where": "", "position": ""}


@pytest.fixture
async def kaga(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        await served.loaded()
        token, _ = await served.kitamae.city.people.tokens.issue("load", ["write:Town"])
        for number, (name, (kana, *at)) in enumerate(TOWNS.items()):
            town = {
                "id": f"urn:ngsi-ld:Town:172065:{number}", "type": "Town", "名称": {"type": "Property", "value": name},
                "名称_カナ": {"type": "Property", "value": kana},
                "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": at}},
            }  # fmt: skip
            made = await outside(
                served,
                "POST",
                "/ngsi-ld/v1/entities",
                json=town,
                headers={"Authorization": f"Bearer {token}"},
            )
            assert made.status_code == 201, made.text
        yield served


async def sent(served: Served, photo: Any = None, once: str = "", **changed: str) -> Any:
    form = await served.client.get("/reports")
    told = {**fields(form.text), **BODY, **changed}
    if once:
        told["once"] = once
    files = {"photo": photo or ("", b"")}
    return await served.client.post("/reports", data=told, files=files, headers=SAME)


def link(page: str) -> str:
    found = re.search(r"<code class=\"long\">http://[^/]*(/reports/r/[\w-]{43})</code>", page)
    assert found, page
    return found[1]


def number(page: str) -> str:
    found = re.search(r"<b>([2-9A-Z]{7})</b>", page)
    assert found, page
    return found[1]


async def staff(served: Served) -> str:
    """Somebody whose duty reports are comes to the desk; his reference."""
    ref = await served.kitamae.city.people.staff(another=True)
    await give(served, ref, "reports")
    await enter(served, ref)
    return ref


async def act(served: Served, which: str, word: str, **told: str) -> Any:
    page = await served.client.get(f"/staff/reports/{which}")
    form = {"csrf": fields(page.text)["csrf"], **told}
    return await served.client.post(f"/staff/reports/{which}/{word}", data=form, headers=SAME)


async def rows(served: Served) -> dict[str, record.Report]:
    return await record.every(served.kitamae.city.store)
