from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from kitamae.kernel.context import fetch
from kitamae.kernel.context.fetch import Fetcher
from kitamae.kernel.context.jsonld import Contexts
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.problems import BadRequest, LdContextUnavailable

HERE = Destinations(loopback=True)


@asynccontextmanager
async def shelf() -> AsyncIterator[str]:
    """A server of contexts on loopback; its address."""

    async def good(request: web.Request) -> web.Response:
        return web.json_response({"@context": {"level": "https://example.org/level"}})

    async def long(request: web.Request) -> web.Response:
        return web.Response(body=b'{"@context": "' + b"x" * fetch.MOST + b'"}')

    async def broken(request: web.Request) -> web.Response:
        return web.Response(body=b"this is { not JSON")

    async def away(request: web.Request) -> web.Response:
        raise web.HTTPFound(request.query.get("to", "/away"))

    app = web.Application()
    app.router.add_get("/good", good)
    app.router.add_get("/long", long)
    app.router.add_get("/broken", broken)
    app.router.add_get("/away", away)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def refused(url: str, *hosts: str, destinations: Destinations = HERE) -> str:
    fetcher = Fetcher(hosts, destinations)
    try:
        with pytest.raises(LdContextUnavailable) as error:
            await Contexts(fetcher).resolve(url)
        return str(error.value)
    finally:
        await fetcher.close()


async def test_a_context_of_a_named_host_is_fetched_once() -> None:
    async with shelf() as address:
        fetcher = Fetcher(["LOCALHOST "], HERE)
        contexts = Contexts(fetcher)
        found = await asyncio.gather(*(contexts.resolve(f"{address}/good") for _ in range(5)))
        await fetcher.close()
    assert {context.expand("level") for context in found} == {"https://example.org/level"}
    assert (await contexts.resolve(f"{address}/good")).expand("level") == "https://example.org/level"


async def test_from_other_hosts_nothing_is_fetched_also_by_redirect() -> None:
    async with shelf() as address:
        assert "KITAMAE_FETCH_CONTEXTS" in await refused(f"{address}/good")
        assert "'elsewhere.example'" in await refused(
            f"{address}/away?to=http://elsewhere.example/", "localhost"
        )


async def test_a_named_host_that_leads_into_the_own_network_is_refused() -> None:
    async with shelf() as address:
        assert "Cannot connect" in await refused(f"{address}/good", "localhost", destinations=Destinations())


async def test_a_circle_of_redirects_and_a_document_without_end_are_given_up() -> None:
    async with shelf() as address:
        assert "redirects" in await refused(f"{address}/away", "localhost")
        assert "longer than" in await refused(f"{address}/long", "localhost")
        assert "answers 404" in await refused(f"{address}/missing", "localhost")


async def test_what_is_there_and_is_no_json_is_the_clients_mistake() -> None:
    async with shelf() as address:
        fetcher = Fetcher(["localhost"], HERE)
        with pytest.raises(BadRequest, match="not JSON"):
            await Contexts(fetcher).resolve(f"{address}/broken")
        await fetcher.close()


async def test_an_address_that_is_none_is_refused() -> None:
    fetcher = Fetcher(["localhost"], HERE)
    with pytest.raises((BadRequest, LdContextUnavailable)):
        await fetcher("ftp://localhost/good")
    await fetcher.close()
