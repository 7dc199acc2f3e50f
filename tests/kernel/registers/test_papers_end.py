"""What waits for the next turn of an assessment ends when it is told to, also in the moment in which it hears something."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from kitamae.kernel.registers.papers import Papers


async def test_a_cancellation_that_comes_with_the_event_is_not_lost() -> None:
    heard = asyncio.Event()
    papers = SimpleNamespace(
        _heard=heard, _entries={}, assessments=SimpleNamespace(now=lambda: 0), tell=lambda: None
    )
    papers._turn = lambda event: Papers._turn(papers, event)  # type: ignore[arg-type]  # only what it uses
    running = asyncio.ensure_future(Papers.run(papers))  # type: ignore[arg-type]
    await asyncio.sleep(0.01)
    heard.set()
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await running
