"""The vault of a city: put together from its settings, its papers and its data directory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from kitamae.adapters.sqlite import keys as sqlite_keys
from kitamae.adapters.sqlite.keys import restoring
from kitamae.kernel.context import clock
from kitamae.kernel.people import platform_purposes
from kitamae.kernel.people.duties import Duty, Plan
from kitamae.kernel.people.vault import Purpose, Purposes, Vault, citykey, keyplace
from kitamae.kernel.people.vault.followed import Followed
from kitamae.kernel.people.vault.keyplace import KeyFile, Variable
from kitamae.kernel.people.vault.problems import KeysMissing, VaultClosed
from kitamae.kernel.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kitamae.directory.layout import Layout
    from kitamae.kernel.context.store import Store
    from kitamae.kernel.people.accounts import Accounts
    from kitamae.kernel.people.consent import Consents
    from kitamae.kernel.people.policy import Policy
    from kitamae.kernel.people.vault.citykey import CityKey
    from kitamae.kernel.people.vault.keyplace import KeyPlace
    from kitamae.kernel.people.vault.keystore import KeyStore
    from kitamae.sdk.city import City
    from kitamae.sdk.manifest import Personal
    from kitamae.sdk.service import Service
    from kitamae.settings import Settings


_HEARD_SECONDS: Final = 1.0
"""By then a worker that looked at the city's key before it changed has written what it wrapped, or is seen to do it later."""
_HEARD_TRIES: Final = 60


def wanted(settings: Settings) -> bool:
    """Whether the operator said where keys are kept: on PostgreSQL without that, the city has no vault, and that is no trouble."""
    return bool(settings.keys) or not settings.store


@dataclass(frozen=True, slots=True)
class Keys:
    """Persons' keys, and the city's that open them; `problem`: why there are none of the city's. The list of what was ended needs none.
    `look`: where the city's lie, again.
    """

    store: KeyStore
    city: Sequence[CityKey]
    problem: Problem | None = None
    look: Followed | None = None


async def open_keys(settings: Settings, layout: Layout) -> Keys:
    """Raises VaultClosed where nobody said where keys are kept, and what opening them raises."""
    if not wanted(settings):
        raise VaultClosed(
            "the state is on PostgreSQL, and several processes may serve it: say with --keys where persons' keys are kept"
        )
    city: Sequence[CityKey] = ()
    trouble: Problem | None = None
    look: Followed | None = None
    try:
        look = Followed(key_place(settings, layout))
        city = city_keys(settings, layout)
    except Problem as problem:
        if not settings.keys and not layout.keys.exists():
            raise
        trouble = problem
    return Keys(await _keys(settings, layout), city, trouble, look)


async def open_vault(
    keys: Keys,
    settings: Settings,
    store: Store,
    policy: Policy,
    purposes: Purposes,
    consents: Consents,
    accounts: Accounts,
    now: Callable[[], int] = clock.now,
) -> Vault:
    """Raises VaultClosed, WrongKey: the rest of the city is served all the same."""
    if keys.problem is not None:
        raise keys.problem
    return await Vault.open(
        *(store, keys.store, keys.city, purposes, policy),
        backup_days=settings.keys_backup_days,
        consents=consents,
        accounts=accounts,
        now=now,
        look=keys.look,
    )


async def _keys(settings: Settings, layout: Layout) -> KeyStore:
    if settings.keys:
        from kitamae.adapters.postgres import keys as postgres_keys

        return await postgres_keys.open(settings.keys, layout.keys.with_name("erased"))
    return sqlite_keys.open(layout.keys)


def key_place(settings: Settings, layout: Layout) -> KeyPlace:
    """Where the city's key is kept."""
    return keyplace.place(settings.city_key or str(layout.city_key))


def key_file(settings: Settings, layout: Layout) -> Path | None:
    """Where the city's key lies; None: not in a file."""
    place = key_place(settings, layout)
    return place.path if isinstance(place, KeyFile) else None


def city_keys(settings: Settings, layout: Layout) -> Sequence[CityKey]:
    """The city's keys, the one that wraps first; a new one in a directory that never had any. Raises VaultClosed."""
    place = key_place(settings, layout)
    if isinstance(place, KeyFile) and not place.path.exists():
        if settings.keys:
            raise KeysMissing(
                f"the city's key {place} is not there: every process needs the same one. Copy it here, or name it with"
                " KITAMAE_CITY_KEY; a new city makes its key once (kitamae keys make)"
            )
        if layout.keys.exists():
            raise KeysMissing(
                f"the city's key {place} is not there, and persons' keys are: put it back, or put it together from its"
                " shares (kitamae keys combine)"
            )
        place.make(citykey.CityKey.fresh())
    return place.read()


