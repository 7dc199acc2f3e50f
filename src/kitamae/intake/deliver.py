"""Entities to a broker over its public batch operations (clauses 5.6.8 and 5.6.10), patiently."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx2
import orjson

from kitamae.kernel.problems import Problem, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

_JSON: Final = {"Content-Type": "application/json"}
_PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between tries when the broker does not answer or says that it cannot for the moment."""
_FOR_THE_MOMENT: Final = {429, 502, 503, 504}


class RefusedByBrokerError(Problem):
    """The broker said no to the whole request: not signed in, not allowed, not understood."""


@dataclass(slots=True)
class Delivery:
    """What became of one batch. `refused`: id -> the broker's reason; the rest is durable there."""

    created: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)  # was there before: updated, or left as it was
    refused: dict[str, str] = field(default_factory=dict)


class Broker:
    """A broker behind an HTTP client: a running server, its control socket, or one in the same process."""

    def __init__(self, client: httpx2.AsyncClient, pauses: Sequence[float] = _PAUSES) -> None:
        """The client brings the base address and whoever asks (its Authorization header)."""
        self._client = client
        self._pauses = pauses

    async def upsert(self, entities: Sequence[dict[str, Any]]) -> Delivery:
        """Create or update, each on its own; attributes that are not given stay as they are.

        Repeating it is harmless: an unchanged value makes no change. Raises RefusedByBrokerError, Unavailable.
        """
        answer = await self._post("/ngsi-ld/v1/entityOperations/upsert?options=update", list(entities))
        ids = [entity["id"] for entity in entities]
        if answer.status_code == 413 and len(entities) > 1:
            half = len(entities) // 2
            one, other = await self.upsert(entities[:half]), await self.upsert(entities[half:])
            return Delivery(one.created + other.created, one.there + other.there, one.refused | other.refused)
        match answer.status_code:
            case 201:
                created = set(orjson.loads(answer.content) or [])
                return Delivery(
                    [one for one in ids if one in created], [one for one in ids if one not in created]
                )
            case 204:
                return Delivery(there=ids)
            case 207:
                refused = _reasons(orjson.loads(answer.content))
                return Delivery(there=[one for one in ids if one not in refused], refused=refused)
        raise _no(answer)

    async def delete(self, ids: Sequence[str]) -> None:
        """Delete; one that is not there is no error. Raises RefusedByBrokerError, Unavailable."""
        if not ids:
            return
        answer = await self._post("/ngsi-ld/v1/entityOperations/delete", list(ids))
        if answer.status_code not in (204, 207, 400, 404):
            raise _no(answer)

    async def _post(self, path: str, body: object) -> httpx2.Response:
        sent = orjson.dumps(body)
        for pause in (*self._pauses, None):
            try:
                answer = await self._client.post(path, content=sent, headers=_JSON)
            except httpx2.TransportError as error:
                if pause is None:
                    raise Unavailable(
                        f"the broker does not answer: {error or type(error).__name__}"
                    ) from error
            else:
                if answer.status_code not in _FOR_THE_MOMENT or pause is None:
                    return answer
            await asyncio.sleep(pause)
        raise AssertionError


def _reasons(result: dict[str, Any]) -> dict[str, str]:
    reasons: dict[str, str] = {}
    for wrong in result.get("errors", []):
        error = wrong.get("error", {})
        reasons[str(wrong.get("entityId", ""))] = str(error.get("detail") or error.get("title") or "refused")
    return reasons


def _no(answer: httpx2.Response) -> Problem:
    try:
        body = orjson.loads(answer.content)
        why = body.get("detail") or body.get("title")
    except (orjson.JSONDecodeError, AttributeError):
        why = ""
    return RefusedByBrokerError(
        f"the broker refused it ({answer.status_code}): {why or answer.reason_phrase}"
    )
