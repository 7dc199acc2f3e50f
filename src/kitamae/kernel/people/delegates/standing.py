"""Whether a mandate holds: what the policy hears of it, and what is asked once more inside a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people.delegates.records import ALL, KIND, Mandate
from kitamae.kernel.people.person import Acting
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import Forbidden

if TYPE_CHECKING:
    from kitamae.kernel.context.entity import Json
    from kitamae.kernel.people.person import Principal

State = Literal["offered", "entered", "waits", "holds", "over", "ended"]


class Reader(Protocol):
    """A store, or a transaction of it."""

    async def get(self, tenant: str, kind: str, id: str) -> Json | None:
        """See `Store.get`."""
        ...


class MandateOver(Forbidden):
    """It ended, or it was taken back, a moment ago perhaps."""

    type = "https://kitamae.example/problems/mandate-over"
    title = "You may not act for this person any more"


def state(mandate: Mandate, now: int) -> State:
    """`offered`: its delegate has not agreed; `entered`: a second person has not looked; `waits`: it begins later."""
    if "ended" in mandate:
        return "ended"
    if now >= clock.micros(mandate["ends"]):
        return "over"
    if "agreed" not in mandate:
        return "offered" if mandate["sort"] == "appointed" else "entered"
    return "waits" if now < clock.micros(mandate["begins"]) else "holds"


async def acting(store: Reader, number: str, ref: str, now: int) -> Acting | None:
    """What whoever has that reference may do under that mandate; None: it does not hold, or is not his."""
    mandate = cast("Mandate | None", await store.get(TENANT, KIND, number))
    if mandate is None or mandate["by"] != ref or state(mandate, now) != "holds":
        return None
    return Acting(
        number,
        mandate["of"],
        frozenset(mandate["actions"]),
        () if ALL in mandate["classes"] else tuple(sorted(mandate["classes"])),
        clock.micros(mandate["ends"]),
    )


async def demand(tx: Reader, who: Principal, person: str, now: int) -> None:
    """Inside the transaction that acts: whoever comes for somebody else still may. Raises MandateOver."""
    if who.acting is None or person == who.ref:
        return
    if await acting(tx, who.acting.number, who.ref, now) != who.acting or person != who.acting.person:
        raise MandateOver("the mandate was taken back or has ended")
