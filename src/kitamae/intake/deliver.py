"""Entities to a broker over its public batch operations (clauses 5.6.8 and 5.6.10), patiently."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson

from kitamae.intake.asking import PAUSES, Asking, no

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx2

BATCH: Final = 200
"""Entities in one request."""


@dataclass(slots=True)
class Delivery:
    """What became of some entities. `refused`: id -> the broker's reason; the rest is durable there."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)  # the broker knows them so already: nothing was written
    refused: dict[str, str] = field(default_factory=dict)


class Broker:
    """A broker behind an HTTP client: a running server, its control socket, or one in the same process."""

    def __init__(self, client: httpx2.AsyncClient, pauses: Sequence[float] = PAUSES) -> None:
        """The client brings the base address and whoever asks (its Authorization header)."""
        self._asking = Asking(client, pauses)

    async def upsert(self, entities: Sequence[dict[str, Any]]) -> Delivery:
        """Create or update, each on its own; attributes that are not given stay as they are.

        An update of NGSI-LD is a change also when the value is the same. So what is there is read first, and only
        what differs is sent: repeating an upsert writes nothing. Raises RefusedByBrokerError, Unavailable.
        """
        delivery = Delivery()
        for start in range(0, len(entities), BATCH):
            await self._batch(entities[start : start + BATCH], delivery)
        return delivery

    async def of_type(self, type: str) -> list[dict[str, Any]]:
        """All entities of a type, normalized. Raises RefusedByBrokerError, Unavailable."""
        found: list[dict[str, Any]] = []
        while True:
            answer = await self._asking.ask(
                "GET", f"/ngsi-ld/v1/entities?type={quote(type)}&limit={BATCH}&offset={len(found)}"
            )
            if answer.status_code != 200:
                raise no(answer)
            page = orjson.loads(answer.content)
            found += page
            if len(page) < BATCH:
                return found

    async def _batch(self, entities: Sequence[dict[str, Any]], delivery: Delivery) -> None:
        there = await self._there(entities)
        news: list[dict[str, Any]] = []
        for entity in entities:
            new = different(entity, there.get(entity["id"]))
            if new is None:
                delivery.same.append(entity["id"])
            else:
                news.append(new)
        refused = await self._send(news) if news else {}
        delivery.refused |= refused
        for entity in news:
            if entity["id"] not in refused:
                (delivery.changed if entity["id"] in there else delivery.created).append(entity["id"])

    async def _there(self, entities: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """What the broker has of them, asked for type by type."""
        by_type: dict[str, list[dict[str, str]]] = {}
        for entity in entities:
            by_type.setdefault(entity["type"], []).append({"id": entity["id"], "type": entity["type"]})
        there: dict[str, dict[str, Any]] = {}
        for selectors in by_type.values():
            answer = await self._asking.ask(
                "POST",
                f"/ngsi-ld/v1/entityOperations/query?limit={len(selectors)}",
                {"type": "Query", "entities": selectors},
            )
            if answer.status_code != 200:
                raise no(answer)
            there |= {entity["id"]: entity for entity in orjson.loads(answer.content)}
        return there

    async def _send(self, entities: Sequence[dict[str, Any]]) -> dict[str, str]:
        answer = await self._asking.ask(
            "POST", "/ngsi-ld/v1/entityOperations/upsert?options=update", list(entities)
        )
        if answer.status_code == 413 and len(entities) > 1:
            half = len(entities) // 2
            return await self._send(entities[:half]) | await self._send(entities[half:])
        if answer.status_code in (201, 204):
            return {}
        if answer.status_code == 207 or (answer.status_code == 400 and b'"errors"' in answer.content):
            return _reasons(orjson.loads(answer.content))
        raise no(answer)

    async def delete(self, ids: Sequence[str]) -> None:
        """Delete; one that is not there is no error. Raises RefusedByBrokerError, Unavailable."""
        if not ids:
            return
        answer = await self._asking.ask("POST", "/ngsi-ld/v1/entityOperations/delete", list(ids))
        if answer.status_code not in (204, 207, 400, 404):
            raise no(answer)


def different(entity: dict[str, Any], there: dict[str, Any] | None) -> dict[str, Any] | None:
    """What of a normalized entity is not so in the broker's; None where all of it is."""
    if there is None:
        return entity
    types = there["type"] if isinstance(there["type"], list) else [there["type"]]
    news = {
        name: value
        for name, value in entity.items()
        if name not in ("id", "type") and value != there.get(name)
    }
    if not news and entity["type"] in types:
        return None
    return {"id": entity["id"], "type": entity["type"], **news}


def _reasons(result: dict[str, Any]) -> dict[str, str]:
    reasons: dict[str, str] = {}
    for wrong in result.get("errors", []):
        error = wrong.get("error", {})
        reasons[str(wrong.get("entityId", ""))] = str(error.get("detail") or error.get("title") or "refused")
    return reasons
