"""Brokers that speak to each other, over real HTTP on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiohttp import web
from api_client import CITY_CONTEXT, CITY_DOCUMENT, Client
from test_registrations import registration

from kitamae.adapters.sqlite import store as sqlite
from kitamae.kernel.context.api import routes
from kitamae.kernel.context.broker import Broker, Limits
from kitamae.kernel.context.jsonld import Contexts
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.context.veil import of_all, veiled
from kitamae.kernel.people.policy import Policy

ROOM = "urn:ngsi-ld:Room:1"


def room(number: int, **attrs: Any) -> dict[str, Any]:
    shown = {name: {"type": "Property", "value": value} for name, value in attrs.items()}
    return {"id": f"urn:ngsi-ld:Room:{number}", "type": "Room", **shown}


@dataclass
class City:
    """A broker that others can ask; `asked`: what came over HTTP; `answer`: instead of ours."""

    client: Client
    broker: Broker
    url: str = ""
    told: Any = None
    """The store as what leaves the city by itself has it."""
    asked: list[web.Request] = field(default_factory=list)
    answer: Callable[[], web.Response] | None = None

    async def knows(self, other: str, *information: Any, number: int = 1, **members: Any) -> None:
        information = information or ({"entities": [{"type": "Room"}]},)
        members = {"endpoint": other, **members}
        made = await self.client.post("csourceRegistrations", registration(number, *information, **members))
        assert made.status == 201, made.body

    async def has(self, number: int, **attrs: Any) -> None:
        made = await self.client.post("entities?local=true", room(number, **attrs))
        assert made.status == 201, made.body

    async def closes(self, *names: str) -> None:
        """`Room`, or `Room floor`: closed here, whatever others hold of it."""
        context, policy = await self.broker.contexts.resolve(None), self.broker.policy
        classes: dict[str, Any] = {" ".join(map(context.expand, one.split())): "closed" for one in names}
        policy.change(facts=replace(policy.facts, classes=classes))
        self.told.hidden = of_all(classes)  # a city would be started anew

    async def ids(self, query: str) -> list[int]:
        reply = await self.client.get(f"entities?{query}")
        assert reply.status == 200, reply.body
        return [int(one["id"].rsplit(":", 1)[-1]) for one in reply.json()]

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        if self.answer is not None:
            return self.answer()
        path = request.raw_path.removeprefix("/ngsi-ld/v1/").lstrip("/")
        kept = ("accept", "content-type", "via", "link", "ngsild-tenant", "ngsild-entitymap", "x-token")
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        body = await request.read()
        reply = await self.client(request.method, path, body=body or None, headers=headers)
        told = {name: value for name, value in reply.headers if name != "content-length"}
        return web.Response(status=reply.status, body=reply.body, headers=told)


@asynccontextmanager
async def city(folder: Path, name: str, **delivery: Any) -> AsyncIterator[City]:
    store = await sqlite.open(folder / f"{name}.db")
    contexts = Contexts(registered={CITY_CONTEXT: CITY_DOCUMENT})
    broker = Broker(store, contexts, Policy(open=True), Limits(), alias=name)
    one = City(Client(routes(broker)), broker)
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", one.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    one.told = told = veiled(store, of_all(()))  # as a city has it
    subscriptions = Subscriptions(
        told, contexts, Destinations(loopback=True), address=one.url, alias=name, **delivery
    )
    broker.subscriptions = subscriptions
    await subscriptions.start()
    try:
        yield one
    finally:
        await subscriptions.close()
        await runner.cleanup()
        await store.close()
