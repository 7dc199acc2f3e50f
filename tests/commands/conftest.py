from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served_city import Served, servers


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start servers that end with the test."""
    with servers() as start:
        yield lambda *options, data=tmp_path / "data": start(*options, data=data)


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that writing needs a token for; shared, so only add to it."""
    with servers() as start:
        yield start(data=tmp_path_factory.mktemp("guarded") / "data")


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with --open; shared, so only add to it."""
    with servers() as start:
        yield start("--open", data=tmp_path_factory.mktemp("opened") / "data")
