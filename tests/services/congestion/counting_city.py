"""A city in which people are counted, as programs, staff and keepers reach it."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kitamae.kernel.people.links import Wish
from serving import SAME, Served
from signing_in import fields, outside

HALL = "urn:ngsi-ld:CrowdFlowObserved:172065:hall"
DESK = "/staff/congestion"
TOKYO = ZoneInfo("Asia/Tokyo")


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def count(people: object, at: datetime) -> dict[str, Any]:
    return {"type": "Property", "value": people, "observedAt": stamp(at)}


async def token(served: Served) -> dict[str, str]:
    made, _ = await served.kitamae.city.people.tokens.issue("counter", ["write:CrowdFlowObserved"])
    return {"Authorization": f"Bearer {made}"}


async def send(served: Served, people: object, at: datetime, id: str = HALL, **facts: object) -> None:
    """As a counter does."""
    entity = {"id": id, "type": "CrowdFlowObserved", "人数": count(people, at)}
    entity |= {name: {"type": "Property", "value": value} for name, value in facts.items()}
    sent = await outside(
        served, "POST", "/ngsi-ld/v1/entityOperations/upsert?options=update", json=[entity], headers=await token(served)
    )  # fmt: skip
    assert sent.status_code in (201, 204), sent.text[:500]


async def remember(served: Served, days: int, people: int, id: str = HALL) -> datetime:
    """So many an hour, for so many days, as a program loads what a counter kept; until when."""
    until = datetime.now(TOKYO).replace(minute=0, second=0, microsecond=0)
    hours = [until - timedelta(hours=n) for n in range(24 * days, 0, -1)]
    entity = {"id": id, "type": "CrowdFlowObserved", "人数": [count(people, at) for at in hours]}
    loaded = await outside(
        served, "POST", "/ngsi-ld/v1/temporal/entities", json=entity, headers=await token(served)
    )
    assert loaded.status_code in (201, 204), loaded.text[:500]
    return until


async def told(served: Served, id: str = HALL) -> dict[str, Any]:
    """As everybody may read it."""
    return dict((await outside(served, "GET", f"/ngsi-ld/v1/entities/{id}?options=keyValues")).json())


async def judged(served: Served, verdict: str, id: str = HALL, people: int | None = None) -> None:
    """Wait until the job has said so of the last count, and that it is so many."""
    for _ in range(400):
        known = await told(served, id)
        if known.get("人数の検査") == verdict and people in (None, known.get("人数_公開")):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{verdict} was never said: {await told(served, id)}")


async def staff(served: Served) -> None:
    link = await served.kitamae.sign_in_link()
    sent = await served.client.post("/sign-in", data={"code": link.rpartition("/")[2]}, headers=SAME)
    assert sent.status_code == 303


async def fill(served: Served, address: str, act: str = "", **typed: str) -> Any:
    """Fill in that form of the page and send it; the answer."""
    page = await served.client.get(address)
    assert page.status_code == 200, page.text[:500]
    found = [fields(one) for one in re.findall(r'<form[^>]*method="post".*?</form>', page.text, re.S)]
    form = next(one for one in found if "form" in one and one.get("act", "") == act)
    return await served.client.post(address, data={**form, **typed}, headers=SAME)


async def keeper(served: Served, id: str = HALL) -> str:
    """The address of a link to count with."""
    code, _ = await served.kitamae.city._rooms.links.make("staff-1", Wish("facility-counter", [id]))
    return f"/l/{code}"
