"""Every store that there is, behind one door: a test that asks for `stores` runs on each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from kitamae.adapters import sqlite
from kitamae.kernel.context.store import Store

Opener = Callable[..., Awaitable[Store]]


async def open_sqlite(place: Path, **options: Any) -> Store:
    return await sqlite.open(place / "kitamae.db", **options)


STORES: dict[str, Opener] = {"sqlite": open_sqlite}


@pytest.fixture(params=sorted(STORES))
def opener(request: pytest.FixtureRequest) -> Opener:
    """Opens one kind of store in a directory."""
    return STORES[request.param]


@pytest_asyncio.fixture
async def store(opener: Opener, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store, closed after the test."""
    opened = await opener(tmp_path)
    yield opened
    await opened.close()
