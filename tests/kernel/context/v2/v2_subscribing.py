"""Making a subscription, and something for it to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from v2_client import Client

    from receivers import Receiver


def body(receiver: Receiver, condition: Any = None, **notification: Any) -> dict[str, Any]:
    return {
        "description": "rooms",
        "subject": {"entities": [{"idPattern": ".*", "type": "Room"}], "condition": condition or {}},
        "notification": {"http": {"url": receiver.uri}, **notification},
    }


async def subscribe(client: Client, document: dict[str, Any], **headers: str) -> str:
    made = await client.post("subscriptions", document, **headers)
    assert made.status == 201, made.body
    return made.headers["location"].removeprefix("/v2/subscriptions/")


async def put(client: Client, id: str = "Room1", type: str = "Room", **values: Any) -> None:
    given = {"id": id, "type": type, **values}
    answer = await client.post("entities?options=upsert,keyValues", given)
    assert answer.status in (201, 204), answer.body
