"""What the importer, the loader and the replay write, against the real API on the real store, in this process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kitamae.adapters.sqlite import store as sqlite
from kitamae.intake.asking import RefusedByBrokerError
from kitamae.intake.deliver import Broker, different
from kitamae.intake.speak import Speaker
from kitamae.kernel.context import api, broker
from kitamae.kernel.context.jsonld import CORE, Contexts
from kitamae.kernel.context.store import InstanceQuery, Store
from kitamae.kernel.people.policy import Policy
from kitamae.kernel.problems import Unavailable
from kitamae.sdk.city import City, load

KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"
ID = "urn:ngsi-ld:RiverGauge:172065:1"


@dataclass
class Here:
    """A city without a socket. `answers` may replace what the API would say, to play a bad day."""

    store: Store
    client: httpx2.AsyncClient
    requests: list[str] = field(default_factory=list)

    async def changes(self) -> int:
        return len(await self.store.changes(0, 100_000))

    async def history(self) -> list[tuple[str, float]]:
        found = await self.store.instances(InstanceQuery("", (ID,), (CORE.expand("水位"),)))
        return [(one.attribute["observedAt"][14:16], one.attribute["v"]) for one in found]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Here]:
    store = await sqlite.open(tmp_path / "kitamae.db")
    app = api.routes(broker.Broker(store, Contexts(), Policy(open=True)))
    requests: list[str] = []

    async def noted(scope: Any, receive: Any, send: Any) -> None:
        requests.append(f"{scope['method']} {scope['path']}")
        await app(scope, receive, send)

    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=noted), base_url="http://here"
    ) as client:
        yield Here(store, client, requests)
    await store.close()


def toilet(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:PublicToilet:172065:{number}",
        "type": "PublicToilet",
        "名称": {"type": "Property", "value": f"公園{number}"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [136.3, 36.3]}},
        **more,
    }


def reading(minute: int, level: float) -> dict[str, Any]:
    return {
        "id": ID,
        "type": "RiverGauge",
        "名称": {"type": "Property", "value": "宇谷川"},
        "水位": {
            "type": "Property",
            "value": level,
            "unitCode": "MTR",
            "observedAt": f"2025-10-16T09:{minute:02d}:00Z",
        },
    }


async def test_an_upsert_that_is_repeated_writes_no_change_row(here: Here) -> None:
    entities = [toilet(number) for number in range(450)]
    first = await Broker(here.client).upsert(entities)
    assert (len(first.created), first.changed, first.same, first.refused) == (450, [], [], {})
    before = await here.changes()
    again = await Broker(here.client).upsert(entities)
    assert (again.created, again.changed, len(again.same)) == ([], [], 450)
    assert await here.changes() == before == 450


async def test_only_the_attributes_that_differ_are_written_and_others_stay(here: Here) -> None:
    await Broker(here.client).upsert([toilet(1, 備考={"type": "Property", "value": "職員が書いた"})])
    delivery = await Broker(here.client).upsert([toilet(1, 名称={"type": "Property", "value": "新しい名"})])
    assert len(delivery.changed) == 1
    (_, change) = await here.store.changes(0, 10)
    assert [touched.name for touched in change.touched] == [CORE.expand("名称")]
    row = await here.store.row("", toilet(1)["id"])
    assert row is not None
    assert json.loads(row.doc)["attrs"][CORE.expand("備考")][0]["v"] == "職員が書いた"


async def test_what_the_broker_refuses_is_told_by_id_and_the_rest_is_written(here: Here) -> None:
    bad = toilet(2, location={"type": "GeoProperty", "value": {"type": "Point", "coordinates": [999, 36]}})
    delivery = await Broker(here.client).upsert([toilet(1), bad, toilet(3)])
    assert len(delivery.created) == 2
    assert list(delivery.refused) == [bad["id"]]
    assert delivery.refused[bad["id"]]


async def test_the_city_loads_through_the_public_api_once(here: Here) -> None:
    city = City.read(KAGA)
    first = await load(city, Broker(here.client))
    assert first.written == 1559
    before = await here.changes()
    assert (await load(city, Broker(here.client))).written == 0
    assert await here.changes() == before


async def test_readings_are_said_in_order_and_saying_them_again_changes_nothing(here: Here) -> None:
    readings = [reading(minute, minute / 10) for minute in range(30)]
    first = Speaker(here.client)
    assert [await first.say(one) for one in readings] == ["new"] * 30
    before = await here.changes()
    again = Speaker(here.client)
    assert [await again.say(one) for one in readings] == ["known"] * 30
    assert await here.changes() == before == 30
    assert await here.history() == [(f"{minute:02d}", minute / 10) for minute in range(30)]


async def test_a_run_that_was_cut_off_goes_on_where_it_was(here: Here) -> None:
    readings = [reading(minute, minute / 10) for minute in range(20)]
    first = Speaker(here.client)
    for one in readings[:7]:
        await first.say(one)
    again = Speaker(here.client)
    assert [await again.say(one) for one in readings] == ["known"] * 7 + ["new"] * 13
    assert len(await here.history()) == 20


async def test_readings_of_an_earlier_time_go_to_history_once_and_never_overwrite(here: Here) -> None:
    speaker = Speaker(here.client)
    assert await speaker.say(reading(30, 3.0)) == "new"
    assert [await speaker.say(reading(minute, minute / 10)) for minute in (10, 20, 10)] == [
        "late",
        "late",
        "known",
    ]
    assert await Speaker(here.client).say(reading(20, 2.0)) == "known"
    assert await here.history() == [("10", 1.0), ("20", 2.0), ("30", 3.0)]
    row = await here.store.row("", ID)
    assert row is not None
    assert json.loads(row.doc)["attrs"][CORE.expand("水位")][0]["v"] == 3.0


async def test_a_description_is_sent_once_and_again_only_when_it_changes(here: Here) -> None:
    speaker = Speaker(here.client)
    await speaker.say(reading(1, 1.0))
    await speaker.say(reading(2, 1.1))
    named = reading(3, 1.2) | {"名称": {"type": "Property", "value": "宇谷川（宇谷町）"}}
    await speaker.say(named)
    touched = [len(change.touched) for change in await here.store.changes(0, 10)]
    assert touched == [2, 1, 2]


async def test_what_an_old_message_says_of_its_device_does_not_overwrite_what_a_newer_one_said(
    here: Here,
) -> None:
    renamed = {"名称": {"type": "Property", "value": "宇谷川（宇谷町）"}}
    speaker = Speaker(here.client)
    await speaker.say(reading(1, 1.0))
    await speaker.say(reading(2, 1.1) | renamed)
    before = await here.changes()
    again = Speaker(here.client)
    assert [await again.say(one) for one in (reading(1, 1.0), reading(2, 1.1) | renamed)] == [
        "known",
        "known",
    ]
    assert await here.changes() == before


def playing(answers: list[Any]) -> httpx2.AsyncClient:
    """A broker that answers with these statuses, or raises these errors, one after the other."""

    async def answer(request: httpx2.Request) -> httpx2.Response:
        one = answers.pop(0)
        if isinstance(one, Exception):
            raise one
        return one(request) if callable(one) else httpx2.Response(one, json={"detail": f"it is a {one}"})

    return httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="http://there")


NOTHING: Callable[[httpx2.Request], httpx2.Response] = lambda _: httpx2.Response(200, json=[])  # noqa: E731 - a constant answer


async def test_a_broker_that_is_away_for_a_moment_is_asked_again() -> None:
    answers = [httpx2.ConnectError("no"), 503, NOTHING, 429, 204]
    async with playing(answers) as client:
        delivery = await Broker(client, pauses=(0, 0, 0)).upsert([toilet(1)])
    assert delivery.created
    assert not answers


async def test_a_broker_that_stays_away_is_unavailable() -> None:
    async with playing([httpx2.ConnectError("no")] * 3) as client:
        with pytest.raises(Unavailable, match="does not answer"):
            await Broker(client, pauses=(0, 0)).upsert([toilet(1)])


@pytest.mark.parametrize("status", [401, 403, 500, 507])
async def test_a_broker_that_says_no_is_quoted(status: int) -> None:
    async with playing([status]) as client:
        with pytest.raises(RefusedByBrokerError, match=f"it is a {status}"):
            await Broker(client, pauses=()).upsert([toilet(1)])


async def test_a_batch_that_is_too_large_is_cut_in_two() -> None:
    answers: list[Any] = [NOTHING, 413, 204, 204]
    async with playing(answers) as client:
        delivery = await Broker(client, pauses=()).upsert([toilet(1), toilet(2)])
    assert len(delivery.created) == 2


def test_what_is_the_same_in_other_words_is_no_difference() -> None:
    assert different(toilet(1), {**toilet(1), "type": ["PublicToilet", "Toilet"], "備考": {}}) is None
    assert different(toilet(1), {**toilet(1), "type": "Bench"}) == {
        "id": toilet(1)["id"],
        "type": "PublicToilet",
    }
