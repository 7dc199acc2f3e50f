"""What one request may cost: the rest is refused, in a sentence, and long work lets others be served."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

import pytest
from api_client import Client, room

from kitamae.adapters.sqlite import series
from kitamae.kernel import turns
from kitamae.kernel.context.api import batch
from kitamae.kernel.context.broker import Limits
from kitamae.kernel.context.query import order

if TYPE_CHECKING:
    from kitamae.kernel.context.broker import Broker

QUERY = "entityOperations/query"
EVER = "timerel=after&timeAt=2020-01-01T00:00:00Z"


def star(corners: int) -> list[list[list[float]]]:
    ways = [2 * math.pi * n / corners for n in range(corners)]
    ring = [
        [136 + math.cos(way) / (1 + n % 2), 36 + math.sin(way) / (1 + n % 2)] for n, way in enumerate(ways)
    ]
    return [[*ring, ring[0]]]


def within(corners: int) -> dict[str, Any]:
    geo = {"geometry": "Polygon", "georel": "within", "coordinates": star(corners)}
    return {"type": "Query", "entities": [{"type": "Room"}], "geoQ": geo}


async def test_a_polygon_of_thousands_of_corners_is_asked_for_and_one_of_more_is_too_complex(
    client: Client,
) -> None:
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136, 36]}}
    await client.post("entities", room(1, location=place))
    await client.post(
        "entities", room(2, location={**place, "value": {**place["value"], "coordinates": [1, 1]}})
    )
    found = await client.post(QUERY, within(4_000))
    assert [one["id"] for one in found.json()] == ["urn:ngsi-ld:Room:1"]
    refusal = await client.post(QUERY, within(19_000))
    assert (refusal.status, refusal.error) == (403, "TooComplexQuery")
    assert "positions" in refusal.json()["detail"]


async def test_a_body_that_only_asks_is_read_as_far_as_a_question_goes(
    client: Client, broker: Broker
) -> None:
    broker.limits = Limits(question=2_000)
    rooms = [room(n, note={"type": "Property", "value": "x" * 3_000}) for n in range(2)]
    assert (await client.post("entityOperations/create", rooms)).status == 201
    for path in (QUERY, "temporal/entityOperations/query"):
        refusal = await client.post(path, {"type": "Query", "q": "x" * 3_000})
        assert (refusal.status, refusal.read) == (413, 0), path


async def test_more_ids_than_a_page_holds_are_too_complex(client: Client) -> None:
    ids = ",".join(f"urn:x:{n}" for n in range(1_001))
    assert (await client.get(f"entities?id={ids}&type=Room")).error == "TooComplexQuery"
    asked = {"type": "Query", "entities": [{"id": ids.split(","), "type": "Room"}]}
    assert (await client.post(QUERY, asked)).error == "TooComplexQuery"
    assert (await client.get(f"entities?id={ids.rpartition(',')[0]}&type=Room")).status == 200


async def test_a_page_far_behind_in_an_order_that_no_index_has_is_too_complex(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order, "FURTHEST", 5)
    await client.post("entityOperations/create", [room(n) for n in range(9)])
    first = (await client.get("entities?type=Room&orderBy=temperature;desc&limit=4")).json()
    assert [one["temperature"]["value"] for one in first] == [28, 27, 26, 25]
    far = await client.get("entities?type=Room&orderBy=temperature;desc&limit=4&offset=4")
    assert far.error == "TooComplexQuery"
    assert "orderBy" in far.json()["detail"]
    assert (await client.get("entities?type=Room&orderBy=createdAt&limit=4&offset=4")).status == 200


async def test_history_that_takes_too_long_to_look_through_is_too_complex(
    client: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.post("entityOperations/create", [room(n) for n in range(3)])
    asked = f"temporal/entities?type=Room&{EVER}"
    assert len((await client.get(f"{asked}&q=temperature>20")).json()) == 2
    broker.limits = Limits(seconds=0)
    monkeypatch.setattr(turns, "TURN", 0)
    assert (await client.get(f"{asked}&q=temperature>20")).error == "TooComplexQuery"


async def test_more_history_than_fits_into_memory_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.post("entityOperations/create", [room(n) for n in range(4)])
    assert len((await client.get(f"temporal/entities?type=Room&{EVER}")).json()) == 4
    monkeypatch.setattr(series, "MOST", 2)
    for form in ("normalized", "temporalValues"):
        refusal = await client.get(f"temporal/entities?type=Room&{EVER}&format={form}")
        assert (refusal.status, refusal.error) == (403, "TooManyResults")


async def test_q_over_history_finds_what_matches_on_every_page_of_candidates(client: Client) -> None:
    await client.post("entityOperations/create", [room(n) for n in range(250)])
    for way, expected in (("id", [248, 249]), ("id;desc", [249, 248])):
        found = await client.get(
            f"temporal/entities?type=Room&{EVER}&q=temperature>267&orderBy={way}&limit=5"
        )
        assert [one["id"] for one in found.json()] == [f"urn:ngsi-ld:Room:{n}" for n in expected]


@pytest.mark.parametrize(
    "path",
    [
        "entities?type=Room&limit=100",
        "entities?type=Room&limit=100&join=inline",
        "entities?type=Room&limit=100&join=flat",
    ],
)
async def test_while_a_long_answer_is_put_together_others_are_served(
    client: Client, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = {"type": "Relationship", "object": "urn:ngsi-ld:Room:0"}
    await client.post("entityOperations/create", [room(n, beside=beside) for n in range(50)])
    monkeypatch.setattr(turns, "TURN", 0)
    done: list[str] = []

    async def ask(path: str) -> None:
        assert (await client.get(path)).status == 200
        done.append(path)

    await asyncio.gather(ask(path), ask("entities/urn:ngsi-ld:Room:7"))
    assert done == ["entities/urn:ngsi-ld:Room:7", path]


async def test_while_a_long_batch_is_read_others_are_served(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    inner = batch._element

    def noted(*given: Any) -> Any:
        happened.append("element")
        return inner(*given)

    async def others() -> None:
        while True:
            happened.append("other")
            await asyncio.sleep(0)

    monkeypatch.setattr(batch, "_element", noted)
    monkeypatch.setattr(turns, "TURN", 0)
    busy = asyncio.create_task(others())
    assert (await client.post("entityOperations/create", [room(n) for n in range(20)])).status == 201
    busy.cancel()
    first = happened.index("element")
    between = happened[first : len(happened) - happened[::-1].index("element")]
    assert between.count("other") >= 19
