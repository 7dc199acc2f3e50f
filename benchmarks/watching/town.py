"""The city: 64,000 persons in households, blocks and families, of whom some work in the town hall."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

PERSONS = 64_000


@dataclass
class Town:
    """Persons are numbers; of each, the household, the block and the family name (numbers too)."""

    household: list[int] = field(default_factory=list)
    block: list[int] = field(default_factory=list)
    family: list[int] = field(default_factory=list)
    homes: list[list[int]] = field(default_factory=list)  # household -> persons
    streets: list[list[int]] = field(default_factory=list)  # block -> persons
    named: dict[int, list[int]] = field(default_factory=dict)  # family name -> persons


def town(random: Random) -> Town:
    """Households of 1 to 6, four households to a block on average; few names are common, most are rare."""
    made = Town()
    weights = [1 / (rank + 8) ** 0.95 for rank in range(4_000)]
    names = random.choices(range(4_000), weights, k=PERSONS)
    left = 0
    while len(made.household) < PERSONS:
        size = random.choices((1, 2, 3, 4, 5, 6), (34, 31, 16, 12, 5, 2))[0]
        if left == 0:
            left = 1 + min(15, int(random.expovariate(1 / 3.3)))
            made.streets.append([])
        left -= 1
        family, home = names[len(made.homes)], len(made.homes)
        made.homes.append([])
        for _ in range(size):
            person = len(made.household)
            made.household.append(home)
            made.block.append(len(made.streets) - 1)
            made.family.append(family if random.random() < 0.96 else names[-1 - person % 997])
            made.homes[-1].append(person)
            made.streets[-1].append(person)
            made.named.setdefault(made.family[-1], []).append(person)
    return made
