"""Print the table; `--tuned` shows what is wrong in the part that may be looked at."""

from __future__ import annotations

import argparse

from benchmarks.reported.measure import figures, gazetteer, labelled, ours, simple, things


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tuned", action="store_true", help="list the mistakes of the part for tuning")
    chosen = parser.parse_args()
    names = gazetteer(things())
    every = labelled()
    parts = {"tuning": [one for one in every if one.tuned], "test": [one for one in every if not one.tuned]}
    print(
        "| part | reports | by | within 1 km | told at all | median | no place, none told | duplicates: precision | recall | F1 |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for part, some in parts.items():
        for by, ways in (("official names alone", simple(names)), ("Kitamae", ours(names))):
            got = figures(some, names, *ways)
            print(
                f"| {part} | {got.reports} | {by} | **{got.within:.2f}** | {got.told:.2f} | {got.median:.0f} m | {got.silent:.2f} |"
                f" {got.precision:.2f} | {got.recall:.2f} | **{got.f1:.2f}** |"
            )
    if chosen.tuned:
        mistakes(parts["tuning"], names)


def mistakes(some: list, names) -> None:  # type: ignore[no-untyped-def, type-arg]
    """Of the tuning part alone."""
    import itertools

    from benchmarks.reported.measure import trace
    from kitamae.kit.reports.likeness import LEAST, same

    place, _ = ours(names)
    for one in some:
        guess = place(one.text)
        print(
            one.place,
            "<-",
            [(g.spot.name, g.score) for g in guess],
            one.text if not guess or guess[0].spot.name != one.place else "",
        )
    traces = [trace(one, place(one.text)) for one in some]
    for a, b in itertools.combinations(range(len(some)), 2):
        score = same(traces[a], traces[b])
        if (score >= LEAST) != (some[a].incident == some[b].incident):
            print(
                score,
                some[a].incident,
                some[b].incident,
                some[a].text,
                "//",
                some[b].text,
                traces[a].kinds,
                traces[b].kinds,
            )


main()
