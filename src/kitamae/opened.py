"""A city that is open: everything that hangs on one data directory, wired together. `opening.py` opens it."""

from __future__ import annotations

import contextlib
import functools
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import structlog

from kitamae import loading, monitors, parts, personal, watched
from kitamae.adapters import sqlite
from kitamae.adapters.sqlite.closing import Closing
from kitamae.beside import Beside
from kitamae.edge.health import Health
from kitamae.ended_list import EndedList
from kitamae.hourly import every_hour
from kitamae.kernel.context import api, clock, v2
from kitamae.kernel.context.alone import Alone
from kitamae.kernel.context.broker import Broker, Limits
from kitamae.kernel.context.fetch import Fetcher
from kitamae.kernel.context.jsonld import Contexts
from kitamae.kernel.context.snapshot.registry import Snapshots
from kitamae.kernel.context.subscription.message import NOTIFIED_BY
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.context.temporal.retention import Retention
from kitamae.kernel.ledger.api import Api as LedgerApi
from kitamae.kernel.people import retention
from kitamae.kernel.people.access_log import Upkeep
from kitamae.kernel.people.accounts import Accounts
from kitamae.kernel.people.devices import Installed
from kitamae.kernel.people.policy import Policy
from kitamae.kernel.people.vault.problems import VaultClosed
from kitamae.kernel.problems import LoopDetected, Problem
from kitamae.kernel.registers.sensors import BadSensorsError
from kitamae.rooms import Rooms
from kitamae.sdk.city import BadCityError
from kitamae.sdk.city import City as Profile
from kitamae.web import data_tracker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from kitamae.adapters.mqtt.subscriber import Subscriber
    from kitamae.adapters.nats import Relay
    from kitamae.building import Building
    from kitamae.edge.measures import Measures
    from kitamae.kernel.people.vault import Purposes, Vault
    from kitamae.settings import Settings

_BEING_LOADED: Final = " is being loaded"
_NOTIFIED_BY: Final = NOTIFIED_BY.lower().encode("ascii")
_log = structlog.get_logger("kitamae")


