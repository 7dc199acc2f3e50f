"""`python -m benchmarks.watching`: recall at five false alarms a week, rules alone beside rules with what is usual.

The score from which on a day is flagged is found on the seeds for tuning (1 to 3), so that five days a week are flagged
wrongly; the table is of other seeds (101 to 104), with those scores. Options: `--seeds 201 202`, `--tune`, `--write FILE`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import mean

from benchmarks.watching.misuse import plant
from benchmarks.watching.town import town
from benchmarks.watching.year import DAYS, Year, work
from kitamae.kernel.people.vault.outside import RARE
from kitamae.kernel.people.watching import Detector, Sight
from kitamae.kernel.people.watching.hours import day as day_of
from kitamae.kernel.people.watching.sight import attention

BUDGET = 5.0
WEEKS = DAYS / 7
TUNING, HELD_OUT = (1, 2, 3), (101, 102, 103, 104)
VARIANTS = {"rules": False, "rules and what is usual": True}


@dataclass
class Run:
    """One year under one detector: the highest score of each flagged day, and what it named."""

    wrong: list[float] = field(default_factory=list)  # scores of days without any misuse
    caught: dict[int, float] = field(default_factory=dict)  # incident -> the highest score that named it
    kinds: list[str] = field(default_factory=list)
    looks: int = 0
    seconds: float = 0.0


def build(seed: int) -> Year:
    """The same year for the same seed."""
    random = Random(seed)
    year = work(town(random), random)
    plant(year, random)
    year.looks.sort()
    return year


def sights(year: Year) -> Iterator[Sight]:
    """Looks as the watcher of a city would have them; `number` is the place in `year.looks`."""
    city = year.town
    related = {clerk.ref: _related(year, clerk.home) for clerk in year.clerks}
    purposes = frozenset(one.purpose for one in year.looks)
    without = {purpose: purposes - {purpose} for purpose in purposes}
    seen: dict[int, list[tuple[int, str]]] = defaultdict(list)
    last: dict[str, int] = {}
    for number, one in enumerate(year.looks):
        day = day_of(one.at)
        before = last.get(one.who, one.person)
        beside = (
            city.block[before] == city.block[one.person]
            and city.household[before] != city.household[one.person]
        )
        returned, others = attention(seen[one.person], one.who, day)
        yield Sight(
            number, one.at, one.who, str(one.person), one.purpose, one.agreed,
            purposes if one.duty else without[one.purpose],
            related.get(one.who, {}).get(one.person, frozenset()), returned, others, beside,
        )  # fmt: skip
        if (day, one.who) not in seen[one.person][-3:]:
            seen[one.person].append((day, one.who))
        last[one.who] = one.person


def _related(year: Year, home: int | None) -> dict[int, frozenset]:
    if home is None:
        return {}
    city = year.town
    found: dict[int, frozenset] = {}
    named = city.named[city.family[home]]
    for person in named if len(named) <= RARE else ():
        found[person] = frozenset({"family-name"})
    for person in city.streets[city.block[home]]:
        found[person] = frozenset({"neighbour"})
    for person in city.homes[city.household[home]]:
        found[person] = frozenset({"oneself" if person == home else "household"})
    return found


def run(seed: int, baseline: bool, year: Year | None = None) -> Run:
    """Every flag, however small its score: thresholds are chosen afterwards."""
    year = year or build(seed)
    detector = Detector(baseline=baseline, flags=0.01)
    planted: dict[tuple[str, int], set[int]] = defaultdict(set)
    for one in year.looks:
        if one.incident >= 0:
            planted[one.who, day_of(one.at)].add(one.incident)
    days: dict[tuple[str, int], float] = {}
    found = Run(kinds=year.kinds, looks=len(year.looks))
    began = time.perf_counter()
    for sight in sights(year):
        flag = detector.feed(sight)
        if flag is None:
            continue
        key = (flag.who, flag.day)
        days[key] = max(flag.score, days.get(key, 0.0))
        for incident in planted.get(key, ()):
            named = any(year.looks[n].incident == incident for reason in flag.reasons for n in reason.numbers)
            if named:
                found.caught[incident] = max(flag.score, found.caught.get(incident, 0.0))
    found.seconds = time.perf_counter() - began
    found.wrong = sorted((score for key, score in days.items() if key not in planted), reverse=True)
    return found


def both(seed: int) -> tuple[Run, Run]:
    """The same year under both."""
    year = build(seed)
    rules, usual = (run(seed, baseline, year) for baseline in VARIANTS.values())
    return rules, usual


def threshold(runs: Sequence[Run]) -> float:
    """From which score on there are BUDGET false alarms a week, over all these years."""
    wrong = sorted((score for one in runs for score in one.wrong), reverse=True)
    most = int(BUDGET * WEEKS * len(runs))
    return wrong[most] + 0.05 if len(wrong) > most else 0.05


def table(runs: dict[str, list[Run]], least: dict[str, float]) -> str:
    """Markdown."""
    kinds = list(dict.fromkeys(kind for some in runs.values() for one in some for kind in one.kinds))
    lines = ["| misuse | " + " | ".join(runs) + " |", "|---|" + "---:|" * len(runs)]
    for kind in [*kinds, "all"]:
        cells = []
        for name, some in runs.items():
            hit = total = 0
            for one in some:
                those = [n for n, k in enumerate(one.kinds) if kind in (k, "all")]
                total += len(those)
                hit += sum(one.caught.get(n, 0.0) >= least[name] for n in those)
            cells.append(f"{hit} of {total} ({hit / total:.0%})")
        lines.append(f"| {'**all**' if kind == 'all' else kind} | " + " | ".join(cells) + " |")
    weekly = {
        name: [sum(score >= least[name] for score in one.wrong) / WEEKS for one in some]
        for name, some in runs.items()
    }
    lines.append(
        "| false alarms a week | " + " | ".join(f"{mean(one):.1f}" for one in weekly.values()) + " |"
    )
    lines.append("| flagged from the score | " + " | ".join(f"{least[name]:.1f}" for name in runs) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watching")
    parser.add_argument("--seeds", nargs="*", type=int, default=HELD_OUT, help="years that are reported")
    parser.add_argument("--tune", action="store_true", help="report the tuning years instead")
    parser.add_argument("--write", type=Path, help="put the table there as well")
    chosen = parser.parse_args()
    with ProcessPoolExecutor(2) as pool:
        tuning = list(pool.map(both, TUNING))
        reported = tuning if chosen.tune else list(pool.map(both, chosen.seeds))
    least = {name: threshold([one[place] for one in tuning]) for place, name in enumerate(VARIANTS)}
    runs = {name: [one[place] for one in reported] for place, name in enumerate(VARIANTS)}
    usual = runs["rules and what is usual"]
    head = (
        f"`python -m benchmarks.watching`, {dt.datetime.now(dt.UTC):%Y-%m-%d}: {len(reported)} years of"
        f" {mean(one.looks for one in usual):,.0f} looks, seeds {', '.join(map(str, TUNING if chosen.tune else chosen.seeds))};"
        f" {mean(one.seconds / one.looks for one in usual) * 1e6:.0f} us a look.\n\n"
    )
    text = head + table(runs, least) + "\n"
    print(text)
    if chosen.write:
        chosen.write.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
