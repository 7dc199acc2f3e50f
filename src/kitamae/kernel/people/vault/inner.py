"""What the parts of the vault share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from kitamae.kernel.context import clock
from kitamae.kernel.people.policy import Question
from kitamae.kernel.people.vault.classes import OWN
from kitamae.kernel.people.vault.problems import ClockSetBack
from kitamae.kernel.problems import Forbidden

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.policy import Action, Policy
    from kitamae.kernel.people.vault.classes import Purposes
    from kitamae.kernel.people.vault.keyring import Keyring

STEP_BACK: Final = 60_000_000  # microseconds: as the state's writer, a small step is waited for
HOUR: Final = 3_600_000_000
AHEAD: Final = 2 * 24 * HOUR
"""So far behind the last time nothing was ever used here for a good reason that the clock may as well be wrong."""


class Agreed(Protocol):
    """Who agreed to what, as a transaction sees it. `kernel.people.consent` implements it."""

    async def stands(self, tx: Transaction, person: str, purpose: str) -> bool:
        """Has this person agreed to this purpose, at this moment?"""
        ...

    async def forget(self, tx: Transaction, person: str) -> None:
        """The record of it is erased: from here on the person has agreed to nothing."""
        ...


class Ways(Protocol):
    """What lets a person in. `kernel.people.accounts` implements it."""

    async def of(self, person: str) -> object | None:
        """None: there is nothing to end."""
        ...

    async def ending(
        self, ended: Mapping[str, int], at: int
    ) -> Callable[[Transaction], Awaitable[dict[str, int]]]:
        """Person -> before when (microseconds UTC): what there was by then goes, in a transaction; how many of what. `at`: now."""
        ...

    async def unbind(self, tx: Transaction, person: str) -> bool:
        """Records went: where nothing is held any more of who that is, nothing says where it was."""
        ...

    def ended(self) -> None:
        """After the commit."""
        ...


@dataclass(slots=True)
class Inner:
    """`consents` None: none are kept, and the policy's word alone counts. `accounts` None: nobody comes in here. `latest`: the latest time, microseconds UTC, that
    the vault has used.
    """

    store: Store
    keys: Keyring
    purposes: Purposes
    policy: Policy
    now: Callable[[], int]
    consents: Agreed | None = None
    latest: int = 0
    doubtful: bool = False  # the clock is that far ahead, and nobody has said that it is right
    accounts: Ways | None = None
    seen: set[tuple[str, str]] = field(default_factory=set)  # (session, person) that have their receipt

    async def demand_consent(self, tx: Transaction, person: str, purpose: str) -> None:
        """Inside the transaction that reads or writes: the policy was asked before, and a consent may have ended since.

        For a purpose that does not rest on consent nothing is asked. Raises Forbidden.
        """
        found = self.purposes.get(purpose)
        if found is None or found.basis != "consent" or self.consents is None:
            return
        if not await self.consents.stands(tx, person, purpose):
            raise Forbidden(f"the person does not agree to the purpose {purpose}")

    async def demand_again(
        self, tx: Transaction, who: Principal, action: Action, asked: tuple[str, str, str]
    ) -> None:
        """Inside the transaction too: the duty that names the purpose, or the session, may have ended since the policy was asked. About
        oneself nothing is asked again (a delegate's mandate is, by `delegates.standing`). `asked`: tenant, person, purpose. Raises
        NotSignedIn, Forbidden.
        """
        tenant, person, purpose = asked
        if purpose != OWN:
            await self.policy.demand_again(tx, Question(who, action, f"person:{person}", tenant, purpose))

    def at(self) -> int:
        """Now, microseconds UTC, never before the last time; far ahead of it, it is not believed to be the latest. Raises ClockSetBack."""
        now = self.now()
        if now < self.latest - STEP_BACK:
            raise ClockSetBack(
                f"the clock says {clock.text(now)}, and personal data was used at {clock.text(self.latest)} already: set"
                " the clock right, or where it is right say so (kitamae keys clock). Receipts and retention must not go by a wrong time"
            )
        self.doubtful = bool(self.latest) and now > self.latest + AHEAD
        if self.doubtful:
            return now
        self.latest = max(self.latest, now)
        return self.latest

    def ahead(self) -> str:
        """What to say where the clock is not believed; "": it is. Raises ClockSetBack."""
        at = self.at()
        if not self.doubtful:
            return ""
        return (
            f"the clock says {clock.text(at)}, and what is about persons was used at {clock.text(self.latest)} last: nothing goes by"
            " retention until somebody says that the clock is right (kitamae keys clock)"
        )
