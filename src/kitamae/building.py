"""What the rooms are built on, and where one stands in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kit.feeds import Pulled
from kitamae.web.handed import Handed
from kitamae.web.page import ShellPage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.store import Store
    from kitamae.kernel.ledger.log import Log
    from kitamae.kernel.ledger.witnesses import Witnesses
    from kitamae.kernel.people.access_log import AccessLog
    from kitamae.kernel.people.consent import Consents
    from kitamae.kernel.people.gate import Gate
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.policy import Policy
    from kitamae.kernel.people.providers import Providers
    from kitamae.kernel.people.vault import Vault
    from kitamae.kit.notices.area.line import Account
    from kitamae.registers import Registers
    from kitamae.sdk.changes import Changes
    from kitamae.sdk.city import City
    from kitamae.sdk.reader import Reader
    from kitamae.sdk.service import Service
    from kitamae.ways_in import WaysIn
    from kitamae.web.shell import Shell


@dataclass(frozen=True, slots=True)
class Building:
    """What the rooms are built on. `published`: the store as everybody may read it; `words` is the city's @context; `derived` a
    folder that may be thrown away. `destinations`: where the city may send to; `line`: its account there, None: it has none.
    """

    profile: City | None
    store: Store
    published: Store
    words: Context
    changes: Changes
    people: People
    gate: Gate
    ways: WaysIn
    services: Sequence[Service]
    derived: Path
    address: str
    registers: Registers
    consents: Consents
    providers: Providers
    access: AccessLog
    kept_seconds: float
    outside: Sequence[str]
    worker: bool
    destinations: Destinations
    log: Log | None = None
    witnesses: Witnesses | None = None
    pulled: Pulled = field(default_factory=Pulled)
    line: Account | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """What an area of pages stands on. `reader` reads what everybody may; `vault()` raises VaultClosed where there is none."""

    on: Building
    shell: Shell
    reader: Reader
    policy: Policy
    vault: Callable[[], Vault]

    @property
    def tenant(self) -> str:
        """The city's own."""
        return self.on.profile.tenant if self.on.profile else ""

    @property
    def zone(self) -> str:
        """In which a day ends."""
        return self.on.profile.timezone if self.on.profile else "Asia/Tokyo"

    @property
    def origin(self) -> str:
        """What an address begins with that is handed to somebody."""
        return self.on.ways.passkeys.origin

    @property
    def handed(self) -> Handed:
        """Shows sign-in links for colleagues."""
        return Handed(self.on.people, self.on.gate, self.on.ways.seal, self.origin)

    def page(self, folder: Path) -> ShellPage:
        """Drawn from the templates and words of that folder."""
        return ShellPage(self.shell, folder)
