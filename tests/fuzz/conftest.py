"""A served city that anybody on this machine may write to, for whatever comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from served_city import Served, servers

KAGA = Path(__file__).resolve().parents[2] / "cities" / "kaga"


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with servers() as start:
        yield start("--open", "--city", str(KAGA), data=tmp_path_factory.mktemp("fuzzed") / "data")
