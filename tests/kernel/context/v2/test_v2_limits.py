"""Questions of many parts: counted once, in an order, and with an end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from v2_client import Client

from kitamae.kernel import turns
from kitamae.kernel.context.broker import Limits

if TYPE_CHECKING:
    from kitamae.kernel.context.broker import Broker

TWICE = {"entities": [{"idPattern": "^r[0-6]$"}, {"idPattern": "^r[4-9]$"}]}


async def rooms(client: Client) -> None:
    entities = [{"id": f"r{n}", "type": "Room", "level": {"value": 9 - n}} for n in range(10)]
    assert (await client.post("op/update", {"actionType": "append", "entities": entities})).status == 204


async def test_what_several_selectors_select_is_one_list_and_counted_once(client: Client) -> None:
    await rooms(client)
    found = await client.post("op/query?options=count&limit=3&offset=5", TWICE)
    assert [one["id"] for one in found.json()] == ["r5", "r6", "r7"]
    assert found.headers["fiware-total-count"] == "10"


async def test_a_question_whose_parts_together_take_too_long_is_refused(
    client: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rooms(client)
    broker.limits = Limits(seconds=0)
    monkeypatch.setattr(turns, "TURN", 0)
    refusal = await client.post("op/query", TWICE)
    assert refusal.error == (400, "BadRequest")
    assert "took longer" in refusal.json()["description"]


async def test_more_ids_than_a_page_holds_are_refused(client: Client) -> None:
    refusal = await client.get("entities?id=" + ",".join(f"r{n}" for n in range(1_001)))
    assert refusal.status == 400


async def test_a_question_is_shorter_than_what_is_to_be_kept(client: Client, broker: Broker) -> None:
    broker.limits = Limits(question=2_000)
    long = {"value": "x" * 3_000}
    assert (await client.post("entities", {"id": "r", "type": "Room", "note": long})).status == 201
    assert (await client.post("op/query", {"entities": [{"id": "x" * 3_000}]})).status == 413
