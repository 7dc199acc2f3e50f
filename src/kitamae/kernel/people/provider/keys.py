"""The keys that sign ID tokens: each is published a day before it signs and for a while after, so that nobody meets an unknown one.

They lie sealed in the store: every worker has the same, and a copy of the database signs nothing.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import clock
from kitamae.kernel.people.jose.encoding import BadToken
from kitamae.kernel.people.jose.keys import Key, Keys
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.seal import WrongSeal

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.seal import Seal

DAY: Final = 86_400 * 1_000_000
AHEAD: Final = DAY
"""Before it signs: longer than clients keep a set of keys."""
SIGNS: Final = 90 * DAY
AFTER: Final = 7 * DAY
"""After it signed for the last time: so long a client may hold an ID token as a hint for logging out."""

_DOCUMENT: Final = ("provider", "keys")
_PURPOSE: Final = "keys of the provider"
_AGAIN: Final = 300.0


class SigningKeys:
    """One per worker; all on one store have the same keys."""

    def __init__(self, store: Store, seal: Seal, now: Callable[[], int] = clock.now) -> None:
        self._store = store
        self._seal = seal
        self._now = now
        self._opened: dict[str, Key] = {}
        self._read: tuple[float, list[dict[str, Any]]] | None = None

    async def signing(self) -> Key:
        """The one that signs now: the newest that was published for a day, else the oldest."""
        kept = await self._kept()
        now = self._now()
        ready = [one for one in kept if clock.micros(one["createdAt"]) + AHEAD <= now]
        return self._open((ready or kept[:1])[-1])

    async def published(self) -> Keys:
        """All that somebody may need, the coming one and the last one too."""
        return Keys(tuple(self._open(one) for one in await self._kept()))

    async def _kept(self) -> list[dict[str, Any]]:
        read = self._read
        if read is None or time.monotonic() - read[0] > _AGAIN or self._due(read[1]):
            kept = await self._store.get(TENANT, *_DOCUMENT)
            if kept is None or self._due(kept):
                kept = await self._rotate()
            self._read = read = (time.monotonic(), kept)
        return read[1]

    def _due(self, kept: list[dict[str, Any]]) -> bool:
        """Whether a new one must be published, or an old one forgotten."""
        now = self._now()
        return clock.micros(kept[-1]["createdAt"]) + SIGNS <= now or len(self._needed(kept)) < len(kept)

    def _needed(self, kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
        now = self._now()
        ends = [clock.micros(newer["createdAt"]) + AHEAD + AFTER for newer in kept[1:]]
        return [one for one, end in zip(kept[:-1], ends, strict=True) if now < end] + kept[-1:]

    async def _rotate(self) -> list[dict[str, Any]]:
        key = Key.make(secrets.token_urlsafe(9))
        made = {
            "kid": key.kid,
            "sealed": self._seal.write(_PURPOSE, key.private()),
            "createdAt": clock.text(self._now()),
        }

        async def change(transaction: Transaction) -> list[dict[str, Any]]:
            kept: list[dict[str, Any]] = await transaction.get(TENANT, *_DOCUMENT) or []
            if kept and not self._due(kept):
                return kept
            if not kept or clock.micros(kept[-1]["createdAt"]) + SIGNS <= self._now():
                kept = [*kept, made]
            kept = self._needed(kept)
            await transaction.put(TENANT, *_DOCUMENT, kept)
            return kept

        return await self._store.transact(change)

    def _open(self, one: dict[str, Any]) -> Key:
        if one["kid"] not in self._opened:
            try:
                self._opened[one["kid"]] = Key.read(self._seal.read(_PURPOSE, one["sealed"]))
            except BadToken:
                raise WrongSeal(
                    "the file of the seal is not the one that this city was sealed with"
                ) from None
        return self._opened[one["kid"]]
