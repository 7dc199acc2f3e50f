from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from api_client import Client, room

from kitamae.adapters.sqlite import SqliteStore
from kitamae.kernel.context import clock
from kitamae.kernel.context.api import history_provision
from kitamae.kernel.context.broker import Limits
from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.policy import Policy

if TYPE_CHECKING:
    from kitamae.kernel.context.broker import Broker

ROOM = "temporal/entities/urn:ngsi-ld:Room:1"


def reading(minute: int, value: float) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": f"2026-11-21T00:{minute:02}:00Z"}


async def readings(client: Client, count: int = 3) -> None:
    await client.post("entities", room(1))
    for minute in range(1, count):
        update = {"temperature": reading(minute, 21 + minute)}
        await client.patch("entities/urn:ngsi-ld:Room:1/attrs", update)


async def test_every_update_is_remembered(client: Client) -> None:
    await readings(client)
    history = (await client.get(ROOM)).json()
    assert [one["value"] for one in history["temperature"]] == [21, 22, 23]
    simple = (await client.get(ROOM + "?format=temporalValues")).json()["temperature"]
    assert simple["values"][0] == [21, "2026-11-21T00:00:00Z"]


async def test_an_interval_holds_its_beginning_and_not_its_end(client: Client) -> None:
    await readings(client)
    asked = "timerel=between&timeAt=2026-11-21T00:01:00Z&endTimeAt=2026-11-21T00:02:00Z"
    (entity,) = (await client.get(f"temporal/entities?type=Room&{asked}")).json()
    assert [one["value"] for one in entity["temperature"]] == [22]


async def test_figures_over_periods(client: Client) -> None:
    await readings(client, 4)
    asked = "format=aggregatedValues&aggrMethods=max,avg&aggrPeriodDuration=PT2M&timerel=after&timeAt=2026-11-20T23:59:00Z"
    figures = (await client.get(f"{ROOM}?{asked}")).json()["temperature"]
    assert [one[0] for one in figures["max"]] == [21, 23, 24]


async def test_history_that_does_not_fit_is_partial_and_says_what_it_covers(
    client: Client, broker: Broker
) -> None:
    broker.limits = Limits(instances=2)
    await readings(client, 4)
    answer = await client.get(ROOM)
    assert (answer.status, len(answer.json()["temperature"])) == (206, 2)
    assert answer.header("content-range") == "date-time 2026-11-21T00:00:00Z-2026-11-21T00:01:00Z/*"


async def test_what_has_nothing_within_a_partial_answer_is_shown_to_be_there(
    client: Client, broker: Broker
) -> None:
    broker.limits = Limits(instances=2)
    await readings(client, 4)
    await client.post("entities/urn:ngsi-ld:Room:1/attrs", {"dust": reading(50, 3)})
    assert (await client.get(ROOM)).json()["dust"] == []
    values = (await client.get(f"{ROOM}?format=temporalValues")).json()["dust"]
    assert values == {"type": "Property", "values": []}


async def test_clients_write_history_of_what_was_never_here(client: Client) -> None:
    past = {"id": "urn:ngsi-ld:Room:1", "type": "Room", "temperature": [reading(1, 5), reading(2, 6)]}
    assert (await client.post("temporal/entities", past)).status == 201
    more = {"id": "urn:ngsi-ld:Room:1", "type": "Hall", "temperature": [reading(3, 7)]}
    assert (await client.post("temporal/entities", more)).status == 204
    assert (await client.post(ROOM + "/attrs", {"temperature": [reading(4, 8)]})).status == 204
    history = (await client.get(ROOM)).json()
    assert history["type"] == ["Room", "Hall"]
    assert [one["value"] for one in history["temperature"]] == [5, 6, 7, 8]
    assert (await client.get("entities/urn:ngsi-ld:Room:1")).status == 404


