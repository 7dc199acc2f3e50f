from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served_city import KITAMAE, Served


@contextlib.contextmanager
def servers() -> Iterator[Callable[..., Served]]:
    """Start servers that end with the block."""
    with contextlib.ExitStack() as stack:

        def start(*options: str, data: Path) -> Served:
            process = subprocess.Popen(
                [*KITAMAE, "up", "--data", str(data), "--port", "0", *options],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.callback(process.communicate)
            stack.callback(process.kill)
            assert process.stdout is not None
            said = ""
            while "ready after" not in said:
                line = process.stdout.readline()
                if not line:
                    raise AssertionError(f"it did not start: {said} {process.communicate()[1]}")
                said += line
            address = re.search(r"address\s+(\S+?)/\n", said)
            link = re.search(r"sign-in\s+(\S+)", said)
            assert address
            assert link
            return Served(process, data, address[1], link[1])

        yield start


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
