from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from kitamae.edge.joining import Joining
from kitamae.edge.protocol import Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Wire:
    """A transport that remembers what it was told, a write at a time."""

    def __init__(self) -> None:
        self.told: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        self.told.append(data)

    def writelines(self, parts: tuple[bytes, ...]) -> None:
        self.told.append(b"".join(parts))

    def close(self) -> None:
        self.told.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.told


async def test_two_pieces_at_once_are_one_write_and_a_third_goes_next_time_round() -> None:
    wire = Wire()
    joining = Joining(wire, asyncio.get_running_loop().call_soon)  # type: ignore[arg-type]  # all that is used of one
    for piece in (b"head ", b"body ", b"more"):
        joining.write(piece)
    assert wire.told == [b"head body "]
    await asyncio.sleep(0)
    assert wire.told == [b"head body ", b"more"]


async def test_a_head_alone_is_sent_before_anything_else_happens() -> None:
    wire = Wire()
    joining = Joining(wire, asyncio.get_running_loop().call_soon)  # type: ignore[arg-type]  # all that is used of one
    joining.write(b"head")
    await asyncio.sleep(0)
    assert wire.told == [b"head"]


async def test_what_was_written_is_sent_before_the_connection_closes() -> None:
    wire = Wire()
    joining = Joining(wire, asyncio.get_running_loop().call_soon)  # type: ignore[arg-type]  # all that is used of one
    joining.write(b"last words")
    joining.close()
    await asyncio.sleep(0)
    assert wire.told == [b"last words", "closed"]
    assert joining.is_closing()


async def app(scope: Any, _receive: Any, send: Any) -> None:
    """/stream sends its head, then waits for the reader; everything else a short text; /none 204."""
    status = 204 if scope["path"] == "/none" else 200
    await send({"type": "http.response.start", "status": status, "headers": []})
    if scope["path"] == "/stream":
        await asyncio.sleep(0.01)
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
    await send({"type": "http.response.body", "body": b"" if status == 204 else b"two"})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, http=Protocol, ws="none", lifespan="off", log_config=None)
    )
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def test_answers_streams_and_requests_sent_ahead_arrive_whole_and_in_order(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for path in ("/a", "/none", "/stream", "/b"):
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{'Connection: close' * (path == '/b')}\r\n".encode())
        writer.write(b"\r\n" if path == "/b" else b"")
    got = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert [line for line in got.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")] == [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 204 No Content",
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK",
    ]
    assert got.count(b"3\r\ntwo\r\n0\r\n\r\n") == 3
    assert got.count(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n") == 1
