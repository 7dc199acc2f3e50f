"""A stop is never lost."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"


def test_nothing_waits_with_wait_for() -> None:
    """On Python 3.11 `asyncio.wait_for` swallows a cancellation that comes with what it waits for: `asyncio.timeout` does not."""
    found = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "wait_for"
    ]
    assert found == []
