"""Fiware-Correlator: what a request and all that follows from it have in common, and how often it went from broker to broker.

Orion counts in it how often a request was forwarded (`cbfwd`) and how many notifications led to an update (`cbnotif`).
"""

from __future__ import annotations

import re
from typing import Final, Literal

Counter = Literal["cbfwd", "cbnotif"]

MOST: Final = 8
"""Rounds after which a circle is taken for what it is: nobody is asked, or told, any more."""


def count(correlator: str, counter: Counter) -> int:
    """0 where nothing was counted."""
    found = _pattern(counter).search(correlator)
    return int(found[1]) if found else 0


def counted(correlator: str, counter: Counter) -> str:
    """The same, one round on."""
    return f"{_pattern(counter).sub('', correlator)}; {counter}={count(correlator, counter) + 1}"


def _pattern(counter: Counter) -> re.Pattern[str]:
    return re.compile(rf";\s*{counter}=(\d{{1,6}})", re.ASCII)
