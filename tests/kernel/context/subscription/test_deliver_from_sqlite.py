"""The same promises on the store that a city runs on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from kitamae.adapters.sqlite.store import open as open_store
from kitamae.kernel.context.jsonld import CORE, Contexts
from kitamae.kernel.context.operations import Command, DeleteAttribute, Upsert
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.problems import Problem
from receivers import Receiver

SPEED, CAR = CORE.expand("speed"), CORE.expand("Car")


def car(n: int, value: int) -> Command:
    id_ = f"urn:ngsi-ld:Car:{n}"
    return Command(
        "", id_, Upsert({"id": id_, "type": [CAR], "attrs": {SPEED: [{"kind": "Property", "v": value}]}})
    )


async def up(path: Path) -> tuple[Any, Subscriptions]:
    store = await open_store(path)
    subscriptions = Subscriptions(
        store, Contexts(), Destinations(loopback=True), first_pause=0.02, longest_pause=0.1, settle_every=0.01
    )
    await subscriptions.start()
    return store, subscriptions


async def empty(store: Any) -> None:
    async with asyncio.timeout(20):
        while await store.queues():
            await asyncio.sleep(0.02)


async def test_every_change_of_many_writers_is_told_once_and_in_the_order_of_its_entity(
    tmp_path: Path,
) -> None:
    store, subscriptions = await up(tmp_path / "kitamae.db")
    async with Receiver() as receiver:
        named = await subscriptions.create(
            "",
            {
                "type": "Subscription",
                "entities": [{"type": "Car"}],
                "notification": {"endpoint": {"uri": receiver.uri}},
            },
            CORE,
        )

        async def drive(n: int) -> None:
            for value in range(20):
                await store.apply([car(n, value)])

        await asyncio.gather(*(drive(n) for n in range(30)))
        await receiver.got(600, within=30)
        await empty(store)
        for n in range(30):
            told = [value for id_, value in receiver.values if id_ == f"urn:ngsi-ld:Car:{n}"]
            assert told == list(range(20))
        assert len({m["id"] for m in receiver.messages}) == 600
        assert subscriptions.get("", named).record.times_sent == 600
        await subscriptions.close()
        await store.close()


async def test_a_dead_receivers_rows_survive_a_restart_and_come_in_order(tmp_path: Path) -> None:
    path = tmp_path / "kitamae.db"
    receiver = Receiver()
    await receiver.listen()
    await receiver.silence()
    store, subscriptions = await up(path)
    await subscriptions.create(
        "",
        {
            "type": "Subscription",
            "entities": [{"type": "Car"}],
            "notification": {"endpoint": {"uri": receiver.uri}},
        },
        CORE,
    )
    for value in range(5):
        await store.apply([car(1, value)])
    await subscriptions.close()
    await store.close()
    store, subscriptions = await up(path)
    for value in range(5, 8):
        await store.apply([car(1, value)])
    await receiver.listen()
    await receiver.got(8)
    assert [value for _, value in receiver.values] == list(range(8))
    await empty(store)
    await subscriptions.close()
    await store.close()
    await receiver.silence()


async def test_a_command_that_fails_owes_nothing(tmp_path: Path) -> None:
    store, subscriptions = await up(tmp_path / "kitamae.db")
    async with Receiver() as receiver:
        await subscriptions.create(
            "",
            {
                "type": "Subscription",
                "entities": [{"type": "Car"}],
                "notification": {"endpoint": {"uri": receiver.uri}},
            },
            CORE,
        )

        async def work(tx: Any) -> None:
            await tx.apply(car(1, 1))
            await tx.apply(Command("", "urn:ngsi-ld:Car:1", DeleteAttribute("https://a.example/none")))

        try:
            await store.transact(work)
        except Problem:
            pass
        else:
            raise AssertionError("the second operation fails, and takes the first with it")
        await store.apply([car(1, 2)])
        await receiver.got(1)
        await empty(store)
        assert [value for _, value in receiver.values] == [2]
        await subscriptions.close()
        await store.close()
