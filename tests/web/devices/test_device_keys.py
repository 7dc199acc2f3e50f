"""Devices sign in with keys that are bound to the public sensor register, and what is not in it writes nothing."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bare_kaga import bare
from kitamae import devices
from kitamae.kernel.context import clock
from kitamae.kernel.people.devices.keys import GRANT
from kitamae.kernel.people.jose import claims
from kitamae.kernel.people.jose.encoding import encode
from kitamae.kernel.people.jose.keys import Key
from kitamae.sdk.city import City
from serving import HERE, SAME, Served, serving
from signing_in import fields, outside

SENSOR = "river-1700000063"
GAUGE = "urn:ngsi-ld:RiverGauge:172065:1700000063"
OTHER = "urn:ngsi-ld:RiverGauge:172065:1700000022"
STRANGE = "urn:ngsi-ld:RiverGauge:172065:9999999999"
DAY = 86_400


@pytest.fixture
async def kaga(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city")) as served:
        await served.loaded()
        yield served


async def desk(served: Served) -> str:
    """The csrf token of the desk's page."""
    link = await served.kitamae.sign_in_link()
    await served.client.post("/sign-in", data={"code": link.rpartition("/")[2]}, headers=SAME)
    return fields((await served.client.get("/staff/devices")).text)["csrf"]


async def added(served: Served, csrf: str, sensor: str = SENSOR, **form: str) -> Key:
    key = Key.make("gateway")
    sent = {"csrf": csrf, "sensor": sensor, "key": json.dumps(key.public()), **form}
    answer = await served.client.post("/staff/devices", data=sent, headers=SAME)
    assert answer.status_code == 303, answer.text
    return key


def statement(key: Key, *, sensor: str = SENSOR, alg: str = "ES256", **changes: Any) -> str:
    now = clock.now() // 1_000_000
    said = {"iss": sensor, "sub": sensor, "aud": HERE + "/devices/token", "iat": now, "exp": now + 300}
    return claims.issue({**said, "jti": secrets.token_hex(8), **changes}, key, alg, typ="JWT")


async def ask(served: Served, assertion: str, grant: str = GRANT) -> Any:
    form = {"grant_type": grant, "assertion": assertion}
    return await outside(served, "POST", "/devices/token", data=form)


async def token(served: Served, key: Key) -> str:
    answer = await ask(served, statement(key))
    assert answer.status_code == 200, answer.text
    assert answer.json()["expires_in"] == 3600
    return str(answer.json()["access_token"])


async def write(served: Served, bearer: str, id: str = GAUGE, type: str = "RiverGauge") -> int:
    entity = {
        "id": id,
        "type": type,
        "水位": {"type": "Property", "value": 1.5, "observedAt": clock.text(clock.now())},
    }
    answer = await outside(
        served, "POST", "/ngsi-ld/v1/entityOperations/upsert", json=[entity], headers={"Authorization": f"Bearer {bearer}"}
    )  # fmt: skip
    if answer.status_code in (400, 207):
        return int(answer.json()["errors"][0]["error"]["status"])
    return int(answer.status_code)


async def test_a_device_signs_in_with_its_key_and_writes_what_its_entry_observes_and_nothing_else(
    kaga: Served,
) -> None:
    key = await added(kaga, await desk(kaga))
    bearer = await token(kaga, key)
    assert await write(kaga, bearer) == 201
    assert await write(kaga, bearer) == 204
    assert await write(kaga, bearer, OTHER) == 403
    assert await write(kaga, bearer, STRANGE) == 403
    assert await write(kaga, bearer, GAUGE + ":x", "Town") == 403
    instances = f"/ngsi-ld/v1/temporal/entities/{GAUGE}"
    for path in (
        instances,
        f"{instances}/attrs/水位",
        f"/ngsi-ld/v1/entities/{GAUGE}",
        f"/v2/entities/{GAUGE}",
    ):
        gone = await outside(kaga, "DELETE", path, headers={"Authorization": f"Bearer {bearer}"})
        assert gone.status_code == 403, path
    assert len((await kaga.client.get(instances)).json()["水位"]) == 2, "what it measured is there"


async def test_a_sensor_that_is_not_in_the_register_cannot_write_whatever_its_token_says(
    kaga: Served,
) -> None:
    bearer, _ = await kaga.kitamae.city.people.tokens.issue(
        "gauges", ["write:RiverGauge", "write:*"], role="device"
    )
    assert await write(kaga, bearer) == 201
    assert await write(kaga, bearer, STRANGE) == 403
    answer = await outside(
        kaga, "POST", "/ngsi-ld/v1/entities", json={"id": STRANGE, "type": "RiverGauge"}, headers={"Authorization": f"Bearer {bearer}"}
    )  # fmt: skip
    assert "public sensor register" in answer.text
    v2 = {"id": STRANGE, "type": "RiverGauge", "level": {"type": "Number", "value": 1}}
    answer = await outside(
        kaga, "POST", "/v2/entities", json=v2, headers={"Authorization": f"Bearer {bearer}"}
    )
    assert answer.status_code == 403


