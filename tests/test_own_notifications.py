"""A subscription whose notifications come back to its own broker ends with the first of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import web

from serving import Served, serving

CAR = {"id": "urn:ngsi-ld:Car:1", "type": "Car", "speed": {"type": "Property", "value": 1}}


async def test_what_a_broker_tells_itself_changes_nothing_and_is_given_up(tmp_path: Path) -> None:
    here: list[Served] = []
    answers: list[int] = []

    async def come_back(request: web.Request) -> web.Response:
        """Whoever stands in front of the broker, and passes on what comes."""
        headers = {name: request.headers[name] for name in ("Content-Type", "Kitamae-Notified-By")}
        again = await here[0].client.post("/v2/op/notify", content=await request.read(), headers=headers)
        answers.append(again.status_code)
        return web.Response(status=again.status_code)

    app = web.Application()
    app.router.add_post("/{way:.*}", come_back)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    uri = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    async with serving(tmp_path / "data", open=True) as served:
        here.append(served)
        subscription: dict[str, Any] = {
            "id": "urn:ngsi-ld:Subscription:1",
            "type": "Subscription",
            "entities": [{"type": "Car"}],
            "notification": {"endpoint": {"uri": uri}},
        }
        assert (await served.client.post("/ngsi-ld/v1/subscriptions", json=subscription)).status_code == 201
        assert (await served.client.post("/ngsi-ld/v1/entities", json=CAR)).status_code == 201
        async with asyncio.timeout(20):
            while await served.kitamae.city.store.queues() or not answers:
                await asyncio.sleep(0.01)
        assert answers == [508]
        assert len(await served.kitamae.city.store.changes(0, 10)) == 1
        other = {"Kitamae-Notified-By": "another broker"}
        assert (
            await served.client.patch(f"/ngsi-ld/v1/entities/{CAR['id']}", json={}, headers=other)
        ).status_code == 204
    await runner.cleanup()
