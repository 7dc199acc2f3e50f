"""What the parts of the vault share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kitamae.kernel.context import clock
from kitamae.kernel.people.vault.problems import ClockSetBack

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.store import Store
    from kitamae.kernel.people.policy import Policy
    from kitamae.kernel.people.vault.classes import Purposes
    from kitamae.kernel.people.vault.keyring import Keyring

STEP_BACK: Final = 60_000_000  # microseconds: as the state's writer, a small step is waited for
HOUR: Final = 3_600_000_000


@dataclass(slots=True)
class Inner:
    """`latest`: the latest time, microseconds UTC, that the vault has used."""

    store: Store
    keys: Keyring
    purposes: Purposes
    policy: Policy
    now: Callable[[], int]
    latest: int = 0
    seen: set[tuple[str, str]] = field(default_factory=set)  # (session, person) that have their receipt

    def at(self) -> int:
        """Now, microseconds UTC, never before the last time. Raises ClockSetBack."""
        now = self.now()
        if now < self.latest - STEP_BACK:
            raise ClockSetBack(
                f"the clock says {clock.text(now)}, and personal data was used at {clock.text(self.latest)} already: set"
                " the clock right. Receipts and retention must not go by a wrong time"
            )
        self.latest = max(self.latest, now)
        return self.latest
