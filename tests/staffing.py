"""Duties of staff, for tests of what only their holders may do."""

from __future__ import annotations

from typing import Any

from kitamae.kernel.people.duties.office import step
from kitamae.kernel.people.person import SYSTEM, Principal
from kitamae.kernel.people.vault import Ordered
from serving import Served


async def give(served: Served, ref: str, *duties: str) -> None:
    """As the operator does it: at once, and without a second person."""
    steps = [step(ref, duty, gives=True) for duty in duties]
    await served.kitamae.city.ways.office.prepare(SYSTEM, "for a test", steps)


async def enter(served: Served, ref: str, assurance: int = 2) -> None:
    """The client's session is this member of staff's, with a passkey unless told."""
    session, _ = await served.kitamae.city.people.admit(ref, "staff", assurance)
    served.client.cookies.clear()
    served.client.cookies.set("kitamae_session", session)


async def known(served: Served, *refs: str) -> None:
    """The city holds who these are, as of residents who signed in with their cards."""
    said = {"name": "試験 一郎", "birth_date": "1980-01-05", "address": "例示町１"}
    for ref in refs:
        await served.kitamae.city.vault.keep(SYSTEM, ref, "identity", "basic-four", said)


async def erased(served: Served, person: str, purpose: str) -> None:
    """What was collected for it is gone, as two decided."""

    async def decided(tx: Any, upto: int) -> None:
        pass

    ordered = Ordered("staff-other", {"why": "期限が過ぎたため"}, decided)
    await served.kitamae.city.vault.erase_for(SYSTEM, person, purpose, ordered)


async def entered(served: Served, ref: str) -> None:
    """A resident agreed to the city's notices and entered where they go."""
    city, who = served.kitamae.city, Principal(ref, "resident", assurance=3, session="x")
    notice = city.consents.notice("notices", "ja")
    assert notice is not None
    await city.consents.agree(who, "notices", "ja", notice.version)
    await city.vault.keep(SYSTEM, ref, "notices", "entered", {"email": "someone@example.jp"})
