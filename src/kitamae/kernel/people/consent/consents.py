"""The door: agree and withdraw, and what the policy and the vault ask.

What the policy is told comes from memory (`agreed`): all consents that stand, put right by every change of this worker
and, through the store, of others. It may be a moment behind another worker, so the vault asks the document itself in the
transaction that reads or writes (`stands`): whatever was withdrawn before that is not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeAlias, cast

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import notices
from kitamae.kernel.people.consent import agreement
from kitamae.kernel.people.consent.agreement import KIND, Agreement, State
from kitamae.kernel.people.consent.notice import LANGUAGES, Notice
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.policy import Question
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.vault import CONSENTS, OWN
from kitamae.kernel.people.vault.classes import CONSENT_DAYS, DAY
from kitamae.kernel.people.vault.problems import VaultClosed
from kitamae.kernel.problems import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kitamae.kernel.context.store import Kept, Store, Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.policy import Policy
    from kitamae.kernel.people.vault import Purpose, Purposes, Vault

RECORD: Final = "consent"
"""The kind of the vault's record of one event."""
COUNTER: Final = "desk:people"
_SYSTEM: Final = "system"


class Changed(Conflict):
    """What was agreed to is not what is written there now."""

    type = "https://kitamae.example/problems/notice-changed"
    title = "The words changed meanwhile: read them again"


class _Stands(NamedTuple):
    version: str
    language: str
    until: int  # microseconds UTC


_Become: TypeAlias = "Callable[[Agreement | None], tuple[str, Agreement]]"
"""What there was -> the event, and what there is then. Raises _AsItWas."""


class _AsItWas(Exception):
    """Inside the transaction: there is nothing to change."""


