"""What every test may ask for."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["skips"]

ROOT = Path(__file__).resolve().parent.parent


for name in ("LC_ALL", "LC_MESSAGES", "LANG"):  # commands speak the language of whoever runs the tests
    os.environ.pop(name, None)

settings.register_profile("house", deadline=None)  # no test measures time: the machine may be busy
settings.load_profile("house")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real input that nobody here wrote (`shared/` beside the checkout, or KITAMAE_SHARED)."""
    named = os.environ.get("KITAMAE_SHARED")
    places = [Path(named)] if named else [ROOT.parent / "shared", ROOT.parent.parent / "shared"]
    for place in places:
        if (place / "data").is_dir():
            return place
    pytest.skip("shared data is not on this machine (set KITAMAE_SHARED)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright keeps an event loop running in this thread, and asyncio allows only one."""
    twice = [name for name, count in Counter(item.nodeid for item in items).items() if count > 1]
    if twice:
        raise pytest.UsageError(f"of two tests with one name pytest-xdist runs one: {', '.join(twice)}")
    items.sort(key=lambda item: item.path.is_relative_to(ROOT / "tests" / "browser"))
