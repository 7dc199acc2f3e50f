"""Every store that there is, behind one door: a test that asks for `stores` runs on each of them."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import postgres_server
from kitamae.adapters import postgres, sqlite
from kitamae.kernel.context.store import Store

Opener = Callable[..., Awaitable[Store]]


async def open_sqlite(place: Path, **options: Any) -> Store:
    return await sqlite.open(place / "kitamae.db", **options)


async def open_postgres(place: Path, **options: Any) -> Store:
    """A schema for each directory."""
    name = hashlib.blake2s(str(place).encode(), digest_size=8).hexdigest()
    return await postgres.open(postgres_server.dsn(f"t{name}"), **options)


STORES: dict[str, Opener] = {"postgresql": open_postgres, "sqlite": open_sqlite}


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
