"""Linked entities: what a few of them can do to a broker when each knows all the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api_client import Client

FRIENDS = [f"urn:ngsi-ld:Friend:{n}" for n in range(12)]


async def test_entities_that_all_know_each_other_are_not_followed_on_every_way(client: Client) -> None:
    everybody = [
        {
            "id": id,
            "type": "Friend",
            "knows": {"type": "Relationship", "object": [other for other in FRIENDS if other != id]},
        }
        for id in FRIENDS
    ]
    assert (await client.post("entityOperations/create", everybody)).status == 201
    for path in (f"entities/{FRIENDS[0]}?", "entities?type=Friend&"):
        answer = await client.get(path + "join=inline&joinLevel=10")
        assert (answer.status, answer.error) == (403, "TooManyResults")
    near = await client.get(f"entities/{FRIENDS[0]}?join=inline&joinLevel=1")
    assert near.status == 200
    assert len(near.json()["knows"]["entity"]) == 11
    flat = await client.get(f"entities/{FRIENDS[0]}?join=flat&joinLevel=10")
    assert len(flat.json()) == 12
