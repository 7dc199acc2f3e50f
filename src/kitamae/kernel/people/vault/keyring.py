"""Persons' keys, unwrapped while they are used: from a `KeyStore`, under the city's key.

What is remembered unwrapped is bounded and goes when a person is erased. A worker that has not heard of an erasure by
another one still cannot write with the dead key: the state refuses it (`VaultRows.put`, `note`).
"""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import structlog

from kitamae.kernel.people.vault import citykey
from kitamae.kernel.people.vault.keystore import Wrapped
from kitamae.kernel.people.vault.problems import KeysMissing, WrongKey
from kitamae.kernel.people.vault.seal import KEY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kitamae.kernel.people.vault.citykey import CityKey
    from kitamae.kernel.people.vault.keystore import Erasure, KeyStore

    Look = Callable[[], Awaitable[Sequence[CityKey] | None]]

_REMEMBERED: Final = 5_000
CITY: Final = ""
"""The "person" whose keys are the city's own: those of the blind indexes, `index:<field>`."""
REWRAP: Final = 500  # keys in one commit
_log = structlog.get_logger("kitamae")


class PersonKeys:
    """Of one person: (class, version) -> key, and of each class the newest version. `repr` tells nothing."""

    __slots__ = ("_keys", "current", "person")

    def __init__(self, person: str, keys: dict[tuple[str, int], bytes]) -> None:
        self.person = person
        self._keys = keys
        self.current: dict[str, int] = {}
        for klass, version in sorted(keys):
            self.current[klass] = version

    def __bool__(self) -> bool:
        return bool(self._keys)

    def newest(self, klass: str) -> tuple[int, bytes]:
        """Version and key. Raises KeyError."""
        version = self.current[klass]
        return version, self._keys[klass, version]

    def get(self, klass: str, version: int) -> bytes | None:
        """That very key; None: it is not there, or not any more."""
        return self._keys.get((klass, version))


class Keyring:
    """`city`: the keys that open, the first of which wraps. `look`: what they are where something else stands there now (`followed.py`)."""

    def __init__(
        self, store: KeyStore, city: Sequence[CityKey], now: Callable[[], int], look: Look | None = None
    ) -> None:
        self.store = store
        self._now = now
        self.look = look
        self._city = {one.id: one for one in city}
        self.wrapping = city[0]
        self._known: OrderedDict[str, PersonKeys] = OrderedDict()

    async def check(self) -> None:
        """Whether these city keys open what is here. Raises WrongKey."""
        if unknown := sorted(set(await self.store.cities()) - self._city.keys()):
            raise WrongKey(
                f"persons' keys here are wrapped by the city key {unknown[0]}; the one given is {self.wrapping.id}."
                " Give the right key file, or put it together from its shares (kitamae keys combine)"
            )

    async def of(self, person: str, *, anew: bool = False) -> PersonKeys:
        """`anew`: what is remembered is not enough. Raises WrongKey."""
        known = self._known.get(person)
        if known is None or anew:
            rows = await self.store.of(person)
            if any(one.city not in self._city for one in rows):
                await self._look_again()
            known = PersonKeys(person, {(one.klass, one.version): self._unwrap(one) for one in rows})
            if not known:
                self.forget(person)
                return known
            self._known[person] = known
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(person)
        return known

    async def ensure(self, person: str, classes: Sequence[str]) -> PersonKeys:
        """The same, with a key for each of these classes: made where there is none, durable before it is used."""
        keys = await self.of(person)
        if missing := [klass for klass in classes if klass not in keys.current]:
            await self._look_again()
            gone = await self.store.destroyed(person)
            await self.store.add([self._fresh(person, klass, gone.get(klass, 0) + 1) for klass in missing])
            keys = await self.of(person, anew=True)
            if any(klass not in keys.current for klass in classes):
                raise KeysMissing("a key that was made just now is not there; try again")
        return keys

    async def after(self, person: str, klass: str, refused: int) -> None:
        """The state refuses what this version seals: see to it that there is a newer one."""
        keys = await self.of(person, anew=True)
        if keys.current.get(klass) == refused:
            await self.renew(person, (klass,))

    async def renew(self, person: str, classes: Sequence[str]) -> PersonKeys:
        """A new version for each: from now on it seals, and the older ones still open."""
        await self._look_again()
        keys = await self.of(person, anew=True)
        await self.store.add([self._fresh(person, klass, keys.current[klass] + 1) for klass in classes])
        return await self.of(person, anew=True)

    async def destroy(self, gone: Sequence[Erasure]) -> None:
        """For good, as far as this store goes."""
        await self.store.destroy(gone)
        for one in gone:
            self.forget(one.person)

    def forget(self, person: str) -> None:
        """Do not remember a person's keys."""
        self._known.pop(person, None)

    async def rewrap(self, most: int = REWRAP) -> int:
        """Wrap some keys anew that another city key wrapped; how many. Resumable anywhere. Raises WrongKey."""
        await self._look_again()
        old = await self.store.wrapped_otherwise(self.wrapping.id, most)
        if old:
            await self.store.rewrap([self._wrap(one, self._unwrap(one)) for one in old])
        return len(old)

    async def _look_again(self) -> None:
        """Before something is wrapped, and where one does not know what wrapped: the next start reads what stands there now. A file that
        was exchanged for another city's is not believed.
        """
        keys = await self.look() if self.look else None
        if not keys:
            return
        wrapped = await self.store.cities()
        if wrapped and self.wrapping.id not in {one.id for one in keys} and keys[0].id not in wrapped:
            _log.error("the city's key was exchanged for one that opens nothing here", key=keys[0].id)
            return
        self._city |= {one.id: one for one in keys}
        self.wrapping = keys[0]

    def _fresh(self, person: str, klass: str, version: int) -> Wrapped:
        return self._wrap(Wrapped(person, klass, version, self._now(), "", b""), os.urandom(KEY))

    def _wrap(self, one: Wrapped, key: bytes) -> Wrapped:
        return one._replace(city=self.wrapping.id, key=citykey.wrap(self.wrapping.secret, key))

    def _unwrap(self, one: Wrapped) -> bytes:
        city = self._city.get(one.city)
        if city is None:
            raise WrongKey(f"a person's key is wrapped by the city key {one.city}, which was not given")
        return citykey.unwrap(city.secret, one.key)
