from __future__ import annotations

import pytest
from scripts import HERE


@pytest.fixture(autouse=True)
def installed() -> None:
    assert (HERE / "node_modules/oidc-provider").is_dir(), "make interop installs it with npm ci"
