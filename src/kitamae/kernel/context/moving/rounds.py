"""Copying a city into another store, round by round, as `rsync` would: what differs is copied, what does not is left.

A round begins with where the order of changes has come to, and ends with the changes up to there. In between are the
entities: so every change that is told finds what it wrote in the entity's history, and when it is deleted from there,
the next round sees it and forgets it in the order of changes too. Nothing is remembered from round to round but what is
in the stores: a copy that was cut off goes on.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context.moving.carried import FIRST, LAST, PRIME, Id, Standing
from kitamae.kernel.context.moving.tables import KEYS, VAULT, Copy
from kitamae.kernel.problems import Conflict

if TYPE_CHECKING:
    from kitamae.kernel.context.moving.carried import Arriving, Leaving, Whole
    from kitamae.kernel.context.moving.tables import Rows, TakenRows

ENTITIES: Final = 500
"""Compared at a time."""
INSTANCES: Final = 20_000
"""Carried at a time, about: what of one entity's history goes beyond follows."""
CHANGES: Final = 2_000
DOCUMENTS: Final = 2_000
SMALL: Final = 500
"""Differences that may be left for the last round, while nobody writes."""
LAST_ROUNDS: Final = 5


@dataclass(slots=True)
class Progress:
    """What has been compared and copied; `records`: of the vault, with receipts; `keys`: with tags and erasures. `differences`: those that the last round that ended had found."""

    round: int = 0
    entities: int = 0
    instances: int = 0
    changes: int = 0
    documents: int = 0
    owed: int = 0
    leaves: int = 0
    records: int = 0
    keys: int = 0
    differences: int = 0

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


class Rounds:
    """From `source`, which may be written to all the while, to `target`."""

    def __init__(self, source: Leaving, target: Arriving, keys: tuple[Rows, TakenRows] | None = None) -> None:
        """`keys`: from where to where persons' keys go; None: they stay where they are."""
        self._source, self._target = source, target
        self._vault = Copy(source, target, VAULT)
        self._keys = Copy(*keys, KEYS) if keys else None
        self.progress = Progress()

    async def near(self) -> None:
        """Rounds until little differs, or until rounds do not help: more is written than one of them copies."""
        before = await self.round()
        while before > SMALL:
            found = await self.round()
            if found > before // 2:
                return
            before = found

    async def last(self) -> None:
        """Nobody writes any more: rounds until one finds nothing. Raises Conflict if that does not come."""
        for _ in range(LAST_ROUNDS):
            if not await self.round(still=True):
                return
        raise Conflict("the city is being written to while it should be still: the copy was not finished")

    async def round(self, *, still: bool = False) -> int:
        """Compare everything, copy what differs; how much that was. `still`: nobody writes."""
        upto = None if still else await self._source.committed()
        found = (
            await self._entities()
            + await self._changes(upto)
            + await self._documents()
            + await self._owed()
            + await self._leaves(upto)
            + await self._vault.round()
            + (await self._keys.round() if self._keys else 0)
        )
        self.progress.records = self._vault.copied
        self.progress.keys = self._keys.copied if self._keys else 0
        self.progress.round += 1
        self.progress.differences = found
        return found

    # --- entities, and their history
    async def _entities(self) -> int:
        source, target = self._source, self._target
        after, found = FIRST, 0
        while after != LAST:
            there = await source.standing(after, LAST, ENTITIES)
            upto = there[-1].id if len(there) == ENTITIES else LAST
            here = {one.id: one for one in await target.standing(after, upto, 1 << 40)}
            wanted = [one for one in there if here.get(one.id) != one]
            gone = here.keys() - {one.id for one in there}
            if gone:
                await self._retell(await target.adopt((), gone))
            while wanted:
                some = _together(wanted, here)
                await self._adopt([(one.id, here.get(one.id)) for one in some])
                wanted = wanted[len(some) :]
                found += len(some)
            found += len(gone)
            after = upto
        return found

    async def _adopt(self, asked: list[tuple[Id, Standing | None]]) -> None:
        known = dict(asked)
        while asked:
            wholes = await self._source.whole(asked, INSTANCES)
            await self._retell(await self._target.adopt(wholes, ()))
            self.progress.entities += len(wholes)
            self.progress.instances += sum(len(one.history) for one in wholes)
            asked = []
            for one in wholes:
                if one.more:
                    known[one.id] = _then(known[one.id], one)
                    asked.append((one.id, known[one.id]))

    async def _retell(self, seqs: list[int]) -> None:
        """Changes of which an instance went: what is left of what they wrote."""
        for start in range(0, len(seqs), CHANGES):
            await self._target.tell(await self._source.changes_of(seqs[start : start + CHANGES]))

    # --- the order of changes
    async def _changes(self, upto: int | None) -> int:
        source, target = self._source, self._target
        after = found = 0
        while (there := await source.stretch(after, upto, CHANGES)).rows:
            here = await target.stretch(after, there.upto, CHANGES)
            if here[1:] != there[1:]:
                changes = await source.changes(after, there.upto)
                await target.tell(changes)
                found += max(1, there.rows - here.rows)
                self.progress.changes += len(changes)
            after = there.upto
        return found

    # --- documents and what is owed: few, so they are compared one by one
    async def _documents(self) -> int:
        there = {one[:3]: one for one in await self._source.documents()}
        here = {one[:3]: one for one in await self._target.documents()}
        tenants = sorted({*await self._source.tenants()} - {*await self._target.tenants()})
        wanted = [one for at, one in there.items() if here.get(at) != one]
        dropped = [one for at, one in here.items() if at not in there]
        if dropped or tenants:
            await self._target.keep((), dropped, tenants)
        for start in range(0, len(wanted), DOCUMENTS):
            await self._target.keep(wanted[start : start + DOCUMENTS], (), ())
        self.progress.documents += len(wanted)
        return len(wanted) + len(dropped) + len(tenants)

    async def _owed(self) -> int:
        there, here = await self._source.owed(), set(await self._target.owed())
        wanted = [number for number in there if number not in here]
        settled = sorted(here.difference(there))
        if settled:
            await self._target.owe((), settled)
        for start in range(0, len(wanted), DOCUMENTS):
            await self._target.owe(await self._source.owed_rows(wanted[start : start + DOCUMENTS]), ())
        self.progress.owed += len(wanted)
        return len(wanted) + len(settled)

    # --- the ledger: only added to
    async def _leaves(self, upto: int | None) -> int:
        after, found = await self._target.last_leaf(), 0
        while leaves := await self._source.leaves(after, upto, CHANGES):
            await self._target.log(leaves)
            after = leaves[-1].number
            found += len(leaves)
            self.progress.leaves += len(leaves)
        return found


def _together(wanted: list[Standing], here: dict[Id, Standing]) -> list[Standing]:
    """The first of these, as many as are carried at a time."""
    size = 0
    for n, one in enumerate(wanted):
        before = here.get(one.id)
        size += max(1, one.instances - (before.instances if before else 0))
        if n and size > INSTANCES:
            return wanted[:n]
    return wanted


def _then(before: Standing | None, one: Whole) -> Standing:
    """What is there of an entity's history after a part of it was adopted."""
    count, total = (before.instances, before.sum) if before and one.since is not None else (0, 0)
    return Standing(
        one.id,
        0,
        count + len(one.history),
        total + sum(instance.seq % PRIME for instance in one.history),
        one.history[-1].seq,
    )