class City:
    """Open until `close`; an ASGI application behind the edge, which has set `scope["principal"]`."""

    def __init__(
        self,
        settings: Settings,
        measures: Measures,
        on: Building,
        contexts: Contexts,
        subscriptions: Subscriptions,
        fetcher: Fetcher,
        alias: str,
    ) -> None:
        """`alias` names this broker among others; `on.store` is open and `subscriptions` watch it; nothing else was begun."""
        self.store, self.people, self.gate = on.store, on.people, on.gate
        self.subscriptions = subscriptions
        self.ways = on.ways
        self.policy = Policy(facts=parts.facts(settings, on))
        self.consents = on.consents
        self.access = on.access
        self.access_upkeep = Upkeep(
            on.store,
            on.access,
            on.profile.access_log_days if on.profile else {},
            lambda: self._vault.clock_trouble() if self._vault else "",
        )
        self._office_days = on.profile.office_days if on.profile else {}
        self.consents.policy = self.policy
        self.consents.vault = lambda: self.vault
        self.providers = on.providers
        self.providers.vault = lambda: self.vault
        self.health = Health(
            on.store, settings.data, settings.min_free_mb, settings.max_owed_minutes, lambda: self.loading
        )
        self.loading = ""
        self._vault: Vault | None = None
        self._closed = VaultClosed("the vault is not open yet; try again in a moment")
        self.profile = on.profile
        self._fetcher = fetcher
        limits = Limits(
            body=settings.max_body_mb * 1_000_000,
            instances=settings.history_page,
            subscriptions_of_one=settings.max_subscriptions_of_one,
            contexts=settings.max_contexts,
        )
        self.broker = Broker(
            on.store,
            contexts,
            self.policy,
            limits,
            subscriptions,
            address=settings.public_url.rstrip("/"),
            dialect=v2.NgsiV2(),
            alias=alias,
            snapshots=Snapshots(subscriptions.of_snapshots),
        )
        self._api: ASGIApp = api.routes(self.broker)
        self._v2: ASGIApp = v2.routes(self.broker)
        self._ledger: ASGIApp = LedgerApi(on.store, self.policy, on.log)
        self._monitors: ASGIApp = monitors.Monitors(self.policy, self.health, measures, on.store)
        self.log, self._witnesses = on.log, on.witnesses
        self.registers = on.registers
        self.registers.papers.policy = self.policy
        self.policy.anew = on.people.anew
        self.installed = Installed(self.registers.sensors.register, on.words.expand, self.policy.change)
        if on.profile is not None:
            self.policy.change(
                facts=replace(self.policy.facts, installed=self.installed, sensed=self.installed.senses)
            )
        self._rooms = Rooms(on, self.policy, lambda: self.vault)
        days = on.profile.history_days if on.profile else {}
        self.retention = Retention(on.store, {on.words.expand(type): kept for type, kept in days.items()})
        self.closing = (
            Closing(on.store, settings.history_months) if isinstance(on.store, sqlite.SqliteStore) else None
        )
        self._beside = Beside(on.store)
        on.store.on_commit(measures.committed)
        on.store.on_commit(on.changes.heard)

    @property
    def vault(self) -> Vault:
        """What is held about persons. Raises VaultClosed, saying what to do."""
        if self._vault is None:
            raise self._closed
        return self._vault

    async def open_vault(
        self,
        settings: Settings,
        keys: personal.Keys | Problem,
        ended: EndedList,
        purposes: Purposes,
        now: Callable[[], int] = clock.now,
    ) -> None:
        """What is wrong with the keys closes the vault, not the city: shelters are shown all the same."""
        self._keys, self._ended = keys, ended
        self._keys_wanted = personal.wanted(settings)
        self._kept = retention.Retention(
            self.store,
            purposes,
            now,
            office=self._office_days,
            renamed=self.people.colleagues.again,
            owes=self.people.owes,
        )
        if self._keys_wanted:
            self.health.also["vault:keys"] = lambda: (
                self._vault.clock_trouble() if self._vault else str(self._closed)
            )
            self.health.also["people:ended"] = ended.trouble
        try:
            if isinstance(keys, Problem):
                raise keys
            self._vault = await personal.open_vault(
                keys,
                settings,
                self.store,
                self.policy,
                purposes,
                self.consents,
                Accounts(self.store, self.people),
                now,
            )
        except Problem as problem:
            self._closed = VaultClosed(problem.detail or problem.title)
            _log.error("the vault stays closed", why=str(problem))

    async def carry_withdrawn(self) -> None:
        """Consents that were withdrawn end in this state too, whichever was restored and by whatever means."""
        if self._vault is not None:
            await self.consents.restored(await self._vault.withdrawn())

    def loaded(self) -> bool:
        """Whether what stands in the city's folder is here, its sensors too, or cannot be had: then what was here holds."""
        return not self.loading.endswith(_BEING_LOADED)

    def start(self) -> None:
        """Begin what goes on beside requests."""
        if self._vault:
            self._vault.start()
            watcher = watched.watcher(self.store, lambda: self.vault, self.ways.office.plan, self.profile)
            self._beside.alone("/watching", watcher.run)
            self.health.also["watching:receipts"] = lambda: watcher.trouble
        if self._keys_wanted:
            self._beside.always("list of what was ended", lambda: self._ended.run(self._keys))
        tidied = (self.people.tidy, *self._of_persons(), self._tidy_snapshots, self._rooms.orders.finish)
        self._beside.alone("/tidy", lambda: every_hour(*tidied))
        self.health.also["orders:erasing"] = self._rooms.orders.trouble
        self._beside.always("papers", self.registers.papers.run)
        self._beside.always("access log", self.access.run)
        self._beside.alone("/access-log", self.access_upkeep.run)
        self.health.also["access:log"] = lambda: self.access.trouble
        self._beside.alone("/papers", self.registers.papers.write)
        self._beside.alone("/retention", self.retention.run)
        self._beside.alone("/consents", lambda: every_hour(self.consents.expire))
        if self.log:
            log = self.log
            first = self._witnesses.first if self._witnesses else None
            self._beside.always("ledger", lambda: log.run(first))
            self.health.also["ledger:log"] = lambda: log.trouble
        if self._witnesses:
            self._beside.alone("/ledger/witnesses", self._witnesses.run)
            self.health.also["ledger:witnesses"] = self._witnesses.trouble
        self._beside.always("usage of providers", self.providers.meter.run)
        self.health.also["providers:usage"] = lambda: self.providers.meter.trouble
        closing = self.providers.statements
        self._beside.alone("/providers/months", closing.run)
        self.health.also["providers:statements"] = lambda: closing.trouble
        logouts = self.ways.provider.logouts
        self._beside.alone("/logouts", logouts.run)
        self.health.also["openid:logouts"] = logouts.trouble
        self._beside.always("pages kept here", self._rooms.outside.run_here)
        self._beside.alone("/outside", self._rooms.outside.run)
        self.health.also["pages:kept"] = self._rooms.trouble
        self.health.also["outside:targets"] = self._rooms.outside.trouble
        if letters := self.ways.letters:
            self._beside.alone("/letters", letters.run)
            self.health.also["mail:letters"] = letters.trouble
        sending = self._rooms.notices
        self._beside.alone("/notices", sending.run)
        self.health.also["mail:notices"] = lambda: sending.trouble
        if feeds := self._rooms.feeds:
            self._beside.alone("/feeds", feeds.run)
            self.health.also["feeds:alerts"] = feeds.trouble
        by_area = self._rooms.area_notices
        self._beside.alone("/area-notices", by_area.sender.run)
        self._beside.alone("/area-notices/tidy", lambda: every_hour(by_area.subscribers.tidy))
        self.health.also["notices:area"] = by_area.sender.trouble
        if (reports := self._rooms.reports) and self._vault:
            self._beside.alone("/reports", lambda: every_hour(reports.sweep))
        if self.closing:
            self._beside.always("closed months", self.closing.run)
        self.health.also["city:beside"] = self._beside.trouble
        for name, (job, failing) in self._rooms.jobs().items():
            doing = Alone(self.store, f"/jobs/{name}", job)
            self._beside.go(doing.run())
            self.health.also[f"jobs:{name}"] = functools.partial(_either, doing.trouble, failing)
        if self.profile:
            self.loading = f"{self.profile.id}{_BEING_LOADED}"
            self._beside.go(self._load(self.profile))

    def hear(self, mqtt: Subscriber) -> None:
        """Listen to devices too, with the one session that they have at the MQTT broker: one worker at a time."""
        self._beside.alone("/devices", mqtt.run)

    def tell(self, relay: Relay) -> None:
        """Give NATS every change."""
        self._beside.always("changes to NATS", relay.run)
        self.health.also["stream:relay"] = lambda: relay.trouble

    async def stop(self) -> None:
        """End it."""
        if self.closing:
            await self.closing.stop()
        await self._beside.stop()

    async def close(self) -> None:
        """Nothing asks any more: let go of the files."""
        await self.subscriptions.close()
        self._rooms.outside.close()
        await self._fetcher.close()
        await self._rooms.area_notices.sender.close()
        await self.ways.close()
        with contextlib.suppress(Problem):  # a full disk: what was counted since the last time is not charged
            await self.providers.meter.put_down()
        with contextlib.suppress(Problem):  # the same
            await self.access.write()
        if self._vault:
            await self._vault.close()
        elif not isinstance(self._keys, Problem):
            await self._keys.store.close()
        await self._ended.close()
        await self.store.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, `http` only. Raises Problem."""
        path = scope["path"]
        if scope["method"] != "GET" and path.startswith(("/ngsi-ld/", "/v2/")):
            self._refuse_own(scope)
        if path.startswith("/ngsi-ld/"):
            await self._api(scope, receive, send)
        elif path in data_tracker.PATHS:  # Estonia's, beside NGSIv2, which has no such addresses
            await self._rooms(scope, receive, send)
        elif path in ("/v2", "/version") or path.startswith("/v2/"):
            await self._v2(scope, receive, send)
        elif path.startswith("/ledger/"):
            await self._ledger(scope, receive, send)
        elif path in monitors.PATHS:
            await self._monitors(scope, receive, send)
        else:
            await self._rooms(scope, receive, send)

    def _refuse_own(self, scope: Scope) -> None:
        """What we were told of a change must not change anything here, or it would never end. Raises LoopDetected."""
        alias = self.broker.alias.encode("latin-1", "replace")
        if any(name == _NOTIFIED_BY and value == alias for name, value in scope["headers"]):
            raise LoopDetected("this notification is our own: what it tells is here already")

    def kept(self, scope: Scope) -> ASGIApp | None:
        """See `Rooms.kept`."""
        return self._rooms.kept(scope)

    def error_page(self, scope: Mapping[str, Any], problem: Problem, request: str) -> bytes:
        """For readers."""
        return self._rooms.error_page(scope, problem, request)

    async def _load(self, profile: Profile) -> None:
        began = time.perf_counter()
        try:
            loaded = await loading.load(profile, self.store, self._api)
            await self.registers.load(profile)
        except (BadCityError, BadSensorsError, Problem) as error:
            self.loading = f"{profile.id} could not be loaded: {error}"
            _log.error("the city could not be loaded", city=profile.id, why=str(error))
            return
        self.loading = ""
        if loaded.written:
            seconds = round(time.perf_counter() - began, 1)
            _log.info("the city is loaded", city=profile.id, entities=loaded.written, seconds=seconds)

    def _of_persons(self) -> list[Callable[[], Awaitable[object]]]:
        """What is forgotten about persons, each by itself, and by the same clock as in the vault: not by one that is in doubt, nor by one
        that nobody can check, while the vault is closed.
        """

        def by_its_clock(work: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[object]]:
            @functools.wraps(work)
            async def checked() -> None:
                doubt = bool(self._vault.clock_trouble()) if self._vault else self._keys_wanted
                if not doubt:
                    await work()

            return checked

        orders = self._rooms.orders
        expiring = [orders.expire] if self._vault else []
        return [
            by_its_clock(one) for one in (self._rooms.links.tidy, *expiring, orders.tidy, self._kept.sweep)
        ]

    async def _tidy_snapshots(self) -> None:
        await self.broker.snapshots.tidy(self.store, self.broker.clock())


def _either(*troubles: Callable[[], str]) -> str:
    return "; ".join(said for one in troubles if (said := one()))
