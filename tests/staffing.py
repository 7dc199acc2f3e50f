"""Duties of staff, for tests of what only their holders may do."""

from __future__ import annotations

from kitamae.kernel.people import order, secret
from kitamae.kernel.people.duties.office import step
from kitamae.kernel.people.person import SYSTEM, Principal
from kitamae.kernel.people.vault.erasing import Erasing
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


async def officer(served: Served, *duties: str) -> Principal:
    """A new member of staff, who signed in with a passkey."""
    people = served.kitamae.city.people
    await people.staff()  # the first one is somebody else
    ref = await people.staff(another=True)
    await give(served, ref, *duties)
    session, _ = await people.admit(ref, "staff", 2)
    return await people.who(secret.digest(session))


async def erased(served: Served, person: str, purpose: str, duty: str = "requests") -> None:
    """What was collected for it is gone: one asked, a second one approved. `duty`: theirs, which names the purpose."""
    orders = served.kitamae.city._rooms.orders
    one, other = await officer(served, duty), await officer(served, duty)
    number = await orders.ask(one, person, purpose, "期限が過ぎたため")
    await orders.decide(other, number, order.shown(await orders.get(number)), yes=True)


async def all_erased(served: Served, person: str) -> Erasing:
    """Nothing is held of who he is, as two decided, nor of what he agreed to, as he himself did."""
    await erased(served, person, "identity")
    himself = Principal(person, "resident", session="x", assurance=3)
    return await served.kitamae.city.vault.erase(himself, person)


async def entered(served: Served, ref: str) -> None:
    """A resident agreed to the city's notices and entered where they go."""
    city, who = served.kitamae.city, Principal(ref, "resident", assurance=3, session="x")
    notice = city.consents.notice("notices", "ja")
    assert notice is not None
    await city.consents.agree(who, "notices", "ja", notice.version)
    await city.vault.keep(SYSTEM, ref, "notices", "entered", {"email": "someone@example.jp"})
