"""What a report is about, and how soon a human should look at it: by words, so that whoever ranks can be told why. Pure."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from kitamae.sdk.reading import fold

_FILE: Final = Path(__file__).parent / "incidents.toml"
_NOT: Final = re.compile(
    r"(?:復旧し|なおりました|直りました|無事で|けが人はい(?:な|ま)|怪我人はい(?:な|ま)|けがはあり?ませ|怪我はあり?ませ|けがはな|怪我はな|解消しま)"
)
"""Behind or around a word that would frighten: it is over, or it did not happen."""


@dataclass(frozen=True, slots=True)
class Incident:
    """`rank` 3 to 0. `kinds` in the order of the table; `why`: the word that made each of them."""

    kinds: tuple[str, ...] = ()
    rank: int = 0
    why: tuple[str, ...] = ()


@cache
def kinds() -> dict[str, tuple[int, tuple[str, ...]]]:
    """Kind -> rank, words."""
    told = tomllib.loads(_FILE.read_text("utf-8"))
    return {kind: (one["rank"], tuple(dict.fromkeys(map(fold, one["words"])))) for kind, one in told.items()}


def incident(text: str) -> Incident:
    """By the words of `incidents.toml`."""
    told = _NOT.sub("", fold(text))
    found = {kind: next((word for word in words if word in told), "") for kind, (_, words) in kinds().items()}
    there = {kind: word for kind, word in found.items() if word}
    rank = max((kinds()[kind][0] for kind in there), default=0)
    return Incident(tuple(there), rank, tuple(there.values()))
