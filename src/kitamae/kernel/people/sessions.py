"""Sessions: begun with a sign-in link or another proof, ended here and where they were taken to. Secrets are kept only as digests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people import secret as secrecy
from kitamae.kernel.people.access_log import noted
from kitamae.kernel.people.person import HOME
from kitamae.kernel.people.provider import owing
from kitamae.kernel.people.records import TENANT, Link, Person, Session, SignedIn
from kitamae.kernel.problems import NotFound, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.store import Store, Transaction

_SECOND: Final = 1_000_000
_SPENT: Final = "it was used, or it has expired: ask for a new one with `kitamae sign-in`"


class LinkSpent(Problem):
    """A sign-in link that was used, has expired or never was."""

    type = "https://kitamae.example/problems/link-spent"
    status = 410
    title = "This sign-in link does not work any more"


class Sessions:
    """On one store. `lasts` in microseconds. After the commit `changed` hears the digest of a session that is not what it was, and `over`
    that of one that ended.
    """

    def __init__(
        self,
        store: Store,
        lasts: int,
        changed: Callable[[str], object],
        over: Callable[[str], None],
        now: Callable[[], int],
    ) -> None:
        self._store, self._session, self._now = store, lasts, now
        self._changed, self._over = changed, over

    async def session(self, digest: str) -> Session:
        """Raises NotFound."""
        session = cast("Session | None", await self._store.get(TENANT, "session", digest))
        if session is None:
            raise NotFound("there is no such session")
        return session

    async def until(self, digest: str) -> str:
        """When a session ends, RFC 3339 UTC. Raises NotFound."""
        return (await self.session(digest))["expiresAt"]

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
        self._changed(digest)

    async def sign_out(self, digest: str) -> None:
        """End a session (`Principal.session`), here and where it was taken to."""
        await self._store.transact(lambda tx: self._end(tx, digest))
        self._over(digest)