async def test_a_program_writes_for_no_sensor_outside_the_register_unless_its_token_says_so(
    kaga: Served,
) -> None:
    async def program(*scopes: str) -> str:
        return (await kaga.kitamae.city.people.tokens.issue("gateway", scopes))[0]

    for scope in ("write:RiverGauge", "write:*"):
        bearer = await program(scope)
        assert await write(kaga, bearer) in (201, 204), "a gateway of registered gauges"
        assert await write(kaga, bearer, STRANGE) == 403
    headers = {"Authorization": f"Bearer {bearer}"}
    reading = {"type": "Property", "value": 9.9}
    for path, sent in (
        ("/ngsi-ld/v1/entities", {"id": STRANGE, "type": "RiverGauge"}),
        ("/ngsi-ld/v1/entities", {"id": STRANGE, "type": ["Town", "RiverGauge"]}),
        ("/ngsi-ld/v1/temporal/entities", {"id": STRANGE, "type": "RiverGauge", "水位": [reading]}),
        ("/v2/entities", {"id": STRANGE, "type": "RiverGauge", "level": {"type": "Number", "value": 1}}),
    ):
        answer = await outside(kaga, "POST", path, json=sent, headers=headers)
        assert answer.status_code == 403, (path, answer.text)
        assert "operate:system:unregistered-sensors" in answer.text
    assert await write(kaga, await program("write:RiverGauge"), STRANGE + "x", "Town") == 403, "not its type"
    assert await write(kaga, await program("write:*"), STRANGE + ":town", "Town") == 201
    named = await program(f"write:RiverGauge|{STRANGE}")
    assert (await write(kaga, named, STRANGE), await write(kaga, named, STRANGE + "0")) == (201, 403)
    beyond = await program("write:RiverGauge", "operate:system:unregistered-sensors")
    assert await write(kaga, beyond, STRANGE + "0") == 201
    found = {one["id"]: one["values"]["tokens"] for one in await kaga.kitamae.examine() if "tokens" in one["values"]}  # fmt: skip
    assert found["program-writes-as-sensor"].count("gateway (") == 5
    assert found["program-writes-unregistered"].count("gateway (") == 1


async def test_what_sensors_of_a_type_write_is_free_again_when_the_last_one_was_removed(kaga: Served) -> None:
    bearer, _ = await kaga.kitamae.city.people.tokens.issue("gateway", ["write:RiverGauge"])
    sensors = kaga.kitamae.city.registers.sensors

    async def remove(tx: Any, id: str, said: Any) -> None:
        await sensors.put(tx, id, "removed", said, "sensors")

    for entry in await sensors.register.entries():
        assert await write(kaga, bearer, STRANGE) == 403
        await sensors.register.store.transact(partial(remove, id=entry["id"], said=entry["said"]))
    assert await write(kaga, bearer, STRANGE) == 201


async def test_a_sensor_that_is_suspended_writes_nothing_from_the_next_request_on(kaga: Served) -> None:
    key = await added(kaga, await desk(kaga))
    bearer = await token(kaga, key)
    assert await write(kaga, bearer) == 201
    sensors = kaga.kitamae.city.registers.sensors
    said = (await sensors.register.entry(SENSOR))["said"]
    for state, status in (("suspended", 403), ("installed", 204)):

        async def change(tx: Any, state: str = state) -> None:
            await sensors.put(tx, SENSOR, state, said, "sensors")

        await sensors.register.store.transact(change)
        assert await write(kaga, bearer) == status
        assert (await ask(kaga, statement(key))).status_code == (403 if state == "suspended" else 200)


async def test_over_mqtt_what_is_not_in_the_register_is_refused_and_nothing_is_lost_while_it_is_loaded(
    kaga: Served, tmp_path: Path
) -> None:
    city = kaga.kitamae.city
    ready = [False]
    heard = devices.subscriber(
        kaga.kitamae.settings.model_copy(update={"mqtt": "mqtt://127.0.0.1:1"}), City.read(tmp_path / "city"), city.store,
        city.broker.contexts.default if hasattr(city.broker.contexts, "default") else await city.broker.contexts.resolve(None),
        city.policy, city.subscriptions.registrations, "x", lambda: ready[0],
    )  # fmt: skip
    level = {"水位": {"type": "Property", "value": 1.5, "observedAt": "2026-11-21T07:00:00Z"}}
    told = [{"id": id, "type": "RiverGauge", **level} for id in (GAUGE, STRANGE, OTHER)]
    with pytest.raises(Exception, match="being loaded"):
        await heard.take(told)
    ready[0] = True
    reasons = await heard.take(told)
    assert [bool(one) for one in reasons] == [False, True, False]
    assert "public sensor register" in reasons[1]


