"""What is kept beside the vault, as documents of the store: who is at which shelter only by opaque references, and how many they are.

`sheltered` by the person's reference:  {shelter, found, came, left, at, mark, noted}: `found`: whether whoever looks is told
`sheltered-count` by shelter:           {people, needs: {need: people}}: without names, written in the same transaction

Names, town, age and needs are in the vault alone: class REGISTER; and, only of who wants to be found, name, kana and town once more in the
class FOUND, which is all that a search can meet. Times are RFC 3339 UTC.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypedDict, cast

from kitamae.kernel.people.records import TENANT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.context.store import Reader, Transaction

REGISTER: Final = "sheltered"
"""The purpose, and the retention class, of the register."""
FOUND: Final = "sheltered-found"
"""The purpose, and the retention class, of what whoever looks for somebody is told."""
KIND: Final = "sheltered"
COUNTS: Final = "sheltered-count"


class Place(TypedDict):
    """Where a person is, or was until `left` ("": still there). `at`: when something was written of it last; `noted`: that it was, after the
    form that entered him, of which `mark` is a keyed mark.
    """

    shelter: str
    found: bool
    came: str
    left: str
    at: str
    mark: str
    noted: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """How many are there, in all and by need."""

    people: int = 0
    needs: Counter[str] = field(default_factory=Counter)


async def tally(store: Reader, shelter: str) -> Tally:
    """Of one shelter."""
    kept: Any = await store.get(TENANT, COUNTS, shelter)
    return Tally(kept["people"], Counter(kept["needs"])) if kept else Tally()


async def place(store: Reader, ref: str) -> Place | None:
    """None: nobody of that reference was entered."""
    return cast("Place | None", await store.get(TENANT, KIND, ref))


async def count(tx: Transaction, shelter: str, needs: Iterable[str], by: int) -> None:
    """One more (`by` 1) or one less (-1)."""
    before = await tally(tx, shelter)
    changed = Counter(before.needs)
    for need in needs:
        changed[need] = max(0, changed[need] + by)
    people = max(0, before.people + by)
    if not people:
        await tx.drop(TENANT, COUNTS, shelter)
        return
    kept = {"people": people, "needs": {need: min(many, people) for need, many in changed.items() if many}}
    await tx.put(TENANT, COUNTS, shelter, kept)


async def drop(tx: Transaction, ref: str, place: Place) -> None:
    """What its retention ended in the vault is forgotten here too; which needs he had went with it: of each, no more stay than people."""
    await tx.drop(TENANT, KIND, ref)
    if not place["left"]:
        await count(tx, place["shelter"], (), -1)
