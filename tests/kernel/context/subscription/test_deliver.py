"""Deliveries to real receivers over HTTP: in order, at least once, and nobody waits for anybody else."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from aiohttp import web
from memory_store import MemoryStore

from kitamae.kernel.context import clock
from kitamae.kernel.context.jsonld import CORE, Contexts
from kitamae.kernel.context.operations import Command, Delete, Upsert
from kitamae.kernel.context.subscription.deliver import Dispatcher
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.lane import AT_ONCE
from kitamae.kernel.context.subscription.registry import Subscriptions
from receivers import Receiver

SPEED = CORE.expand("speed")
CAR = CORE.expand("Car")
LOOPBACK = Destinations(loopback=True)


def subscription(uri: str, **more: Any) -> dict[str, Any]:
    notification = {"endpoint": {"uri": uri, **more.pop("endpoint", {})}, **more.pop("notification", {})}
    return {"type": "Subscription", "entities": [{"type": "Car"}], "notification": notification, **more}


def car(value: Any, id: str = "urn:ngsi-ld:Car:1", tenant: str = "") -> Command:
    return Command(
        tenant,
        id,
        Upsert({"id": id, "type": [CAR], "attrs": {SPEED: [{"kind": "Property", "v": value}]}}, "update"),
    )


class City:
    """A store with subscriptions on it, that can be restarted."""

    def __init__(self, destinations: Destinations = LOOPBACK) -> None:
        self.clock_is_off = 0.0  # seconds
        self.store: Any = MemoryStore()
        self.destinations = destinations
        self.subscriptions: Any = None

    async def __aenter__(self) -> City:
        await self.up()
        return self

    async def up(self) -> None:
        self.store.reborn()
        self.subscriptions = Subscriptions(
            self.store,
            Contexts(),
            self.destinations,
            now=lambda: clock.now() + int(self.clock_is_off * 1e6),
            timeout=0.5,
            first_pause=0.02,
            longest_pause=0.1,
            settle_every=0.01,
        )
        await self.subscriptions.start()

    async def __aexit__(self, *_: object) -> None:
        await self.subscriptions.close()

    async def subscribe(self, uri: str, **more: Any) -> str:
        named: str = await self.subscriptions.create(more.pop("tenant", ""), subscription(uri, **more), CORE)
        return named

    async def drive(self, *values: Any, id: str = "urn:ngsi-ld:Car:1") -> None:
        for value in values:
            await self.store.apply([car(value, id)])

    async def settled(self, within: float = 10) -> None:
        async with asyncio.timeout(within):
            while self.store.owed_rows:
                await asyncio.sleep(0.005)


async def test_what_changes_is_told_in_order_and_settled() -> None:
    async with Receiver() as receiver, City() as city:
        named = await city.subscribe(receiver.uri)
        await city.drive(*range(50))
        messages = await receiver.got(50)
        await city.settled()
        assert [value for _, value in receiver.values] == list(range(50))
        assert {one["subscriptionId"] for one in messages} == {named}
        assert len({one["id"] for one in messages}) == 50
        assert receiver.headers[0]["Idempotency-Key"] == messages[0]["id"]
        record = city.subscriptions.get("", named).record
        assert (record.times_sent, record.times_failed, record.failing) == (50, 0, False)


async def test_several_entities_are_told_of_side_by_side_and_each_in_order() -> None:
    inside: list[str] = []
    most = 0
    together = asyncio.Event()

    async def slow(receiver: Receiver, request: web.Request) -> web.Response:
        nonlocal most
        (told,) = orjson.loads(await request.read())["data"]
        assert told["id"] not in inside
        inside.append(told["id"])
        most = max(most, len(inside))
        if len(inside) == AT_ONCE:
            together.set()
        await together.wait()
        inside.remove(told["id"])
        await receiver.note(request)
        return web.Response(status=204)

    async with Receiver(slow) as receiver, City() as city:
        await city.subscribe(receiver.uri)
        for value in range(5):
            for number in range(AT_ONCE * 2):
                await city.drive(value, id=f"urn:ngsi-ld:Car:{number}")
        await receiver.got(AT_ONCE * 2 * 5)
        await city.settled()
    assert most == AT_ONCE
    for number in range(AT_ONCE * 2):
        assert [value for id, value in receiver.values if id == f"urn:ngsi-ld:Car:{number}"] == [*range(5)]


async def test_a_dead_receiver_delays_nobody() -> None:
    async with Receiver() as alive, City() as city:
        dead = Receiver()
        await dead.listen()
        await dead.silence()
        for _ in range(20):
            await city.subscribe(dead.uri)
        await city.subscribe(alive.uri)
        await city.drive(*range(20))
        await alive.got(20, within=5)
        assert [value for _, value in alive.values] == list(range(20))


async def test_a_slow_receiver_delays_nobody() -> None:
    async with Receiver() as alive, Receiver() as slow, City() as city:
        slow.pause = 60
        for _ in range(20):
            await city.subscribe(slow.uri)
        await city.subscribe(alive.uri)
        await city.drive(*range(20))
        await alive.got(20, within=5)


async def test_a_receiver_that_comes_back_gets_everything_in_order() -> None:
    async with City() as city:
        receiver = Receiver()
        await receiver.listen()
        await receiver.silence()
        named = await city.subscribe(receiver.uri)
        await city.drive(*range(30))
        async with asyncio.timeout(5):
            while not city.subscriptions.get("", named).record.failing:
                await asyncio.sleep(0.01)
        await receiver.listen()
        await city.drive(*range(30, 40))
        await receiver.got(40)
        assert [value for _, value in receiver.values] == list(range(40))
        await receiver.silence()


async def test_a_flapping_receiver_gets_everything_in_order() -> None:
    calls = 0

    async def moody(receiver: Receiver, request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        if calls % 3:
            return web.Response(status=503)
        await receiver.note(request)
        return web.Response()

    async with Receiver(moody) as receiver, City() as city:
        await city.subscribe(receiver.uri)
        await city.drive(*range(10))
        await receiver.got(10, within=20)
        assert [value for _, value in receiver.values] == list(range(10))


async def test_a_restart_in_the_middle_loses_nothing_and_repeats_with_the_same_id() -> None:
    async def hears_but_does_not_answer(receiver: Receiver, request: web.Request) -> web.Response:
        await receiver.note(request)
        if len(receiver.messages) == 5:
            await asyncio.sleep(60)
        return web.Response()

    async with Receiver(hears_but_does_not_answer) as receiver, City() as city:
        await city.subscribe(receiver.uri)
        await city.drive(*range(12))
        await receiver.got(5)
        await city.subscriptions.close()
        await city.up()
        await city.drive(*range(12, 15))
        await receiver.got(16)
        await city.settled()
        by_id = {one["id"]: one["data"][0]["speed"]["value"] for one in receiver.messages}
        assert list(by_id.values()) == list(range(15))
        assert len(receiver.messages) == 16, "the one that was not acknowledged came twice, with one id"


async def test_what_was_owed_before_a_crash_is_delivered_by_the_next_start() -> None:
    city = City()
    await city.up()
    async with Receiver() as receiver:
        await city.subscribe(receiver.uri)
        city.store.listeners.clear()  # the process dies between the commit and hearing of it
        await city.drive(1, 2, 3)
        await city.subscriptions.close()
        await city.up()
        await receiver.got(3)
        assert [value for _, value in receiver.values] == [1, 2, 3]
        await city.subscriptions.close()


async def test_more_than_memory_holds_is_read_from_the_store_in_order() -> None:
    async with Receiver() as receiver, City() as city:
        await city.subscribe(receiver.uri)
        await city.store.apply([car(n) for n in range(700)])
        await receiver.got(700, within=30)
        await city.settled()
        assert [value for _, value in receiver.values] == list(range(700))
        assert city.store.reads > 0


async def test_what_a_receiver_refuses_does_not_block_the_rest() -> None:
    async def picky(receiver: Receiver, request: web.Request) -> web.Response:
        body = await request.json()
        if body["data"][0]["speed"]["value"] == 1:
            return web.Response(status=422)
        await receiver.note(request)
        return web.Response()

    async with Receiver(picky) as receiver, City() as city:
        named = await city.subscribe(receiver.uri)
        await city.drive(0, 1, 2)
        await receiver.got(2)
        await city.settled()
        assert [value for _, value in receiver.values] == [0, 2]
        assert city.subscriptions.get("", named).record.times_failed == 1


async def test_a_redirect_is_not_followed() -> None:
    async with Receiver() as target:

        async def elsewhere(receiver: Receiver, request: web.Request) -> web.Response:
            receiver.messages.append({})
            return web.Response(status=307, headers={"Location": target.uri})

        async with Receiver(elsewhere) as receiver, City() as city:
            named = await city.subscribe(receiver.uri)
            await city.drive(1)
            async with asyncio.timeout(5):
                while not city.subscriptions.get("", named).record.failing:
                    await asyncio.sleep(0.01)
            assert target.messages == []
            assert city.store.owed_rows, "it stays owed"


async def test_an_endless_answer_is_cut_off_and_counts_by_its_status() -> None:
    async def endless(receiver: Receiver, request: web.Request) -> web.StreamResponse:
        await receiver.note(request)
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65_536)
        except ConnectionError:
            return response

    async with Receiver(endless) as receiver, City() as city:
        await city.subscribe(receiver.uri)
        await city.drive(1, 2)
        await receiver.got(2)
        await city.settled()


async def test_throttling_folds_what_came_in_between_into_the_latest_state() -> None:
    async with Receiver() as receiver, City() as city:
        await city.subscribe(receiver.uri, throttling=0.3)
        await city.drive(0)
        await receiver.got(1)
        await city.drive(1, 2, 3)
        await city.drive(7, id="urn:ngsi-ld:Car:2")
        await receiver.got(2)
        await city.settled()
        assert len(receiver.messages) == 2
        assert receiver.values[1:] == [("urn:ngsi-ld:Car:1", 3), ("urn:ngsi-ld:Car:2", 7)]


async def test_a_clock_that_is_set_back_does_not_stretch_throttling() -> None:
    async with Receiver() as receiver, City() as city:
        await city.subscribe(receiver.uri, throttling=0.1)
        await city.drive(0)
        await receiver.got(1)
        city.clock_is_off = -86_400
        await city.drive(1)
        await receiver.got(2)


async def test_a_clock_that_leaps_ahead_ends_nobodys_patience() -> None:
    async with City() as city:
        receiver = Receiver()
        await receiver.listen()
        await receiver.silence()
        named = await city.subscribe(receiver.uri)
        city.clock_is_off = 30 * 86_400
        await city.drive(1, 2)
        record = city.subscriptions.get("", named).record
        async with asyncio.timeout(5):
            while record.last_failure is None:
                await asyncio.sleep(0.01)
        await receiver.listen()
        await receiver.got(2)
        assert [value for _, value in receiver.values] == [1, 2]
        await receiver.silence()


async def test_what_was_owed_before_a_subscription_expired_is_still_told() -> None:
    async with City() as city:
        receiver = Receiver()
        await receiver.listen()
        await receiver.silence()
        named = await city.subscribe(receiver.uri, expiresAt=clock.text(clock.now() + 60_000_000))
        await city.drive(1)
        record = city.subscriptions.get("", named).record
        async with asyncio.timeout(5):
            while not record.failing:
                await asyncio.sleep(0.01)
        city.clock_is_off = 86_400
        await receiver.listen()
        await receiver.got(1)
        await receiver.silence()


async def test_a_paused_subscription_is_told_nothing_until_it_goes_on() -> None:
    async with Receiver() as receiver, City() as city:
        named = await city.subscribe(receiver.uri, isActive=False)
        await city.drive(1)
        await city.subscriptions.update("", named, {"isActive": True}, CORE)
        await city.drive(2)
        await receiver.got(1)
        assert [value for _, value in receiver.values] == [2]


async def test_what_a_deleted_subscription_was_owed_is_forgotten() -> None:
    async with City() as city:
        receiver = Receiver()
        await receiver.listen()
        await receiver.silence()
        named = await city.subscribe(receiver.uri)
        await city.drive(1, 2)
        await city.subscriptions.delete("", named)
        await city.settled()


async def test_an_expired_subscription_is_told_nothing() -> None:
    async with Receiver() as receiver, City() as city:
        named = await city.subscribe(receiver.uri, expiresAt="2100-01-01T00:00:00Z")
        await city.drive(1)
        await receiver.got(1)
        city.store.at = 4_200_000_000_000_000
        await city.drive(2)
        assert not city.store.owed_rows or all(o.seq == 1 for o in city.store.owed_rows.values())
        assert city.subscriptions.get("", named).status(city.store.at) == "expired"


async def test_an_address_that_is_not_allowed_is_never_connected_to() -> None:
    async with Receiver() as receiver, City(Destinations()) as city:
        named = await city.subscribe(f"http://localhost:{receiver.port}/notify")
        await city.drive(1)
        async with asyncio.timeout(5):
            while not city.subscriptions.get("", named).record.failing:
                await asyncio.sleep(0.01)
        assert receiver.messages == []


async def test_tenants_with_the_same_subscription_id_have_queues_of_their_own() -> None:
    async with Receiver() as one, Receiver() as two, City() as city:
        await city.subscribe(one.uri, id="urn:s:1")
        await city.subscribe(two.uri, id="urn:s:1", tenant="kaga")
        await city.store.apply([car(1), car(2, tenant="kaga")])
        await one.got(1)
        await two.got(1)
        assert (one.values[0][1], two.values[0][1]) == (1, 2)
        assert two.headers[0]["NGSILD-Tenant"] == "kaga"
        await city.subscriptions.delete("", "urn:s:1")
        await city.store.apply([car(3, tenant="kaga")])
        await two.got(2)


async def test_how_deliveries_went_survives_a_restart() -> None:
    async with Receiver() as receiver, City() as city:
        named = await city.subscribe(receiver.uri)
        await city.drive(1, 2)
        await receiver.got(2)
        await city.settled()
        await city.subscriptions.close()
        await city.up()
        assert city.subscriptions.get("", named).record.times_sent == 2


async def test_a_receivers_own_headers_and_format_are_used() -> None:
    async with Receiver() as receiver, City() as city:
        await city.subscribe(
            receiver.uri,
            endpoint={"accept": "application/ld+json", "receiverInfo": [{"key": "X-Key", "value": "secret"}]},
            notification={"format": "keyValues"},
            notificationTrigger=["attributeCreated", "entityDeleted"],
        )
        await city.drive(1)
        await city.store.apply([Command("", "urn:ngsi-ld:Car:1", Delete())])
        first, last = await receiver.got(2)
        assert first["data"] == [
            {"id": "urn:ngsi-ld:Car:1", "type": "Car", "speed": 1, "@context": CORE.source}
        ]
        assert first["@context"] == CORE.source
        assert receiver.headers[0]["X-Key"] == "secret"
        assert receiver.headers[0]["Content-Type"] == "application/ld+json"
        assert set(last["data"][0]) == {"id", "type", "deletedAt", "@context"}


@pytest.mark.parametrize(
    "bad", ["http://127.0.0.1:1/x", "http://[::1]/", "http://10.0.0.1/", "http://2130706433/"]
)
async def test_an_address_that_can_be_refused_as_it_stands_is_refused_at_once(bad: str) -> None:
    from kitamae.kernel.problems import BadRequest

    async with City(Destinations()) as city:
        with pytest.raises(BadRequest):
            await city.subscribe(bad)


async def test_what_was_offered_before_the_start_waits_for_what_is_older() -> None:
    async with Receiver() as receiver, City() as city:
        named = await city.subscribe(receiver.uri, notification={"format": "keyValues"})
        await city.subscriptions.dispatcher.close()
        old = await city.store.owe("", named, 1, b'{"id":"urn:old"}')
        new = await city.store.owe("", named, 2, b'{"id":"urn:new"}')
        assert old < new
        dispatcher = Dispatcher(city.store, lambda _: city.subscriptions.get("", named), LOOPBACK)
        dispatcher.offer([city.store.owed_rows[new]])
        await dispatcher.start()
        await receiver.got(2)
        assert [m["data"][0]["id"] for m in receiver.messages] == ["urn:old", "urn:new"]
        await city.settled()
        await dispatcher.close()


async def test_a_periodic_subscription_is_told_everything_that_matches_whether_it_changed_or_not() -> None:
    async with Receiver() as receiver, City() as city:
        for n in range(3):
            await city.drive(n, id=f"urn:ngsi-ld:Car:{n}")
        named = await city.subscribe(receiver.uri, timeInterval=0.05, q="speed>0")
        messages = await receiver.got(3)
        for message in messages:
            assert [(one["id"][-1], one["speed"]["value"]) for one in message["data"]] == [("1", 1), ("2", 2)]
        assert len({one["id"] for one in messages}) == len(messages)
        await city.drive(9)
        await city.subscriptions.update("", named, {"isActive": False}, CORE)
        await asyncio.sleep(0.1)  # what was under way may still arrive
        count = len(receiver.messages)
        await asyncio.sleep(0.2)
        assert len(receiver.messages) == count, "a paused one is told nothing"
        await city.subscriptions.update("", named, {"isActive": True}, CORE)
        await receiver.got(count + 1)
        assert len(receiver.messages[-1]["data"]) == 2
        await city.subscriptions.close()
        await city.up()
        await receiver.got(len(receiver.messages) + 1)
        await city.subscriptions.delete("", named)
        await city.settled()
        count = len(receiver.messages)
        await asyncio.sleep(0.2)
        assert len(receiver.messages) == count, "a deleted one is told nothing"


async def test_a_dead_receiver_of_periodic_messages_is_owed_one_and_not_a_heap() -> None:
    async with City() as city:
        receiver = Receiver()
        await receiver.listen()
        await receiver.silence()
        await city.drive(1)
        await city.subscribe(receiver.uri, timeInterval=0.01)
        await asyncio.sleep(0.3)
        assert len(city.store.owed_rows) == 1