async def test_a_lost_key_and_the_tokens_that_it_got_end_at_once_and_come_back_with_no_restore(
    kaga: Served,
) -> None:
    csrf = await desk(kaga)
    key = await added(kaga, csrf)
    bearer = await token(kaga, key)
    kid = key.thumbprint
    page = await kaga.client.get("/staff/devices")
    assert kid in page.text
    gone = await kaga.client.post(f"/staff/devices/{kid}/revoke", data={"csrf": csrf}, headers=SAME)
    assert gone.status_code == 303
    assert await write(kaga, bearer) == 401
    assert (await ask(kaga, statement(key))).status_code == 401
    again = {"csrf": csrf, "sensor": SENSOR, "key": json.dumps(key.public())}
    assert (await kaga.client.post("/staff/devices", data=again, headers=SAME)).status_code == 409
    store, ended = kaga.kitamae.city.store, await kaga.kitamae.city.people.ended()
    assert kid in ended.revoked
    await store.transact(lambda tx: tx.drop("", "revoked", kid))  # as a backup from before has it
    await kaga.kitamae.city.people.restored(ended)
    assert await store.get("", "device-key", kid) is None


async def test_a_rotated_key_works_beside_the_new_one_and_without_an_overlap_it_ends_at_once(
    kaga: Served,
) -> None:
    csrf = await desk(kaga)
    old = await added(kaga, csrf)
    new = await added(kaga, csrf, overlap="7")
    assert (await ask(kaga, statement(old))).status_code == 200
    assert (await ask(kaga, statement(new))).status_code == 200
    await added(kaga, csrf, overlap="0")
    for key in (old, new):
        assert (await ask(kaga, statement(key))).status_code == 401


async def test_a_device_beside_one_that_guesses_does_not_wait(kaga: Served) -> None:
    key = await added(kaga, await desk(kaga))
    stranger = Key.make("gateway")
    statuses = [(await ask(kaga, statement(stranger))).status_code for _ in range(22)]
    assert (statuses[0], statuses[-1]) == (401, 429)
    assert (await ask(kaga, statement(key))).status_code == 200


async def test_a_statement_that_is_not_quite_right_is_not_believed(kaga: Served) -> None:
    csrf = await desk(kaga)
    key = await added(kaga, csrf)
    stranger = Key.make("gateway")
    now = clock.now() // 1_000_000
    confused = Key.read({"kty": "oct", "k": encode(json.dumps(key.public()).encode())})
    head = encode(b'{"alg":"none"}')
    said = json.dumps(
        {"iss": SENSOR, "sub": SENSOR, "aud": HERE, "iat": now, "exp": now + 60, "jti": "12345678"}
    ).encode()
    wrong = [
        "", "a.b.c", f"{head}.{encode(said)}.", statement(stranger), statement(confused, alg="HS256"), statement(key, sensor="river-1700000022"),
        statement(key, aud="https://elsewhere.example"), statement(key, iss="river-1700000022"), statement(key, exp=now - 120, iat=now - 180),
        statement(key, iat=now + 600, exp=now + 900), statement(key, exp=now + 7 * DAY), statement(key, jti=""), statement(key, jti=7),
    ]  # fmt: skip
    statuses = [(await ask(kaga, one)).status_code for one in wrong]
    assert statuses == [401] * len(wrong)
    good = statement(key)
    assert (await ask(kaga, good)).status_code == 200
    assert (await ask(kaga, good)).status_code == 401, "a statement works once"
    assert (await ask(kaga, statement(key), grant="password")).status_code == 400


async def test_what_is_no_public_key_or_for_no_installed_sensor_is_refused(kaga: Served) -> None:
    csrf = await desk(kaga)
    key = Key.make("a")
    public = json.dumps(key.public())
    for wrong in (
        {"key": "x"}, {"key": "[]"}, {"key": json.dumps(key.private())}, {"key": '{"kty":"oct","k":"AAAA"}'}, {"key": ""},
        {"sensor": "nothing"}, {"overlap": "-1"}, {"overlap": "1000"},
    ):  # fmt: skip
        sent = {"csrf": csrf, "sensor": SENSOR, "key": public, **wrong}
        answer = await kaga.client.post("/staff/devices", data=sent, headers=SAME)
        assert answer.status_code in (400, 403), wrong
        assert "登録できませんでした" in answer.text
    assert (await outside(kaga, "GET", "/staff/devices")).status_code == 401
