"""The access log: what leaves a line, what leaves none, and that nobody rewrites it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

import staffing
from bare_kaga import bare
from kitamae.commands.control import Control
from kitamae.kernel.context import clock
from kitamae.kernel.people.access_log.entry import lines
from kitamae.kernel.people.access_log.log import DAY, kind_of
from kitamae.kernel.people.access_log.upkeep import Upkeep
from serving import SAME, Served, serving
from signing_in import resident


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city"), demo_residents=True) as one:
        await one.loaded()
        yield one


async def control(town: Served, method: str, path: str, sent: object = None) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=Control(town.kitamae))
    async with httpx2.AsyncClient(transport=transport, base_url="http://kitamae") as client:
        return await client.request(method, path, content=orjson.dumps(sent or {}))


async def colleague(town: Served, duty: str) -> str:
    await town.kitamae.city.people.staff()
    ref = await town.kitamae.city.people.staff(another=True)
    await staffing.give(town, ref, duty)
    await staffing.enter(town, ref)
    return ref


async def told(town: Served) -> list[Any]:
    now = clock.now()
    return await town.kitamae.city.access.between(now - DAY, now + DAY)


async def test_sign_ins_right_and_wrong_leave_a_line_without_what_was_sent(town: Served) -> None:
    link = (await control(town, "POST", "/control/link")).json()["url"]
    code = link.rpartition("/")[2]
    wrong = await town.client.post("/sign-in", data={"code": "wrong-code-77"}, headers=SAME)
    right = await town.client.post("/sign-in", data={"code": code}, headers=SAME)
    assert (wrong.status_code >= 400, right.status_code) == (True, 303)
    ins = [one for one in await told(town) if "/sign-in" in one["what"]]
    assert [(one["outcome"], one["kind"], one["network"]) for one in ins] == [
        ("refused", "security", "127.0.0.0/24"),
        ("done", "security", "127.0.0.0/24"),
    ]
    assert (ins[0]["who"], ins[1]["role"], ins[1]["who"][:6]) == ("", "staff", "staff-")
    text = lines(await told(town)).decode()
    assert code not in text
    assert "wrong-code-77" not in text


async def test_a_residents_sign_in_names_the_reference_only(town: Served) -> None:
    assert await resident(town) == "/account"
    [line] = [one for one in await told(town) if one["role"] == "resident"]
    assert (line["kind"], line["outcome"]) == ("security", "done")
    assert line["who"]


async def test_refusals_are_there_and_reading_what_is_public_is_not(town: Served) -> None:
    page = {"accept": "application/json"}
    assert (await town.client.get("/", headers=page)).status_code == 200
    assert (await town.client.get("/ngsi-ld/v1/types")).status_code == 200
    assert (await town.client.get("/staff/access-log", headers=page)).status_code == 401
    for n in range(25):
        bad = {"Authorization": f"Bearer nonsense-{n}"}
        last = await town.client.get("/ngsi-ld/v1/entities/urn:x:7", headers=bad)
    assert last.status_code == 429
    found = await told(town)
    assert [one["what"] for one in found if one["status"] == 200] == []
    assert [(one["what"], one["status"], one["times"]) for one in found if one["kind"] == "security"] == [
        ("GET /staff/access-log", 401, 1),
        ("GET /ngsi-ld/v1/entities/{}", 401, 20),
        ("GET /ngsi-ld/v1/entities/{}", 429, 5),
    ]


async def test_tokens_clients_and_backups_by_command_say_which(town: Served, tmp_path: Path) -> None:
    made = (
        await control(town, "POST", "/control/tokens", {"name": "gauge", "scopes": ["write:RiverGauge"]})
    ).json()
    number = made["token"]["number"]
    await control(town, "DELETE", f"/control/tokens/{number}")
    asked = {"name": "バス", "purpose": "乗る", "redirects": ["https://bus.example.jp/back"]}
    client = (await control(town, "POST", "/control/clients", asked)).json()["client"]["id"]
    await control(town, "POST", "/control/keys/rotate")
    assert (
        await control(town, "POST", "/control/backup", {"to": str(tmp_path / "b.tar")})
    ).status_code == 201
    found = [(one["what"], one["about"]) for one in await told(town) if one["network"] == "socket"]
    assert found == [
        ("POST /control/tokens", number),
        ("DELETE /control/tokens/{number}", number),
        ("POST /control/clients", client),
        ("POST /control/keys/rotate", ""),
        ("POST /control/backup", ""),
    ]
    assert {one["kind"] for one in await told(town)} == {"security"}


async def test_a_write_by_a_token_names_the_token_and_no_entity(town: Served) -> None:
    made = (await control(town, "POST", "/control/tokens", {"name": "x", "scopes": ["write:*"]})).json()
    sent = {"id": "urn:ngsi-ld:EvacuationShelter:secret", "type": "EvacuationShelter"}
    bearer = {"Authorization": f"Bearer {made['secret']}"}
    assert (await town.client.post("/ngsi-ld/v1/entities", json=sent, headers=bearer)).status_code == 201
    [line] = [one for one in await told(town) if one["kind"] == "writes"]
    assert (line["who"], line["what"]) == (f"token-{made['token']['number']}", "POST /ngsi-ld/v1/entities")


async def test_what_no_route_knows_is_not_kept_as_it_was_written(town: Served) -> None:
    assert (await town.client.post("/123456789018", json={}, headers=SAME)).status_code >= 400
    assert "123456789018" not in lines(await told(town)).decode()


async def test_a_backup_of_before_takes_no_line_away(town: Served, tmp_path: Path) -> None:
    await control(town, "POST", "/control/backup", {"to": str(tmp_path / "b.tar")})
    await control(town, "POST", "/control/tokens", {"name": "x", "scopes": ["write:*"]})
    restored = await control(town, "POST", "/control/restore", {"from": str(tmp_path / "b.tar")})
    assert restored.status_code == 200, restored.text
    found = [one["what"] for one in await told(town)]
    assert found == ["POST /control/backup", "POST /control/tokens", "POST /control/restore"]


async def test_the_privacy_desk_reads_filters_and_exports_it_and_stands_in_it(town: Served) -> None:
    assert (await town.client.get("/staff/duties", headers={"accept": "application/json"})).status_code == 401
    ref = await colleague(town, "privacy-officer")
    page = (await town.client.get("/staff/access-log")).text
    assert "GET /staff/duties" in page
    assert "サインインしていない人" in page
    alone = (await town.client.get("/staff/access-log", params={"who": ref, "outcome": "done"})).text
    assert "GET /staff/duties" not in alone
    assert "GET /staff/access-log" in alone
    file = await town.client.get("/staff/access-log.jsonl", params={"outcome": "refused"})
    rows = [orjson.loads(line) for line in file.text.splitlines()]
    assert {one["outcome"] for one in rows} == {"refused"}
    assert (await town.client.get("/staff/access-log", params={"first": "tomorrow"})).status_code == 400
    assert (
        await town.client.get("/staff/access-log", params={"first": "0001-01-01", "last": "9999-12-31"})
    ).status_code == 400


async def test_another_desk_does_not_read_it(town: Served) -> None:
    await colleague(town, "counter")
    assert (await town.client.get("/staff/access-log")).status_code == 403
    assert (await town.client.get("/staff/access-log.jsonl")).status_code == 403


async def test_a_closed_day_is_in_the_ledger_and_whoever_rewrites_it_is_found(town: Served) -> None:
    await control(town, "POST", "/control/tokens", {"name": "x", "scopes": ["write:*"]})
    city = town.kitamae.city
    await city.access.write()
    day = clock.text(clock.now())[:10]
    entries = await city.access.of_day(day, "security")
    now = clock.now
    city.access.now = lambda: now() + DAY
    await city.access_upkeep.close()
    [closed] = [one for one in await city.access.days() if one["day"] == day]
    assert closed["sha256"] == hashlib.sha256(lines(entries)).hexdigest()
    [leaf] = await city.store.leaves(closed["leaf"] - 1, 1)
    assert orjson.loads(leaf.data)["statement"]["sha256"] == closed["sha256"]
    assert {one["wrong"] for one in await city.access_upkeep.check()} == {""}

    [(_, id, doc)] = await city.store.documents("", kind_of(day, "security"))
    doc["entries"][0]["who"] = "somebody else"

    async def rewrite(tx: Any) -> None:
        await tx.put("", kind_of(day, "security"), id, doc)

    await city.store.transact(rewrite)
    wrong = (await control(town, "GET", "/control/access-log/days")).json()
    assert [bool(one["wrong"]) for one in wrong if one["day"] == day] == [True]


async def test_each_class_goes_after_its_days_with_an_entry_in_the_ledger_and_not_by_a_doubtful_clock(
    town: Served,
) -> None:
    await control(town, "POST", "/control/tokens", {"name": "x", "scopes": ["write:*"]})
    await town.client.post("/ngsi-ld/v1/entities", json={"id": "urn:x:1", "type": "T"}, headers=SAME)
    city = town.kitamae.city
    line = (await told(town))[0]
    city.access.heard({**line, "kind": "writes"})
    await city.access.write()
    now, store = clock.now, city.store
    city.access.now = lambda: now() + 92 * DAY
    keep = Upkeep(store, city.access, {}, lambda: "the clock is ahead")
    await keep.close()
    assert await keep.sweep() == 0
    before = len(await store.leaves(0, 1000))
    assert await Upkeep(store, city.access, {}).sweep() == 1
    assert {one["kind"] for one in await city.access.days()} == {"security"}
    last = (await store.leaves(0, 1000))[before:]
    assert [orjson.loads(one.data)["statement"]["destroyed"] for one in last] == [1]
    assert await Upkeep(store, city.access, {"security": 30}).sweep() == 1


async def test_a_clock_that_is_set_back_adds_nothing_to_a_closed_day(town: Served) -> None:
    city = town.kitamae.city
    await control(town, "POST", "/control/tokens", {"name": "x", "scopes": ["write:*"]})
    await city.access.write()
    now = clock.now
    city.access.now = lambda: now() + DAY
    await city.access_upkeep.close()
    city.access.now = now
    await control(town, "POST", "/control/tokens", {"name": "y", "scopes": ["write:*"]})
    await city.access.write()
    assert {one["wrong"] for one in await city.access_upkeep.check()} == {""}
    assert len([one for one in await told(town) if one["what"] == "POST /control/tokens"]) == 2


async def test_it_is_written_down_by_itself_within_seconds(town: Served) -> None:
    await control(town, "POST", "/control/tokens", {"name": "x", "scopes": ["write:*"]})
    for _ in range(100):
        if await town.kitamae.city.access.days():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("nothing was written down")


async def test_a_full_disk_keeps_what_waits(town: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    city = town.kitamae.city
    await city.access.write()

    async def full(_: object) -> None:
        raise OSError("no space left")

    line = (await control(town, "POST", "/control/tokens", {"name": "x", "scopes": ["write:*"]})).json()
    with monkeypatch.context() as patched:
        patched.setattr(city.store, "transact", full)
        with pytest.raises(OSError, match="no space"):
            await city.access.write()
    assert [one["about"] for one in await told(town)] == [line["token"]["number"]]


async def test_a_flood_of_strangers_takes_no_more_room_than_is_set_apart(town: Served) -> None:
    log = town.kitamae.city.access
    await control(town, "POST", "/control/tokens", {"name": "x", "scopes": ["write:*"]})
    line = (await told(town))[0]
    for n in range(6_000):
        log.heard({**line, "network": f"10.{n // 250}.{n % 250}.0/24"})
    found = [one for one in await told(town) if one["network"] != "socket"]
    assert len(found) == 5_001
    assert sum(one["times"] for one in found) == 6_000
