"""History that several cities remember, over real HTTP on this machine."""

from __future__ import annotations

from typing import Any

import pytest

from cities import ROOM, City

TEMPORAL = ["retrieveTemporal", "queryTemporal"]


def series(number: int, *readings: tuple[str, float], **members: Any) -> dict[str, Any]:
    id = f"urn:ngsi-ld:Room:{number}"
    instances = [{"type": "Property", "value": value, "observedAt": at} for at, value in readings]
    return {"id": id, "type": "Room", "speed": instances, **members}


def day(number: int) -> str:
    return f"2026-05-{number:02d}T00:00:00Z"


async def remembers(one: City, *readings: tuple[int, float], number: int = 1, **members: Any) -> None:
    told = series(number, *((day(at), value) for at, value in readings), **members)
    made = await one.client.post("temporal/entities", told)
    assert made.status == 201, made.body


async def values(one: City, path: str) -> list[tuple[float, str]]:
    """(value, day) of `speed`, as that city tells them."""
    reply = await one.client.get(f"temporal/entities/{path}")
    assert reply.status == 200, reply.body
    shown = reply.json()
    found = shown[0] if isinstance(shown, list) else shown
    return [(value, at[8:10]) for value, at in found["speed"]["values"]]


async def test_what_two_cities_remember_is_one_history(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await remembers(kaga, (1, 10), (3, 30))
    await remembers(nomi, (2, 20), (3, 30), scope="/south")
    await kaga.knows(nomi.url, operations=TEMPORAL)
    assert await values(kaga, f"{ROOM}?options=temporalValues") == [(10, "01"), (20, "02"), (30, "03")]
    assert await values(kaga, f"{ROOM}?options=temporalValues&lastN=2") == [(20, "02"), (30, "03")]
    window = "timerel=between&timeAt=2026-05-02T00:00:00Z&endTimeAt=2026-05-03T00:00:00Z"
    assert await values(kaga, f"{ROOM}?options=temporalValues&{window}") == [(20, "02")]
    assert nomi.asked[-1].query["timerel"] == "between"
    reply = await kaga.client.get(f"temporal/entities/{ROOM}?options=aggregatedValues&aggrMethods=sum")
    assert reply.json()["speed"]["sum"][0][0] == 60
    assert await values(kaga, f"{ROOM}?options=temporalValues&local=true") == [(10, "01"), (30, "03")]
    shown = (await kaga.client.get(f"temporal/entities/{ROOM}?options=sysAttrs")).json()
    assert (shown["scope"], {len(one["createdAt"]) > 0 for one in shown["speed"]}) == ("/south", {True})


async def test_what_another_city_alone_remembers_is_found_page_by_page(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await remembers(kaga, (1, 1), number=1)
    for number in (1, 2, 3):
        await remembers(nomi, (2, number), number=number)
    await kaga.knows(nomi.url, operations=TEMPORAL)
    when = f"type=Room&timerel=after&timeAt={day(1)}"
    pages = [
        await kaga.client.get(f"temporal/entities?{when}&limit=2&offset={at}&count=true") for at in (0, 2)
    ]
    assert [[one["id"][-1] for one in page.json()] for page in pages] == [["1", "2"], ["3"]]
    assert pages[0].header("ngsild-results-count") == "3"
    some = await kaga.client.get(f"temporal/entities?{when}&q=speed>2&options=temporalValues")
    assert [one["speed"]["values"][0][0] for one in some.json()] == [3]
    query = {
        "type": "Query",
        "entities": [{"type": "Room", "id": "urn:ngsi-ld:Room:2"}],
        "temporalQ": {"timerel": "after", "timeAt": day(1)},
    }
    posted = await kaga.client.post("temporal/entityOperations/query", query)
    assert [one["id"][-1] for one in posted.json()] == ["2"]
    assert (await kaga.client.get("temporal/entities/urn:ngsi-ld:Room:9")).status == 404


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"operations": ["queryEntity"]}, False),
        ({"operations": TEMPORAL, "observationInterval": {"startAt": "2026-01-01T00:00:00Z"}}, True),
        (
            {
                "operations": TEMPORAL,
                "observationInterval": {"startAt": "2025-01-01T00:00:00Z", "endAt": "2025-02-01T00:00:00Z"},
            },
            False,
        ),
    ],
)
async def test_who_remembers_nothing_of_that_time_is_not_asked(
    cities: tuple[City, City], members: dict[str, Any], found: bool
) -> None:
    kaga, nomi = cities
    await remembers(nomi, (2, 20))
    await kaga.knows(nomi.url, **members)
    reply = await kaga.client.get(f"temporal/entities?type=Room&timerel=after&timeAt={day(1)}")
    assert (len(reply.json()), len(nomi.asked)) == (int(found), int(found))


