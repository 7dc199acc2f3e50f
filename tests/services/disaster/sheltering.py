"""A city with shelters, its desk and its keepers, as browsers and phones reach them."""

from __future__ import annotations

import re
from typing import Any

from kitamae.kernel.context import clock
from kitamae.kernel.people.links import Wish
from serving import SAME, Served
from signing_in import fields, outside

DESK = "/staff/shelters"
ONE = "urn:ngsi-ld:EvacuationShelter:172065:E1720600002111"


def entity(id: str, name: str, **values: Any) -> dict[str, Any]:
    return {
        "id": id,
        "type": "EvacuationShelter",
        "名称": {"type": "Property", "value": name},
        **{key: {"type": "Property", "value": value} for key, value in values.items()},
    }


async def register(served: Served, *entities: dict[str, Any]) -> None:
    """As a program with the right to write them."""
    token, _ = await served.kitamae.city.people.tokens.issue(
        "load", ["write:EvacuationShelter", "write:EvacuationSite"]
    )
    made = await outside(
        served, "POST", "/ngsi-ld/v1/entityOperations/upsert", json=list(entities),
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    assert made.status_code in (201, 204), made.text[:500]


async def staff(served: Served) -> None:
    link = await served.kitamae.sign_in_link()
    sent = await served.client.post("/sign-in", data={"code": link.rpartition("/")[2]}, headers=SAME)
    assert sent.status_code == 303


def forms(page: str) -> dict[str, dict[str, str]]:
    """The hidden fields of every form of the page, by its `act`."""
    found = [fields(one) for one in re.findall(r'<form[^>]*method="post".*?</form>', page, re.S)]
    return {one.get("act", ""): one for one in found}


async def act(served: Served, what: str, id: str = ONE, **typed: str) -> Any:
    """Fill in a form of the shelter's page and send it; the answer."""
    page = await served.client.get(f"{DESK}/{id}")
    assert page.status_code == 200, page.text
    return await served.client.post(f"{DESK}/{id}", data={**forms(page.text)[what], **typed}, headers=SAME)


async def opened(served: Served, name: str, **typed: str) -> Any:
    """A place that nobody designated."""
    page = await served.client.get(DESK)
    form = next(one for one in map(fields, re.findall(r"<form.*?</form>", page.text, re.S)) if "form" in one)
    return await served.client.post(DESK, data={**form, "name": name, **typed}, headers=SAME)


async def known(served: Served, id: str = ONE) -> dict[str, Any]:
    """As everybody may read it."""
    return dict((await outside(served, "GET", f"/ngsi-ld/v1/entities/{id}?options=keyValues")).json())


async def keeper(served: Served, id: str = ONE, **wish: Any) -> str:
    """The address of a keeper's link."""
    code, _ = await served.kitamae.city._rooms.links.make("staff-1", Wish("shelter-keeper", [id], **wish))
    return f"/l/{code}"


async def report(served: Served, link: str, *updates: dict[str, Any]) -> list[dict[str, Any]]:
    """What a phone sends once it has a connection."""
    answer = await outside(served, "POST", link + "/updates", json={"updates": list(updates)})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["answers"])


def update(id: str, at: int | None = None, **values: Any) -> dict[str, Any]:
    return {"id": id, "values": values} | ({} if at is None else {"at": clock.text(at)})
