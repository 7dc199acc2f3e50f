from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from stores import STORES
from vaults import Place

from kitamae.kernel.people.vault import Vault


@pytest.fixture(params=sorted(STORES))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A city on each store."""
    return Place(STORES[request.param], tmp_path)


@pytest_asyncio.fixture
async def vault(place: Place) -> AsyncIterator[Vault]:
    """Its vault, open."""
    opened = await place.open()
    yield opened
    await place.close()
