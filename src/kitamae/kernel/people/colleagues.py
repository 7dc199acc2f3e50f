"""What members of staff are called: a name, and an office (課・係), with each account, for the eyes of colleagues.

A colleague's name is what a second person, a review and a handover need; residents see the number. The ledger says that
somebody was named, by whom and when, never how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people.approval import plain
from kitamae.kernel.people.duties.records import log
from kitamae.kernel.people.records import TENANT, Move, Person
from kitamae.kernel.problems import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kitamae.kernel.context.store import Kept, Store, Transaction
    from kitamae.kernel.people.person import Principal

LONGEST: Final = 60
"""Characters of a name, and of an office."""
_KIND: Final = "person"


class Called(NamedTuple):
    """`section` "": not said."""

    name: str
    section: str = ""


def called(name: str, section: str = "") -> Called:
    """As somebody typed it. Raises BadRequest, HoldsMyNumber."""
    return Called(plain("name", name, 1, LONGEST), plain("section", section, 0, LONGEST))


class Colleagues:
    """All of the staff, held in memory: a page has one sentence for each of them. Filled by `load`."""

    def __init__(self, store: Store, now: Callable[[], int] = clock.now) -> None:
        self._store = store
        self._now = now
        self._known: dict[str, Person] = {}
        store.on_documents(self._others)

    async def _others(self, kept: Sequence[Kept]) -> None:
        """What another worker changed."""
        for one in kept:
            if one.kind == _KIND:
                self.heard(one.id, cast("Person | None", one.doc))

    def heard(self, ref: str, person: Person | None) -> None:
        """What is kept of him now; None: nothing."""
        if person is not None and person["role"] == "staff":
            self._known[ref] = person
        else:
            self._known.pop(ref, None)

    async def load(self) -> None:
        """Once, before pages are shown."""
        for _, ref, doc in await self._store.documents(TENANT, _KIND):
            self.heard(ref, cast("Person", doc))

    async def again(self, refs: Iterable[str]) -> None:
        """What is kept of these may have changed in this worker."""
        for ref in refs:
            self.heard(ref, cast("Person | None", await self._store.get(TENANT, _KIND, ref)))

    def called(self, ref: str) -> Called | None:
        """At present; None for somebody without a name, and for who is no member of staff."""
        person = self._known.get(ref)
        if person is None or not person.get("name"):
            return None
        return Called(person["name"], _section(person, self._now()))

    async def call(self, who: Principal, names: Mapping[str, Called]) -> None:
        """From now on they are called so. A section that was planned for later still comes. Raises NotFound."""
        at = clock.text(self._now())

        async def work(tx: Transaction) -> None:
            for ref, (name, section) in names.items():
                person = await _member(tx, ref)
                later = [one for one in person.get("moves", []) if one["at"] > at]
                leaf = await log(tx, {"word": "named", "person": ref, "by": who.ref, "at": at})
                told: Person = {
                    **person,
                    "name": name,
                    "section": section,
                    "moves": later,
                    "named": dict(leaf),
                }
                await tx.put(TENANT, _KIND, ref, cast("Any", told))

        await self._store.transact(work)
        await self.again(names)


def section(person: Person, at: int) -> str:
    """His office at a moment that may be past (microseconds UTC); "": not known, as of before somebody wrote it anew."""
    said = person.get("named", {}).get("told", {}).get("at", person["createdAt"])
    return _section(person, at) if clock.micros(said) <= at else ""


def _section(person: Person, at: int) -> str:
    moved = [one["section"] for one in person.get("moves", []) if clock.micros(one["at"]) <= at]
    return moved[-1] if moved else person.get("section", "")


async def move(tx: Transaction, ref: str, section: str, at: str, transfer: str) -> None:
    """From that moment on (RFC 3339 UTC) this is his office, by that change of duties. Raises NotFound."""
    person = await _member(tx, ref)
    one: Move = {"section": section, "at": at, "transfer": transfer}
    moves = sorted([*person.get("moves", []), one], key=lambda one: one["at"])
    await tx.put(TENANT, _KIND, ref, cast("Any", {**person, "moves": moves}))


async def stay(tx: Transaction, ref: str, transfer: str) -> None:
    """That change does not come. Raises NotFound."""
    person = await _member(tx, ref)
    left = [one for one in person.get("moves", []) if one["transfer"] != transfer]
    await tx.put(TENANT, _KIND, ref, cast("Any", {**person, "moves": left}))


async def _member(tx: Transaction, ref: str) -> Person:
    person = cast("Person | None", await tx.get(TENANT, _KIND, ref))
    if person is None or person["role"] != "staff":
        raise NotFound(f"there is no member of staff {ref!r:.60}")
    return person
