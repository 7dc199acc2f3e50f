"""docs/bench.md: a section between markers for each run and store, so that what one measures leaves the others as they are.

`<!-- measured: whole, sqlite -->` ... `<!-- end -->`: what is between them is written anew, what is around them is people's.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

_HEAD: Final = "# What was measured\n"
_TITLES: Final = {
    "whole": "Every claim",
    "guarded": "With a token and the policy in front of every request",
    "million": "1,000,000 entities, 10,000,000 changes",
    "congestion": "How good the forecast of crowding is",
}
STORES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def put(text: str, run: str, store: str, body: str) -> str:
    """The page with that section written anew; at its end, under a heading, where there was none. Raises ValueError for a marker without
    its end.
    """
    begin, end = f"<!-- measured: {run}, {store} -->\n", "<!-- end -->\n"
    section = f"{begin}{body.strip()}\n{end}"
    if begin not in text:
        title = f"## {_TITLES[run]}, {STORES[store]}"
        return f"{(text or _HEAD).rstrip()}\n\n{title}\n\n{section}"
    before, _, after = text.partition(begin)
    old, found, rest = after.partition(end)
    if not found or "<!-- measured:" in old:
        raise ValueError(f"{begin.strip()} has no {end.strip()}")
    return before + section + rest


def keep(file: Path, run: str, store: str, body: str) -> None:
    """The same with a file."""
    text = file.read_text("utf-8") if file.exists() else ""
    file.write_text(put(text, run, store, body), "utf-8")


def commit() -> str:
    """What was measured: `f1623a9`, with a plus where the sources are not as that commit has them; "" outside a checkout."""
    told = subprocess.run(
        ["git", "describe", "--always", "--abbrev=7", "--exclude=*", "--dirty=+"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parent,
    )  # fmt: skip
    return re.sub(r"\s", "", told.stdout)
