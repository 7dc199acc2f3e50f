"""Who can come in: by sign-in links, sessions and tokens. Secrets are handed out once and kept only as digests.

Every change of these documents goes through this class, so what it remembers of them is never stale in this process;
another worker on the same store hears of it, and forgets after `remembered.SECONDS` at the latest.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people import secret as secrecy
from kitamae.kernel.people.access_log import noted
from kitamae.kernel.people.approval import APART
from kitamae.kernel.people.colleagues import Called, Colleagues
from kitamae.kernel.people.delegates import standing as delegation
from kitamae.kernel.people.delegates.records import KIND as MANDATE
from kitamae.kernel.people.delegates.records import OFFER
from kitamae.kernel.people.duties.plan import Plan
from kitamae.kernel.people.duties.records import EMERGENCY, FOUNDED, log
from kitamae.kernel.people.duties.standing import Standing, standing
from kitamae.kernel.people.duties.steps import KIND as DUTIES
from kitamae.kernel.people.ended import WAYS, Ended, carry, ended, finish
from kitamae.kernel.people.person import HOME, NOBODY, Principal
from kitamae.kernel.people.provider import grants, owing
from kitamae.kernel.people.provider.grants import KINDS as GRANTED
from kitamae.kernel.people.providers.records import CONTRACT, INVITATION, KEY, PROVIDER, Key
from kitamae.kernel.people.records import (
    RESIDENT,
    TENANT,
    LetIn,
    Link,
    Person,
    Recovery,
    Session,
    SignedIn,
    Token,
)
from kitamae.kernel.people.remembered import Remembered
from kitamae.kernel.people.scopes import tenants
from kitamae.kernel.people.tokens import Tokens
from kitamae.kernel.problems import BadRequest, Forbidden, NotFound, Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from kitamae.kernel.context.store import Kept, Reader, Store, Transaction
    from kitamae.kernel.people.providers.force import Program

_SECOND: Final = 1_000_000
_SPENT: Final = "it was used, or it has expired: ask for a new one with `kitamae sign-in`"


class LinkSpent(Problem):
    """A sign-in link that was used, has expired or never was."""

    type = "https://kitamae.example/problems/link-spent"
    status = 410
    title = "This sign-in link does not work any more"


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
        self._session = session_hours * 3600 * _SECOND
        self._link = link_minutes * 60 * _SECOND
        self._now = now
        self.plan = plan or Plan.usual()
        self.program: Callable[[Reader, Token, int], Awaitable[Program]] | None = (
            None  # of a token with a contract
        )
        self.endings: list[
            Callable[[Mapping[str, int]], Awaitable[Callable[[Transaction], Awaitable[int]]]]
        ] = []
        """What else ends with an account: for persons -> before when, what is done in that transaction; how many memberships ended."""
        self.owes: Callable[[], None] = lambda: None
        """Called after a commit from which on partners may have to be told that somebody signed out."""
        self._known = Remembered()
        self._out = False
        self.colleagues = Colleagues(store, now)
        self.tokens = Tokens(store, expand, now, self._known.drop)
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

    # --- who is it
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
            for token in await self.tokens.all():
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

    async def session(self, digest: str) -> Session:
        """Raises NotFound."""
        session = cast("Session | None", await self._store.get(TENANT, "session", digest))
        if session is None:
            raise NotFound("there is no such session")
        return session

    async def until(self, digest: str) -> str:
        """When a session ends, RFC 3339 UTC. Raises NotFound."""
        return (await self.session(digest))["expiresAt"]

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
        if self.program is None:
            return NOBODY, None
        now = await self.program(store, token, self._now())
        if now.scopes is None:
            return NOBODY, now.again
        return Principal(ref, token["role"], now.scopes, 1, tenants=tenants, metered=now.metered), now.again

    async def _standing(self, store: Reader, ref: str, role: str) -> Standing:
        """Of staff; nobody else has duties."""
        return await standing(store, self.plan, ref, self._now()) if role == "staff" else Standing()

    async def left(self, store: Reader, ref: str) -> bool:
        """Whether this member of staff is none any more, as the store or a transaction of it sees it."""
        return (await self._standing(store, ref, "staff")).left

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

    async def sign_in(self, link: str, instead: str = "") -> tuple[str, int]:
        """Spend a link: the new session's secret and how many seconds it lasts. `instead` as `admit` has it. Raises LinkSpent."""
        session = secrecy.fresh("session")
        now, key = self._now(), secrecy.digest(link)
        if await self._store.get(TENANT, "link", key) is None:
            raise LinkSpent(_SPENT)  # whoever thinks codes up costs the city no transaction

        who: list[tuple[str, str]] = []

        async def spend(transaction: Transaction) -> bool:
            kept = cast("Link | None", await transaction.get(TENANT, "link", key))
            if kept is None:
                return False
            await transaction.drop(TENANT, "link", key)
            person = cast("Person | None", await transaction.get(TENANT, "person", kept["person"]))
            if person is None or clock.micros(kept["expiresAt"]) <= now:
                return False
            if person.pop("unopened", False):
                await transaction.put(TENANT, "person", kept["person"], person)
            opened = self._opened(kept["person"], person["role"], 1, person.get("tenants", [HOME]))
            await self._begin(transaction, session, opened, instead)
            who.append((kept["person"], person["role"]))
            return True

        if not await self._store.transact(spend):
            raise LinkSpent(_SPENT)
        self._over(instead)
        noted.signed_in(*who[-1])
        return session, self._session // _SECOND

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

    async def admit(
        self, ref: str, role: SignedIn, assurance: int, of: Sequence[str] = (HOME,), instead: str = ""
    ) -> tuple[str, int]:
        """Sign somebody in who proved otherwise who he is: the session's secret and how many seconds it lasts.

        `of`: the tenants whose staff a member of staff is. `instead`: of that browser's session until now, which ends.
        """
        session = secrecy.fresh("session")
        opened = self._opened(ref, role, assurance, of)

        await self._store.transact(lambda tx: self._begin(tx, session, opened, instead))
        self._over(instead)
        noted.signed_in(ref, role)
        return session, self._session // _SECOND

    def _opened(self, ref: str, role: SignedIn, assurance: int, of: Sequence[str]) -> Session:
        now = self._now()
        return {
            "person": ref,
            "role": role,
            "tenants": list(of),
            "assurance": assurance,
            "createdAt": clock.text(now),
            "expiresAt": clock.text(now + self._session),
        }

    async def _begin(self, tx: Transaction, secret: str, opened: Session, instead: str) -> None:
        """The same person again goes on with what he is signed in to; somebody else does not."""
        before = cast("Session | None", await tx.get(TENANT, "session", instead)) if instead else None
        if before and before["person"] == opened["person"] and "partners" in before:
            opened = {**opened, "partners": before["partners"]}
            await tx.drop(TENANT, "session", instead)
        elif before:
            await self._end(tx, instead)
        await tx.put(TENANT, "session", secrecy.digest(secret), opened)

    async def _end(self, tx: Transaction, digest: str) -> None:
        session = cast("Session | None", await tx.get(TENANT, "session", digest))
        if session is not None:
            await tx.drop(TENANT, "session", digest)
            await owing.of_session(tx, session, self._now())

    def _over(self, digest: str) -> None:
        """After the commit."""
        self._known.drop(digest)
        self.owes()

    async def end_sessions(self, prefix: str) -> int:
        """End those of everybody whose reference begins so; how many."""
        kept = await self._store.documents(TENANT, "session")
        gone = [digest for _, digest, doc in kept if doc["person"].startswith(prefix)]
        for digest in gone:
            await self.sign_out(digest)
        return len(gone)

    async def act(self, digest: str, mandate: str) -> None:
        """That session acts for somebody else from now on; "": for nobody but its person. Raises NotFound."""

        async def work(transaction: Transaction) -> None:
            session = cast("Session | None", await transaction.get(TENANT, "session", digest))
            if session is None:
                raise NotFound("there is no such session")
            changed: Session = {**session, "acting": mandate}
            await transaction.put(TENANT, "session", digest, changed)

        await self._store.transact(work)
        self._known.drop(digest)

    async def sign_out(self, digest: str) -> None:
        """End a session (`Principal.session`), here and where it was taken to."""
        await self._store.transact(lambda tx: self._end(tx, digest))
        self._over(digest)

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
        self._known.forget(None)

    async def _drop(self, kind: str, digest: str) -> None:
        async def drop(transaction: Transaction) -> None:
            await transaction.drop(TENANT, kind, digest)

        await self._store.transact(drop)
        self._known.drop(digest)


def _tenants(kept: Session | Token) -> frozenset[str]:
    return frozenset(kept.get("tenants", [HOME]))