async def test_a_city_that_does_not_answer_is_a_warning(cities: tuple[City, City]) -> None:
    kaga, _ = cities
    await remembers(kaga, (1, 10))
    await kaga.knows("http://127.0.0.1:9", operations=TEMPORAL)
    reply = await kaga.client.get(f"temporal/entities/{ROOM}")
    assert (reply.status, (reply.header("ngsild-warning") or "")[:3]) == (200, "199")


async def test_a_map_of_history_fixes_its_pages(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await remembers(kaga, (1, 1), number=1)
    await remembers(nomi, (1, 2), number=2)
    await kaga.knows(nomi.url, operations=TEMPORAL)
    when = f"type=Room&timerel=after&timeAt={day(1)}"
    assert (await kaga.client.get("temporal/entityMaps?type=Room")).status == 400  # of which time?
    made = await kaga.client.get(f"temporal/entityMaps?{when}")
    assert (made.status, made.json()["entityMap"]) == (
        201,
        {ROOM: ["@none"], "urn:ngsi-ld:Room:2": ["urn:ngsi-ld:ContextSourceRegistration:1"]},
    )
    asked = await kaga.client.get(f"temporal/entities?{when}&entityMap=true")
    assert (asked.status, len(asked.json())) == (201, 2)
    await remembers(nomi, (1, 3), number=3)
    map = made.header("ngsild-entitymap") or ""
    pages = [
        await kaga.client.get(f"temporal/entities?{when}&limit=1&offset={at}", ngsild_entitymap=map)
        for at in (0, 1, 2)
    ]
    assert [[one["id"][-1] for one in page.json()] for page in pages] == [["1"], ["2"], []]
    empty = await kaga.client.get("temporal/entityMaps?type=Room&timerel=before&timeAt=2000-01-01T00:00:00Z")
    assert empty.json()["entityMap"] == {}


async def test_a_map_of_one_history_says_who_remembers_it_and_only_they_are_asked(
    cities: tuple[City, City],
) -> None:
    kaga, nomi = cities
    await remembers(kaga, (1, 10))
    await remembers(nomi, (2, 20))
    past = {"observationInterval": {"startAt": day(1)}}
    await kaga.knows(nomi.url, operations=["retrieveTemporal"], **past)
    made = await kaga.client.get(f"temporal/entities/{ROOM}?entityMap=true&options=temporalValues")
    assert made.status == 200
    map = made.header("ngsild-entitymap") or ""
    source = "urn:ngsi-ld:ContextSourceRegistration:1"
    members = (await kaga.client.get(map.removeprefix("/ngsi-ld/v1/"))).json()["entityMap"]
    assert members == {ROOM: ["@none", source]}
    alone = await kaga.client.get(f"temporal/entities/{ROOM}?entityMap=true&local=true")
    here = alone.header("ngsild-entitymap") or ""
    nomi.asked.clear()
    again = await kaga.client.get(f"temporal/entities/{ROOM}", ngsild_entitymap=here)
    assert (again.header("ngsild-entitymap"), nomi.asked) == (here, [])