async def test_one_instance_is_corrected_and_another_deleted(client: Client) -> None:
    await readings(client)
    first, second, _ = (await client.get(ROOM)).json()["temperature"]
    path = ROOM + "/attrs/temperature/"
    corrected = {"type": "Property", "value": -1, "observedAt": first["observedAt"]}
    assert (await client.patch(path + first["instanceId"], corrected)).status == 204
    assert (await client("DELETE", path + second["instanceId"])).status == 204
    assert (await client("DELETE", path + second["instanceId"])).status == 404
    left = (await client.get(ROOM)).json()["temperature"]
    assert [one["value"] for one in left] == [-1, 23]
    assert left[0]["instanceId"] == first["instanceId"]


async def test_the_long_history_of_an_attribute_is_deleted_piece_by_piece_also_in_closed_months(
    client: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_provision, "_PIECE", 3)
    store = broker.store
    assert isinstance(store, SqliteStore)

    def seen(day: int, dataset: str = "") -> dict[str, Any]:
        at = f"2025-{1 + day // 20:02}-{1 + day % 20:02}T00:00:00Z"
        one = {"type": "Property", "value": day, "observedAt": at}
        return {**one, "datasetId": dataset} if dataset else one

    alike = [{**seen(30), "value": n} for n in range(5)]  # more of one moment than a piece holds
    temperature = [*map(seen, range(60)), *alike, {"type": "Property", "value": "unseen"}]
    other = [seen(day, "urn:other") for day in range(10)]
    past = {"id": "urn:ngsi-ld:Room:1", "type": "Room", "temperature": [*temperature, *other]}
    assert (await client.post("temporal/entities", past)).status == 201
    await client.post("temporal/entities/urn:ngsi-ld:Room:1/attrs", {"floor": [seen(1)]})
    await store.compact(clock.micros("2025-03-01T00:00:00Z"))
    done = 0
    transact = store.transact

    async def counted(work: Any) -> Any:
        nonlocal done
        done += 1
        return await transact(work)

    monkeypatch.setattr(store, "transact", counted)
    assert (await client("DELETE", f"{ROOM}/attrs/temperature")).status == 204
    assert done >= 65 // 5
    left = (await client.get(ROOM)).json()
    assert {one["datasetId"] for one in left["temperature"]} == {"urn:other"}
    assert (len(left["temperature"]), left["floor"][0]["value"]) == (10, 1)
    assert (await client("DELETE", f"{ROOM}/attrs/temperature")).status == 404
    assert (await client("DELETE", f"{ROOM}/attrs/temperature?deleteAll=true")).status == 204
    assert (await client.get(ROOM)).json().keys() == {"id", "type", "floor"}


async def test_deleted_history_is_gone(client: Client) -> None:
    await readings(client)
    assert (await client("DELETE", ROOM + "/attrs/temperature")).status == 204
    assert (await client("DELETE", ROOM + "/attrs/temperature")).status == 404
    assert (await client.get(ROOM + "?attrs=temperature")).status == 404
    await client("DELETE", "entities/urn:ngsi-ld:Room:1")
    assert (await client("DELETE", ROOM)).status == 204
    assert (await client.get(ROOM)).status == 404


async def test_history_outlives_its_entity(client: Client) -> None:
    await readings(client)
    await client("DELETE", "entities/urn:ngsi-ld:Room:1")
    assert [
        one["value"]
        for one in (await client.get(ROOM + "?lastN=2&timerel=after&timeAt=2026-01-01T00:00:00Z")).json()[
            "temperature"
        ]
    ]


async def test_a_temporal_query_by_post(client: Client) -> None:
    await readings(client)
    query = {
        "type": "Query",
        "entities": [{"type": "Room"}],
        "temporalQ": {"timerel": "after", "timeAt": "2026-11-21T00:01:30Z"},
    }
    (entity,) = (await client.post("temporal/entityOperations/query", query)).json()
    assert [one["value"] for one in entity["temperature"]] == [23]


