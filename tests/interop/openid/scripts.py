"""Programs that other people wrote, in processes of their own: `npm ci` in this folder brings them (`make interop`)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@asynccontextmanager
async def node(script: str, given: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """A script of this folder, which was given one JSON value; it ends with the block."""
    process = await asyncio.create_subprocess_exec(
        *("node", script), cwd=HERE, stdin=-1, stdout=-1, stderr=-1, limit=1_000_000
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(given).encode())
    process.stdin.close()
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


Say = Callable[[str], None]
Hear = Callable[[], Awaitable[Any]]


@asynccontextmanager
async def talking(script: str, given: Any) -> AsyncIterator[tuple[Say, Hear]]:
    """A script that is spoken with in lines: how to say one, and how to hear one (JSON)."""
    async with spoken_with(script, given) as (say, hear, _):
        yield say, hear


@asynccontextmanager
async def spoken_with(script: str, given: Any) -> AsyncIterator[tuple[Say, Hear, asyncio.subprocess.Process]]:
    """`talking`, with the process."""
    process = await asyncio.create_subprocess_exec(
        *("node", script), cwd=HERE, stdin=-1, stdout=-1, stderr=-1
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr

    def say(line: str) -> None:
        stdin.write(line.encode() + b"\n")

    async def hear() -> Any:
        line = await asyncio.wait_for(stdout.readline(), 60)
        assert line, (await stderr.read()).decode()
        return json.loads(line)

    say(json.dumps(given))
    try:
        yield say, hear, process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
