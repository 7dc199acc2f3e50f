"""The parts of a city, each made from its settings and its papers before `opened.City` is put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

import structlog

from kitamae import own_papers, personal
from kitamae.adapters import sqlite
from kitamae.kernel.context.fetch import Fetcher
from kitamae.kernel.context.jsonld import Contexts
from kitamae.kernel.context.moving.carried import MOVED, MOVING
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.context.veil import of_all, veiled
from kitamae.kernel.ledger.beginning import Place
from kitamae.kernel.ledger.files import Folder
from kitamae.kernel.ledger.log import Log
from kitamae.kernel.ledger.policy import Policy as LedgerPolicy
from kitamae.kernel.ledger.refusals import Malformed
from kitamae.kernel.people import platform_purposes
from kitamae.kernel.people.policy import Facts
from kitamae.kernel.people.providers.ground import Ground
from kitamae.kernel.people.providers.terms import Terms
from kitamae.kernel.problems import Conflict
from kitamae.kit.notices.area.line import Account
from kitamae.registers import TYPES
from kitamae.settings import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.building import Building
    from kitamae.directory.layout import Layout
    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.context.subscription.post import Sender
    from kitamae.kernel.ledger.witnesses import Witnesses
    from kitamae.kernel.people.people import People
    from kitamae.kernel.people.policy.facts import DataClass
    from kitamae.kernel.people.vault import Purposes
    from kitamae.sdk.city import City as Profile
    from kitamae.sdk.service import Service
    from kitamae.settings import Settings

_OWN: Final = frozenset(
    one.name for one in platform_purposes.ALL if one is not platform_purposes.DATA_TRACKER
)
"""Purposes of the town hall's own desks, for which no provider reads anything."""
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_log = structlog.get_logger("kitamae")


async def state(settings: Settings, layout: Layout, hot: Sequence[str]) -> Store:
    """Where the state is kept; `hot`: expanded names. Raises what the store raises."""
    if settings.store:
        from kitamae.adapters import postgres  # memory that a city without it needs otherwise

        return await postgres.open(settings.store, hot=hot)
    return await sqlite.open(layout.state, hot=hot)


async def ledger(settings: Settings, layout: Layout, store: Store, alias: str) -> tuple[Log | None, str]:
    """The city's ledger; None, and why, where its key cannot be read: that closes the ledger, not the city."""
    name = settings.public_url.partition("://")[2].rstrip("/") or alias
    place = Place(Folder(layout.ledger), layout.ledger_key, f"{name}/ledger", layout.replaced / "ledger")
    try:
        return await Log.open(store, place), ""
    except (Malformed, OSError) as error:
        _log.error("the ledger is not published", why=str(error))
        return None, "its key cannot be read; the server's log says why"


def line(settings: Settings) -> Account | None:
    """The city's account on LINE; None: it has none."""
    if not settings.line_token:
        return None
    return Account(settings.line_api, settings.line_token, settings.line_secret)


def witnesses(settings: Settings, log: Log | None) -> Witnesses | None:
    """Who cosigns this city's log, as the operator's file says; None: nobody is asked. Raises Malformed."""
    if log is None or settings.witnesses is None:
        return None
    try:
        text = settings.witnesses.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(f"{settings.witnesses} cannot be read: {error}") from error
    from kitamae.kernel.ledger.witnesses import (
        Witnesses,  # an HTTP client that a city without any does not need
    )

    return Witnesses(log, LedgerPolicy.parse(text))


def over_mqtt(destinations: Destinations, timeout: float) -> Sender:
    """What carries notifications over MQTT; `timeout` in seconds. Loaded with the first of them."""
    from kitamae.adapters.mqtt.notifier import Notifier

    return Notifier(destinations, timeout)


async def demand_here(store: Store, *, stay: bool) -> None:
    """The city is neither on its way to here nor gone from here. `stay`: then it comes back. Raises Conflict."""
    if await store.get("", *MOVING) is not None:
        raise Conflict("this is half a copy of a city that is moving here: run kitamae migrate there again")
    moved = await store.get("", *MOVED)
    if moved is None:
        return
    if not stay:
        raise Conflict(
            f"the city has moved to {moved}: serve it from there. --stay serves what is here, without anything that was"
            " written there since"
        )

    async def work(tx: Transaction) -> None:
        await tx.drop("", *MOVED)

    await store.transact(work)


