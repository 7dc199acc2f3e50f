"""What watching is told about the city that is served: its receipts, who agreed to what, and whose work is what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.kernel.calendar import Calendar
from kitamae.kernel.context import clock
from kitamae.kernel.people.consent import agreement
from kitamae.kernel.people.duties import standing
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.watching import Flags, Watcher
from kitamae.kernel.people.watching.sight import STAFF
from kitamae.sdk.city import Handling

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.store import Store
    from kitamae.kernel.people.duties import Plan
    from kitamae.kernel.people.vault import Vault
    from kitamae.sdk.city import City


_PURPOSE: Final = "purpose:"
_ALIKE: Final = 60_000_000
"""Microseconds within which it does not show whether the look or the end of the consent was first: two workers' clocks differ."""


def watcher(store: Store, vault: Callable[[], Vault], plan: Plan, profile: City | None) -> Watcher:
    """The job that follows the receipts. `vault()` raises VaultClosed; `plan`: the duties of the city, which is `profile`."""

    async def duties(who: str, at: int) -> frozenset[str] | None:
        if not who.startswith(STAFF):
            return None  # a program's token names its purposes, and the policy holds it to them
        covers = (await standing(store, plan, who, at)).covers
        return frozenset(what.removeprefix(_PURPOSE) for _, what in covers if what.startswith(_PURPOSE))

    async def known(person: str, purpose: str, at: int) -> bool:
        return await agreed(store, person, purpose, at)

    told = profile.requests if profile else Handling()
    flags = Flags(store, vault, tenant=profile.tenant if profile else "")
    return Watcher(store, vault, flags, duties=duties, agreed=known, calendar=Calendar(told.closed))


async def agreed(store: Store, person: str, purpose: str, at: int) -> bool:
    """Whether the consent stood at that moment (microseconds UTC). False only where that is known: it had ended by then, and was
    not given again since. What was forgotten (erased, or past its retention) or given anew accuses nobody.
    """
    there = agreement.read(await store.get(TENANT, agreement.KIND, person)).get(purpose)
    if there is None:
        return True
    ended = clock.micros(there["until"] if there["state"] == "given" else there["at"])
    return at < ended + _ALIKE
