"""A city in one process with the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from kitamae.app import Kitamae
from kitamae.directory.lock import Lock
from kitamae.settings import Settings

HERE = "http://127.0.0.1:8080"
SAME = {"Origin": HERE}


class Served:
    """A city without a socket."""

    def __init__(self, kitamae: Kitamae, client: httpx2.AsyncClient) -> None:
        self.kitamae, self.client = kitamae, client

    async def loaded(self) -> None:
        for _ in range(1000):
            if not self.kitamae.city.loading:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(self.kitamae.city.loading)


@asynccontextmanager
async def serving(data: Path, **chosen: Any) -> AsyncIterator[Served]:
    settings = Settings.chosen(data=data, **{"kept_page_seconds": 0.0, **chosen})
    with Lock(data) as lock:
        kitamae = Kitamae(settings, lock)
        async with kitamae.running():
            transport = httpx2.ASGITransport(app=kitamae, client=("127.0.0.1", 1))
            async with httpx2.AsyncClient(transport=transport, base_url=HERE) as client:
                yield Served(kitamae, client)
