"""Readings to a broker over its public API, one request each, as a device sends them.

A device that sends twice must not change things twice, and the API's updates overwrite whatever they meet. So the first
time that a device is heard of, what the broker already has of it is read: its present reading, and its history where a
message is older than that. What is there is not sent; what is older and missing goes to history (clause 5.6.12).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote

import orjson

from kitamae.intake.asking import PAUSES, Asking, no
from kitamae.intake.deliver import different
from kitamae.kernel.context import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx2

_PAGE: Final = 1000

Said = Literal["new", "known", "late"]
"""Sent and durable; there already; older than the present, and added to history."""


@dataclass(slots=True)
class _Known:
    """What the broker has of one device. `latest`: attribute -> microseconds of its present reading."""

    entity: dict[str, Any] | None
    latest: dict[str, int]
    moments: dict[str, set[int]] = field(
        default_factory=dict
    )  # attribute -> history before `latest`, when read


class Speaker:
    """For one run. Messages of one device must be said one after the other; of different devices at the same time."""

    def __init__(self, client: httpx2.AsyncClient, pauses: Sequence[float] = PAUSES) -> None:
        """The client brings the base address and its token."""
        self._asking = Asking(client, pauses)
        self._known: dict[str, _Known] = {}

    async def say(self, entity: dict[str, Any]) -> Said:
        """Raises RefusedByBrokerError, Unavailable."""
        known = self._known.get(entity["id"])
        if known is None:
            known = self._known[entity["id"]] = await self._first(entity["id"])
        if known.entity is None:
            await self._must("POST", "/ngsi-ld/v1/entityOperations/upsert?options=update", [entity])
            known.entity = dict(entity)
            known.latest = {name: _at(value) for name, value in entity.items() if "observedAt" in value}
            return "new"
        news = different(entity, known.entity) or {}
        late: dict[str, Any] = {}
        old = False
        for name, value in entity.items():
            if "observedAt" in value and name in known.latest and _at(value) <= known.latest[name]:
                old = True
                news.pop(name, None)
                if _at(value) < known.latest[name]:
                    late[name] = value
        if old:  # what an old message says of its device is as old
            news = {
                name: value
                for name, value in news.items()
                if "observedAt" in value or name not in known.entity
            }
        path = f"/ngsi-ld/v1/entities/{quote(entity['id'], safe=':')}/attrs"
        news = {name: value for name, value in news.items() if name not in ("id", "type")}
        if news:
            await self._must("POST", path, news)
            known.entity |= news
            for name, moments in known.moments.items():
                moments.add(known.latest[name])
            known.latest |= {name: _at(value) for name, value in news.items() if "observedAt" in value}
            return "new"
        missing = {
            name: value
            for name, value in late.items()
            if _at(value) not in await self._moments(entity["id"], name, known)
        }
        if missing:
            await self._must(
                "POST",
                path.replace("/entities/", "/temporal/entities/", 1),
                {name: [value] for name, value in missing.items()},
            )
            for name, value in missing.items():
                known.moments[name].add(_at(value))
            return "late"
        return "known"

    async def _first(self, urn: str) -> _Known:
        answer = await self._asking.ask("GET", f"/ngsi-ld/v1/entities/{quote(urn, safe=':')}")
        if answer.status_code == 404:
            return _Known(None, {})
        _expect(answer)
        entity = orjson.loads(answer.content)
        return _Known(
            entity,
            {
                name: _at(value)
                for name, value in entity.items()
                if isinstance(value, dict) and "observedAt" in value
            },
        )

    async def _moments(self, urn: str, name: str, known: _Known) -> set[int]:
        """When this attribute was observed, all of its history, once."""
        if name in known.moments:
            return known.moments[name]
        moments: set[int] = set()
        until = clock.text(known.latest[name] + 1)
        while True:
            answer = await self._asking.ask(
                "GET",
                f"/ngsi-ld/v1/temporal/entities/{quote(urn, safe=':')}?attrs={quote(name)}&options=temporalValues"
                f"&timerel=before&timeAt={until}&lastN={_PAGE}",
            )
            if answer.status_code == 404:
                break
            _expect(answer)
            values = orjson.loads(answer.content).get(name, {}).get("values", [])
            found = {clock.micros(at) for _, at in values}
            if not found - moments:
                break
            moments |= found
            if len(values) < _PAGE:
                break
            until = clock.text(min(found) + 1)
        known.moments[name] = moments
        return moments

    async def _must(self, method: str, path: str, body: object) -> None:
        _expect(await self._asking.ask(method, path, body))


def _at(value: Any) -> int:
    return clock.micros(value["observedAt"])


def _expect(answer: httpx2.Response) -> None:
    if answer.status_code not in (200, 201, 204, 206):
        raise no(answer)
