"""Providers on every store: contracts, their keys, what several workers count together, and months that are closed once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from stores import Opener, open_sqlite

from kitamae.kernel.context import clock
from kitamae.kernel.context.store import Transaction
from kitamae.kernel.people import secret
from kitamae.kernel.people.person import NOBODY, Principal
from kitamae.kernel.people.providers.quota import OverQuota
from kitamae.kernel.problems import Conflict, Forbidden, NotFound
from providing import DAY, Clock, Town, member


@pytest.fixture
async def workers(opener: Opener, tmp_path: Path) -> AsyncIterator[list[Town]]:
    """Two of them on PostgreSQL, on connections of their own; on SQLite one process has the file."""
    stores, now = [await opener(tmp_path)], Clock()
    if opener is not open_sqlite:
        stores.append(await opener(tmp_path))
    towns = [await Town(store, now).open() for store in stores]
    yield [towns[0], towns[-1]]
    for store in stores:
        await store.close()


async def who(town: Town, key: str) -> Principal:
    return await town.people.who(secret.digest(key))


async def ask(town: Town, key: str, times: int = 1, method: str = "GET") -> int:
    """How many of so many requests are let through."""
    held, passed = (await who(town, key)).metered, 0
    assert held
    for _ in range(times):
        passage, over = await town.providers.meter.admit(held, method, "/ngsi-ld/v1/entities")
        passage.begun(429 if over else 200)
        passage.sent(100)
        passed += over is None
    return passed


async def test_a_key_does_what_both_it_and_the_contract_name_and_dies_with_the_contract(
    workers: list[Town],
) -> None:
    one, other = workers
    contract = await one.contract()
    opened, _ = await one.providers.keys.make(member(), contract["id"], "", "地図", writes=True)
    personal, key = await one.providers.keys.make(member(), contract["id"], "identity", "本人確認")
    assert (await who(one, opened)).scopes == {
        "read:entity:https://example.org/BusStop", "write:entity:https://example.org/Vehicle", "subscribe:subscription",
    }  # fmt: skip
    assert (await who(other, personal)).scopes == {"read:person:identity"}
    changed = await one.agreed(
        await one.providers.one(contract["provider"]), contract=contract["id"], purposes=[], writes=[]
    )
    assert (await who(one, opened)).scopes == {
        "read:entity:https://example.org/BusStop",
        "subscribe:subscription",
    }
    assert (await who(one, personal)).scopes == frozenset()
    await one.providers.contracts.end(one.desk[0], changed["id"], "約束が守られなかった")
    await other.store.catch_up()
    for town in workers:
        for made in (opened, personal):
            assert await who(town, made) is NOBODY
    assert other.providers.keys.known(f"token-{key['number']}")
    assert (await other.providers.names([f"token-{key['number']}", "token-none"])).keys() == {
        f"token-{key['number']}"
    }


async def test_a_key_lives_no_longer_than_the_last_day_of_the_contract(workers: list[Town]) -> None:
    one, _ = workers
    contract = await one.contract(ends="2026-11-12")
    made, key = await one.providers.keys.make(member(), contract["id"], "", "地図")
    assert key["until"] == "2026-11-12T15:00:00Z"  # midnight in Japan
    one.now.at = clock.micros("2026-11-12T14:59:59Z")
    assert (await who(one, made)).metered
    one.now.at += 2_000_000
    assert await who(one, made) is NOBODY
    with pytest.raises(Forbidden):
        await one.providers.keys.make(member(), contract["id"], "", "地図")


async def test_a_contract_that_begins_later_gives_no_key_before(workers: list[Town]) -> None:
    one, _ = workers
    contract = await one.contract(starts="2026-12-01")
    assert one.providers.contracts.stands(contract) == "waits"
    with pytest.raises(Forbidden):
        await one.providers.keys.make(member(), contract["id"], "", "地図")
    one.now.at = clock.micros("2026-11-30T15:00:01Z")
    assert one.providers.contracts.stands(contract) == "in force"
    await one.providers.keys.make(member(), contract["id"], "", "地図")


async def test_an_old_key_works_beside_the_new_one_for_the_overlap_and_a_revoked_one_not_at_all(
    workers: list[Town],
) -> None:
    one, other = workers
    contract = await one.contract()
    first, key = await one.providers.keys.make(member(), contract["id"], "", "地図")
    second, newer = await one.providers.keys.rotate(member(), key["number"], 7)
    assert (await who(one, first)).metered
    with pytest.raises(Conflict):
        await one.providers.keys.rotate(member(), key["number"], 7)
    one.now.at += 7 * DAY
    assert await who(one, first) is NOBODY
    assert (await who(one, second)).metered
    with pytest.raises(NotFound):
        await one.providers.keys.revoke(member("visitor-9"), newer["number"])
    await one.providers.keys.revoke(one.desk[1], newer["number"], desk=True)
    await other.store.catch_up()
    assert await who(one, second) is NOBODY
    assert await who(other, second) is NOBODY


async def test_the_minute_and_the_day_are_counted_and_what_is_refused_is_not_used(
    workers: list[Town],
) -> None:
    one, _ = workers
    contract = await one.contract(minute=10, day=15)
    made, key = await one.providers.keys.make(member(), contract["id"], "", "地図", writes=True)
    assert await ask(one, made, 12) == 10
    one.now.at += 61_000_000
    assert await ask(one, made, 12, "POST") == 5
    held = one.providers.contracts.held(contract)
    assert (await one.providers.meter.today(contract["id"], held))[2:] == (15, 15)
    await one.providers.meter.put_down()
    ((day, number, counts),) = await one.providers.meter.month(contract["id"], "2026-11")
    assert (day, number) == ("2026-11-10", key["number"])
    assert (counts["read"], counts["write"], counts["refused"], counts["bytes"]) == (10, 5, 9, 1500)
    one.now.at = clock.micros("2026-11-10T15:00:00Z")  # midnight in Japan
    assert await ask(one, made, 3) == 3


async def test_workers_add_up_what_they_counted_and_hear_of_each_other(workers: list[Town]) -> None:
    one, other = workers
    contract = await one.contract(minute=100, day=100)
    made, _ = await one.providers.keys.make(member(), contract["id"], "", "地図")
    assert await ask(one, made, 30) == 30
    await one.providers.meter.put_down()
    await other.store.catch_up()
    one.now.at += 61_000_000  # another minute: this is about the day
    if one is not other:
        assert await ask(other, made, 80) == 70
    else:
        assert await ask(other, made, 70) == 70
    await asyncio.gather(one.providers.meter.put_down(), other.providers.meter.put_down())
    await one.store.catch_up()
    assert await ask(one, made) == 0
    ((_, _, counts),) = await one.providers.meter.month(contract["id"], "2026-11")
    assert counts["read"] == 100


async def test_what_was_put_down_is_there_after_a_crash_and_nothing_is_counted_twice(
    opener: Opener, tmp_path: Path
) -> None:
    store, now = await opener(tmp_path), Clock()
    town = await Town(store, now).open()
    contract = await town.contract()
    made, _ = await town.providers.keys.make(member(), contract["id"], "", "地図")
    await ask(town, made, 4)
    await town.providers.meter.put_down()
    await ask(town, made, 3)  # nobody puts these down
    await store.close()
    store = await opener(tmp_path)
    again = await Town(store, now).open()
    held = again.providers.contracts.held(await again.providers.contracts.one(contract["id"]))
    assert (await again.providers.meter.today(contract["id"], held)).day == 4
    await store.close()


async def test_a_month_is_closed_once_whoever_closes_it(workers: list[Town]) -> None:
    one, other = workers
    contract = await one.contract()
    made, _ = await one.providers.keys.make(member(), contract["id"], "", "地図")
    await ask(one, made, 8)
    await one.providers.meter.put_down()
    assert await one.providers.statements.close() == ""
    assert await one.providers.statements.of(contract["id"]) == []
    one.now.at = clock.micros("2026-11-30T15:10:00Z")
    await asyncio.gather(one.providers.statements.close(), other.providers.statements.close())
    (statement,) = await one.providers.statements.of(contract["id"])
    # 21 of 30 days of 10,000 yen; eight requests are free; a twelfth of 120,000 yen without tax
    assert [(line["what"], line["yen"]) for line in statement["lines"]] == [
        ("base", 7_000),
        ("usage", 0),
        ("council", 10_000),
    ]
    assert (statement["net"], statement["tax"], statement["total"]) == (17_000, 700, 17_700)
    one.now.at += DAY
    await other.providers.statements.close()
    assert await other.providers.statements.of() == [statement]


async def test_whoever_holds_a_quota_of_nothing_more_is_told_until_when(workers: list[Town]) -> None:
    one, _ = workers
    contract = await one.contract(minute=1, day=50)
    made, _ = await one.providers.keys.make(member(), contract["id"], "", "地図")
    held = (await who(one, made)).metered
    assert held
    first, none = await one.providers.meter.admit(held, "GET", "/")
    assert none is None
    assert dict(first.begun(200)) == {
        b"ratelimit-policy": b'"minute";q=1;w=60, "day";q=50;w=86400',
        b"ratelimit": b'"minute";r=0;t=60, "day";r=49;t=43200',
    }
    one.now.at += 20_000_000
    _, over = await one.providers.meter.admit(held, "GET", "/")
    assert isinstance(over, OverQuota)
    assert (over.status, over.more) == (429, {"retryAfter": 40, "violated-policies": ["minute"]})


async def test_what_a_key_was_let_in_for_is_not_done_once_its_contract_has_ended(workers: list[Town]) -> None:
    one, other = workers
    contract = await one.contract()
    made, _ = await one.providers.keys.make(member(), contract["id"], "identity", "本人確認")
    let_in = await who(other, made)
    await one.providers.contracts.end(one.desk[0], contract["id"], "試験")

    async def still(tx: Transaction) -> Principal:
        return await other.people.anew(tx, let_in)

    assert await other.store.transact(still) is NOBODY


async def test_all_workers_together_let_through_no_more_than_the_minute(workers: list[Town]) -> None:
    one, other = workers
    contract = await one.contract(minute=100, day=1_000)
    made, _ = await one.providers.keys.make(member(), contract["id"], "", "地図")
    for _ in range(2):
        passed = await asyncio.gather(*(ask(town, made, 20) for town in workers * 6))
        alone = len({id(town) for town in workers}) == 1
        assert 100 - (0 if alone else 7) <= sum(passed) <= 100
        held = one.providers.contracts.held(contract)
        for town in workers:
            today = await town.providers.meter.today(contract["id"], held)
            assert 93 <= today.minute <= 100
        one.now.at += 61_000_000
    assert (await other.providers.meter.today(contract["id"], held)).minute == 0
