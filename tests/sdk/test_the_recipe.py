"""docs/build-a-service.md is run as it is written."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import kitamae.services
from kitamae.sdk import check
from kitamae.sdk.service import Service, discover

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Service]]:
    """All services, after the recipe's shell lines ran in a tree that holds the service that it copies."""
    text = (ROOT / "docs" / "build-a-service.md").read_text("utf-8")
    recipe = re.search(r"## Ten minutes\n\n```sh\n(.*?)```", text, re.S)
    assert recipe
    lines = [line for line in recipe[1].splitlines() if not line.startswith(".venv/")]
    home = tmp_path / "src" / "kitamae" / "services"
    shutil.copytree(Path(kitamae.services.__file__).parent / "places", home / "places")
    lines.append("test -d src/kitamae/services/benches")  # where `.venv/bin/kitamae` is called, as from here
    subprocess.run(["bash", "-euc", "\n".join(lines)], cwd=tmp_path, check=True)
    shutil.rmtree(home / "places")
    paths = kitamae.services.__spec__.submodule_search_locations
    assert paths is not None
    monkeypatch.setattr(kitamae.services.__spec__, "submodule_search_locations", [*paths, str(home)])
    monkeypatch.setattr(kitamae.services, "__path__", [*paths, str(home)])
    yield discover()
    for name in [name for name in sys.modules if name.startswith("kitamae.services.benches")]:
        del sys.modules[name]


def test_the_copy_is_a_service_of_its_own_and_in_order(copied: list[Service]) -> None:
    [benches] = [service for service in copied if service.id == "benches"]
    assert [str(finding) for finding in check.service(benches, lambda _: True)] == []


def test_its_pages_stand_under_its_own_address(copied: list[Service]) -> None:
    [benches] = [service for service in copied if service.id == "benches"]
    pages = benches.module("pages")
    assert pages is not None
    assert [route.path for route in pages.routes(None)] == ["/benches"]
    assert "/places" not in (benches.folder / "templates" / "places.html").read_text("utf-8")
