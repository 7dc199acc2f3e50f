"""Whether two reports are of one thing: by what, where, when, and how alike they are worded. Pure.

The words themselves lie in the vault, so reports are compared by a signature of them: the least of their pairs of letters under 64 keyed
functions (MinHash). With the city's key it says how alike two texts are; without it, and of one text alone, it says nothing.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kitamae.kit.reports.gazetteer import plain
from kitamae.sdk.sphere import metres

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE: Final = 64
LEAST: Final = 0.55
"""From here on two reports are shown side by side as probably one; a human joins them, or does not."""
HOURS: Final = 12.0
"""After so long it is another thing, or the same one again, which somebody should look at again."""
_FOLLOWS: Final = frozenset({"person", "road"})
"""What comes of many things: that somebody is in danger, that a road is closed."""
_PRIME: Final = (1 << 61) - 1


@dataclass(frozen=True, slots=True)
class Trace:
    """What is compared of a report. `at`: microseconds UTC; `place`: (longitude, latitude), `spread` around it in metres; None: not known; `spot`: its id in the gazetteer, where that is all that is known."""

    kinds: tuple[str, ...]
    at: int
    place: tuple[float, float] | None
    spread: int
    signature: Sequence[int]
    spot: str = ""


def signature(text: str, key: bytes) -> tuple[int, ...]:
    """`SIZE` numbers; nothing for a text without two letters."""
    told = plain(text)
    pairs = {told[at : at + 2] for at in range(len(told) - 1)}
    if not pairs:
        return ()
    hashed = [int.from_bytes(hmac.digest(key, pair.encode(), "sha256")[:8], "big") for pair in pairs]
    drawn = hmac.digest(key, b"functions", "sha512")
    found = []
    for n in range(SIZE):
        seed = hmac.digest(drawn, n.to_bytes(2, "big"), "sha256")
        a = int.from_bytes(seed[:8], "big") % (_PRIME - 1) + 1
        b = int.from_bytes(seed[8:16], "big") % _PRIME
        found.append(min((a * one + b) % _PRIME for one in hashed) & 0xFFFFFFFF)
    return tuple(found)


def alike(one: Sequence[int], other: Sequence[int]) -> float:
    """0 to 1: of what both say, how much both say."""
    if not one or len(one) != len(other):
        return 0.0
    return sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


def same(one: Trace, other: Trace) -> float:
    """0 to 1; from `LEAST` on they are probably one."""
    hours = abs(one.at - other.at) / 3_600_000_000
    if hours > HOURS:
        return 0.0
    words = alike(one.signature, other.signature)
    score = 0.35 * _kinds(one, other) + 0.4 * _near(one, other) + 0.9 * words
    return round(max(0.0, min(1.0, score * (1.0 - 0.3 * hours / HOURS))), 3)


def _kinds(one: Trace, other: Trace) -> float:
    """1 where they have a kind in common; where nobody knows what one is about, or only what came of it, somewhat less."""
    mine, yours = (set(trace.kinds) - _FOLLOWS for trace in (one, other))
    if mine & yours:
        return 1.0
    if not mine or not yours:
        return 0.7 if set(one.kinds) & set(other.kinds) else 0.4
    return -0.6


def _near(one: Trace, other: Trace) -> float:
    """1 at one place, less the farther they are apart, and against it where what is known of both does not bridge it."""
    if one.place is None or other.place is None:
        return -0.2
    if one.spot and one.spot == other.spot:
        return 1.0
    away = metres(one.place, other.place)
    reach = 300 + max(one.spread, other.spread)
    for far, said in ((150, 0.95), (reach / 2, 0.6), (reach, 0.25)):
        if away <= far:
            return float(said)
    return -0.4 if away <= 2 * reach else -1.7