async def rotate_city_key(settings: Settings, layout: Layout, vault: Vault, given: str = "") -> int:
    """A new key wraps, the old one still opens, until every person's key is wrapped anew; then the old one is set aside.

    Killed anywhere, the next start goes on: the file (of a token: the wrapped file) holds both until the end. `given`: what an
    environment variable is to be, the new key before the old one; nothing else is rotated so. How many keys of persons were wrapped anew. Raises VaultClosed, WrongKey.
    """
    place = key_place(settings, layout)
    if isinstance(place, Variable):
        return await _take(place, given, vault)
    if given:
        raise VaultClosed(f"the city's key is kept in {place}, and not in an environment variable")
    old = await asyncio.to_thread(place.read)
    keys = [citykey.CityKey.fresh(), *old]
    await asyncio.to_thread(place.write, keys)
    done = await vault.rewrap(keys)
    if settings.keys:
        done += await _all_heard(vault, keys)
    await asyncio.to_thread(place.aside, old)
    await asyncio.to_thread(place.write, keys[:1])
    await vault.rewrap(keys[:1])
    return done


async def _all_heard(vault: Vault, keys: Sequence[CityKey]) -> int:
    """Another worker may have wrapped one with what it had read a moment before: wait until nobody does any more. How many were wrapped anew.
    Raises VaultClosed: both keys stay, and the next rotation goes on.
    """
    done = 0
    for _ in range(_HEARD_TRIES):
        await asyncio.sleep(_HEARD_SECONDS)
        if set((await vault.status())["wrapped by"]) <= {keys[0].id}:
            return done
        done += await vault.rewrap(keys)
    raise VaultClosed(
        "another process goes on wrapping with the city's old key, and has not seen the new one: both stay where they are. Restart"
        " that process, and rotate again"
    )


async def _take(place: Variable, given: str, vault: Vault) -> int:
    """The keys of a variable as they are to be from now on; all of them open until the next start, which finds them in its environment."""
    keys = place.parse(given or place.text)
    before = await vault.status()
    if keys[0].id == before["city key"] and not set(before["wrapped by"]) - {keys[0].id}:
        raise VaultClosed(
            f"the first key of {place.name} is the one that wraps already: put a new one before it, for this command and for the next"
            f" start of the city (kitamae keys make --to {place})"
        )
    if before["city key"] not in {one.id for one in keys}:
        raise VaultClosed(
            f"the key that wraps now, {before['city key']}, should stand behind the new one in {place.name} (kitamae keys combine, if it is lost)"
        )
    done = await vault.rewrap(keys)
    place.become(given or place.text)
    return done


def restore_keys(settings: Settings, layout: Layout, copy: Path) -> int:
    """Nobody has keys.db open. How many erasures were carried over. Raises VaultClosed and what opening the copy raises."""
    if settings.keys:
        raise VaultClosed(
            "persons' keys are kept on PostgreSQL: they are restored there, while no worker runs"
        )
    return restoring.restore(copy, layout.keys, clock.now(), backup_days=settings.keys_backup_days)


def purposes(profile: City | None, services: Sequence[Service]) -> Purposes:
    """As the city's profile and its services' manifests declare them; a service's begin with its id. Those of the platform itself
    are always there. Raises ValueError.
    """
    declared = [_purpose(one, "") for one in profile.personal] if profile else []
    for service in services:
        declared += [_purpose(one, f"{service.manifest.id}.") for one in service.manifest.personal]
    names = {one.name for one in declared}
    declared += [one for one in platform_purposes.ALL if one.name not in names]
    return Purposes(declared)


def plan(profile: City | None) -> Plan:
    """The duties of the city's staff, as its profile has them, else the usual ones."""
    if profile is None or not profile.duties:
        return Plan.usual()
    return Plan(
        Duty(
            one.id,
            cast("dict[str, str]", one.name),
            frozenset(one.desks),
            frozenset(one.purposes),
            one.second,
        )
        for one in profile.duties
    )


def _purpose(one: Personal, before: str) -> Purpose:
    return Purpose(
        before + one.purpose,
        one.basis,
        frozenset(one.fields),
        one.retention_days,
        one.law,
        frozenset(one.also),
        frozenset(one.identifiers),
        dict(one.title.items()),
        dict(one.use.items()),
        dict(one.by.items()),
        frozenset(one.entered),
        one.agreed_days,
        one.receipt_days,
    )
