"""Who can come in: by sign-in links, sessions and tokens. Secrets are handed out once and kept only as digests.

Here are the persons, and what is forgotten and restored. `recognising.py` says who comes, and who must tell it that something changed;
`sessions.py` and `tokens.py` begin and end the ways in. What else writes these documents (an account that ends, retention, a restore) says so to `forget`.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people import secret as secrecy
from kitamae.kernel.people.approval import APART
from kitamae.kernel.people.colleagues import Called, Colleagues
from kitamae.kernel.people.delegates.records import OFFER
from kitamae.kernel.people.duties.plan import Plan
from kitamae.kernel.people.duties.records import log
from kitamae.kernel.people.ended import WAYS, Ended, carry, ended, finish
from kitamae.kernel.people.provider import grants
from kitamae.kernel.people.provider.grants import KINDS as GRANTED
from kitamae.kernel.people.providers.records import INVITATION
from kitamae.kernel.people.recognising import Recognising
from kitamae.kernel.people.records import (
    TENANT,
    LetIn,
    Link,
    Person,
    Recovery,
    Token,
)
from kitamae.kernel.people.remembered import Remembered
from kitamae.kernel.people.scopes import tenants
from kitamae.kernel.people.sessions import Sessions
from kitamae.kernel.people.tokens import Tokens
from kitamae.kernel.problems import BadRequest, Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from kitamae.kernel.context.store import Reader, Store, Transaction
    from kitamae.kernel.people.providers.force import Program

_SECOND: Final = 1_000_000
_SPENT: Final = "it was used, or it has expired: ask for a new one with `kitamae sign-in`"


class People:
    """The ways in, on one store."""

    def __init__(
        self,
        store: Store,
        expand: Callable[[str], str],
        *,
        session_hours: int = 10,
        link_minutes: int = 10,
        plan: Plan | None = None,
        now: Callable[[], int] = clock.now,
    ) -> None:
        """`expand` makes an entity type's name an IRI, as the city's default @context does; `plan`: its duties."""
        self._store = store
        self._link = link_minutes * 60 * _SECOND
        self._now = now
        self.plan = plan or Plan.usual()
        self.program: Callable[[Reader, Token, int], Awaitable[Program]] | None = (
            None  # of a token with a contract
        )
        self.endings: list[
            Callable[[Mapping[str, int]], Awaitable[Callable[[Transaction], Awaitable[Mapping[str, int]]]]]
        ] = []
        """What else ends with an account: for persons -> before when, what is done in that transaction; how much went, by what it is called."""
        self.owes: Callable[[], None] = lambda: None
        """Called after a commit from which on partners may have to be told that somebody signed out."""
        self._known = Remembered()
        self._out = False
        self.colleagues = Colleagues(store, now)
        self.tokens = Tokens(store, expand, now, self._known.drop)
        self.recognising = known = Recognising(
            *(store, self.plan, self._known, self.tokens.all), lambda: self.program, now
        )
        self.remembered, self.forget, self.who = known.remembered, known.forget, known.who
        self.named, self.anew, self.left = known.named, known.anew, known.left
        lasts = session_hours * 3600 * _SECOND
        sessions = Sessions(store, lasts, self._known.drop, self._over, now)
        self.session, self.until, self.act = sessions.session, sessions.until, sessions.act
        self.sign_in, self.admit = sessions.sign_in, sessions.admit
        self.sign_out, self.end_sessions = sessions.sign_out, sessions.end_sessions

    def _over(self, digest: str) -> None:
        """A session has ended; after the commit."""
        self._known.drop(digest)
        self.owes()

    # --- persons and their sign-in
    async def staff(
        self, *, another: bool = False, of: Sequence[str] = (), called: Called | None = None
    ) -> str:
        """The reference of a member of staff: the first one, made where there is none; or of a new one.

        `of`: the tenants whose staff a new one is; the default one unless told. `called`: what a new one is called. Raises BadRequest.
        """
        if of and not another:
            raise BadRequest("a tenant is chosen for a new person: add --another")
        where = tenants(of)
        known = [
            ref for _, ref, doc in await self._store.documents(TENANT, "person") if doc["role"] == "staff"
        ]
        if known and not another:
            return known[0]
        ref = "staff-" + secrets.token_hex(6)
        person: Person = {"role": "staff", "tenants": where, "createdAt": clock.text(self._now())}
        if not known:
            person["first"] = True  # gives the first duties (`kernel/people/duties/standing.py`)
        if called:
            person["name"], person["section"] = called

        async def add(transaction: Transaction) -> None:
            await transaction.put(TENANT, "person", ref, person)

        await self._store.transact(add)
        self.colleagues.heard(ref, person)
        return ref

    async def welcome(self, ref: str, *, unopened: bool = False) -> None:
        """A visitor, who may have been here before. `unopened`: until the link in the letter is opened; whose never is, is forgotten soon."""
        visitor: Person = {"role": "visitor", "createdAt": clock.text(self._now())}
        if unopened:
            visitor["unopened"] = True

        async def add(transaction: Transaction) -> None:
            there = cast("Person | None", await transaction.get(TENANT, "person", ref))
            if there is None or there.get("unopened"):
                await transaction.put(TENANT, "person", ref, visitor)

        await self._store.transact(add)

    async def invite(self, ref: str) -> str:
        """A secret for a sign-in link that works once, for a while. Raises NotFound."""
        if await self._store.get(TENANT, "person", ref) is None:
            raise NotFound(f"there is no person {ref!r:.80}")
        link = secrecy.fresh("link")
        kept: Link = {"person": ref, "expiresAt": clock.text(self._now() + self._link)}

        async def add(transaction: Transaction) -> None:
            await transaction.put(TENANT, "link", secrecy.digest(link), kept)

        await self._store.transact(add)
        return link

    async def person(self, ref: str) -> Person:
        """Raises NotFound."""
        person = cast("Person | None", await self._store.get(TENANT, "person", ref))
        if person is None:
            raise NotFound(f"there is no person {ref!r:.80}")
        return person

    @property
    def link_minutes(self) -> int:
        """How long a sign-in link works."""
        return self._link // (60 * _SECOND)

    async def let_in_again(self, by: str, ref: str, *, new: bool = False) -> str:
        """A member of staff vouches for a colleague who lost every passkey, or is `new`: a one-time link, and a record of it that
        the colleague sees. Whoever is signed in as the colleague, here or at a partner, is signed out. Raises Forbidden, NotFound.
        """
        if by == ref:
            raise Forbidden("nobody lets himself in again: ask a colleague")
        if (await self.person(ref))["role"] != "staff":
            raise NotFound(f"there is no member of staff {ref!r:.80}")
        at = clock.text(self._now())

        async def note(transaction: Transaction) -> None:
            word = "let in" if new else "let in again"
            leaf = await log(transaction, {"word": word, "person": ref, "by": by, "at": at})
            last = cast("Recovery | None", await transaction.get(TENANT, "recovery", ref))
            before: list[LetIn] = (
                [*last.get("before", ()), {"by": last["by"], "at": last["at"]}] if last else []
            )
            recent = [one for one in before if clock.micros(one["at"]) + APART > self._now()]
            recovery: Recovery = {"by": by, "at": at, "new": new, "before": recent, "ledger": dict(leaf)}
            await transaction.put(TENANT, "recovery", ref, recovery)

        await self._store.transact(note)
        await self.end_sessions(ref)
        await grants.end(self._store, ref, now=self._now())
        self.owes()
        return await self.invite(ref)

    async def recovery(self, ref: str) -> Recovery | None:
        """Who let somebody in as this person, the last time."""
        return cast("Recovery | None", await self._store.get(TENANT, "recovery", ref))

    # --- keeping
    async def tidy(self) -> int:
        """Forget what has expired; how many."""
        now = self._now()
        await self._tidy_left()
        gone: list[tuple[str, str]] = []
        for kind in ("link", "session", "token", "spent", OFFER, INVITATION, *GRANTED):
            docs: list[tuple[str, str, Any]] = await self._store.documents(TENANT, kind)
            gone += [
                (kind, d) for _, d, doc in docs if doc["expiresAt"] and clock.micros(doc["expiresAt"]) <= now
            ]
        for kind, digest in gone:
            await self._drop(kind, digest)
        return len(gone)

    async def _tidy_left(self) -> None:
        """Nobody asks any more for whoever has left (退職); partners are told that he is signed out."""
        kept = [one for kind in ("session", "grant") for one in await self._store.documents(TENANT, kind)]
        for ref in {doc["person"] for _, _, doc in kept if doc["role"] == "staff"}:
            if await self.left(self._store, ref):
                await self.end_sessions(ref)
                await grants.end(self._store, ref, now=self._now())
        self.owes()

    async def ended(self) -> Ended:
        """What was taken back, until now: what `restored` needs."""
        return await ended(self._store)

    async def restored(self, known: Ended) -> None:
        """After a restore: what was ended since the backup stays so (`ended.py`), and everybody signs in again, to partners too: a
        refresh token that was used since would work once more.
        """
        await carry(self._store, known, owed=not self._out)
        await self.everybody_out()

    async def everybody_out(self) -> None:
        """The state is a restored one, and the list was carried into it: whoever is signed in signs in again."""
        self._out = True  # what is owed from here on partners were not told
        await self.end_sessions("")
        for kind in WAYS:
            for _, digest, _ in await self._store.documents(TENANT, kind):
                await self._drop(kind, digest)
        await finish(self._store)
        self.owes()
        self.forget(None)

    async def _drop(self, kind: str, digest: str) -> None:
        async def drop(transaction: Transaction) -> None:
            await transaction.drop(TENANT, kind, digest)

        await self._store.transact(drop)
        self._known.drop(digest)
