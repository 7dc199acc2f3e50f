"""Brokers that speak NGSIv2 to each other, over real HTTP on this machine."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web
from v2_client import Client

from kitamae.adapters.sqlite import store as sqlite
from kitamae.kernel.context import api, v2
from kitamae.kernel.context.broker import Broker, Limits
from kitamae.kernel.context.jsonld import Contexts
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.context.v2.subscription.registry import Subscriptions as SubscriptionsV2
from kitamae.kernel.people.policy import Policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


@dataclass
class City:
    """A broker that others can ask. `asked`: what came over HTTP, path, headers, body; `answer`: instead of ours."""

    client: Client
    ld: Client
    broker: Broker
    url: str = ""
    asked: list[tuple[str, Any, Any]] = field(default_factory=list)
    answer: Callable[[], web.Response] | None = None

    async def knows(
        self, other: str, *entities: Any, attrs: Any = None, mode: str = "all", **headers: str
    ) -> str:
        data = {"entities": list(entities) or [{"idPattern": ".*", "type": "Room"}], "attrs": attrs or []}
        provider = {"http": {"url": f"{other}/v2"}, "supportedForwardingMode": mode}
        made = await self.client.post(
            "registrations", {"dataProvided": data, "provider": provider}, **headers
        )
        assert made.status == 201, made.body
        return made.headers["location"].removeprefix("/v2/registrations/")

    async def has(self, id: str, type: str = "Room", **attrs: Any) -> None:
        made = await self.client.post("entities?options=keyValues", {"id": id, "type": type, **attrs})
        assert made.status == 201, made.body

    async def read(self, path: str, **headers: str) -> Any:
        reply = await self.client.get(path, **headers)
        assert reply.status == 200, reply.body
        return reply.json()

    async def handle(self, request: web.Request) -> web.Response:
        raw = await request.read()
        self.asked.append((request.raw_path, request.headers, orjson.loads(raw) if raw else None))
        if self.answer is not None:
            return self.answer()
        of_ld = request.raw_path.startswith("/ngsi-ld/v1/")
        client = self.ld if of_ld else self.client
        kept = (
            "accept",
            "content-type",
            "via",
            "fiware-correlator",
            "fiware-service",
            "fiware-servicepath",
            "link",
        )
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        path = request.raw_path.removeprefix("/ngsi-ld/v1/" if of_ld else "/v2/")
        reply = await client(request.method, path, body=raw or None, **headers)
        told = {name: one for name, one in reply.headers.items() if name != "content-length"}
        return web.Response(status=reply.status, body=reply.body, headers=told)


@asynccontextmanager
async def city(folder: Path, name: str) -> AsyncIterator[City]:
    store = await sqlite.open(folder / f"{name}.db")
    contexts = Contexts()
    subscriptions = Subscriptions(store, contexts, Destinations(loopback=True))
    second = SubscriptionsV2(store, contexts, subscriptions)
    await second.start()
    await subscriptions.start()
    broker = Broker(
        *(store, contexts, Policy(open=True), Limits(), subscriptions, second, v2.NgsiV2()), alias=name
    )
    one = City(Client(v2.routes(broker), "/v2"), Client(api.routes(broker), "/ngsi-ld/v1"), broker)
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", one.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield one
    finally:
        await runner.cleanup()
        await subscriptions.close()
        await store.close()
