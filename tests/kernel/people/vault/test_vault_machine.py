"""Whatever is done in whatever order: the vault shows what a dictionary would, and nobody is found who is not there."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from stores import open_sqlite
from vaults import PURPOSES, Place, asked, gone

from kitamae.kernel.people.person import SYSTEM, Principal
from kitamae.kernel.people.vault import OWN, Asked
from kitamae.kernel.people.vault.classes import DAY
from kitamae.kernel.problems import NotFound

PERSONS = ("p-1", "p-2", "p-3")
NAMES = ("加賀 太郎", "山代 花子", "渡邊 龍", "渡辺竜")
CLASSES = ("resident", "mailing", "visit")
persons, names, classes = (st.sampled_from(one) for one in (PERSONS, NAMES, CLASSES))
same = {"渡邊 龍": "渡辺竜"}


class Machine(RuleBasedStateMachine):
    """The model: record id -> (person, class, name, when its retention ends)."""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.place = Place(open_sqlite, Path(self.folder.name))
        self.run(self.place.open())
        self.model: dict[str, tuple[str, str, str, int]] = {}
        self.leaves = 0

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.run(self.place.close())
        self.runner.close()
        self.folder.cleanup()

    @property
    def vault(self) -> Any:
        return self.place.vault

    @rule(person=persons, klass=classes, name=names)
    def keep(self, person: str, klass: str, name: str) -> None:
        id = self.run(self.vault.keep(SYSTEM, person, klass, "x", {"name": name}))
        self.model[id] = (person, klass, name, PURPOSES.demand(klass).due(self.place.time))

    @precondition(lambda self: self.model)
    @rule(data=st.data(), name=names)
    def correct(self, data: st.DataObject, name: str) -> None:
        id = data.draw(st.sampled_from(sorted(self.model)))
        person, klass, _, _ = self.model[id]
        self.run(self.vault.keep(SYSTEM, person, klass, "x", {"name": name}, id=id))
        self.model[id] = (person, klass, name, PURPOSES.demand(klass).due(self.place.time))

    @rule(person=persons, which=st.lists(classes, max_size=2, unique=True))
    def erase(self, person: str, which: list[str]) -> None:
        over = {id for id, one in self.model.items() if one[0] == person and (not which or one[1] in which)}
        try:
            went, _ = self.run(gone(self.vault, person, *which))
        except NotFound:
            assert not over
        else:
            assert went == len(over)
        for id in over:
            del self.model[id]

    @rule(days=st.sampled_from([1, 29, 31, 366]))
    def time_passes_and_retention_ends(self, days: int) -> None:
        self.place.later(days * DAY)
        gone = {id for id, one in self.model.items() if one[3] <= self.place.time}
        assert self.run(self.vault.sweep()) == len(gone)
        for id in gone:
            del self.model[id]

    @rule()
    def rotate(self) -> None:
        self.place.time += 1
        self.run(self.vault.rotate())

    @rule()
    def restart(self) -> None:
        self.run(self.place.close())
        self.run(self.place.open())

    @invariant()
    def everybody_is_read_as_he_is(self) -> None:
        found = self.run(self.vault.read(asked(purpose=OWN_OF_ALL, persons=PERSONS)))
        expected = {id: one[:3] for id, one in self.model.items() if one[1] in ("resident", "visit")}
        assert {one.id: (one.person, one.klass, one.fields["name"]) for one in found} == expected
        for person in PERSONS:
            own = Principal(person, "resident", session=f"s-{person}")
            records = self.run(self.vault.read(Asked(own, OWN, (person,))))
            assert {one.id for one in records} == {id for id, one in self.model.items() if one[0] == person}

    @invariant()
    def nobody_is_found_who_is_not_there(self) -> None:
        for name in NAMES:
            found = self.run(self.vault.find(asked(purpose=OWN_OF_ALL), {"name": name}))
            wanted = {
                one[0]
                for one in self.model.values()
                if one[1] in ("resident", "visit") and same.get(one[2], one[2]) == same.get(name, name)
            }
            assert {one.person for one in found} == wanted

    @invariant()
    def the_log_only_grows(self) -> None:
        count = len(self.run(self.place.leaves()))
        assert count >= self.leaves
        self.leaves = count


OWN_OF_ALL = "visit"
"""It may read what was collected for `resident` too."""

Machine.TestCase.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
test_the_vault_is_a_dictionary = Machine.TestCase
