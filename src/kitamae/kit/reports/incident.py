"""What a report is about, and how soon a human should look at it: by words, so that whoever ranks can be told why. Pure."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kitamae.sdk.reading import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE: Final = Path(__file__).parent / "incidents.toml"
UNKNOWN: Final = 2
"""How soon a human should look at what no word tells the kind of."""
_PERSON: Final = "person"
_NOT: Final = re.compile(
    r"(?:復旧し|なおりました|直りました|無事で|けが人はい(?:な|ませ)|怪我人はい(?:な|ませ)|けがはあり?ませ|怪我はあり?ませ|けがはな|怪我はな|解消しま)"
)
"""Behind or around a word that would frighten: it is over, or it did not happen."""


@dataclass(frozen=True, slots=True)
class Incident:
    """`rank` 3 to 1. `kinds` in the order of the table; `why`: the word that made each of them."""

    kinds: tuple[str, ...] = ()
    rank: int = UNKNOWN
    why: tuple[str, ...] = ()


@cache
def kinds() -> dict[str, tuple[int, tuple[str, ...]]]:
    """Kind -> rank, words."""
    told = _table()["kind"]
    return {kind: (one["rank"], tuple(dict.fromkeys(map(fold, one["words"])))) for kind, one in told.items()}


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(_FILE.read_text("utf-8"))


@cache
def _no_person() -> re.Pattern[str]:
    """A thing that fell, where falling alone would say that somebody did; nobody stands between it and the word."""
    things = "|".join(map(re.escape, map(fold, _table()["things"])))
    return re.compile(
        rf"(?:{things})(?:[がはも][^がはも人子父母男女妻夫祖兄姉弟妹]{{0,10}})?(?:倒れ|たおれ|落ち)|きがたおれ"
    )


def incident(text: str) -> Incident:
    """By the words of `incidents.toml`; what has none of them is looked at early, for nobody knows what it is."""
    told = _NOT.sub("", fold(text))
    person = _no_person().sub("", told)
    found = {
        kind: next((word for word in words if word in (person if kind == _PERSON else told)), "")
        for kind, (_, words) in kinds().items()
    }
    there = {kind: word for kind, word in found.items() if word}
    rank = max((kinds()[kind][0] for kind in there), default=UNKNOWN)
    return Incident(tuple(there), rank, tuple(there.values()))
