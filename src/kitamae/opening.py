"""How a city is opened: its parts one after the other, from the keys to what goes on beside requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from kitamae import devices, loading, parts, personal
from kitamae.building import Building
from kitamae.ended_list import EndedList
from kitamae.kernel.context import clock
from kitamae.kernel.context.api.contexts import restore as restore_contexts
from kitamae.kernel.context.broker import Broker
from kitamae.kernel.context.subscription.registry import Subscriptions
from kitamae.kernel.context.v2.subscription.registry import Subscriptions as SubscriptionsV2
from kitamae.kernel.people.access_log import AccessLog
from kitamae.kernel.people.consent import Consents
from kitamae.kernel.people.gate import Gate
from kitamae.kernel.people.people import People
from kitamae.kernel.people.providers import Providers
from kitamae.kernel.people.throttle import Throttle
from kitamae.kernel.people.vault.problems import VaultClosed
from kitamae.kernel.problems import Problem
from kitamae.kit.feeds import Pulled
from kitamae.opened import City
from kitamae.registers import Registers
from kitamae.sdk.changes import Changes
from kitamae.sdk.city import BadCityError
from kitamae.sdk.city import City as Profile
from kitamae.sdk.manifest import BadManifestError
from kitamae.sdk.service import discover
from kitamae.settings import listed
from kitamae.ways_in import WaysIn

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.directory.layout import Layout
    from kitamae.edge.measures import Measures
    from kitamae.settings import Settings

_log = structlog.get_logger("kitamae")


async def open_city(
    settings: Settings,
    layout: Layout,
    measures: Measures,
    address: str,
    *,
    quietly: bool,
    now: Callable[[], int] = clock.now,
) -> City:
    """Raises what the store raises, and NotLoaded. `quietly`: for one command, without background work. `now`: the clock by
    which persons come in, agree and are looked at.
    """
    try:
        profile = Profile.read(settings.city) if settings.city else None
        services = discover()
        purposes = personal.purposes(profile, services)
    except (BadCityError, BadManifestError, ValueError) as error:
        raise loading.NotLoaded(str(error)) from error
    fetcher = parts.fetcher(settings)
    contexts = parts.contexts(profile, address, fetcher)
    words = await contexts.resolve(None)
    hot = {
        *(profile.hot if profile else ()),
        *(name for service in services for name in service.manifest.hot),
    }
    store = await parts.state(settings, layout, sorted(words.expand(name) for name in hot))
    keys: personal.Keys | Problem = VaultClosed("persons' keys were not opened")
    try:
        await parts.demand_here(store, stay=settings.stay)
        people = People(
            store,
            words.expand,
            session_hours=settings.session_hours,
            link_minutes=settings.link_minutes,
            plan=personal.plan(profile),
            now=now,
        )
        gate = Gate(people, Throttle(settings.bad_credentials), secure=settings.secure)
        changes = Changes(words.expand)
        keys = await _keys(settings, layout)
        ended = EndedList(settings, layout, store, people, now)
        await ended.open(keys)  # before anything is known of whoever was let in
        ways = await WaysIn.open(
            settings, layout, store, people, fetcher.destinations, address, purposes, now
        )
        alias = settings.alias or await parts.alias(store)
        consents = await Consents.open(store, purposes, now)
        log, untold = await parts.ledger(settings, layout, store, alias) if not quietly else (None, "")
        witnesses = parts.witnesses(settings, log)
        registers = Registers.of(store, profile, services, words.expand)
        ground = parts.ground(store, people, profile, services, purposes, words.expand)
        providers = Providers(ground, registers.incidents)
        await providers.open()
        gate.meter = providers.meter
        on = Building(
            profile,
            store,
            parts.published(store, profile, services, words.expand),
            words,
            changes,
            people,
            gate,
            ways,
            services,
            layout.derived,
            address,
            registers,
            consents,
            providers,
            AccessLog(store),
            settings.kept_page_seconds,
            listed(settings.outside),
            settings.worker,
            fetcher.destinations,
            log,
            witnesses,
            Pulled(settings.jma, settings.jma_hub, fetcher.destinations),
            parts.line(settings),
        )
        await restore_contexts(Broker(store, contexts))  # before the subscriptions that speak in them
        told = on.published  # what leaves the city by itself goes to whoever stands at the other end
        subscriptions = Subscriptions(
            *(told, contexts, fetcher.destinations),
            mqtt=parts.over_mqtt,
            address=address,
            alias=alias,
            most_registrations=settings.max_registrations,
            most_owed=settings.max_owed,
            most_owed_bytes=settings.max_owed_mb * 1_000_000,
        )
        subscriptions_v2 = SubscriptionsV2(told, contexts, subscriptions)
        await subscriptions_v2.start()
        subscriptions.dispatcher.makers = providers.subscribed
        await subscriptions.start(deliver=not quietly)
        city = City(settings, measures, on, contexts, subscriptions, fetcher, alias)
        city.broker.subscriptions_v2 = subscriptions_v2
        if untold:
            city.health.also["ledger:log"] = lambda: untold
        await city.installed.open()
        await (city.registers.papers.look() if quietly else city.registers.papers.open())
        await city.open_vault(settings, keys, ended, purposes, now)
        if not quietly:
            await city.carry_withdrawn()
        ways.delegates.vault = lambda: city.vault
        if ways.identity:
            ways.identity.vault = lambda: city.vault
        if settings.mqtt and profile and not quietly:
            known = subscriptions.registrations
            city.hear(
                devices.subscriber(settings, profile, store, words, city.policy, known, alias, city.loaded)
            )
        if settings.stream and not quietly:
            from kitamae.adapters.nats import Relay  # memory that a city without it needs otherwise

            name = profile.id if profile else alias
            city.tell(Relay(settings.stream, told, name, alias, words, settings.stream_days))
        if not quietly:
            city.start()
    except BaseException:
        if not isinstance(keys, Problem):
            await keys.store.close()
        await store.close()
        raise
    return city


async def _keys(settings: Settings, layout: Layout) -> personal.Keys | Problem:
    """Persons' keys, or why there are none: the rest of the city is served all the same."""
    try:
        return await personal.open_keys(settings, layout)
    except Problem as problem:
        return problem
