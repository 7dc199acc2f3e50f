"""Snapshots: what queries found, held still."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from api_client import Client, Reply, room

from cities import ROOM, City
from kitamae.adapters import sqlite
from kitamae.adapters.sqlite import SqliteStore
from kitamae.kernel.context.api import routes
from kitamae.kernel.context.broker import Broker
from kitamae.kernel.context.jsonld import Contexts
from kitamae.kernel.context.snapshot import registry
from kitamae.kernel.context.snapshot.registry import Snapshots
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.people.policy import Policy
from kitamae.kernel.problems import StoreFull
from receivers import Receiver

ROOMS = {"type": "Query", "entities": [{"type": "Room"}]}


async def frozen(client: Client, *queries: dict[str, Any], **members: Any) -> str:
    """The id of a new snapshot, once it is filled."""
    if queries:
        members["snapshotQueries"] = [*queries]
    made = await client.post("snapshots", {"type": "Snapshot", **members})
    assert made.status == 201, made.body
    return await filled(client, made)


async def filled(client: Client, made: Reply) -> str:
    path = (made.header("location") or "").removeprefix("/ngsi-ld/v1/")
    async with asyncio.timeout(10):
        while (shown := (await client.get(path)).json())["snapshotStatus"] == "preparing":
            await asyncio.sleep(0.01)
    id: str = shown["id"]
    return id


async def status(client: Client, id: str) -> dict[str, Any]:
    shown: dict[str, Any] = (await client.get(f"snapshots/{id}")).json()
    return shown


async def test_what_is_in_a_snapshot_stays_as_it_was_found(client: Client) -> None:
    for number in (1, 2):
        await client.post("entities", room(number))
    before = (await client.get(f"entities/{ROOM}?options=sysAttrs")).json()
    id = await frozen(client, {**ROOMS, "q": "temperature<22"})
    shown = await status(client, id)
    assert (shown["snapshotStatus"], shown["snapshotPriority"]) == ("success", 5)
    assert shown["snapshotQueriesDetails"] == [{"resultStatus": "success"}]
    await client.patch(f"entities/{ROOM}/attrs/temperature", {"value": 99})
    await client.post("entities", room(3))
    found = await client.get("entities?type=Room", ngsild_snapshot=id)
    assert [one["id"] for one in found.json()] == [ROOM]
    assert found.header("ngsild-snapshot") == id
    there = await client.get(f"entities/{ROOM}?options=sysAttrs", ngsild_snapshot=id)
    assert there.json() == before
    assert (await client.get(f"entities/{ROOM}?options=keyValues")).json()["temperature"] == 99


# --- being told
async def test_whoever_wants_to_know_is_told_when_a_snapshot_is_filled(client: Client) -> None:
    await client.post("entities", room(1))
    async with Receiver() as receiver:
        members = {
            "endpoint": receiver.uri,
            "receiverInfo": [{"key": "Authorization", "value": "Bearer x"}],
            "snapshotTemporalQueries": [
                {**ROOMS, "temporalQ": {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z"}}
            ],
        }
        id = await frozen(client, ROOMS, **members)
        await receiver.got(1)
        shown = await status(client, id)
        (message,) = receiver.messages
        assert message["type"] == "SnapshotNotification"
        assert message["snapshotId"] == id
        for name in ("snapshotStatus", "snapshotPriority", "expiresAt", "snapshotQueriesDetails"):
            assert message[name] == shown[name]
        assert message["temporalSnapshotQueriesDetails"] == shown["snapshotTemporalQueriesDetails"]
        assert message["notifiedAt"] == shown["modifiedAt"]
        (headers,) = receiver.headers
        assert (headers["Authorization"], headers["Idempotency-Key"]) == ("Bearer x", message["id"])
        clone = {"type": "Snapshot", "endpoint": receiver.uri}
        copy = await filled(client, await client.post(f"snapshots/{id}/clone", clone))
        await receiver.got(2)
        assert receiver.messages[1]["snapshotId"] == copy


async def test_who_was_away_when_a_snapshot_was_filled_is_told_after_a_restart(
    tmp_path: Path,
) -> None:
    async def broker(store: SqliteStore) -> Broker:
        contexts = Contexts()
        subscriptions = Subscriptions(store, contexts, Destinations(loopback=True), first_pause=0.05)
        await subscriptions.start()
        told = Snapshots(subscriptions.of_snapshots)
        return Broker(store, contexts, Policy(open=True), subscriptions=subscriptions, snapshots=told)

    receiver = Receiver()
    await receiver.listen()
    await receiver.silence()  # its port is known, and nobody listens
    first = await broker(await sqlite.open(tmp_path / "kitamae.db"))
    client = Client(routes(first))
    await client.post("entities", room(1))
    id = await frozen(client, ROOMS, endpoint=receiver.uri)
    assert first.subscriptions is not None
    await first.subscriptions.close()
    await first.store.close()
    second = await broker(await sqlite.open(tmp_path / "kitamae.db"))
    await receiver.listen()
    await receiver.got(1)
    assert receiver.messages[0]["snapshotId"] == id
    assert second.subscriptions is not None
    await second.subscriptions.close()
    assert await second.store.queues() == []
    await second.store.close()
    await receiver.silence()


async def test_another_worker_sees_that_a_snapshot_is_being_filled_and_when_nobody_fills_it_any_more(
    broker: Broker,
) -> None:
    one, store, now = broker.snapshots, broker.store, broker.clock()
    other = Snapshots(one.notices)
    async with Receiver() as receiver:
        given = {"id": "urn:x:1", "snapshotQueries": [ROOMS], "endpoint": receiver.uri}
        await one.create(store, "", given, now)
        assert (await other.find(store, "", "urn:x:1", now)).status == "preparing"
        await other.update(store, await other.find(store, "", "urn:x:1", now), {"snapshotPriority": 1}, now)
        later = now + 61_000_000  # whoever filled it was stopped and said nothing for a minute
        assert (await other.find(store, "", "urn:x:1", later)).status == "failure"
        await other.tidy(store, later)
        await one.tidy(store, later)
        (message,) = await receiver.got(1)
        assert (message["snapshotStatus"], message["snapshotPriority"]) == ("failure", 1)
        late = await one.find(store, "", "urn:x:1", later)
        late.status = "success"
        await one.filled(store, late, later)  # whoever was given up and lived on
        assert (await other.find(store, "", "urn:x:1", later)).status == "failure"
        assert await store.documents(None, "snapshot-work") == []


async def test_who_fills_a_snapshot_for_long_goes_on_saying_so(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_LEASE", 0.03)
    one, store, now = broker.snapshots, broker.store, broker.clock()
    new = await one.create(store, "", {"id": "urn:x:1", "snapshotQueries": [ROOMS]}, now)
    later = now + 600_000_000
    assert (await one.find(store, "", "urn:x:1", later)).status == "failure"
    holding = asyncio.create_task(one.hold(store, new, lambda: later))
    async with asyncio.timeout(10):
        while (await one.find(store, "", "urn:x:1", later)).status != "preparing":
            await asyncio.sleep(0.01)
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)


async def test_a_store_that_cannot_write_for_a_moment_makes_no_failure_of_a_snapshot(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_LEASE", 0.06)
    store, now, transact, refused = broker.store, broker.clock(), broker.store.transact, 0
    new = await broker.snapshots.create(store, "", {"id": "urn:x:1", "snapshotQueries": [ROOMS]}, now)

    async def full(work: Any) -> Any:
        nonlocal refused
        refused += 1
        if refused < 3:
            raise StoreFull
        return await transact(work)

    monkeypatch.setattr(store, "transact", full)
    holding = asyncio.create_task(broker.snapshots.hold(store, new, broker.clock))
    async with asyncio.timeout(5):
        while refused < 5:
            await asyncio.sleep(0.01)
    holding.cancel()
    ((_, _, lease),) = await store.documents("", "snapshot-work")
    assert lease["until"] > now + 60_000


async def test_one_that_is_filled_while_it_is_read_is_no_failure(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, now, get = broker.store, broker.clock(), broker.store.get
    new = await broker.snapshots.create(store, "", {"id": "urn:x:1", "snapshotQueries": [ROOMS]}, now)
    new.status = "success"

    async def late(tenant: str, kind: str, id: str) -> Any:
        if kind == "snapshot-work":  # its document was read before
            await broker.snapshots.filled(store, new, now)
        return await get(tenant, kind, id)

    monkeypatch.setattr(store, "get", late)
    assert (await broker.snapshots.find(store, "", "urn:x:1", now)).status == "success"


@pytest.mark.parametrize(
    "members",
    [
        {"endpoint": "ftp://example.org"},
        {"endpoint": {"uri": "https://example.org"}},
        {"endpoint": "http://169.254.169.254/latest"},
        {"receiverInfo": [{"key": "a", "value": "b"}]},
        {"endpoint": "https://example.org", "receiverInfo": [{"key": "Host", "value": "b"}]},
    ],
)
async def test_nobody_is_told_at_an_address_that_is_none_or_not_allowed(
    client: Client, members: dict[str, Any]
) -> None:
    made = await client.post("snapshots", {"type": "Snapshot", "snapshotQueries": [ROOMS], **members})
    assert made.error == "BadRequestData"
    assert (await client.get("entities?type=Room")).json() == []


async def test_a_snapshot_can_be_worked_with_and_nobody_else_sees_it(client: Client) -> None:
    await client.post("entities", room(1))
    id = await frozen(client, ROOMS)
    what_if = await client.patch(f"entities/{ROOM}/attrs/temperature", {"value": 5}, ngsild_snapshot=id)
    assert (what_if.status, what_if.header("ngsild-snapshot")) == (204, id)
    assert (await client.post("entities", room(2), ngsild_snapshot=id)).status == 201
    query = await client.post("entityOperations/query", {**ROOMS, "q": "temperature==5"}, ngsild_snapshot=id)
    assert [one["id"] for one in query.json()] == [ROOM]
    assert len((await client.get("temporal/entities/" + ROOM, ngsild_snapshot=id)).json()["temperature"]) == 2
    assert len((await client.get("entities?type=Room")).json()) == 1
    for path in ("subscriptions", "csourceRegistrations", "entityMaps?type=Room", f"snapshots/{id}"):
        assert (await client.get(path, ngsild_snapshot=id)).status == 422
    missing = await client.get("entities?type=Room", ngsild_snapshot="urn:ngsi-ld:Snapshot:none")
    assert missing.status == 404


async def test_history_is_held_still_too(client: Client) -> None:
    for value in (20, 21):
        at = {"type": "Property", "value": value, "observedAt": f"2026-05-{value}T00:00:00Z"}
        await client.post("entityOperations/upsert", [room(1, temperature=at)])
    when = {"timerel": "after", "timeAt": "2026-05-21T00:00:00Z"}
    id = await frozen(client, snapshotTemporalQueries=[{**ROOMS, "temporalQ": when}])
    assert (await status(client, id))["snapshotTemporalQueriesDetails"] == [{"resultStatus": "success"}]
    there = await client.get(f"temporal/entities/{ROOM}?options=temporalValues", ngsild_snapshot=id)
    assert [value for value, _ in there.json()["temperature"]["values"]] == [21]
    made = await client.post(f"snapshots/{id}/clone", {"type": "Snapshot"})
    copy = await client.get(f"temporal/entities/{ROOM}", ngsild_snapshot=await filled(client, made))
    assert len(copy.json()["temperature"]) == 1


async def test_a_clone_outlives_what_it_was_made_of(client: Client, broker: Broker) -> None:
    await client.post("entities", room(1))
    id = await frozen(client, ROOMS)
    made = await client.post(f"snapshots/{id}/clone", {"type": "Snapshot", "snapshotPriority": 9})
    assert made.status == 201
    clone = await filled(client, made)
    assert (await client("DELETE", f"snapshots/{id}")).status == 204
    assert (await client.get(f"snapshots/{id}")).status == 404
    assert len((await client.get("entities?type=Room", ngsild_snapshot=clone)).json()) == 1
    purge = await client("DELETE", "snapshots?q=snapshotPriority>5")
    assert purge.status == 204
    assert (await client("DELETE", "snapshots?q=snapshotPriority>5")).status == 404
    rooms = [one for one in await broker.store.tenants() if one.startswith("/")]
    assert [await broker.store.types(one) for one in rooms] == [{}, {}]  # nothing of them is left


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"snapshotQueries": []},
        {"snapshotQueries": [{**ROOMS, "temporalQ": {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z"}}]},
        {"snapshotTemporalQueries": [ROOMS]},
        {"snapshotQueries": [ROOMS], "snapshotPriority": 11},
        {"snapshotQueries": [ROOMS], "snapshotLifetime": "a day"},
        {"snapshotQueries": [ROOMS], "id": "no uri"},
        {"snapshotQueries": [ROOMS], "type": "Subscription"},
        {"snapshotQueries": [ROOMS], "color": "red"},
    ],
)
async def test_a_wrong_snapshot_is_refused(client: Client, wrong: dict[str, Any]) -> None:
    refused = await client.post("snapshots", {"type": "Snapshot", **wrong})
    assert (refused.status, refused.error) == (400, "BadRequestData")


async def test_the_status_says_how_each_query_went(client: Client) -> None:
    await client.post("entities", room(1))
    cars = {"type": "Query", "entities": [{"type": "Car"}]}
    for queries, told in (
        ([ROOMS, cars], "partial"),
        ([cars], "empty"),
        ([{"type": "Query", "q": ";"}], "failure"),
    ):
        shown = await status(client, await frozen(client, *queries))
        assert shown["snapshotStatus"] == told
    assert shown["snapshotQueriesDetails"][0]["problemDetails"]["status"] == 400


async def test_lifetime_and_priority_are_changed_and_granted_within_a_month(
    client: Client, broker: Broker
) -> None:
    now = broker.clock()
    broker.clock = lambda: now
    id = await frozen(client, ROOMS, id="urn:ngsi-ld:Snapshot:1", snapshotLifetime="P10Y")
    assert (
        await client.post("snapshots", {"type": "Snapshot", "id": id, "snapshotQueries": [ROOMS]})
    ).status == 409
    ends = (await status(client, id))["expiresAt"]
    changed = await client.patch(f"snapshots/{id}", {"snapshotPriority": 2, "snapshotLifetime": "PT1H"})
    assert (changed.status, changed.json()["snapshotPriority"]) == (200, 2)
    assert changed.json()["expiresAt"] < ends
    assert (await client.patch(f"snapshots/{id}", {"snapshotQueries": []})).status == 400
    for wrong in ("speed>50", "", "snapshotPriority<"):
        assert (await client("DELETE", f"snapshots?q={wrong}")).status == 400
    now += 3_600_000_000
    assert (await client.get(f"snapshots/{id}")).status == 404
    assert (await client.get("entities?type=Room", ngsild_snapshot=id)).status == 404
    await broker.snapshots.tidy(broker.store, now)
    assert await broker.store.documents(None, "snapshot") == []


async def test_who_may_not_write_makes_no_snapshot(broker: Broker) -> None:
    broker.policy = Policy()
    refused = await Client(routes(broker)).post("snapshots", {"type": "Snapshot", "snapshotQueries": [ROOMS]})
    assert refused.status == 401


async def test_a_snapshot_is_its_tenants_alone(client: Client) -> None:
    await client.post("entities", room(1), ngsild_tenant="other")
    made = await client.post(
        "snapshots", {"type": "Snapshot", "snapshotQueries": [ROOMS]}, ngsild_tenant="other"
    )
    id = (made.header("location") or "").rsplit("/", 1)[-1]
    assert (await client.get(f"snapshots/{id}")).status == 404
    assert (await client.get("entities?type=Room", ngsild_snapshot=id)).status == 404
    there = await client.get("entities?type=Room", ngsild_snapshot=id, ngsild_tenant="other")
    assert (there.status, there.header("ngsild-tenant")) == (200, "other")


async def test_a_snapshot_holds_what_other_cities_have(cities: tuple[City, City]) -> None:
    kaga, nomi = cities
    await kaga.has(1, floor=1)
    await nomi.has(1, depth=2)
    await nomi.has(2, floor=2)
    await kaga.knows(nomi.url, operations=["queryEntity", "queryTemporal", "retrieveTemporal"])
    id = await frozen(kaga.client, {**ROOMS, "q": "floor>0|depth>0"})
    await nomi.client("DELETE", "entities/urn:ngsi-ld:Room:2")
    asked = len(nomi.asked)
    there = await kaga.client.get("entities?type=Room&options=keyValues", ngsild_snapshot=id)
    assert there.json() == [
        {"id": ROOM, "type": "Room", "floor": 1, "depth": 2},
        {"id": "urn:ngsi-ld:Room:2", "type": "Room", "floor": 2},
    ]
    assert len(nomi.asked) == asked  # a snapshot is here
    await kaga.knows("http://127.0.0.1:9", number=2)
    shown = await status(kaga.client, await frozen(kaga.client, ROOMS))
    assert "not every source" in shown["snapshotQueriesDetails"][0]["problemDetails"]["detail"]