async def alias(store: Store) -> str:
    """A name that no other broker has, kept with the data: in a circle of brokers each must know itself again."""

    async def work(tx: Transaction) -> str:
        kept = await tx.get("", "identity", "alias")
        alias: str = kept if kept is not None else f"kitamae-{uuid4().hex[:12]}"
        if kept is None:
            await tx.put("", "identity", "alias", alias)
        return alias

    return await store.transact(work)


def fetcher(settings: Settings) -> Fetcher:
    """For @contexts of elsewhere: only from hosts that the operator allows."""
    destinations = Destinations.of(settings.networks, loopback=settings.open)
    hosts = listed(settings.fetch_contexts)
    return Fetcher([*hosts, *(_LOOPBACK if settings.open else ())], destinations)


def classes(
    profile: Profile | None, services: Sequence[Service], expand: Callable[[str], str]
) -> dict[str, DataClass]:
    """What is not open, as `Facts.classes` has it; where two declare the same, the stricter one holds."""
    found: dict[str, DataClass] = {}
    declared = [*(profile.classes if profile else ()), *(one for s in services for one in s.manifest.classes)]
    for one in declared:
        told = {expand(one.type): one.of_all} | {
            f"{expand(one.type)} {expand(name)}": kept for name, kept in one.attributes.items()
        }
        for name, kept in told.items():
            if kept != "open" and found.get(name) != "closed":
                found[name] = kept
    return found


def published(
    store: Store, profile: Profile | None, services: Sequence[Service], expand: Callable[[str], str]
) -> Store:
    """The store as everybody may read it: for pages, and for what leaves the city by itself (notifications, the stream)."""
    known = classes(profile, services, expand)
    return veiled(store, of_all(known)) if known else store


def facts(settings: Settings, on: Building) -> Facts:
    """What the policy rests on, as the city and its services' manifests have it."""
    papers = [service.manifest for service in on.services]
    declared = None
    if on.profile is not None:
        names = {*on.profile.types, *(name for one in papers for name in (*one.reads, *one.writes))}
        declared = frozenset(on.words.expand(name) for name in names)
    return Facts(
        settings.open,
        declared,
        without_papers=on.registers.papers.missing(),
        papers=own_papers.of_purposes(on.profile),
        registers=frozenset(on.words.expand(name) for name in TYPES),
        register_ids=tuple(f"urn:ngsi-ld:{name}:" for name in TYPES),
        classes=classes(on.profile, on.services, on.words.expand),
        bases={one.name: one.basis for one in personal.purposes(on.profile, on.services)},
        consented=on.consents.agreed,
    )


def ground(
    store: Store,
    people: People,
    profile: Profile | None,
    services: Sequence[Service],
    purposes: Purposes,
    expand: Callable[[str], str],
) -> Ground:
    """What providers stand on: what may stand in a contract of this city."""
    papers = [service.manifest for service in services]
    types = {
        *(profile.types if profile else ()),
        *(name for one in papers for name in (*one.reads, *one.writes)),
    }
    terms = Terms(
        {one.id: dict(one.name.items()) for one in papers},
        {one.name: one.title for one in purposes if one.fields and one.name not in _OWN},
        sorted(types),
        sorted(types - set(TYPES)),
        {one.id: one.plan() for one in profile.providers.plans} if profile else {},
        expand,
    )
    zone = ZoneInfo(profile.timezone if profile else "Asia/Tokyo")
    return Ground(store, people, terms, zone, profile.tenant if profile else "")


def contexts(profile: Profile | None, address: str, fetcher: Fetcher) -> Contexts:
    """With a city, its own @context is what a request without one means, and answers name it by its address here."""
    if profile is None:
        return Contexts(fetcher)
    url = f"{address}/context/{profile.id}.jsonld"
    return Contexts(fetcher, registered={url: profile.context}, default=url)
