"""警戒レベル: how urgent it is to leave, 1 to 5, the same for every kind of flood and landslide.

Since 2026 the names of the warnings say it themselves (レベル４大雨危険警報). Before, the Cabinet Office's guideline of May 2021
(内閣府「避難情報に関するガイドライン」) said which name is equivalent to which level; both come, also in the archives. Wind, waves,
snow, earthquakes, tsunamis have none. A volcano's 噴火警戒レベル is another scale and is never taken for this one.
"""

from __future__ import annotations

import re
from typing import Final

_SAID: Final = re.compile(r"^レベル([１-５1-5])(?!（)")
_EQUIVALENT: Final = {
    "大雨特別警報": 5,
    "氾濫発生情報": 5,
    "高潮氾濫発生情報": 5,
    "土砂災害警戒情報": 4,
    "氾濫危険情報": 4,
    "高潮特別警報": 4,
    "高潮警報": 4,
    "大雨警報": 3,
    "洪水警報": 3,
    "氾濫警戒情報": 3,
    "大雨注意報": 2,
    "洪水注意報": 2,
    "高潮注意報": 2,
    "氾濫注意情報": 2,
}


def level(kind: str) -> int | None:
    """Of a kind by its name, as the message gives it."""
    if said := _SAID.match(kind):
        return int(said[1])
    return _EQUIVALENT.get(kind.partition("（")[0])
