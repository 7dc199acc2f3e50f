"""Who asked to be told by area: without an account, and without a name.

`subscriber` by its id:   {sealed, at}: the channel, where it reaches (a browser's push address, a person's reference, a user of LINE) and the choice,
                          sealed with the city's `seal.key`: a copy of the database says neither who nor where
`subscribers` by bucket:  {id: channel}: so that all are gone through without all being in memory
`subscribers-new` by bucket: {id: since}: push addresses whose service has taken nothing yet

Whoever asks for web push proves nothing, so an address of which no push service ever took a message goes when one refuses it, or when room is
needed: strangers who make addresses up keep nobody out, and whoever was told once stays.

The id follows from the address (a keyed digest): whoever subscribes twice changes his choice, and who brings the address can leave.
What nobody chose anew for two years is forgotten.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people import swept
from kitamae.kernel.people.jose.encoding import BadToken
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import TooMany
from kitamae.kit.notices.area import announcement
from kitamae.kit.notices.area.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence, Set

    from kitamae.kernel.context.store import Reader, Store, Transaction
    from kitamae.kernel.people.seal import Seal

KIND: Final = "subscriber"
INDEX: Final = "subscribers"
NEW: Final = "subscribers-new"
BUCKETS: Final = 64
DAYS: Final = 730
MOST: Final = 200_000
_DAY: Final = 86_400_000_000
_PURPOSE: Final = "subscriber"

By = Literal["push", "line", "mail"]
"""In this order they are told: nobody waits for the slowest channel."""
CHANNELS: Final[tuple[By, ...]] = ("push", "line", "mail")


@dataclass(frozen=True, slots=True)
class Subscriber:
    """`to`: where the channel reaches: {endpoint, p256dh, auth}, {user}, {person}."""

    id: str
    by: By
    to: Mapping[str, Any]
    choice: Choice


class Subscribers:
    """On one store."""

    def __init__(self, store: Store, seal: Seal, *, now: Callable[[], int] = clock.now) -> None:
        self._store, self._seal, self._now = store, seal, now

    def id(self, by: By, address: str) -> str:
        """Of whoever is reached there."""
        return self._seal.mark(_PURPOSE, f"{by} {address}".encode(), make=True).hex()[:32]

    async def keep(self, by: By, to: Mapping[str, Any], choice: Choice) -> str:
        """From now on so. `to`: its first value is the address. Raises TooMany."""
        id = self.id(by, str(next(iter(to.values()))))
        sealed = self._seal.write(_PURPOSE, {"by": by, "to": dict(to), "choice": choice.kept()})
        bucket, doc = _bucket(id), {"sealed": sealed, "at": clock.text(self._now())}

        async def work(tx: Transaction) -> None:
            known = await _index(tx, bucket)
            if id not in known:
                new = await _new(tx, bucket)
                if len(known) >= MOST // BUCKETS:
                    if not new:
                        raise TooMany("as many as the city can tell are subscribed already")
                    await drop(tx, oldest := min(new, key=lambda one: new[one]))
                    known, new = (
                        await _index(tx, bucket),
                        {one: at for one, at in new.items() if one != oldest},
                    )
                if by == "push":
                    await tx.put(TENANT, NEW, str(bucket), {**new, id: doc["at"]})
            await tx.put(TENANT, KIND, id, doc)
            if known.get(id) != by:
                await tx.put(TENANT, INDEX, str(bucket), {**known, id: by})

        await self._store.transact(work)
        return id

    async def one(self, id: str) -> Subscriber | None:
        """None: he left, or what is kept was sealed by another city."""
        return self._opened(id, await self._store.get(TENANT, KIND, id))

    async def at(self, by: By, address: str) -> Subscriber | None:
        """Whoever is reached there."""
        return await self.one(self.id(by, address))

    async def leave(self, id: str) -> bool:
        """Nothing of it is kept. False: it was not there."""
        return await self._store.transact(lambda tx: drop(tx, id))

    async def ending(self, ended: Mapping[str, int]) -> Callable[[Transaction], Awaitable[Mapping[str, int]]]:
        """Person -> before when (microseconds UTC): in the transaction that the answer is called with, what these chose by e-mail goes. What
        they chose since stays. See `People.endings`.
        """
        ids = {self.id("mail", person): before for person, before in ended.items()}

        async def end(tx: Transaction) -> Mapping[str, int]:
            went = 0
            for id, before in ids.items():
                doc: Any = await tx.get(TENANT, KIND, id)
                if doc is not None and clock.micros(doc["at"]) < before:
                    went += await drop(tx, id)
            return {KIND: went}

        return end

    async def ids(self, bucket: int, by: By) -> list[str]:
        """In order."""
        return sorted(id for id, one in (await _index(self._store, bucket)).items() if one == by)

    async def counts(self) -> Mapping[str, int]:
        """How many by each channel."""
        found: Counter[str] = Counter()
        for bucket in range(BUCKETS):
            found.update((await _index(self._store, bucket)).values())
        return found

    async def tidy(self) -> None:
        """Who chose nothing anew for two years is forgotten, and announcements of three years ago: how many, the ledger says."""
        before = clock.text(self._now() - DAYS * _DAY)
        for bucket in range(BUCKETS):
            known = await _index(self._store, bucket)
            kept = {id: cast("Any", await self._store.get(TENANT, KIND, id)) for id in known}
            if past := [id for id, doc in kept.items() if doc is None or doc["at"] < before]:
                await self._forget(KIND, past)
        old = clock.text(self._now() - announcement.DAYS * _DAY)
        if past := [number for number, one in await announcement.every(self._store) if one["at"] < old]:
            await self._forget(announcement.KIND, past)

    async def _forget(self, kind: str, ids: list[str]) -> None:
        async def work(tx: Transaction) -> None:
            went = 0
            for id in ids:
                went += await (drop(tx, id) if kind == KIND else tx.drop(TENANT, kind, id))
            await swept.note(tx, self._now(), {kind: went})

        await self._store.transact(work)

    def _opened(self, id: str, doc: Any) -> Subscriber | None:
        if doc is None:
            return None
        try:
            told = self._seal.read(_PURPOSE, doc["sealed"])
        except BadToken:
            return None
        return Subscriber(id, told["by"], told["to"], Choice.read(told["choice"]))


async def drop(tx: Transaction, id: str) -> bool:
    """Forget one; False: it was not there."""
    bucket = _bucket(id)
    known = await _index(tx, bucket)
    if id in known:
        await tx.put(TENANT, INDEX, str(bucket), {one: by for one, by in known.items() if one != id})
    await _proven(tx, bucket, {id})
    return await tx.drop(TENANT, KIND, id)


async def became(tx: Transaction, told: Sequence[tuple[str, str]]) -> None:
    """What became of a message to each (`channel.Became`): who is gone is forgotten, and who refuses the first one; who took one stays."""
    taken = defaultdict(set)
    for id, how in told:
        if how == "gone" or (how == "refused" and id in await _new(tx, _bucket(id))):
            await drop(tx, id)
        elif how == "sent":
            taken[_bucket(id)].add(id)
    for bucket, ids in taken.items():
        await _proven(tx, bucket, ids)


async def _new(tx: Transaction, bucket: int) -> dict[str, str]:
    return cast("dict[str, str]", await tx.get(TENANT, NEW, str(bucket)) or {})


async def _proven(tx: Transaction, bucket: int, ids: Set[str]) -> None:
    new = await _new(tx, bucket)
    if ids & new.keys():
        await tx.put(TENANT, NEW, str(bucket), {id: at for id, at in new.items() if id not in ids})


async def _index(store: Reader, bucket: int) -> dict[str, By]:
    return cast("dict[str, By]", await store.get(TENANT, INDEX, str(bucket)) or {})


def _bucket(id: str) -> int:
    return int(id[:4], 16) % BUCKETS