async def test_a_temporal_query_by_post_has_selectors_each_for_itself(client: Client) -> None:
    await readings(client)
    here = (await client.get("entities?type=Room&pick=id")).json()[0]["id"]
    query = {
        "type": "Query",
        "entities": [{"type": "Car", "id": here}, {"type": "Room", "idPattern": "^urn"}],
        "temporalQ": {"timerel": "after", "timeAt": "2026-11-21T00:01:30Z"},
    }
    assert len((await client.post("temporal/entityOperations/query", query)).json()) == 1
    query["entities"] = [{"type": "Car", "id": here}, {"type": "Room", "idPattern": "^nobody"}]
    assert (await client.post("temporal/entityOperations/query", query)).json() == []


async def test_questions_about_time_that_make_no_sense(client: Client) -> None:
    await readings(client)
    for asked in (
        "timerel=after",
        "timerel=sometimes&timeAt=2026-11-21T00:00:00Z",
        "timerel=between&timeAt=2026-11-21T00:00:00Z",
        "timerel=before&timeAt=yesterday",
        "format=aggregatedValues",
        "lastN=0",
        "pick=a{b}",
    ):
        assert (await client.get(f"{ROOM}?{asked}")).error == "BadRequestData", asked
    assert (await client.get("temporal/entities?type=Room")).error == "BadRequestData"


async def test_conditions_are_met_by_what_was_within_the_interval(client: Client) -> None:
    await readings(client)  # 21, 22, 23 at minutes 0, 1, 2
    within = "timerel=between&timeAt=2026-11-21T00:01:00Z&endTimeAt=2026-11-21T00:02:00Z"
    assert len((await client.get(f"temporal/entities?type=Room&{within}&q=temperature==22")).json()) == 1
    assert (await client.get(f"temporal/entities?type=Room&{within}&q=temperature==23")).json() == []


async def test_pages_of_what_met_a_condition_are_complete(client: Client) -> None:
    for number in range(5):
        past = {"id": f"urn:ngsi-ld:Room:{number}", "type": "Room", "temperature": [reading(1, number % 2)]}
        await client.post("temporal/entities", past)
    asked = "type=Room&timerel=after&timeAt=2026-01-01T00:00:00Z&q=temperature==0&count=true&limit=2"
    first = await client.get(f"temporal/entities?{asked}")
    second = await client.get(f"temporal/entities?{asked}&offset=2")
    assert first.header("ngsild-results-count") == second.header("ngsild-results-count") == "3"
    ids = [one["id"] for one in first.json() + second.json()]
    assert ids == ["urn:ngsi-ld:Room:0", "urn:ngsi-ld:Room:2", "urn:ngsi-ld:Room:4"]


async def test_picking_the_id_alone_shows_no_attributes(client: Client) -> None:
    await readings(client)
    assert (await client.get(ROOM + "?pick=id")).json() == {"id": "urn:ngsi-ld:Room:1"}
    assert (await client.get(ROOM + "?omit=id,type,temperature")).status == 404


async def test_history_is_ordered_by_id_either_way(client: Client) -> None:
    for number in (2, 1, 3):
        past = {"id": f"urn:ngsi-ld:Room:{number}", "type": "Room", "temperature": [reading(1, 0)]}
        await client.post("temporal/entities" if number == 1 else "entities", past)
    asked = "temporal/entities?type=Room&timerel=after&timeAt=2026-01-01T00:00:00Z&orderBy=id"
    for order, numbers in (("", "123"), (";desc", "321")):
        answer = await client.get(asked + order)
        assert [one["id"][-1] for one in answer.json()] == list(numbers)
    assert (await client.get(asked + ",type")).error == "BadRequestData"


