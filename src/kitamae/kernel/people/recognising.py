"""Who it is that comes with a session or a token, and what the policy hears of him.

It is remembered for a moment. Whoever changes a duty, an emergency access, a mandate, a contract or a provider in this worker calls `forget`;
whoever drops a session or a token drops it from what is remembered (`Remembered`). What another worker changed is heard of, and forgotten after `remembered.SECONDS` at the latest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people.delegates import standing as delegation
from kitamae.kernel.people.delegates.records import KIND as MANDATE
from kitamae.kernel.people.duties.records import EMERGENCY, FOUNDED
from kitamae.kernel.people.duties.standing import Standing, standing
from kitamae.kernel.people.duties.steps import KIND as DUTIES
from kitamae.kernel.people.person import HOME, NOBODY, Principal
from kitamae.kernel.people.providers.records import CONTRACT, KEY, PROVIDER, Key
from kitamae.kernel.people.records import RESIDENT, TENANT, Person, Session, Token
from kitamae.kernel.people.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from kitamae.kernel.context.store import Kept, Reader, Store
    from kitamae.kernel.people.duties.plan import Plan
    from kitamae.kernel.people.providers.force import Program

    Programs = Callable[[Reader, Token, int], Awaitable[Program]]


class Recognising:
    """On one store. `tokens`: all that there are; `program`: of a token with a contract, what it does (None: nobody says so)."""

    def __init__(
        self,
        store: Store,
        plan: Plan,
        known: Remembered,
        tokens: Callable[[], Awaitable[list[Token]]],
        program: Callable[[], Programs | None],
        now: Callable[[], int],
    ) -> None:
        self._store, self._plan, self._known, self._now = store, plan, known, now
        self._tokens, self._program = tokens, program
        store.on_documents(self._others)

    async def _others(self, kept: Sequence[Kept]) -> None:
        """What another worker revoked or ended is not believed here either."""
        for one in kept:
            if one.kind in ("session", "token"):
                self._known.drop(one.id)
            elif one.kind == MANDATE:
                self._known.forget([one.doc["by"]] if one.doc else None)
            elif one.kind in (DUTIES, EMERGENCY):
                self._known.forget([one.id])
            elif one.kind in (FOUNDED[0], CONTRACT, PROVIDER):
                self._known.forget(None)

    def remembered(self, digest: str) -> Principal | None:
        """Without asking the store: who, NOBODY for a secret that is known to be wrong, None when it must be asked."""
        return self._known.get(digest, self._now())

    def forget(self, refs: Iterable[str] | None) -> None:
        """The duties of these members of staff (None: of anybody) are not what they were: from the next request on they are asked for anew."""
        self._known.forget(refs)

    async def who(self, digest: str) -> Principal:
        """NOBODY for a secret that is wrong, spent, revoked or expired."""
        known = self.remembered(digest)
        return known if known is not None else await self._ask(digest)

    async def named(self, kind: str, ref: str) -> Principal | None:
        """Whom a partner's program asks about: a `person` by reference, a `token` by number; None: nobody who is known here.
        A person counts with the least assurance: how he signed in elsewhere is not known here.
        """
        if kind == "person":
            person = cast("Person | None", await self._store.get(TENANT, "person", ref))
            if person is None:
                return await self._resident(ref)
            of = frozenset(person.get("tenants", [HOME]))
            now = await self._standing(self._store, ref, person["role"])
            return (
                None
                if now.left
                else Principal(ref, person["role"], assurance=1, tenants=of, duties=now.covers)
            )
        if kind == "token":
            for token in await self._tokens():
                ended = token["expiresAt"] is not None and clock.micros(token["expiresAt"]) <= self._now()
                if token["number"] == ref and not ended:
                    found, _ = await self._token(self._store, token)
                    return found if found is not NOBODY else None
        return None

    async def _resident(self, ref: str) -> Principal | None:
        """Somebody who signed in with his card: who he is lies in the vault, or nowhere but in his session."""
        known = await self._store.get(TENANT, RESIDENT, ref) is not None
        sessions = [] if known else await self._store.documents(TENANT, "session")
        open_ = (doc for _, _, doc in sessions if clock.micros(doc["expiresAt"]) > self._now())
        if known or any(doc["person"] == ref and doc["role"] == "resident" for doc in open_):
            return Principal(ref, "resident", assurance=1)
        return None

    async def anew(self, tx: Reader, who: Principal) -> Principal:
        """Whoever is signed in so, or comes with that provider's key, as a transaction sees him; NOBODY where session or key has ended."""
        if who.metered is not None:
            key = cast("Key | None", await tx.get(TENANT, KEY, who.metered.key))
            kept = cast("Token | None", await tx.get(TENANT, "token", key["token"])) if key else None
            return (await self._token(tx, kept))[0] if kept else NOBODY
        session = cast("Session | None", await tx.get(TENANT, "session", who.session))
        if session is None or session["person"] != who.ref:
            return NOBODY
        found, until, _ = await self._signed_in(tx, who.session, session)
        return found if until > self._now() else NOBODY

    async def _signed_in(
        self, store: Reader, digest: str, session: Session
    ) -> tuple[Principal, int, int | None]:
        """Who that is, until when, and when he is to be asked about again (both microseconds UTC)."""
        now = await self._standing(store, session["person"], session["role"])
        until, again = clock.micros(session["expiresAt"]), now.again
        if now.left:
            return NOBODY, until, again
        acts = session.get("acting", "")
        acting = await delegation.acting(store, acts, session["person"], self._now()) if acts else None
        if acting is not None:
            again = min(again or acting.until, acting.until)
        who = Principal(
            session["person"],
            session["role"],
            frozenset(),
            session["assurance"],
            digest,
            _tenants(session),
            now.covers,
            now.emergency,
            acting,
        )
        return who, until, again

    async def _ask(self, digest: str) -> Principal:
        who, until, again, drops = NOBODY, None, None, self._known.drops
        if session := cast("Session | None", await self._store.get(TENANT, "session", digest)):
            who, until, again = await self._signed_in(self._store, digest, session)
        elif token := cast("Token | None", await self._store.get(TENANT, "token", digest)):
            who, again = await self._token(self._store, token)
            until = clock.micros(token["expiresAt"]) if token["expiresAt"] else None
        self._known.keep(digest, who, until, again, drops)
        return NOBODY if until is not None and until <= self._now() else who

    async def _token(self, store: Reader, token: Token) -> tuple[Principal, int | None]:
        """Who that is, and when it must be asked anew: a provider's key does what its contract allows that day."""
        ref, scopes, tenants = "token-" + token["number"], frozenset(token["scopes"]), _tenants(token)
        if "contract" not in token:
            return Principal(ref, token["role"], scopes, 1, tenants=tenants), None
        program = self._program()
        if program is None:
            return NOBODY, None
        now = await program(store, token, self._now())
        if now.scopes is None:
            return NOBODY, now.again
        return Principal(ref, token["role"], now.scopes, 1, tenants=tenants, metered=now.metered), now.again

    async def _standing(self, store: Reader, ref: str, role: str) -> Standing:
        """Of staff; nobody else has duties."""
        return await standing(store, self._plan, ref, self._now()) if role == "staff" else Standing()

    async def left(self, store: Reader, ref: str) -> bool:
        """Whether this member of staff is none any more, as the store or a transaction of it sees it."""
        return (await self._standing(store, ref, "staff")).left


def _tenants(kept: Session | Token) -> frozenset[str]:
    return frozenset(kept.get("tenants", [HOME]))