class Consents:
    """See `open`. `vault()` raises VaultClosed where there is none; `policy` is there once the city has one."""

    def __init__(self, store: Store, purposes: Purposes, now: Callable[[], int]) -> None:
        self._store = store
        self._now = now
        self.declared = purposes
        self._purposes = {one.name: one for one in purposes if one.basis == "consent"}
        notices = [Notice.of(one, language) for one in self._purposes.values() for language in LANGUAGES]
        self._notices = {(one.purpose, one.language): one for one in notices if one}
        self._versions = {key: one.version for key, one in self._notices.items()}
        self._standing: dict[str, dict[str, _Stands]] = {}
        self.vault: Callable[[], Vault]
        self.policy: Policy
        store.on_documents(self._others)

    @classmethod
    async def open(cls, store: Store, purposes: Purposes, now: Callable[[], int] = clock.now) -> Self:
        """With all consents that stand."""
        consents = cls(store, purposes, now)
        for _, person, doc in await store.documents(TENANT, KIND):
            consents._remember(person, agreement.read(doc))
        return consents

    async def _others(self, kept: Sequence[Kept]) -> None:
        for one in kept:
            if one.kind == KIND and one.tenant == TENANT:
                self._remember(one.id, agreement.read(one.doc))

    def _remember(self, person: str, all: Mapping[str, Agreement]) -> None:
        standing = {
            purpose: _Stands(one["version"], one["language"], clock.micros(one["until"]))
            for purpose, one in all.items()
            if one["state"] == "given"
        }
        if standing:
            self._standing[person] = standing
        else:
            self._standing.pop(person, None)

    # --- what the policy and the vault ask
    def agreed(self, person: str, purpose: str) -> bool:
        """For `Facts.consented`: has this person agreed to the words as they are now, and has it not ended?"""
        own = self._standing.get(person)
        one = own.get(purpose) if own else None
        return one is not None and self._counts(purpose, one)

    def _counts(self, purpose: str, one: _Stands) -> bool:
        return one.until > self._now() and self._versions.get((purpose, one.language)) == one.version

    async def stands(self, tx: Transaction, person: str, purpose: str) -> bool:
        """The same as the transaction sees it, however old what this worker remembers is."""
        one = agreement.read(await tx.get(TENANT, KIND, person)).get(purpose)
        return one is not None and self.standing(purpose, one)

    def standing(self, purpose: str, one: Agreement) -> bool:
        """Whether an agreement counts now."""
        stands = _Stands(one["version"], one["language"], clock.micros(one["until"]))
        return one["state"] == "given" and self._counts(purpose, stands)

    async def forget(self, tx: Transaction, person: str) -> None:
        """The person's record is erased."""
        self._standing.pop(person, None)
        await tx.drop(TENANT, KIND, person)

    # --- what a person does
    @property
    def purposes(self) -> Mapping[str, Purpose]:
        """Those that rest on consent, by name."""
        return self._purposes

    def notice(self, purpose: str, language: str) -> Notice | None:
        """What a person is told, in that language, else in Japanese; None: nobody is asked."""
        return self._notices.get((purpose, language)) or self._notices.get((purpose, "ja"))

    async def of(self, person: str) -> dict[str, Agreement]:
        """What a person has agreed to, or had, by purpose: as it is stored."""
        return agreement.read(await self._store.get(TENANT, KIND, person))

    async def agree(self, who: Principal, purpose: str, language: str, version: str) -> bool:
        """Whoever is signed in agrees to the notice that he read; False: he had already.

        Raises NotFound for a purpose that nobody is asked for, Changed when the notice is another one now, Forbidden, NotSignedIn,
        VaultClosed.
        """
        notice = self._notices.get((purpose, language))
        if notice is None:
            raise NotFound(f"nobody is asked to agree to {purpose!r:.60} in this language")
        if notice.version != version:
            raise Changed(f"what is said about {purpose} is not what you have read")
        at = self._now()
        until = at + notice.agreed_days * DAY

        def become(before: Agreement | None) -> tuple[str, Agreement]:
            if before is not None and before["version"] == version and self.standing(purpose, before):
                raise _AsItWas
            made: Agreement = {
                "state": "given", "version": version, "language": language,
                "at": clock.text(at), "until": clock.text(until), "by": who.ref,
                "events": (before["events"] if before else 0) + 1,
            }  # fmt: skip
            anew = before is not None and before["state"] != "withdrawn"
            return "renewed" if anew else "given", made

        return await self._change(who, purpose, notice.told(), at, become)

    async def withdraw(self, who: Principal, purpose: str) -> bool:
        """Whoever is signed in agrees no more, from the next request on; False: he did not agree. Raises as `agree`."""
        at = self._now()

        def become(before: Agreement | None) -> tuple[str, Agreement]:
            if before is None or before["state"] == "withdrawn":
                raise _AsItWas
            return "withdrawn", _ended(before, "withdrawn", at, who.ref)

        await self._note(who.ref, purpose, at)
        return await self._change(who, purpose, None, at, become)

    async def withdraw_at_counter(self, who: Principal, person: str, purpose: str) -> bool:
        """The same for somebody who stands at the counter, by whoever's desk that is; False: that person did not agree.

        Raises NotFound for a purpose that does not rest on consent, Forbidden, NotSignedIn, VaultClosed.
        """
        self.policy.demand(Question(who, "write", COUNTER))
        if purpose not in self._purposes:
            raise NotFound(f"{purpose!r:.60} does not rest on consent")
        if purpose not in await self.of(person):
            return False  # somebody who was never here is not made by asking
        at = self._now()

        def become(before: Agreement | None) -> tuple[str, Agreement]:
            if before is None or before["state"] == "withdrawn":
                raise _AsItWas
            return "withdrawn", _ended(before, "withdrawn", at, who.ref)

        await self._note(person, purpose, at)
        return await self._kept(person, purpose, None, at, become)

    async def _note(self, person: str, purpose: str, at: int) -> None:
        """With the keys first: a crash after this is finished at the next start, and a restored state does not bring it back."""
        one = (await self.of(person)).get(purpose)
        if one is not None and one["state"] != "withdrawn":
            await self.vault().withdraws(person, purpose, at)

    async def expire(self) -> int:
        """What ended by itself gets its entry too; how many. What ended so long ago that its record is gone is forgotten.

        One worker at a time.
        """
        ended, now = 0, self._now()
        for _, person, doc in await self._store.documents(TENANT, KIND):
            all = agreement.read(doc)
            for purpose, one in all.items():
                if one["state"] == "given" and clock.micros(one["until"]) <= now:
                    ended += await self._end(person, purpose)
            if any(self._old(one, now) for one in all.values()):
                await self._forget_old(person, now)
        return ended

    def _old(self, one: Agreement, now: int) -> bool:
        return one["state"] != "given" and clock.micros(one["at"]) + CONSENT_DAYS * DAY <= now

    async def _forget_old(self, person: str, now: int) -> None:
        async def work(tx: Transaction) -> None:
            all = agreement.read(await tx.get(TENANT, KIND, person))
            kept = {purpose: one for purpose, one in all.items() if not self._old(one, now)}
            if kept:
                await tx.put(TENANT, KIND, person, cast("dict[str, Any]", kept))
            else:
                await tx.drop(TENANT, KIND, person)

        await self._store.transact(work)

    async def _end(self, person: str, purpose: str) -> bool:
        at = self._now()

        def become(before: Agreement | None) -> tuple[str, Agreement]:
            if before is None or before["state"] != "given" or clock.micros(before["until"]) > at:
                raise _AsItWas
            return "expired", _ended(before, "expired", at, _SYSTEM)

        return await self._kept(person, purpose, None, at, become)

    async def _change(
        self, who: Principal, purpose: str, notice: dict[str, Any] | None, at: int, become: _Become
    ) -> bool:
        self.policy.demand(Question(who, "write", f"person:{who.ref}", "", OWN))
        return await self._kept(who.ref, purpose, notice, at, become)

    async def _kept(
        self, person: str, purpose: str, notice: dict[str, Any] | None, at: int, become: _Become
    ) -> bool:
        """The document, the entry of the ledger and the vault's record of the event, in one transaction."""
        after: dict[str, Agreement] = {}

        async def along(tx: Transaction) -> Mapping[str, object]:
            all = agreement.read(await tx.get(TENANT, KIND, person))
            event, made = become(all.get(purpose))
            told = told_of(person, purpose, event, made)
            number, salt = await commitment.log(tx, told)
            after.clear()
            after.update(all | {purpose: made})
            await tx.put(TENANT, KIND, person, cast("dict[str, Any]", dict(after)))
            by_others = made["by"] not in (person, _SYSTEM)  # what is ended again after a restore is no news
            if event == "expired" or (event == "withdrawn" and by_others):
                await notices.owe(tx, person, notices.What("consent", purpose), at)
            return {"event": told, "number": number, "until": made["until"], "salt": salt}

        fields: dict[str, object] = {
            "at": clock.text(at),
            "purpose": purpose,
        }
        if notice is not None:
            fields["notice"] = notice
        try:
            await self.vault().keep(SYSTEM, person, CONSENTS, RECORD, fields, along=along)
        except _AsItWas:
            return False
        self._remember(person, after)
        return True

    # --- after a restore
    async def withdrawn(self) -> dict[str, dict[str, str]]:
        """Person -> purpose -> when: of all that do not stand any more. What `restored` needs."""
        return {
            person: {
                purpose: one["at"] for purpose, one in agreement.read(doc).items() if one["state"] != "given"
            }
            for _, person, doc in await self._store.documents(TENANT, KIND)
        }

    async def restored(self, ended: Mapping[str, Mapping[str, str]]) -> int:
        """What was withdrawn since the backup stays withdrawn; how many."""
        count = 0
        for person, purposes in ended.items():
            for purpose, when in purposes.items():
                one = (await self.of(person)).get(purpose)
                if one is None or one["state"] != "given" or clock.micros(one["at"]) >= clock.micros(when):
                    continue
                try:
                    count += await self._again(person, purpose)
                except VaultClosed:  # the record must wait, the person's word must not
                    count += await self._silently(person, purpose)
        return count

    async def _again(self, person: str, purpose: str) -> bool:
        at = self._now()

        def become(before: Agreement | None) -> tuple[str, Agreement]:
            if before is None or before["state"] != "given":
                raise _AsItWas
            return "withdrawn", _ended(before, "withdrawn", at, _SYSTEM)

        return await self._kept(person, purpose, None, at, become)

    async def _silently(self, person: str, purpose: str) -> bool:
        at = self._now()

        async def work(tx: Transaction) -> dict[str, Agreement]:
            all = agreement.read(await tx.get(TENANT, KIND, person))
            if purpose in all:
                all[purpose] = _ended(all[purpose], "withdrawn", at, _SYSTEM)
                await tx.put(TENANT, KIND, person, cast("dict[str, Any]", dict(all)))
            return all

        self._remember(person, await self._store.transact(work))
        return True


def _ended(before: Agreement, state: State, at: int, by: str) -> Agreement:
    return {**before, "state": state, "at": clock.text(at), "by": by, "events": before["events"] + 1}


def told_of(person: str, purpose: str, event: str, made: Agreement) -> dict[str, Any]:
    """What the entry of the ledger commits to."""
    return {
        "at": made["at"],
        "by": made["by"],
        "event": event,
        "language": made["language"],
        "person": person,
        "purpose": purpose,
        "version": made["version"],
    }
