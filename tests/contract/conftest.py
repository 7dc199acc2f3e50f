"""A test that asks for `stores` runs on each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from stores import STORES, Opener

from kitamae.kernel.context.store import Store


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
