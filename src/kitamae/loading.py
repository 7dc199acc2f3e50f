"""Loading a city's facts when its profile has changed: through the broker's public operations, like any client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.problems import Problem
from kitamae.sdk import city

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message

    from kitamae.kernel.context.store import Store, Transaction

KIND: Final = "city"


class NotLoaded(Problem):
    """The broker refused something of the city's own facts."""

    title = "The city's facts could not be loaded"


async def load(profile: city.City, store: Store, api: ASGIApp) -> city.Loaded:
    """Write what has changed since the last start. Raises BadCityError, NotLoaded."""
    before = city.Loaded.from_json(await store.get(profile.tenant, KIND, profile.id))
    loaded = await city.load(profile, Operations(api, profile.tenant), before)

    async def keep(transaction: Transaction) -> None:
        await transaction.put(profile.tenant, KIND, profile.id, loaded.as_json())

    if before is None or before.digest != loaded.digest:
        await store.transact(keep)
    return loaded


class Operations:
    """`sdk.city.Writer` over the HTTP binding, without a socket, as the system."""

    def __init__(self, api: ASGIApp, tenant: str) -> None:
        self._api = api
        self._headers = [(b"content-type", b"application/json")]
        if tenant:
            self._headers.append((b"ngsild-tenant", tenant.encode()))

    async def upsert(self, entities: Sequence[dict[str, Any]]) -> None:
        """See `city.Writer`."""
        await self._post("upsert", b"options=update", list(entities))

    async def delete(self, ids: Sequence[str]) -> None:
        """See `city.Writer`."""
        await self._post("delete", b"", list(ids), fine=(200, 201, 204, 207, 404))

    async def _post(
        self, operation: str, query: bytes, sent: object, fine: tuple[int, ...] = (200, 201, 204)
    ) -> None:
        path = f"/ngsi-ld/v1/entityOperations/{operation}"
        body = orjson.dumps(sent)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query,
            "headers": [*self._headers, (b"content-length", str(len(body)).encode())],
            "client": None,
            "server": None,
            "principal": SYSTEM,
        }
        status, said = 0, b""

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, said
            status = message.get("status", status)
            said += message.get("body", b"")

        await self._api(scope, receive, send)
        if status not in fine:
            raise NotLoaded(f"{operation} answered {status}: {said.decode('utf-8', 'replace'):.600}")
