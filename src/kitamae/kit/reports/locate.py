"""Where a report is about, from its words alone: pure. A guess for a human, with what else it may be, and never more exact than the place that it names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kitamae.kit.reports.gazetteer import SHORTEST, Form, plain, sound
from kitamae.sdk.reading import latin
from kitamae.sdk.sphere import metres

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kitamae.kit.reports.gazetteer import Gazetteer, Spot

MOST: Final = 2_000
"""Letters of a text that are looked at."""
_NEARLY: Final = 200
"""Letters in which misspelt names are looked for: it takes as long as the text and the gazetteer together."""
NEAR: Final = 3_000.0
"""Metres within which one name speaks for another: 大聖寺 for the 南町 that lies there."""
LEAST: Final = 0.34
"""Of a guess that is told at all."""
SURE: Final = 0.6
_BACKS: Final = 0.3
_LARGE: Final = ("Hub", "HotSpring")
_PERSON: Final = re.compile(r"(?:さん|様|氏|君|くん|ちゃん|先生)")
_ELSEWHERE: Final = re.compile(
    r"(?:方面|方向|行き|ゆき|出身|在住|に住|の実家|から来|から歩|から逃|へ避難|に避難|まで(?:避難|歩|行|逃)|の親戚|へ向か|に向か)"
)
"""Behind a name: it is not there, but where somebody comes from or goes to."""
_LETTERS: Final = re.compile(r"[a-z]+")
_KANA: Final = re.compile(r"[ぁ-ゖー]+")
_HAN: Final = re.compile(r"[㐀-鿿々]")


@dataclass(frozen=True, slots=True)
class Guess:
    """`score` from 0 to 1; from `SURE` on it is said without a question mark."""

    spot: Spot
    score: float


@dataclass(frozen=True, slots=True)
class _Read:
    """A name that was read: from, to, whose it may be, and how much of a name it was."""

    begin: int
    end: int
    forms: Mapping[str, Form]
    weight: float


def locate(text: str, gazetteer: Gazetteer, most: int = 3) -> list[Guess]:
    """The likeliest places, best first; none where the text names none."""
    told = plain(text[:MOST])
    read = _longest(_all_read(told, gazetteer))
    if not read:
        read = _longest(_shortly(told, gazetteer)) or _longest(_nearly(told[:_NEARLY], gazetteer))
    scores: dict[str, float] = {}
    for one in read:
        weight = one.weight * _where(told, one)
        for id, form in one.forms.items():
            scores[id] = max(scores.get(id, 0.0), weight * form.sure)
    if not scores:
        return []
    backed = {id: score * _backing(gazetteer.spots[id], id, read, gazetteer) for id, score in scores.items()}
    ranked = sorted(backed.items(), key=lambda one: (-one[1], gazetteer.spots[one[0]].spread, one[0]))
    best = gazetteer.spots[ranked[0][0]]
    rivals = [
        score
        for id, score in ranked[1:]
        if metres(_at(best), _at(gazetteer.spots[id])) > 1_000 and score > 0.9 * ranked[0][1]
    ]
    doubt = 1 / (1 + 0.5 * len(rivals))
    found = [
        Guess(gazetteer.spots[id], round(min(1.0, score) * doubt, 3)) for id, score in ranked[: most * 2]
    ]
    return [one for one in found if one.score >= LEAST][:most]


def _all_read(told: str, gazetteer: Gazetteer) -> Iterator[_Read]:
    for begin in range(len(told)):
        for end in range(begin + 2, min(begin + gazetteer.longest, len(told)) + 1):
            if forms := gazetteer.written.get(told[begin:end]):
                yield _Read(begin, end, forms, 1.0)
    for run in _KANA.finditer(told):
        yield from _heard(run, gazetteer)
    words = list(_LETTERS.finditer(told))
    for word in words:
        yield from _latin(word, gazetteer)


def _heard(run: re.Match[str], gazetteer: Gazetteer) -> Iterator[_Read]:
    """Names in a run of kana, as they sound."""
    kana = run[0]
    for begin in range(len(kana)):
        for end in range(begin + 4, min(begin + gazetteer.longest + 4, len(kana)) + 1):
            heard = sound(kana[begin:end])
            if len(heard) > SHORTEST and (forms := gazetteer.heard.get(heard)):
                yield _Read(run.start() + begin, run.start() + end, forms, 0.9)


def _shortly(told: str, gazetteer: Gazetteer) -> Iterator[_Read]:
    """Names of three kana at the beginning of a run of them, where something is said to be there."""
    for run in re.finditer(rf"(?<![ぁ-ゖー])[ぁ-ゖ]{{{SHORTEST}}}(?=[のでに]|まち|ちょう|町)", told):
        if forms := gazetteer.heard.get(sound(run[0])):
            yield _Read(run.start(), run.end(), forms, 0.8)


def _latin(run: re.Match[str], gazetteer: Gazetteer) -> Iterator[_Read]:
    """Names in Latin letters; words stand together here, for spaces are folded away."""
    text = run[0]
    for begin in range(len(text)):
        for end in range(begin + 5, min(begin + 30, len(text)) + 1):
            if forms := gazetteer.latin.get(latin(text[begin:end])):
                yield _Read(run.start() + begin, run.start() + end, forms, 0.9)


def _longest(read: Iterator[_Read]) -> list[_Read]:
    """Where names overlap, the longer one is meant."""
    kept: list[_Read] = []
    for one in sorted(read, key=lambda one: (one.begin - one.end, -one.weight)):
        if all(one.end <= other.begin or one.begin >= other.end for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: one.begin)


def _nearly(told: str, gazetteer: Gazetteer) -> Iterator[_Read]:
    """Names of three characters or more of which one was written wrongly, where no name was read at all."""
    for form, forms in gazetteer.written.items():
        size = len(form)
        if size < 3 or len(_HAN.findall(form)) < size - 1:
            continue
        for begin in range(len(told) - size + 1):
            window = told[begin : begin + size]
            if sum(a == b for a, b in zip(window, form, strict=True)) == size - 1 and all(
                _HAN.match(letter) or letter == kept for letter, kept in zip(window, form, strict=True)
            ):
                yield _Read(begin, begin + size, forms, 0.6 if size == 3 else 0.75)


def _where(told: str, one: _Read) -> float:
    """How much a name says that it is there, by what stands behind it."""
    behind = told[one.end : one.end + 6]
    if _PERSON.match(behind) and one.end - one.begin < 4:
        return 0.2
    return 0.55 if _ELSEWHERE.match(behind) else 1.0


def _backing(spot: Spot, id: str, read: Sequence[_Read], gazetteer: Gazetteer) -> float:
    """Other names of the text speak for a place that lies near them or in them; an exact place stands before the larger one around it."""
    said, others = 0.0, [one for one in read if id not in one.forms]
    for one in others:
        near = [gazetteer.spots[other] for other in one.forms]
        if spot.area and any(_stem(other) == spot.area for other in near):
            said += 2 * _BACKS
        elif min(metres(_at(spot), _at(other)) for other in near) <= NEAR:
            said += _BACKS
        if spot.kind in _LARGE and any(other.area == _stem(spot) for other in near):
            return 0.5
    exact = 0.12 if spot.spread <= 200 and said else 0.0
    return 1.0 + min(said, 2 * _BACKS) + exact


def _stem(spot: Spot) -> str:
    return spot.name.removesuffix("温泉")


def _at(spot: Spot) -> tuple[float, float]:
    return spot.longitude, spot.latitude
