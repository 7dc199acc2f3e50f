"""The door to the vault: opened once for a city, used by everything that has to do with persons."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final, Self

import structlog

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.vault.classes import DAY
from kitamae.kernel.people.vault.correcting import Correcting
from kitamae.kernel.people.vault.entering import Entering
from kitamae.kernel.people.vault.erasing import Eraser
from kitamae.kernel.people.vault.erasing_for import ErasingFor
from kitamae.kernel.people.vault.finding import Finding
from kitamae.kernel.people.vault.inner import Inner
from kitamae.kernel.people.vault.keyring import Keyring
from kitamae.kernel.people.vault.keystore import NO_KEY, WITHDRAWN, Erasure
from kitamae.kernel.people.vault.outside import Outside
from kitamae.kernel.people.vault.problems import ClockSetBack, KeysMissing
from kitamae.kernel.people.vault.reading import Reading
from kitamae.kernel.people.vault.resealing import Resealer
from kitamae.kernel.people.vault.withholding import Withholding
from kitamae.kernel.people.vault.writing import Writing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.policy import Policy
    from kitamae.kernel.people.vault.citykey import CityKey
    from kitamae.kernel.people.vault.classes import Purposes
    from kitamae.kernel.people.vault.inner import Agreed, Ways
    from kitamae.kernel.people.vault.keyring import Look
    from kitamae.kernel.people.vault.keystore import KeyStore

CLOCK: Final = "clock-confirmed"
"""Documents: each time that somebody said that the clock is right, with what opens its entry of the ledger."""
_HOUR_SECONDS: Final = 3600.0
_log = structlog.get_logger("kitamae")


class Vault:
    """See `open`. `keep`, `read`, `find`, `receipts`, `erase`, `erase_for` are what others use. `backup_days`: the longest time after an
    erasure in which a backup may still hold the key.
    """

    def __init__(self, inner: Inner, backup_days: int) -> None:
        self._inner, self.backup_days = inner, backup_days
        self._eraser = Eraser(inner, backup_days)
        self._resealer = Resealer(inner)
        reading = Reading(inner)
        writing = Writing(inner)
        self.keep = writing.keep
        correcting = Correcting(inner, writing)
        self.correct, self.discard = correcting.correct, correcting.discard
        self.enter = Entering(inner).enter
        self.read = reading.read
        finding = Finding(inner, reading)
        self.find = finding.find
        self.persons = finding.persons
        self.receipts = reading.receipts
        self.withheld = reading.withheld
        self.withhold = Withholding(inner).withhold
        self.erase = self._eraser.erase
        erasing_for = ErasingFor(inner, backup_days)
        self.erase_for = erasing_for.erase
        self.finish_erasing = erasing_for.finish
        self.sweep = self._eraser.sweep
        self.outside = Outside(inner)
        self.purposes = inner.purposes
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        store: Store,
        keys: KeyStore,
        city: Sequence[CityKey],
        purposes: Purposes,
        policy: Policy,
        *,
        backup_days: int = 7,
        consents: Agreed | None = None,
        accounts: Ways | None = None,
        now: Callable[[], int] = clock.now,
        look: Look | None = None,
    ) -> Self:
        """Check that these keys are this city's, and finish erasures that a crash or a restore left open.

        `look` as `Keyring` has it. Raises WrongKey, KeysMissing.
        """
        inner = Inner(
            store, Keyring(keys, city, now, look), purposes, policy, now, consents, accounts=accounts
        )
        await inner.keys.check()

        async def held(tx: Transaction) -> int:
            return await tx.vault.persons()

        if await store.transact(held) and not await keys.count() and not await keys.erasures():
            raise KeysMissing(
                "the city holds personal data and keys.db holds no key at all: put the file back, or restore its last"
                " backup (kitamae restore --keys). Nothing was changed"
            )
        inner.latest = await keys.latest()
        with contextlib.suppress(
            ClockSetBack
        ):  # whoever reads or writes hears it; that the clock is right is said to an open vault
            inner.at()
            await keys.latest(inner.latest)
        vault = cls(inner, backup_days)
        if back := await vault._eraser.replay():
            _log.warning("what had been erased had come back with a restore, and is gone again", records=back)
        return vault

    def start(self) -> None:
        """Begin what goes on beside requests: retention, and a rotation that is under way."""
        self._task = asyncio.create_task(self._keep_house(), name="kitamae vault")

    async def _keep_house(self) -> None:
        while True:
            try:
                await self._resealer.rewrap()
                await self._resealer.run()
                if self.clock_trouble():  # somebody may have said so to another worker
                    self._inner.latest = await self._inner.keys.store.latest()
                await self._eraser.sweep()
                if self._eraser.held:
                    _log.error("retention waits", why=self._eraser.held)
            except Exception as error:
                _log.error("the vault's house is not kept", why=str(error))
            await asyncio.sleep(_HOUR_SECONDS)

    def clock_trouble(self) -> str:
        """What is wrong with the time that retention and receipts go by, and what to do; "": nothing."""
        try:
            return self._inner.ahead() or self._eraser.held
        except ClockSetBack as problem:
            return problem.detail

    async def clock_is_right(self) -> dict[str, Any]:
        """An officer says so: from now on that is the time, and what is past its retention goes. An entry of the ledger says it too.

        The way back as well, after a clock that was ahead: nothing that it destroyed comes back, but what is left is used again.
        """
        inner = self._inner
        was, now = inner.latest, inner.now()
        told = {"event": "clock-confirmed", "at": clock.text(now), "before": clock.text(was)}

        async def work(tx: Transaction) -> int:
            number, salt = await commitment.log(tx, told)
            entry = {**told, "number": number, "salt": salt}
            await tx.put(TENANT, CLOCK, str(number), entry)
            return number

        number = await inner.store.transact(work)
        await inner.keys.store.confirm(now)
        inner.latest = now
        return {**told, "number": number, "swept": await self._eraser.sweep(confirmed=True)}

    async def rotate(self) -> int:
        """Replace every person's key, sealing anew what they sealed; how many. Others are served meanwhile."""
        await self._resealer.begin()
        return await self._resealer.run()

    async def rewrap(self, city: Sequence[CityKey]) -> int:
        """From now on the first of these keys wraps; how many of persons' keys were wrapped anew. Raises WrongKey."""
        before = self._inner.keys
        keys = Keyring(before.store, city, self._inner.now, before.look)
        await keys.check()
        self._inner.keys = keys
        return await self._resealer.rewrap()

    async def withdraws(self, person: str, purpose: str, at: int) -> None:
        """Before anything else is done about it: from `at` on (microseconds UTC) the person agrees to that purpose no more. It is written with
        the keys, on the list of erasures, so that it outlives whatever state is restored, by whatever means.
        """
        until = at + self.backup_days * DAY
        await self._inner.keys.store.destroy([Erasure(person, f"{WITHDRAWN}{purpose}", 0, at, until)])

    async def withdrawn(self) -> dict[str, dict[str, str]]:
        """Person -> purpose -> when he withdrew it last: for `Consents.restored`, at every start."""
        found: dict[str, dict[str, str]] = {}
        for one in await self._inner.keys.store.erasures():
            if one.klass.startswith(WITHDRAWN):
                purpose = one.klass.removeprefix(WITHDRAWN)
                found.setdefault(one.person, {})[purpose] = clock.text(one.at)
        return found

    async def status(self) -> dict[str, Any]:
        """For `kitamae keys status`."""
        keys = self._inner.keys

        async def held(tx: Transaction) -> int:
            return await tx.vault.persons()

        every = await keys.store.erasures()
        erasures = [one for one in every if not one.klass.startswith(NO_KEY)]
        return {
            "city key": keys.wrapping.id,
            "wrapped by": sorted(await keys.store.cities()),
            "keys": await keys.store.count(),
            "persons": await self._inner.store.transact(held),
            "erasures": len(erasures),
            "backups may hold erased keys until": clock.text(max(one.until for one in erasures))
            if erasures
            else "",
            "clock": self.clock_trouble(),
            "rotating": bool(await keys.store.rotating()),
        }

    async def backup(self, to: str) -> None:
        """A copy of the keys, still wrapped. See `KeyStore.backup`."""
        await self._inner.keys.store.backup(to)

    async def close(self) -> None:
        """Let go."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self._inner.keys.store.latest(self._inner.latest)
        await self._inner.keys.store.close()
