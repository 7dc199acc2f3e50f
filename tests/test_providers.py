"""A provider's key in a city that is served: what it reads, what it is told of its quota, and whose name stands in the receipt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import staffing
from bare_kaga import bare
from kitamae.kernel.people import secret
from kitamae.kernel.people.person import SYSTEM, Principal
from kitamae.kernel.people.providers import Application, Contract, Wish, digest, latest
from kitamae.kernel.people.vault import Asked
from providing import BUS, member
from receivers import Receiver
from serving import Served, serving
from signing_in import outside


@pytest.fixture
async def kaga(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data", city=bare(tmp_path / "city"), demo_residents=True) as served:
        await served.loaded()
        yield served


async def desk(served: Served) -> list[Principal]:
    people = served.kitamae.city.people
    await people.staff()
    refs = [await people.staff(another=True) for _ in range(2)]
    for ref in refs:
        await staffing.give(served, ref, "industry")
    return [Principal(ref, "staff", assurance=2, session=f"s-{ref}") for ref in refs]


async def contract(served: Served, told: Application = BUS, **other: Any) -> Contract:
    """In force from today on."""
    providers, (one, two) = served.kitamae.city.providers, await desk(served)
    applied = await providers.apply(member(), told)
    await providers.decide(one, applied["number"], yes=True)
    today = providers.today
    said: dict[str, Any] = {
        "title": "バスの位置", "starts": today.isoformat(), "ends": (today + timedelta(90)).isoformat(), "minute": 100,
        "day": 1_000, "security": "soc@bus.example.jp", "purposes": ["identity"], "writes": ["PublicToilet"],
    }  # fmt: skip
    made = await providers.contracts.prepare(one, applied["number"], Wish(**{**said, **other}))
    await providers.contracts.confirm(two, made["id"], digest(latest(made)), yes=True)
    return await providers.contracts.accept(member(), made["id"], digest(latest(made)))


async def signed_in(served: Served, ref: str, role: Any) -> Principal:
    people = served.kitamae.city.people
    session, _ = await people.admit(ref, role, 2)
    return await people.who(secret.digest(session))


async def key(
    served: Served, made: Contract, purpose: str = "", *, writes: bool = False
) -> tuple[dict[str, str], str]:
    shown, kept = await served.kitamae.city.providers.keys.make(
        member(), made["id"], purpose, "試験", writes=writes
    )
    return {"Authorization": f"Bearer {shown}"}, kept["number"]


async def test_a_look_with_a_providers_key_names_the_provider_also_when_the_key_is_gone(kaga: Served) -> None:
    city = kaga.kitamae.city
    corporate = Application("company", BUS.name, BUS.role, BUS.contact, BUS.about, "7000012050002")
    made = await contract(kaga, corporate)
    await city.vault.keep(SYSTEM, "p-taro", "identity", "person", {"name": "加賀 太郎"})
    bearer, number = await key(kaga, made, "identity")
    found = await outside(kaga, "GET", "/people/p-taro/records?purpose=identity", headers=bearer)
    assert found.json()["records"][0]["fields"] == {"name": "加賀 太郎"}
    assert (
        await outside(kaga, "GET", "/people/p-taro/records?purpose=notices", headers=bearer)
    ).status_code == 403
    open_, _ = await key(kaga, made)
    assert (
        await outside(kaga, "GET", "/people/p-taro/records?purpose=identity", headers=open_)
    ).status_code == 403
    await city.providers.keys.revoke(member(), number)
    assert (
        await outside(kaga, "GET", "/people/p-taro/records?purpose=identity", headers=bearer)
    ).status_code == 401
    session, _ = await city.people.admit("p-taro", "resident", 3)
    cookie = {"Cookie": f"kitamae_session={session}"}
    assert BUS.name in (await outside(kaga, "GET", "/my/log", headers=cookie)).text
    usage = await outside(
        kaga, "GET", "/v2/findUsage?userCode=p-taro", headers={**cookie, "X-Road-UserId": "p-taro"}
    )
    told = usage.json()["usages"][-1]
    assert (told["receiverName"], told["receiverCode"]) == (BUS.name, "7000012050002")


async def test_over_its_quota_a_key_is_refused_before_anything_is_done(kaga: Served) -> None:
    made = await contract(kaga, minute=3, day=1_000)
    bearer, _ = await key(kaga, made, writes=True)
    toilet = {"id": "urn:ngsi-ld:PublicToilet:1", "type": "PublicToilet"}
    first = await outside(kaga, "POST", "/ngsi-ld/v1/entities", json=toilet, headers=bearer)
    assert first.status_code == 201, first.text
    assert first.headers["ratelimit-policy"] == '"minute";q=3;w=60, "day";q=1000;w=86400'
    assert first.headers["ratelimit"].startswith('"minute";r=2;t=60, "day";r=999;t=')
    for _ in range(2):
        read = await outside(kaga, "GET", f"/ngsi-ld/v1/entities/{toilet['id']}", headers=bearer)
        assert read.status_code == 200
    over = await outside(kaga, "DELETE", f"/ngsi-ld/v1/entities/{toilet['id']}", headers=bearer)
    assert over.status_code == 429
    assert over.headers["content-type"] == "application/problem+json"
    assert 1 <= int(over.headers["retry-after"]) <= 60
    assert over.headers["ratelimit"].startswith('"minute";r=0;')
    told = over.json()
    assert told["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert told["violated-policies"] == ["minute"]
    without = await outside(kaga, "GET", f"/ngsi-ld/v1/entities/{toilet['id']}")
    assert without.status_code == 200  # still there, and whoever comes without a key is not counted
    assert "ratelimit" not in without.headers
    meter = kaga.kitamae.city.providers.meter
    await meter.put_down()
    (row,) = await meter.month(made["id"], kaga.kitamae.city.providers.today.isoformat()[:7])
    assert (row.counts["read"], row.counts["write"], row.counts["refused"], row.counts["failed"]) == (
        2,
        1,
        1,
        0,
    )
    assert row.counts["bytes"] == 2 * len(read.content)


async def test_a_contract_that_is_ended_stops_its_keys_with_the_next_request(kaga: Served) -> None:
    made = await contract(kaga)
    bearer, _ = await key(kaga, made)
    assert (await outside(kaga, "GET", "/ngsi-ld/v1/types", headers=bearer)).status_code == 200
    providers = kaga.kitamae.city.providers
    await providers.contracts.end(SYSTEM, made["id"], "試験")
    assert (await outside(kaga, "GET", "/ngsi-ld/v1/types", headers=bearer)).status_code == 401


async def test_what_was_used_is_put_down_when_the_server_ends(tmp_path: Path) -> None:
    city = bare(tmp_path / "city")
    async with serving(tmp_path / "data", city=city) as served:
        await served.loaded()
        made = await contract(served)
        bearer, _ = await key(served, made)
        await outside(served, "GET", "/ngsi-ld/v1/types", headers=bearer)
    async with serving(tmp_path / "data", city=city) as served:
        providers = served.kitamae.city.providers
        assert (await providers.meter.today(made["id"], latest(made))).day == 1


async def test_a_volunteers_contact_lies_in_the_vault_and_the_desk_leaves_a_receipt_when_it_looks(
    kaga: Served,
) -> None:
    city = kaga.kitamae.city
    made = await contract(kaga, Application("volunteer", "地図の人", "", "map@example.jp", "地図を作ります"))
    provider = await city.providers.one(made["provider"])
    assert "map@example.jp" not in str(provider)
    colleague = await signed_in(kaga, (await desk(kaga))[0].ref, "staff")
    assert await city.providers.contact(colleague, provider) == "map@example.jp"
    own = Asked(await signed_in(kaga, "visitor-1", "visitor"), "own", ("visitor-1",))
    assert [one.who for one in await city.vault.receipts(own, 1 << 62, 10)] == [colleague.ref]


async def test_notifications_to_a_provider_are_counted_and_end_with_its_keys(tmp_path: Path) -> None:
    city = bare(tmp_path / "city")
    async with Receiver() as receiver, serving(tmp_path / "data", city=city, open=True) as served:
        await served.loaded()
        providers = served.kitamae.city.providers
        made = await contract(served)
        bearer, number = await key(served, made, writes=True)
        asked = {
            "type": "Subscription",
            "entities": [{"type": "PublicToilet"}],
            "notification": {"endpoint": {"uri": receiver.uri, "accept": "application/json"}},
        }
        told = await outside(served, "POST", "/ngsi-ld/v1/subscriptions", json=asked, headers=bearer)
        assert told.status_code == 201, told.text
        toilet: dict[str, Any] = {"id": "urn:ngsi-ld:PublicToilet:1", "type": "PublicToilet"}
        toilet["名称"] = {"type": "Property", "value": "駅前"}
        wrote = await outside(served, "POST", "/ngsi-ld/v1/entities", json=toilet, headers=bearer)
        assert wrote.status_code == 201, wrote.text
        await receiver.got(1)
        _, newer = await providers.keys.rotate(member(), number, 0)
        await outside(served, "POST", "/ngsi-ld/v1/entities", json={**toilet, "id": toilet["id"] + "2"})
        await receiver.got(2)  # the new key stands in its place
        told_to: dict[str, int] = {}
        for _ in range(200):  # counted after the receiver has answered
            await providers.meter.put_down()
            rows = await providers.meter.month(made["id"], f"{providers.today:%Y-%m}")
            told_to = {row.key: row.counts["notification"] for row in rows}
            if sum(told_to.values()) == 2:
                break
            await asyncio.sleep(0.02)
        assert told_to == {number: 1, newer["number"]: 1}
        await providers.contracts.end(SYSTEM, made["id"], "試験")
        await outside(served, "POST", "/ngsi-ld/v1/entities", json={**toilet, "id": toilet["id"] + "3"})
        for _ in range(200):
            if not await served.kitamae.city.store.queues():
                break
            await asyncio.sleep(0.02)
        assert await served.kitamae.city.store.queues() == []
        assert len(receiver.messages) == 2
