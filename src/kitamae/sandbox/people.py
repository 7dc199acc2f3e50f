"""Invented residents of a city: the same for the same seed, city and year. Pure: nothing is read or written but what is given.

Nobody real can be meant: every name is marked （試験）, every address is 9999番地 with a 枝番 above 9000, which nobody would have
unless plot 9999 of that town had been divided nine thousand times, telephone numbers have a 市内局番 that begins with 0 (総務省
「電話番号に関するQ&A」: they begin with 2 to 9), and mail goes to `.example` (RFC 2606), which does not exist.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from faker import Generator
from faker.providers.person.ja_JP import Provider

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kitamae.sdk.city import City

Sex = Literal["男性", "女性"]
MARK: Final = "（試験）"
PLOT: Final = "9999番地の{part}"
_PARTS: Final = 9001
_COUPLED: Final = 0.75
"""Of women from 28 on who find a man of their age among the people."""
_AT_HOME: Final = 0.55
"""Of the unmarried from 18 to 49 who live with a parent."""
_THREE: Final = 0.3
"""Of those above 70 who live alone and have a couple of the right age to live with."""
_BAND: Final = re.compile(r"(\d+)")
_OLDEST: Final = 99


@dataclass(slots=True)
class Resident:
    """One. `house`: the number of his household; `parents`: ids of residents; `gender` as on the card: 1 male, 2 female."""

    id: str
    age: int
    gender: Literal["1", "2"]
    born: date
    house: int = -1
    family: tuple[str, str] = ("", "")  # in kanji, in kana
    given: tuple[str, str] = ("", "")
    address: str = ""
    parents: list[str] = field(default_factory=list)
    spouse: str = ""

    @property
    def name(self) -> str:
        """`高橋 亮介（試験）`."""
        return f"{self.family[0]} {self.given[0]}{MARK}"

    @property
    def kana(self) -> str:
        """`タカハシ リョウスケ`."""
        return f"{self.family[1]} {self.given[1]}"

    def card(self) -> dict[str, str]:
        """基本4情報, as the stand-in of デジタル認証アプリ says them."""
        return {
            "name": self.name,
            "address": self.address,
            "birthdate": f"{self.born:%Y%m%d}",
            "gender": self.gender,
        }

    def entered(self, name: str) -> str:
        """What this person writes into a field of that name."""
        number = int(self.id.rpartition("-")[2])
        known = {
            "email": f"resident{number:05}@sandbox.example",
            "phone": f"03-0{number // 10_000:03}-{number % 10_000:04}",
            "topics": ("防災", "子育て", "文化", "健康", "ごみ")[number % 5],
            "name": self.name,
            "kana": self.kana,
            "address": self.address,
            "birth_date": self.born.isoformat(),
        }
        known["telephone"] = known["tel"] = known["phone"]
        return known.get(name, "試験")


def invent(city: City, count: int, seed: int, today: date) -> list[Resident]:
    """That many residents. `today`: in whose year they have their ages."""
    facts = list(city.entities())
    chance = random.Random(seed)  # noqa: S311  # the same people again is the point
    people = _ages(chance, _pyramid(facts, today.year), count, today.year)
    _live_together(chance, people)
    _name(chance, people)
    where = f"{city.prefecture['ja']}{city.name['ja']}"
    towns = sorted(str(one["名称"]["value"]) for one in facts if one["type"] == "Town") or [""]
    homes: dict[int, str] = {}
    for one in people:
        if one.house not in homes:
            part = PLOT.format(part=_PARTS + len(homes))
            homes[one.house] = f"{where}{chance.choice(towns)}{part}{MARK}"
        one.address = homes[one.house]
    return people


def colleagues(count: int, seed: int) -> list[str]:
    """So many names of invented members of staff."""
    names = Generator()
    names.seed_instance(seed)
    provider = Provider(names)
    return [f"{provider.last_name_pair()[0]} {provider.first_name_pair()[0]}{MARK}" for _ in range(count)]


def _pyramid(facts: Iterable[Mapping[str, Any]], year: int) -> dict[tuple[int, int, Sex], int]:
    """(youngest, oldest, sex) -> how many, in the count or projection nearest to that year; where the city has none, all ages alike."""
    known = [one for one in facts if one["type"] == "PopulationByAge" and "年齢別人口" in one]
    if not known:
        return {(start, start + 4, sex): 1 for start in range(0, 90, 5) for sex in ("男性", "女性")}
    nearest = min(known, key=lambda one: (abs(one["年"]["value"] - year), str(one["人口種別"]["value"])))
    found: dict[tuple[int, int, Sex], int] = {}
    for band, sexes in nearest["年齢別人口"]["json"].items():
        ends = [int(one) for one in _BAND.findall(band)]
        if ends:
            for sex, number in sexes.items():
                found[ends[0], ends[1] if len(ends) > 1 else _OLDEST, sex] = int(number)
    return found


def _ages(
    chance: random.Random, pyramid: Mapping[tuple[int, int, Sex], int], count: int, year: int
) -> list[Resident]:
    bands = list(pyramid)
    people = []
    for number, (low, high, sex) in enumerate(
        chance.choices(bands, [pyramid[one] for one in bands], k=count)
    ):
        age = chance.randint(low, high)
        born = date(year - age, 1, 1) + timedelta(days=chance.randrange(365))
        people.append(Resident(f"sandbox-{number + 1:05}", age, "1" if sex == "男性" else "2", born))
    return people


def _live_together(chance: random.Random, people: Sequence[Resident]) -> None:
    """Couples first, then children with parents, then some of the old with the young; whoever is left lives alone."""
    free = {one.id: one for one in people if one.age >= 28 and one.gender == "1"}
    houses = 0
    for woman in people:
        if woman.gender == "1" or woman.age < 28 or chance.random() > _COUPLED:
            continue
        fit = [man for man in free.values() if -3 <= man.age - woman.age <= 8]
        if fit:
            man = chance.choice(fit)
            del free[man.id]
            man.house = woman.house = houses
            man.spouse, woman.spouse = woman.id, man.id
            houses += 1
    for one in sorted(people, key=lambda one: -one.age):
        if one.house < 0 and (one.age >= 50 or (one.age >= 18 and chance.random() > _AT_HOME)):
            one.house, houses = houses, houses + 1
    for child in people:
        if child.house < 0:
            mothers = [
                one
                for one in people
                if one.gender == "2" and 20 <= one.age - child.age <= 42 and one.house >= 0
            ]
            grown = [one for one in people if one.age - child.age >= 20 and one.house >= 0]
            if child.age >= 18 and not mothers:
                child.house, houses = houses, houses + 1
            elif mothers or grown:
                parent = chance.choice(mothers or grown)
                child.house = parent.house
                child.parents = [parent.id, *([parent.spouse] if parent.spouse else [])]
            else:  # nobody is old enough to be anybody's parent
                child.house, houses = houses, houses + 1
    _three_generations(chance, people)


def _three_generations(chance: random.Random, people: Sequence[Resident]) -> None:
    size: dict[int, int] = {}
    for one in people:
        size[one.house] = size.get(one.house, 0) + 1
    for old in people:
        if old.age < 70 or size[old.house] > 1 or chance.random() > _THREE:
            continue
        sons = [one for one in people if one.spouse and not one.parents and 20 <= old.age - one.age <= 42]
        if sons:
            son = chance.choice(sons)
            old.house = son.house
            son.parents = [old.id]


def _name(chance: random.Random, people: Sequence[Resident]) -> None:
    """A household has one family name; given names and their readings come from Faker."""
    names = Generator()
    names.seed_instance(chance.randrange(1 << 32))
    provider = Provider(names)
    families: dict[int, tuple[str, str]] = {}
    for one in people:
        if one.house not in families:
            family = provider.last_name_pair()
            families[one.house] = (str(family[0]), str(family[1]))
        one.family = families[one.house]
        given = provider.first_name_male_pair() if one.gender == "1" else provider.first_name_female_pair()
        one.given = (str(given[0]), str(given[1]))
