"""Decisions are called by their number."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = ROOT / "docs" / "decisions"


def test_a_decision_has_a_number_of_its_own() -> None:
    numbers = Counter(path.name[:4] for path in DECISIONS.glob("[0-9]*.md"))
    assert {number: count for number, count in numbers.items() if count > 1} == {}


def test_a_link_to_a_decision_leads_to_one() -> None:
    there = {path.name for path in DECISIONS.glob("*.md")}
    for path in (ROOT / "docs").rglob("*.md"):
        named = re.findall(r"\b(\d{4}-[a-z0-9-]+\.md)", path.read_text("utf-8"))
        assert set(named) <= there, path
