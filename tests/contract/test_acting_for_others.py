"""What was taken back from somebody who acts for another, from a link or from a device is taken back on every worker, on both stores."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from stores import Opener, open_sqlite
from vaults import Place

from kitamae.kernel.context import clock
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.operations import Command, Create
from kitamae.kernel.context.store import Store, Transaction
from kitamae.kernel.people import secret
from kitamae.kernel.people.delegates import Delegates, Scope, standing
from kitamae.kernel.people.devices import DeviceKeys, Installed
from kitamae.kernel.people.devices.keys import DeviceRefused
from kitamae.kernel.people.jose import claims
from kitamae.kernel.people.jose.keys import Key
from kitamae.kernel.people.links import Field, Kind, Links, Sent, Wish
from kitamae.kernel.people.links.problems import LinkOver
from kitamae.kernel.people.once import Once
from kitamae.kernel.people.people import People
from kitamae.kernel.people.policy import Policy
from kitamae.kernel.people.seal import Seal
from kitamae.kernel.people.vault import Purpose, Purposes, Vault
from kitamae.kernel.people.vault.citykey import CityKey
from kitamae.kernel.problems import Forbidden
from kitamae.kernel.registers.sensors import NotRegistered, Sensors

CITY = "https://city.example.jp"
SHELTER = "urn:ngsi-ld:EvacuationShelter:1"
GAUGE = "urn:ngsi-ld:RiverGauge:1"
DAY = 86_400_000_000
PURPOSES = Purposes([Purpose("identity", "law", frozenset({"name"}), 1)])
KEEPER = Kind("keeper", {"ja": "x"}, "EvacuationShelter", (Field("count", {"ja": "x"}, most=100),))


class Worker:
    """One process: its own view of the store, and the file of the seal that all share."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.people = People(store, CORE.expand)
        self.links = Links(store, Seal(folder / "seal.key"), Policy(), CORE, [KEEPER])
        self.delegates = Delegates(store, self.people, PURPOSES)
        self.vault: Any = None
        self.sensors = Sensors(store, CORE.expand)
        self.installed = Installed(self.sensors.register, CORE.expand, lambda: None)
        self.keys = DeviceKeys(store, self.people, Once(store), self.sensors, CORE.expand, CITY)


@pytest.fixture
async def workers(opener: Opener, tmp_path: Path) -> AsyncIterator[tuple[Worker, Worker]]:
    """Two of them on PostgreSQL; the one process that has the file on SQLite."""
    stores = [await opener(tmp_path)]
    if opener is not open_sqlite:
        stores.append(await opener(tmp_path))
    made = [Worker(store, tmp_path) for store in stores]
    place, city = Place(opener, tmp_path), CityKey.fresh()
    for one in made:
        one.vault = await Vault.open(one.store, await place.open_keys(), [city], PURPOSES, Policy())
        one.delegates.vault = lambda one=one: one.vault
    yield made[0], made[-1]
    for one in made:
        await one.vault.close()
        await one.store.close()


async def shelter(worker: Worker) -> None:
    made = Create({"id": SHELTER, "type": [CORE.expand("EvacuationShelter")], "attrs": {}})
    await worker.store.apply([Command("", SHELTER, made)])


async def test_a_link_that_one_worker_ended_is_ended_on_the_other(workers: tuple[Worker, Worker]) -> None:
    one, other = workers
    await shelter(one)
    code, kept = await one.links.make("staff-1", Wish("keeper", [SHELTER]))
    assert (await other.links.use(code, Sent("update-1", {"count": 5}))).outcome == "new"
    await one.links.end("staff-1", kept["terms"]["number"], "lost")
    with pytest.raises(LinkOver):
        await other.links.use(code, Sent("update-2", {"count": 6}))


async def test_a_link_for_one_use_is_used_once_whoever_of_the_workers_is_asked(
    workers: tuple[Worker, Worker],
) -> None:
    await shelter(workers[0])
    code, _ = await workers[0].links.make("staff-1", Wish("keeper", [SHELTER], uses=1))
    tries = [one.links.use(code, Sent(f"update-{n}", {"count": n})) for n, one in enumerate(workers)]
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(one).__name__ for one in found) == ["Done", "LinkOver"]
    again = [one.links.use(code, Sent("update-0", {"count": 0})) for one in workers]
    told = await asyncio.gather(*again, return_exceptions=True)
    assert {type(one).__name__ for one in told} <= {"Done", "LinkOver"}


