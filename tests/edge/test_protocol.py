"""Connections that never become a request: each is turned away, and the next one is served."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from ipaddress import ip_network
from typing import Any

import pytest
import uvicorn

from kitamae.edge.protocol import LONGEST_HEAD, Protocol, behind

Opened = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Knock = Callable[[], AbstractAsyncContextManager[Opened]]
Limited = Callable[..., AbstractAsyncContextManager[Opened]]
"""A connection while some limits are as given; whoever comes after it is served."""


LONG = b"x" * 8_000_000


async def echo(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/long":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": LONG})
        return
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    body = str(size).encode()
    head = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def knock(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Knock]:
    config = uvicorn.Config(echo, port=0, http=Protocol, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]

    @asynccontextmanager
    async def opened() -> AsyncIterator[Opened]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(20):
            yield reader, writer
        writer.close()

    yield opened
    server.should_exit = True
    await serving


async def status(reader: asyncio.StreamReader) -> int:
    return int((await reader.readline()).split()[1])


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What came before the server closed the connection."""
    with contextlib.suppress(ConnectionError):
        return await reader.read()
    return b""


async def served(knock: Knock) -> None:
    async with knock() as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        assert await status(reader) == 200


@pytest.fixture
def limited(knock: Knock, monkeypatch: pytest.MonkeyPatch) -> Limited:
    @asynccontextmanager
    async def opened(**limits: float) -> AsyncIterator[Opened]:
        with monkeypatch.context() as narrow:
            for name, value in limits.items():
                narrow.setattr(Protocol, name, value)
            async with knock() as connection:
                yield connection
        await served(knock)

    return opened


@pytest.mark.parametrize("begun", [b"GET /", b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ", b"GET / HTTP/1.1\r\n"])
async def test_a_head_without_end_is_refused(knock: Knock, begun: bytes) -> None:
    async with knock() as (reader, writer):
        writer.write(begun)
        part = b"X-B: b\r\n" * 1_000 if begun.endswith(b"\n") else b"a" * 8_000
        writer.write(part * (4 * LONGEST_HEAD // len(part)))
        answer = await ended(reader)  # nothing where the reset overtook it
        assert not answer or b" 431 " in answer
    await served(knock)


async def test_an_address_that_is_too_long_or_no_ascii_is_refused_with_a_sentence(knock: Knock) -> None:
    for address, says in (
        (b"/?q=" + b"a" * 100_000, b"414 URI Too Long.*POST"),
        ("/?attrs=名称".encode(), b"400 Bad Request.*percent-encode"),
    ):
        async with knock() as (reader, writer):
            writer.write(b"GET " + address + b" HTTP/1.1\r\nHost: a\r\n\r\n")
            assert re.search(says, await ended(reader), re.DOTALL)
    await served(knock)


async def test_a_long_head_that_ends_and_a_long_body_are_taken(knock: Knock) -> None:
    async with knock() as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * (LONGEST_HEAD // 2))
        writer.write(b"\r\nContent-Length: %d\r\n\r\n" % (4 * LONGEST_HEAD) + b"b" * (4 * LONGEST_HEAD))
        assert await status(reader) == 200


async def test_several_requests_on_one_connection_are_each_counted_anew(knock: Knock) -> None:
    async with knock() as (reader, writer):
        for _ in range(8):
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * (LONGEST_HEAD // 4) + b"\r\n\r\n")
            assert await status(reader) == 200
            while (await reader.readline()).strip():
                pass
            assert await reader.readexactly(1) == b"0"


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n"])
async def test_whoever_does_not_finish_a_head_is_not_waited_for(limited: Limited, begun: bytes) -> None:
    async with limited(head_seconds=0.05) as (reader, writer):
        writer.write(begun)
        assert await status(reader) == 408
        await reader.read()


async def test_whoever_stops_in_the_middle_of_a_body_is_not_waited_for(
    limited: Limited,
) -> None:
    async with limited(silent_seconds=0.05) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\nabc")
        assert await ended(reader) == b""


async def test_one_connection_too_many_is_turned_away_and_the_others_are_served(
    knock: Knock, limited: Limited
) -> None:
    async with limited(most=1) as (first, writer):
        async with knock() as (second, _):
            assert await status(second) == 503
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert await status(first) == 200


async def test_a_body_of_a_byte_now_and_then_is_not_waited_for_to_the_end(
    limited: Limited,
) -> None:
    async with limited(silent_seconds=0.3) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"a")
                await writer.drain()
                await asyncio.sleep(0.01)
        assert await ended(reader) == b""


async def test_an_answer_that_nobody_fetches_is_not_kept(
    limited: Limited,
) -> None:
    async with limited(reader_seconds=0.1) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport can
        writer.write(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n")
        while not Protocol._open:
            await asyncio.sleep(0.01)
        while Protocol._open:
            await asyncio.sleep(0.01)


async def test_an_answer_that_is_fetched_slowly_is_fetched_whole(
    limited: Limited,
) -> None:
    async with limited(reader_seconds=0.5, slowest=1) as (reader, writer):
        writer.write(b"GET /long HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        size = 0
        while part := await reader.read(400_000):
            size += part.count(b"x")
            await asyncio.sleep(0.05)
        assert size >= len(LONG)


async def test_one_address_does_not_take_all_connections(
    knock: Knock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Protocol, "of_one", 2)
    async with knock(), knock():
        async with knock() as (reader, _):
            assert await status(reader) == 503
        monkeypatch.setattr(Protocol, "proxies", (ip_network("127.0.0.0/8"),))
        await served(knock)
    assert behind("127.0.0.0/8, 10.1.1.1, proxy.example").proxies == (
        ip_network("127.0.0.0/8"),
        ip_network("10.1.1.1/32"),
    )
