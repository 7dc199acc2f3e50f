"""What partners are owed when somebody's session ends: to be told. Kept in the transaction that ends it, sent by `logouts.py`."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people import secret as secrecy
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.waiting import entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.provider.records import Client
    from kitamae.kernel.people.records import KnownAs, Session

KIND: Final = "logout"
SECONDS: Final = 86_400
"""For so long a partner that does not answer is asked again."""


WITHDRAWN: Final = "consent-withdrawn"
AGREED_DAYS: Final = 730
"""For so long it holds that somebody agreed to a partner; then he is asked anew. As long no restore may bring back what he withdrew."""


def pair(person: str, client: str) -> str:
    """The id of what a person agreed to with a client."""
    return secrecy.digest(f"{person} {client}")


async def withdraw(tx: Transaction, pair: str, now: int) -> None:
    """He agrees to it no more, whatever state is restored. `now`: microseconds UTC."""
    await tx.drop(TENANT, "consent", pair)
    await tx.put(TENANT, WITHDRAWN, pair, {"at": clock.text(now)})


async def went_on(tx: Transaction, session: str, client: str, subject: str) -> str | None:
    """That this session was taken to that client: the session's name there, the same each time; None: it has ended."""
    kept = cast("Session | None", await tx.get(TENANT, "session", session))
    if kept is None:
        return None
    known = kept.get("partners", {})
    agreed: Any = await tx.get(TENANT, "consent", pair(kept["person"], client))
    if agreed and "subject" not in agreed:  # of before it was kept
        await tx.put(TENANT, "consent", pair(kept["person"], client), {**agreed, "subject": subject})
    if client not in known:
        fresh: KnownAs = {"subject": subject, "sid": secrets.token_urlsafe(16)}
        known = {**known, client: fresh}
        changed: Session = {**kept, "partners": known}
        await tx.put(TENANT, "session", session, changed)
    return known[client]["sid"]


async def of_session(tx: Transaction, session: Session, now: int) -> None:
    """It ends before its time. Whoever was taken further for longer than it lasts signs out there. `now`: microseconds UTC."""
    if clock.micros(session["expiresAt"]) > now:
        for client, known in session.get("partners", {}).items():
            await _owe(tx, client, known["subject"], known["sid"], now)


async def of_consents(tx: Transaction, consents: Iterable[Any], now: int) -> None:
    """All sessions at these partners end, wherever they were begun."""
    for consent in consents:
        if subject := consent.get("subject", ""):  # of before there was one: by the session alone
            await _owe(tx, consent["client"], subject, "", now)


async def _owe(tx: Transaction, id: str, subject: str, sid: str, now: int) -> None:
    client = cast("Client | None", await tx.get(TENANT, "client", id))
    if client and client.get("backchannel"):
        told = {"client": id, "subject": subject, "sid": sid}
        await tx.put(TENANT, KIND, secrets.token_hex(8), entry(told, now, SECONDS))
