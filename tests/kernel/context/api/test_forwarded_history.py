"""Writes of history that other cities keep, over real HTTP on this machine."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from cities import ROOM, City

OPERATIONS = [
    *("retrieveTemporal", "queryTemporal", "upsertTemporal", "appendAttrsTemporal", "deleteAttrsTemporal"),
    *("updateAttrInstanceTemporal", "deleteAttrInstanceTemporal", "deleteTemporal"),
]
SPEED = {"entities": [{"type": "Room", "id": ROOM}], "propertyNames": ["speed"]}
WHOLE = {"entities": [{"type": "Room"}]}


def history(**attrs: Any) -> dict[str, Any]:
    shown = {
        name: [{"type": "Property", "value": value, "observedAt": f"2026-05-{value:02d}T00:00:00Z"}]
        for name, value in attrs.items()
    }
    return {"id": ROOM, "type": "Room", **shown}


async def here(one: City) -> dict[str, Any] | None:
    """Attribute name -> the values that city itself remembers."""
    reply = await one.client.get(f"temporal/entities/{ROOM}?local=true")
    if reply.status != 200:
        return None
    return {
        name: [instance["value"] for instance in (some if isinstance(some, list) else [some])]
        for name, some in reply.json().items()
        if name not in ("id", "type", "@context")
    }


async def instance(one: City) -> str:
    shown = (await one.client.get(f"temporal/entities/{ROOM}?local=true")).json()["speed"]
    found: str = (shown[0] if isinstance(shown, list) else shown)["instanceId"]
    return found


async def test_history_that_a_city_keeps_exclusively_is_written_there_and_the_rest_here(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, SPEED, mode="exclusive", operations=OPERATIONS)
    made = await kaga.client.post("temporal/entities", history(speed=1, name=2))
    assert (made.status, made.header("location")) == (201, f"/ngsi-ld/v1/temporal/entities/{ROOM}")
    assert (await here(kaga), await here(nomi)) == ({"name": [2]}, {"speed": [1]})
    again = await kaga.client.post("temporal/entities", history(speed=3))
    assert again.status == 204
    assert (await here(kaga), await here(nomi)) == ({"name": [2]}, {"speed": [1, 3]})


async def test_every_write_to_a_redirected_history_is_done_by_its_owner(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, WHOLE, mode="redirect", operations=OPERATIONS)
    assert (await kaga.client.post("temporal/entities", history(speed=1))).status == 201
    more = {name: some for name, some in history(speed=2).items() if name == "speed"}
    assert (await kaga.client.post(f"temporal/entities/{ROOM}/attrs", more)).status == 204
    assert (await here(kaga), await here(nomi)) == (None, {"speed": [1, 2]})
    path = f"temporal/entities/{ROOM}/attrs/speed/{await instance(nomi)}"
    changed = await kaga.client.patch(path, {"speed": [{"type": "Property", "value": 9}]})
    assert changed.status == 204
    assert 9 in (await here(nomi) or {})["speed"]
    assert (await kaga.client("DELETE", path)).status == 204
    assert len((await here(nomi) or {})["speed"]) == 1
    gone = await kaga.client("DELETE", f"temporal/entities/{ROOM}/attrs/speed?deleteAll=true")
    assert (gone.status, await here(nomi)) == (204, None)  # nothing is left to show
    assert (await kaga.client.post("temporal/entities", history(speed=1))).status == 204
    assert (await kaga.client("DELETE", f"temporal/entities/{ROOM}")).status == 204
    assert (await nomi.client.get(f"temporal/entities/{ROOM}")).status == 404


async def test_where_the_owner_of_a_history_does_not_take_it_the_answer_says_so(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, SPEED, mode="exclusive", operations=OPERATIONS)
    nomi.answer = lambda: web.Response(status=503)
    partly = await kaga.client.post("temporal/entities", history(speed=1, name=2))
    assert partly.status == 207
    (error,) = partly.json()["errors"]
    assert (error["entityId"], error["error"]["status"]) == (ROOM, 502)
    assert "registrationId" in error
    alone = await kaga.client.post("temporal/entities", history(speed=1))
    assert alone.status == 502
    some = {name: one for name, one in history(speed=1, name=3).items() if name not in ("id", "type")}
    told = await kaga.client.post(f"temporal/entities/{ROOM}/attrs", some)
    assert told.status == 207
    assert [one["attributeName"].rsplit("/", 1)[-1] for one in told.json()["notUpdated"]] == ["speed"]
    assert await here(kaga) == {"name": [2, 3]}


@pytest.mark.parametrize("mode", ["exclusive", "redirect"])
async def test_an_owner_of_history_without_the_operation_is_a_conflict(
    cities: tuple[City, City], mode: str
) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, SPEED, mode=mode, operations=["retrieveTemporal"])
    refused = await kaga.client.post("temporal/entities", history(speed=1))
    assert (refused.status, refused.error) == (409, "Conflict")
    assert nomi.asked == []
    assert await here(kaga) is None


async def test_a_local_write_of_history_goes_nowhere_else(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.knows(nomi.url, WHOLE, mode="redirect", operations=OPERATIONS)
    assert (await kaga.client.post("temporal/entities?local=true", history(speed=1))).status == 201
    assert (await kaga.client("DELETE", f"temporal/entities/{ROOM}?local=true")).status == 204
    assert nomi.asked == []
