from __future__ import annotations

from collections.abc import Iterator

import pytest
from running import Listener, listening, served


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("city") / "data") as address:
        yield address


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as listener:
        yield listener
