"""Whether a mandate holds: what the policy hears of it, and what is asked once more inside a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people.delegates.records import ACTS, ALL, KIND, Mandate
from kitamae.kernel.people.person import Acting
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import Forbidden

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Reader
    from kitamae.kernel.people.person import Principal

DAY: Final = 86_400_000_000  # microseconds
OFFERED: Final = 7 * DAY
"""How long an offer waits for its delegate."""
WAITS: Final = 14 * DAY
"""How long an entry at the counter waits for its second person."""
State = Literal["offered", "entered", "expired", "waits", "holds", "over", "ended"]


class MandateOver(Forbidden):
    """It ended, or it was taken back, a moment ago perhaps."""

    type = "https://kitamae.example/problems/mandate-over"
    title = "You may not act for this person any more"


def state(mandate: Mandate, now: int) -> State:
    """`offered`: its delegate has not agreed; `entered`: a second person has not looked; `expired`: nobody did in time; `waits`: it
    begins later. Whom the person himself appoints is not known before he agrees; the counter enters both.
    """
    if "ended" in mandate:
        return "ended"
    if now >= clock.micros(mandate["ends"]):
        return "over"
    if "agreed" not in mandate:
        waiting: State = "entered" if mandate["by"] else "offered"
        until = clock.micros(mandate["made"]["at"]) + (WAITS if mandate["by"] else OFFERED)
        return waiting if now < until else "expired"
    return "waits" if now < clock.micros(mandate["begins"]) else "holds"


async def acting(store: Reader, number: str, ref: str, now: int) -> Acting | None:
    """What whoever has that reference may do under that mandate; None: it does not hold, or is not his."""
    mandate = cast("Mandate | None", await store.get(TENANT, KIND, number))
    if mandate is None or mandate["by"] != ref or state(mandate, now) != "holds":
        return None
    return Acting(
        number,
        mandate["of"],
        frozenset(mandate["actions"]) & frozenset(ACTS),
        () if ALL in mandate["classes"] else tuple(sorted(mandate["classes"])),
        clock.micros(mandate["ends"]),
    )


async def demand(tx: Reader, who: Principal, person: str, now: int) -> None:
    """Inside the transaction that acts: whoever comes for somebody else still may. Raises MandateOver."""
    if who.acting is None or person == who.ref:
        return
    if await acting(tx, who.acting.number, who.ref, now) != who.acting or person != who.acting.person:
        raise MandateOver("the mandate was taken back or has ended")
