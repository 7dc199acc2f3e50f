"""What is hidden from a caller is counted, paged, followed and joined by in neither store: it is as if it were not there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
import v2_client
from api_client import Client, Reply

from kitamae.kernel.context import api, v2
from kitamae.kernel.context.broker import Broker
from kitamae.kernel.context.jsonld import CORE, Contexts
from kitamae.kernel.context.query.tree import EntityQuery
from kitamae.kernel.context.store import InstanceQuery, Store
from kitamae.kernel.people.person import NOBODY, Principal
from kitamae.kernel.people.policy import Policy

CLERK = Principal("clerk", "staff", assurance=2)
SINCE = "timerel=after&timeAt=2020-01-01T00:00:00Z"


@pytest.fixture
def broker(store: Store) -> Broker:
    return Broker(store, Contexts(), Policy(open=True))


@pytest.fixture
def client(broker: Broker) -> Client:
    return Client(api.routes(broker))


def close(broker: Broker, *what: str) -> None:
    """`Spring`: the type; `Spring phone`: an attribute of it."""
    names = (" ".join(CORE.expand(part) for part in one.split()) for one in what)
    policy = broker.policy
    policy.change(facts=replace(policy.facts, classes=dict.fromkeys(names, "closed")))


def one(id: str, type: str | list[str], **attrs: Any) -> dict[str, Any]:
    seen = {"type": "Property", "observedAt": "2026-11-21T00:00:00Z"}
    return {"id": f"urn:x:{id}", "type": type, **{name: {**seen, "value": it} for name, it in attrs.items()}}


async def there(client: Client, entities: Iterable[dict[str, Any]]) -> None:
    made = await client.post("entityOperations/create", [*entities])
    assert made.status == 201, made.body


async def pages(ask: Callable[[int], Any], size: int) -> list[str]:
    """All ids, page by page, until one is empty."""
    found: list[str] = []
    while (reply := await ask(len(found))).json():
        assert reply.status == 200, reply.body
        found += [entity["id"] for entity in reply.json()]
        assert len(found) <= size
    return found


async def test_pages_and_counts_of_history_are_those_of_what_is_seen(broker: Broker, client: Client) -> None:
    kinds = ("Spring", "Room", ["Room", "Spring"])
    await there(client, (one(f"{n:03}", kinds[n * 3 // 150], v=1, w=n) for n in range(150)))
    close(broker, "Spring")
    rooms = [f"urn:x:{n:03}" for n in range(50, 100)]
    for question in (
        "attrs=v",
        "q=v==1",
        "type=Room&attrs=v",
        "type=Room&q=v==1",
    ):
        path = f"temporal/entities?{SINCE}&{question}&count=true"
        first = await client.get(f"{path}&limit=20")
        assert first.header("ngsild-results-count") == "50", question
        assert any('rel="next"' in link for link in first.all("link")), question
        assert await pages(lambda at, path=path: client.get(f"{path}&limit=20&offset={at}"), 50) == rooms  # type: ignore[misc]
        here = f"entities?{question}&count=true"
        assert (await client.get(f"{here}&limit=0")).header("ngsild-results-count") == "50"
        assert await pages(lambda at, here=here: client.get(f"{here}&limit=20&offset={at}"), 50) == rooms  # type: ignore[misc]
    told = (await client.get("types?details=true")).json()
    assert [kind["typeName"] for kind in told] == ["Room"]
    assert (await client.get("types/Room")).json()["entityCount"] == 50


async def test_pages_of_several_selectors_repeat_and_lose_nobody_of_whom_something_is_hidden(
    broker: Broker,
) -> None:
    client = v2_client.Client(v2.routes(broker), "/v2")
    for n in range(24):
        secret = {"secret": {"value": 1}} if (n * 7) % 5 < 2 or n % 6 == 1 else {}
        made = await client.post(
            "entities", {"id": f"E{n:02}", "type": "AB"[n % 2], "x": {"value": 1}, **secret}
        )
        assert made.status == 201
    wanted = {
        "entities": [{"idPattern": ".*", "type": "A"}, {"idPattern": ".*", "type": "B"}],
        "attrs": ["x"],
    }
    close(broker, "A secret", "B secret")
    asked = "op/query?limit=4&options=keyValues,count&offset="
    found = await pages(lambda at: client.post(f"{asked}{at}", wanted), 24)
    assert found == [f"E{n:02}" for n in range(24)]


SPRING = 'has{phone}=="0761"', 'has{phone}=="wrong"', "has{phone}~=^07", 'has{Spring:phone}=="0761"', "has{phone}", "has{deep{phone}}"  # fmt: skip


@pytest.mark.parametrize("q", SPRING)
async def test_no_relationship_tells_what_a_closed_entity_says(
    broker: Broker, client: Client, q: str
) -> None:
    def link(id: str) -> dict[str, str]:
        return {"type": "Relationship", "object": f"urn:x:{id}"}

    await there(client, [
        one("spring", ["Town", "Spring"], phone="0761") | {"deep": link("spring")},
        one("open", "Town", phone="none") | {"deep": link("open")},
        one("town", "Town") | {"has": link("spring")}, one("other", "Town") | {"has": link("open")},
    ])  # fmt: skip
    path = f"entities?type=Town&joinLevel=2&join=inline&count=true&q={quote(q)}"

    def found(reply: Reply) -> list[str]:
        return [entity["id"] for entity in reply.json()]

    clerk = Client(client.application, CLERK)
    before = found(await client.get(path))
    assert ("urn:x:town" in before) is ("wrong" not in q)
    close(broker, "Spring")
    assert found(await clerk.get(path)) == before
    answer = await client.get(path)
    assert found(answer) == [id for id in before if id == "urn:x:other"]
    assert answer.header("ngsild-results-count") == str(len(found(answer)))
    assert "0761" not in answer.body.decode()


async def test_an_attribute_that_is_closed_in_the_other_type_is_not_asked_by_across_a_relationship(
    broker: Broker, client: Client
) -> None:
    await there(client, [one("a", ["Town", "Spring"], phone="1"), one("b", "Town", phone="1")])
    close(broker, "Spring phone")
    assert [x["id"] for x in (await client.get("entities?type=Town&q=phone")).json()] == ["urn:x:b"]
    refused = await client.get(f"entities?type=Town&join=inline&joinLevel=1&q={quote('phone;has{name}')}")
    assert refused.status in (401, 403)
    assert "Spring" in refused.json()["detail"]


async def test_what_one_caller_sees_is_remembered_until_the_policy_changes(
    broker: Broker, client: Client
) -> None:
    await there(client, [one("a", "Spring", phone="1", name="A")])
    clerk, path = Client(client.application, CLERK), "entities/urn:x:a?options=keyValues"
    full = {"id": "urn:x:a", "type": "Spring", "phone": "1", "name": "A"}
    less = {name: value for name, value in full.items() if name != "phone"}
    for closed, seen in ((["Spring phone"], less), ([], full), (["Spring name", "Spring phone"], None)):
        close(broker, *closed)
        for _ in range(2):
            assert (await clerk.get(path)).json() == full
            assert (await client.get(path)).json() == (seen or {"id": "urn:x:a", "type": "Spring"})
    asked: list[object] = []
    decide = broker.policy.decide
    broker.policy.decide = lambda question: (asked.append(question), decide(question))[1]  # type: ignore[method-assign,func-returns-value]
    for principal in (NOBODY, CLERK) * 3:
        await Client(client.application, principal).get(path)
    assert not [x for x in asked if str(x).count("attribute:")], (
        "once for each caller, not with every request"
    )


async def test_of_a_snapshot_whose_time_is_over_nothing_is_left_whoever_makes_the_next_one(
    broker: Broker, client: Client, store: Store
) -> None:
    await there(client, [one("s", "Spring", phone="0761")])
    frozen = {"type": "Snapshot", "snapshotQueries": [{"type": "Query", "entities": [{"type": "Spring"}]}]}
    made = await client.post("snapshots", frozen)
    path = (made.header("location") or "").removeprefix("/ngsi-ld/v1/")
    async with asyncio.timeout(10):
        while (await client.get(path)).json()["snapshotStatus"] == "preparing":
            await asyncio.sleep(0.01)
    ((_, _, doc),) = await store.documents("", "snapshot")
    assert (await store.find(EntityQuery(doc["room"], count=True))).count == 1
    close(broker, "Spring")
    clock = broker.clock
    broker.clock = lambda: clock() + 3 * 86_400_000_000
    other = {**frozen, "snapshotQueries": [{"type": "Query", "entities": [{"type": "Room"}]}]}
    assert (await client.post("snapshots", other)).status == 201
    assert (await store.find(EntityQuery(doc["room"], count=True))).count == 0
    assert (await store.remembered(EntityQuery(doc["room"]), InstanceQuery(doc["room"], ()))).rows == []
    assert len(await store.documents("", "snapshot")) == 1


async def test_an_instance_is_corrected_by_who_may_write_it_and_not_see_it(
    broker: Broker, client: Client
) -> None:
    await there(client, [one("s", "Spring", phone="0761")])
    close(broker, "Spring phone")
    clerk = Client(client.application, CLERK)
    path = "temporal/entities/urn:x:s"
    instance = (await clerk.get(path)).json()["phone"][0]["instanceId"]
    sent = {"phone": {"type": "Property", "value": "0762", "observedAt": "2026-11-21T00:00:00Z"}}
    done = await client.patch(f"{path}/attrs/phone/{instance}", sent)
    assert (done.status, "phone" in (await client.get(path)).json()) == (204, False)
    assert (await clerk.get(path)).json()["phone"][0]["value"] == "0762"
