"""Papers of the town hall in which its staff stand, and how long they are kept: who held which duty, changes of duties, emergency access,
breaches, what was proposed to be ordered in a disaster (the order itself stands in the public register). How long is the city's to say (文書保存): `office_days` in city.toml. The days given here are an example, those for which the
platform keeps what a consent was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from kitamae.kernel.context import clock
from kitamae.kernel.people import approval, notices
from kitamae.kernel.people.duties import steps
from kitamae.kernel.people.duties.numbers import KIND as NUMBER
from kitamae.kernel.people.duties.records import EMERGENCY, TRANSFER
from kitamae.kernel.people.records import PASSKEY, TENANT
from kitamae.kernel.people.requests.breaches import KIND as BREACH
from kitamae.kernel.people.vault.classes import CONSENT_DAYS
from kitamae.kernel.registers.evacuation import PROPOSAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.store import Reader, Store, Transaction

Paper = Literal["staff", "transfer", "emergency", "breach", "evacuation"]
DAYS: Final[Mapping[Paper, int]] = {
    "staff": CONSENT_DAYS,
    "transfer": CONSENT_DAYS,
    "emergency": CONSENT_DAYS,
    "breach": CONSENT_DAYS,
    "evacuation": CONSENT_DAYS,
}
"""Counted from leaving; from when a change counts, while nobody's duties rest on it any more; from the review; from the close; from the
proposal.
"""
KINDS: Final[Mapping[str, Paper]] = {
    steps.KIND: "staff",
    TRANSFER: "transfer",
    EMERGENCY: "emergency",
    BREACH: "breach",
    PROPOSAL: "evacuation",
}
"""Kind of document -> the paper that it is."""
_SECOND: Final = {TRANSFER: "transfer", PROPOSAL: "evacuation"}
"""Under which word the second person's word about it stands."""
_CALLED: Final = ("name", "section", "moves", "named")


async def due(store: Store, kind: str, at: int, before: int) -> list[tuple[str, str, Any]]:
    """Kind, id, document of what ended at `before` or earlier. `at`: now; both microseconds UTC."""
    kept: list[tuple[str, Any]] = [(id, doc) for _, id, doc in await store.documents(TENANT, kind)]
    match kind:
        case steps.KIND:
            found = [one for one in kept if 0 < _left(one[1]["steps"], at) <= before]
        case transfer if transfer == TRANSFER:
            duties: list[Any] = [doc for _, _, doc in await store.documents(TENANT, steps.KIND)]
            needed = {step["transfer"] for doc in duties for step in doc["steps"]}
            found = [one for one in kept if one[0] not in needed and _counted(one[1]) <= before]
        case emergency if emergency == EMERGENCY:
            found = [one for one in kept if len(_recent(one[1], before)) < len(one[1]["taken"])]
        case proposal if proposal == PROPOSAL:
            found = [one for one in kept if clock.micros(one[1]["at"]) <= before]
        case _:
            told = {one["ref"] for one in (await notices.every(store)).values() if one["about"] == "breach"}
            found = [one for one in kept if one[0] not in told and 0 < _closed(one[1]) <= before]
    return [(kind, id, doc) for id, doc in found]


async def passkeys(store: Store, at: int, before: int) -> list[tuple[str, str, Any]]:
    """Those of members of staff who left at `before` or earlier, and do not come back: kind, id, document. They let nobody in any more."""
    duties: list[tuple[str, Any]] = [(id, doc) for _, id, doc in await store.documents(TENANT, steps.KIND)]
    gone = {id for id, doc in duties if 0 < left_at(doc["steps"], at) <= before}
    kept: list[tuple[str, Any]] = (
        [(id, doc) for _, id, doc in await store.documents(TENANT, PASSKEY)] if gone else []
    )
    return [(PASSKEY, id, doc) for id, doc in kept if doc["person"] in gone]


async def is_gone(store: Reader, person: str, at: int, before: int) -> bool:
    """Whether that member of staff left at `before` or earlier, and does not come back."""
    kept: Any = await store.get(TENANT, steps.KIND, person)
    return kept is not None and 0 < left_at(kept["steps"], at) <= before


async def numbers(store: Store) -> list[tuple[str, str]]:
    """(id, person) of each number of the staff that is bound to somebody."""
    kept: list[tuple[str, Any]] = [(id, doc) for _, id, doc in await store.documents(TENANT, NUMBER)]
    return [(id, doc["person"]) for id, doc in kept]


async def drop(
    tx: Transaction, kind: str, id: str, doc: Any, before: int, bound: list[tuple[str, str]]
) -> None:
    """What goes of it: of who left, what he was called, his number, and all but that he left, so that no restore lets him in again."""
    match kind:
        case steps.KIND:
            said = (one for one in doc["steps"] if one["duty"] == steps.ACCOUNT)
            left = max(said, key=lambda one: (clock.micros(one["at"]), clock.micros(one["decided"])))
            await tx.put(
                TENANT, steps.KIND, id, {"steps": [{**left, "transfer": "", "by": "", "second": ""}]}
            )
            person: Any = await tx.get(TENANT, "person", id)
            if person is not None:
                bare = {name: value for name, value in person.items() if name not in _CALLED}
                await tx.put(TENANT, "person", id, bare)
            await tx.drop(TENANT, "recovery", id)
            for number, whose in bound:
                if whose == id:
                    await tx.drop(TENANT, NUMBER, number)
        case emergency if emergency == EMERGENCY:
            if recent := _recent(doc, before):
                await tx.put(TENANT, EMERGENCY, id, {"taken": recent})
            else:
                await tx.drop(TENANT, kind, id)
        case _:
            await tx.drop(TENANT, kind, id)
            if kind in _SECOND:
                await tx.drop(TENANT, approval.KIND, f"{_SECOND[kind]}:{id}")


def left_at(kept: list[steps.Approved], at: int) -> int:
    """When he left, microseconds UTC. 0: he did not, or will come back."""
    said = [one for one in kept if one["duty"] == steps.ACCOUNT and not one["gives"]]
    if not steps.state(kept, at).left or any(clock.micros(one["at"]) > at for one in kept):
        return 0
    return max(clock.micros(one["at"]) for one in said)


def _left(kept: list[steps.Approved], at: int) -> int:
    """The same of whom not all was forgotten already."""
    bare = len(kept) == 1 and not kept[0]["transfer"]
    return 0 if bare else left_at(kept, at)


def _counted(transfer: Any) -> int:
    return clock.micros(transfer["counts"] or transfer["effective"] or transfer["at"])


def _recent(doc: Any, before: int) -> list[Any]:
    """Those that were reviewed after that moment, or never."""
    return [one for one in doc["taken"] if not one["review"] or clock.micros(one["review"]["at"]) > before]


def _closed(breach: Any) -> int:
    """When the last was written of a breach that is closed; 0: it is not."""
    return clock.micros(breach["events"][-1]["at"]) if "close" in breach["done"] else 0