async def test_who_may_write_a_history_is_asked_of_what_it_is_when_it_is_written(
    client: Client, broker: Broker
) -> None:
    broker.policy = Policy()
    own = "write:entity:https://uri.etsi.org/ngsi-ld/default-context/Room"
    device = Client(client.application, Principal("d1", "device", frozenset({own}), 1))
    staff = Client(client.application, Principal("s1", "staff"))
    past = {"id": "urn:ngsi-ld:Room:1", "type": "Room", "temperature": [reading(1, 1)]}
    assert (await device.post("temporal/entities", past)).status == 201
    vault = {**past, "type": "Vault", "temperature": [reading(2, 2)]}
    answers = await asyncio.gather(  # the device asks while its answer is still being decided
        staff.post("temporal/entities", vault),
        device.post(f"{ROOM}/attrs", {"temperature": [reading(3, 3)]}),
        device.post("temporal/entities", {**past, "temperature": [reading(4, 4)]}),
        device("DELETE", ROOM),
    )
    assert [answer.status for answer in answers] == [204, 403, 403, 403]
    history = (await staff.get(ROOM)).json()
    assert [one["value"] for one in history["temperature"]] == [1, 2]


async def test_the_scope_has_a_history_too(client: Client) -> None:
    path = "temporal/entities/urn:ngsi-ld:Room:7"
    await client.post("entities", room(7, scope="/kaga/north"))
    await client.patch("entities/urn:ngsi-ld:Room:7", {"scope": ["/kaga/south", "/inn"]})
    await client("DELETE", "entities/urn:ngsi-ld:Room:7/attrs/scope")
    scopes = (await client.get(path)).json()["scope"]
    assert [one["value"] for one in scopes] == ["/kaga/north", ["/kaga/south", "/inn"], "urn:ngsi-ld:null"]
    assert scopes[0]["observedAt"] < scopes[1]["observedAt"] < scopes[2]["deletedAt"]
    stamps = (await client.get(f"{path}?options=sysAttrs")).json()["scope"][1]
    assert stamps["observedAt"] == stamps["modifiedAt"]
    figures = await client.get(
        f"{path}?format=aggregatedValues&aggrMethods=max&timerel=after&timeAt=2020-01-01T00:00:00Z"
    )
    assert figures.json().get("scope") is None


def moved(n: int, *scopes: tuple[str, str | list[str]]) -> dict[str, Any]:
    """A car that measured something at a quarter past and to the hour, from eleven to two."""
    return {
        "id": f"urn:ngsi-ld:Car:{n}",
        "type": "Car",
        "scope": [
            {"type": "Property", "value": value, "observedAt": f"2026-03-01T{at}:00Z"} for at, value in scopes
        ],
        "speed": [
            {
                "type": "Property",
                "value": int(f"{hour}{minute}"),
                "observedAt": f"2026-03-01T{hour}:{minute}:00Z",
            }
            for hour in (11, 12, 13)
            for minute in (15, 45)
        ],
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("/A", {1: [1215, 1245]}),  # set before the interval
        ("/B", {2: [1245]}),  # set within it: from then on
        ("/C", {3: [1215]}),  # replaced within it: until then
        ("/D", {3: [1245]}),
        ("/E", {}),  # only after it
        ("/%23", {1: [1215, 1245], 2: [1245], 3: [1215, 1245]}),  # "any" has its end where there was none
        ("/C&lastN=1", {3: [1215]}),  # the last one of those moments, not of all
    ],
)
async def test_a_scope_query_means_the_moments_at_which_the_scope_was_valid(
    client: Client, asked: str, found: dict[int, list[int]]
) -> None:
    for one in (
        moved(1, ("10:00", ["/A", "/X"])),
        moved(2, ("12:30", "/B")),
        moved(3, ("10:00", "/C"), ("12:30", "/D")),
        moved(4, ("13:30", "/E")),
        {"id": "urn:ngsi-ld:Car:5", "type": "Car", "speed": moved(5)["speed"]},
    ):
        assert (await client.post("temporal/entities", one)).status == 201
    window = "timerel=between&timeAt=2026-03-01T12:00:00Z&endTimeAt=2026-03-01T13:00:00Z"
    answer = await client.get(f"temporal/entities?type=Car&scopeQ={asked}&{window}")
    assert {
        int(one["id"][-1]): [reading["value"] for reading in one["speed"]] for one in answer.json()
    } == found
