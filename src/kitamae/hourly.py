"""What is done every hour beside requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SECONDS: Final = 3600.0

_log = structlog.get_logger("kitamae")


async def every_hour(*works: Callable[[], Awaitable[object]]) -> None:
    """Until it is cancelled. One that fails keeps neither the others nor the next hour's; the log says which."""
    while True:
        for work in works:
            try:
                await work()
            except Exception:
                _log.exception("something is not tidied", what=getattr(work, "__qualname__", str(work)))
        await asyncio.sleep(SECONDS)
