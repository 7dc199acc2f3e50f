"""What is measured of reports: where a text is about, and which are of one thing. The table that `__main__` prints."""

from __future__ import annotations

import csv
import hashlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kitamae.kit.reports.gazetteer import Gazetteer, plain
from kitamae.kit.reports.incident import incident
from kitamae.kit.reports.likeness import LEAST, Trace, same, signature
from kitamae.kit.reports.locate import Guess, locate
from kitamae.sdk.lexicon import lexicon
from kitamae.sdk.sphere import metres

HERE = Path(__file__).parent
CITY = HERE.parent.parent / "cities" / "kaga" / "data"
WITHIN = ("加賀市", "石川県")
FILES = {
    "towns": "Town", "evacuation_shelters": "EvacuationShelter", "evacuation_sites": "EvacuationSite", "public_toilets": "PublicToilet",
    "hubs": "Hub", "hot_springs": "HotSpring", "river_gauges": "RiverGauge",
}  # fmt: skip
KEY = b"a key for measuring"
KILOMETRE = 1_000.0


@dataclass(frozen=True)
class Labelled:
    """A report as it would be sent, the incident that it is about, and the place that its author meant ("": it names none)."""

    incident: str
    minute: int
    place: str
    text: str

    @property
    def tuned(self) -> bool:
        """Whether it may be looked at while words and weights are chosen: by the incident, so that none is in both parts."""
        return hashlib.sha256(self.incident.encode()).digest()[0] % 2 == 0


@dataclass(frozen=True)
class Figures:
    """Of one part. Shares from 0 to 1; `median` metres."""

    reports: int
    within: float
    told: float
    median: float
    silent: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def labelled() -> list[Labelled]:
    """In the order of the file."""
    with (HERE / "labelled.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return [Labelled(one["incident"], int(one["minute"]), one["place"], one["text"]) for one in rows]


def things() -> list[dict[str, Any]]:
    """The city's things as the read door gives them."""
    found = []
    for name, kind in FILES.items():
        with (CITY / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            for n, row in enumerate(csv.DictReader(file)):
                at = [float(row["経度"]), float(row["緯度"])]
                one = {
                    "id": f"{kind}:{n}",
                    "type": kind,
                    "名称": row["名称"],
                    "location": {"type": "Point", "coordinates": at},
                }
                found.append(one | ({"名称_カナ": row["名称_カナ"]} if row.get("名称_カナ") else {}))
    return found


def gazetteer(of: Sequence[dict[str, Any]]) -> Gazetteer:
    """As the city makes it."""
    own = [{"名称": "加賀市", "名称_カナ": "かがし"}, {"名称": "石川県", "名称_カナ": "いしかわけん"}]
    teachers = [one for one in of if one["type"] in ("Town", "Hub", "HotSpring")]
    return Gazetteer(of, lexicon([*own, *teachers]), WITHIN)


def figures(
    part: Sequence[Labelled],
    names: Gazetteer,
    place: Callable[[str], Sequence[Guess]],
    joined: Callable[[Trace, Trace], bool],
) -> Figures:
    """`place` guesses, `joined` says whether two are one."""
    points: dict[str, list[tuple[float, float]]] = {}
    for spot in names.spots.values():
        points.setdefault(spot.name, []).append((spot.longitude, spot.latitude))
    guesses = [place(one.text) for one in part]
    away = [
        min(metres((guess[0].spot.longitude, guess[0].spot.latitude), at) for at in points[one.place])
        for one, guess in zip(part, guesses, strict=True)
        if one.place and guess
    ]
    placed = sum(bool(one.place) for one in part)
    without = [guess for one, guess in zip(part, guesses, strict=True) if not one.place]
    traces = [trace(one, guess) for one, guess in zip(part, guesses, strict=True)]
    pairs = list(itertools.combinations(range(len(part)), 2))
    true = {pair for pair in pairs if part[pair[0]].incident == part[pair[1]].incident}
    said = {pair for pair in pairs if joined(traces[pair[0]], traces[pair[1]])}
    right = len(true & said)
    return Figures(
        *(len(part), sum(one <= KILOMETRE for one in away) / placed, len(away) / placed),
        *(
            sorted(away)[len(away) // 2] if away else 0.0,
            sum(not one for one in without) / max(1, len(without)),
        ),
        *(right / len(said) if said else 0.0, right / len(true) if true else 0.0),
    )


def trace(one: Labelled, guess: Sequence[Guess]) -> Trace:
    """As the city keeps it of a report."""
    best = guess[0].spot if guess else None
    at = (best.longitude, best.latitude) if best else None
    kinds = incident(one.text).kinds
    return Trace(
        kinds,
        one.minute * 60_000_000,
        at,
        best.spread if best else 0,
        signature(one.text, KEY),
        best.id if best else "",
    )


def ours(names: Gazetteer) -> tuple[Callable[[str], Sequence[Guess]], Callable[[Trace, Trace], bool]]:
    """What the city does."""
    return (lambda text: locate(text, names)), (lambda one, other: same(one, other) >= LEAST)


def simple(names: Gazetteer) -> tuple[Callable[[str], Sequence[Guess]], Callable[[Trace, Trace], bool]]:
    """What anybody would write first: the longest official name that stands in the text; one thing where that is the same."""
    official = {plain(one.name): one for one in names.spots.values()}

    def place(text: str) -> Sequence[Guess]:
        told = plain(text)
        found = [name for name in official if name in told]
        return [Guess(official[max(found, key=len)], 1.0)] if found else []

    return place, (lambda one, other: one.place is not None and one.place == other.place)