async def test_a_mandate_that_was_taken_back_holds_on_no_worker(workers: tuple[Worker, Worker]) -> None:
    one, other = workers
    sessions = [await one.people.admit(ref, "resident", 3) for ref in ("mother", "daughter")]
    mother, daughter = [await one.people.who(secret.digest(session)) for session, _ in sessions]
    code, _ = await one.delegates.appoint(mother, Scope(["read"], ["identity"], clock.now() + DAY))
    mandate = await other.delegates.accept(daughter, code)
    acting = await other.delegates.act(daughter, mandate["number"])
    assert (acting.subject, acting.ref) == ("mother", "daughter")
    await one.delegates.end(mother, mandate["number"])

    async def check(tx: Transaction) -> None:
        await standing.demand(tx, acting, "mother", clock.now())

    with pytest.raises(Forbidden, match="taken back"):  # whatever this worker remembers
        await other.store.transact(check)
    await other.store.catch_up()
    assert (await other.people.who(acting.session)).acting is None
    for _ in range(2):  # of a backup in which it held
        known = await other.people.ended()

        async def back(tx: Transaction) -> None:
            await tx.put("", "mandate", mandate["number"], cast("Any", mandate))
            await tx.drop("", "revoked", mandate["number"])

        await other.store.transact(back)
        assert [state for _, state in await other.delegates.of("mother")] == ["holds"]
        await other.people.restored(known)
        assert await other.delegates.of("mother") == []


async def test_a_device_whose_key_is_lost_or_whose_sensor_is_suspended_writes_through_no_worker(
    workers: tuple[Worker, Worker],
) -> None:
    one, other = workers
    said = {"name": {"ja": "水位計"}, "observes": [GAUGE], "types": ["RiverGauge"]}

    async def enter(tx: Transaction, state: str = "installed") -> None:
        await one.sensors.put(tx, "gauge-1", state, said, "sensors")

    await one.store.transact(enter)
    await other.store.catch_up()
    assert other.installed(GAUGE)
    assert one.installed.observed("gauge-1") == {GAUGE}
    key = Key.make("gateway")
    await one.keys.add("staff-1", "gauge-1", json.dumps(key.public()))
    token, _ = await other.keys.sign_in(statement(key))
    assert (await one.people.who(secret.digest(token))).role == "device"
    assert (await other.people.who(secret.digest(token))).role == "device"
    await one.store.transact(lambda tx: enter(tx, "suspended"))
    await other.store.catch_up()
    assert not other.installed(GAUGE)
    assert not one.installed(GAUGE)
    with pytest.raises(NotRegistered):
        await other.keys.sign_in(statement(key))
    await one.keys.revoke("staff-1", key.thumbprint)
    await other.store.catch_up()
    assert (await other.people.who(secret.digest(token))).role == "anyone"
    with pytest.raises(DeviceRefused):
        await other.keys.sign_in(statement(key))


async def test_a_rotated_key_works_for_its_overlap_and_not_a_second_longer(
    workers: tuple[Worker, Worker],
) -> None:
    one, other = workers
    said = {"name": {"ja": "水位計"}, "observes": [GAUGE], "types": ["RiverGauge"]}
    await one.store.transact(lambda tx: one.sensors.put(tx, "gauge-1", "installed", said, "sensors"))
    await other.store.catch_up()
    begun = clock.now()
    at = [begun]
    keys = [
        DeviceKeys(
            each.store, each.people, Once(each.store), each.sensors, CORE.expand, CITY, now=lambda: at[0]
        )
        for each in workers
    ]
    old, new = Key.make("gateway"), Key.make("gateway")
    await keys[0].add("staff-1", "gauge-1", json.dumps(old.public()))
    await keys[0].add("staff-1", "gauge-1", json.dumps(new.public()), overlap=7)
    for later in (0, 7 * DAY - 1_000_000):
        at[0] = begun + later
        for key in (old, new):
            assert (await keys[1].sign_in(statement(key, at[0])))[0]
    at[0] = begun + 7 * DAY
    with pytest.raises(DeviceRefused):
        await keys[1].sign_in(statement(old, at[0]))
    assert (await keys[1].sign_in(statement(new, at[0])))[0]


def statement(key: Key, at: int | None = None) -> str:
    now = (clock.now() if at is None else at) // 1_000_000
    said = {
        "iss": "gauge-1",
        "sub": "gauge-1",
        "aud": CITY,
        "iat": now,
        "exp": now + 60,
        "jti": secrets.token_hex(8),
    }
    return claims.issue(said, key, "ES256", typ="JWT")
