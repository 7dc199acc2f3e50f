"""The sequencer: from leaves that are committed in the store to tiles and a signed checkpoint, within a second.

The store's rows come first, the files are made from them. A crash in between leaves rows that the next start takes up. The
other way round, files that go further than the rows, there is after a restore: then the rows that are missing are taken
back from the files, since a log that became shorter is a fork to everybody who has seen it. Where that cannot be
(the rows were written anew and say something else, or the key is not here and so nobody knows how long the log was), a
new log begins under a new origin, says so in its own entries, and the old one stays readable.

Of several workers on one store one leads: it says in the store which leaves are published. The others make the same
files from the same rows, as far as the leader has come.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import orjson
import structlog

from kitamae.kernel.context.store import Leaf, Placed
from kitamae.kernel.ledger import checkpoint, merkle, tiles
from kitamae.kernel.ledger.beginning import BEGAN
from kitamae.kernel.ledger.checkpoint import Checkpoint
from kitamae.kernel.ledger.cosignature import cosigned
from kitamae.kernel.ledger.edge import Edge
from kitamae.kernel.ledger.files import CHECKPOINT, KEPT_PARTIAL, WITNESSED
from kitamae.kernel.ledger.note import Note
from kitamae.kernel.ledger.proof import Proof
from kitamae.kernel.ledger.refusals import Malformed, NotProved
from kitamae.kernel.ledger.tiles import ENTRIES, WIDTH, Tile
from kitamae.kernel.problems import NotFound, Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.ledger.beginning import Beginning, Place
    from kitamae.kernel.ledger.note import Key, Signature

LEADER: Final = "/ledger"
EVERY: Final = 0.3  # seconds between two looks at the store
STEP: Final = 1_024  # leaves that are read, and placed, at a time
AT_ONCE: Final = 16  # steps in one checkpoint

_log = structlog.get_logger("kitamae")


class Forked(NotProved):
    """Rows and files contradict each other."""

    title = "The log and the store contradict each other"


class Head(NamedTuple):
    """A checkpoint, and its signed note as it is served."""

    checkpoint: Checkpoint
    signed: bytes


class Log:
    """See `open`."""

    def __init__(self, store: Store, place: Place, begun: Beginning) -> None:
        self._store, self._place = store, place
        self.folder = place.folder
        self._edge: Edge | None = None
        self._full: deque[tuple[float, Tile]] = (
            deque()
        )  # when they came, their partial ones still beside them
        self.trouble = ""
        self.shorter = ""
        """Why nothing is signed: who has seen more of this log than there is. Ends with a start on the files that are missing, or anew."""
        self._begin(begun)

    @classmethod
    async def open(cls, store: Store, place: Place) -> Self:
        """The log of that place, with what the store has lost taken back. What cannot be done now is in `trouble`, and `run`
        tries it again. Raises Malformed for a key that cannot be read, OSError.
        """
        log = cls(store, place, await asyncio.to_thread(place.find))
        try:
            await log._agree()
        except (Problem, OSError) as error:  # such as a full disk: `run` tries again
            _log.error("the ledger is not published; it is tried again", why=str(error))
            log.trouble = str(error)
        log._remember_witnessed()
        return log

    def _begin(self, begun: Beginning) -> None:
        self._signers, self._instead = begun.signers, begun.instead
        self.head = self.witnessed = Head(begun.head, begun.signed)
        self._number: int | None = None  # of the last leaf that is in the files; None: not known yet

    @property
    def keys(self) -> list[Key]:
        """Of the log."""
        return [one.key for one in self._signers]

    @property
    def origin(self) -> str:
        """The log's name."""
        return self.head.checkpoint.origin

    # --- going on
    async def run(self, first: Callable[[], Awaitable[None]] | None = None) -> None:
        """Until cancelled. What goes wrong is tried again; `trouble` says it meanwhile. `first` comes before anything is signed."""
        await asyncio.to_thread(self.folder.prune_all)
        if first is not None:
            await first()
        while True:
            try:
                while not self.shorter and await self.publish() >= STEP * AT_ONCE:
                    pass
                self.trouble = self.shorter
            except (Problem, OSError) as error:
                if not self.trouble:
                    _log.error("the ledger is not published; it is tried again", why=str(error))
                self.trouble = str(error)
                self._number = None
            await asyncio.sleep(EVERY)

    async def publish(self) -> int:
        """What is committed and not published yet, in one checkpoint; how many leaves. Raises Problem, OSError."""
        if self._number is None:
            await self._agree()
        if self._number is None:  # another worker leads, and has not come so far
            return 0
        most = STEP * AT_ONCE
        behind = (await self._store.placed()).size - self.head.checkpoint.size
        leads = self._store.serves(LEADER) and behind <= 0
        if not leads:
            most = max(0, min(most, behind))
        leaves: list[Leaf] = []
        while len(leaves) < most:
            wanted = min(STEP, most - len(leaves))
            some = await self._store.leaves(leaves[-1].number if leaves else self._number, wanted)
            leaves += some
            if len(some) < wanted:
                break
        if leaves:
            await _finished(self._integrate, leaves)
            if leads:
                await self._store.place(_steps(self.head.checkpoint.size - len(leaves), leaves))
            self._number = leaves[-1].number
        while self._full and self._full[0][0] < time.monotonic() - KEPT_PARTIAL:
            self.folder.prune(self._full.popleft()[1])
        return len(leaves)

    def _integrate(self, leaves: Sequence[Leaf]) -> None:
        """Tiles first, then the checkpoint: who reads it finds everything that it says."""
        edge, self._edge = self._edge, None  # if it fails, the files say how far they are
        if edge is None:
            raise NotProved("the log's files have to be read again")
        self._write(edge, leaves)
        self._sign(edge)
        self._edge = edge

    def _write(self, edge: Edge, leaves: Sequence[Leaf]) -> None:
        before = edge.size
        made = {tile: data for leaf in leaves for tile, data in edge.add(leaf.data)}
        made.update(edge.partial())
        self.folder.write((tile, made[tile]) for tile in tiles.of(edge.size, before))
        self._full.extend((time.monotonic(), tile) for tile in made if tile.width == WIDTH)

    def _sign(self, edge: Edge) -> None:
        head = Checkpoint(self.origin, edge.size, edge.root)
        signed = head.signed(self._signers).data
        self.folder.publish(CHECKPOINT, signed)
        self.head = Head(head, signed)

    # --- beginning
    def _load(self) -> None:
        """The edge, from the files; None where they are damaged."""
        try:
            self._edge = Edge.of(self.head.checkpoint, self.folder.read)
        except (Malformed, NotProved) as error:
            if self.head.checkpoint.size:
                _log.warning("the ledger's files are damaged: they are made again", why=str(error))
            self._edge = None

    async def _agree(self) -> None:
        """Files and rows side by side: whichever knows less is told. Where they contradict each other, the leader begins anew."""
        await asyncio.to_thread(self._load)
        try:
            try:
                await self._settle()
            except Malformed as error:
                _log.warning("the ledger's files are damaged: they are made again", why=str(error))
                self._edge = None
                await self._settle()
        except Forked as error:
            if not self._store.serves(LEADER):
                raise
            self._begin(await asyncio.to_thread(self._place.anew, str(error)))
            await asyncio.to_thread(self._load)
            await self._settle()
        if self._instead is not None and self._store.serves(LEADER):
            await self._log([self._instead])
            self._instead = None

    async def _settle(self) -> None:
        """Raises Forked; Malformed for damaged entries."""
        placed = await self._store.placed()
        size = self.head.checkpoint.size
        if self._edge is None or size < placed.size:
            await self._again(max(size, placed.size))
            placed = await self._store.placed()
            size = self.head.checkpoint.size
        if size == placed.size:
            await self._demand_same(placed)
            self._number = placed.number
        elif self._store.serves(LEADER):
            await self._demand_same(placed)
            await self._take_back(placed)

    async def _demand_same(self, placed: Placed) -> None:
        if placed.size:
            last = await self._store.leaves(placed.number - 1, 1)
            if not last or last[0].data != (await self._entries(placed.size - 1, placed.size))[0]:
                raise Forked(f"the store has another leaf {placed.size - 1} than the log")

    async def _take_back(self, placed: Placed) -> None:
        """Leaves that the files have and the store has not placed: they are there, or they are put there again."""
        lost = 0
        size = self.head.checkpoint.size
        while placed.size < size:
            end = min(size, placed.size + STEP)
            expected = await self._entries(placed.size, end)
            there = await self._store.leaves(placed.number, end - placed.size)
            if any(one.data != entry for one, entry in zip(there, expected, strict=False)):
                raise Forked(f"the store has other leaves than the log, after {placed.size}")
            missing = expected[len(there) :]
            if missing:
                lost += len(missing)
                there = [*there, *await self._log(missing)]
            placed = Placed(end, there[-1].number)
            await self._store.place([placed])
        if lost:
            _log.warning(
                "the store was behind its ledger, as after a restore: leaves were taken back from the log's files",
                leaves=lost,
                size=size,
            )
        self._number = placed.number

    async def _log(self, entries: Sequence[bytes]) -> list[Leaf]:
        async def work(tx: Transaction) -> list[Leaf]:
            return [Leaf(await tx.log(one), one) for one in entries]

        return await self._store.transact(work)

    async def _entries(self, start: int, end: int) -> list[bytes]:
        """Of the files. Raises Malformed."""

        def read() -> list[bytes]:
            found: list[bytes] = []
            for number in range(start // WIDTH, -(-end // WIDTH)):
                tile = Tile(ENTRIES, number, tiles.width(ENTRIES, number, self.head.checkpoint.size))
                found += tiles.entries(self.folder.read(tile), tile)
            first = start // WIDTH * WIDTH
            return found[start - first : end - first]

        return await asyncio.to_thread(read)

    async def _again(self, size: int) -> None:
        """All files, from the rows. Raises Forked where these do not lead to what was signed."""
        edge, number, was = Edge(), 0, self.head.checkpoint
        while edge.size < size:
            leaves = await self._store.leaves(number, min(STEP, size - edge.size))
            if not leaves:
                break
            number = leaves[-1].number
            until = max(0, was.size - edge.size)
            if 0 < until <= len(leaves):
                await asyncio.to_thread(self._write, edge, leaves[:until])
                leaves = leaves[until:]
                if edge.root != was.root:
                    raise Forked(f"the store's leaves do not lead to what the log has signed at {was.size}")
            if leaves:
                await asyncio.to_thread(self._write, edge, leaves)
        if edge.size < was.size:
            raise Forked(
                f"the log's files are damaged, and the store has only {edge.size} of its {was.size} leaves"
            )
        await asyncio.to_thread(self._sign, edge)
        self._edge = edge
        if self._store.serves(LEADER) and edge.size > (await self._store.placed()).size:
            await self._place_all(edge.size)

    async def _place_all(self, size: int) -> None:
        placed = await self._store.placed()
        while placed.size < size:
            leaves = await self._store.leaves(placed.number, min(STEP, size - placed.size))
            placed = Placed(placed.size + len(leaves), leaves[-1].number)
            await self._store.place([placed])

    def _remember_witnessed(self) -> None:
        data = self.folder.get(WITNESSED)
        if data is not None:
            try:
                head, _ = checkpoint.opened(data, self.keys, self.origin)
            except (Malformed, NotProved):
                return
            if head.size <= self.head.checkpoint.size:
                self.witnessed = Head(head, data)

    # --- showing
    def cosign(self, head: Head, signatures: Sequence[Signature]) -> None:
        """Witnesses have seen this checkpoint of ours: keep what they say of it with it."""
        with_others = self.witnessed if self.witnessed.checkpoint == head.checkpoint else head
        note = Note.parse(with_others.signed)
        new = {(one.name, one.key) for one in signatures}
        others = (one for one in note.signatures if (one.name, one.key) not in new)
        signed = Note(note.text, (*others, *signatures)).data
        self.folder.publish(WITNESSED, signed)
        self.witnessed = Head(head.checkpoint, signed)

    def served(self) -> bytes:
        """The newest checkpoint, with the cosignatures that it has."""
        return (
            self.witnessed.signed if self.witnessed.checkpoint == self.head.checkpoint else self.head.signed
        )

    async def proof(self, index: int) -> Proof:
        """Of a leaf, in the newest checkpoint that witnesses have seen and that has it. Raises NotFound, Malformed."""
        head = self.witnessed if index < self.witnessed.checkpoint.size else self.head
        size = head.checkpoint.size
        if not 0 <= index < size:
            raise NotFound(f"the log has {size} entries: {index} is not among them, or not yet")
        node = tiles.nodes(self.folder.read, size)
        path = await asyncio.to_thread(merkle.inclusion, node, index, size)
        return Proof(index, tuple(path), head.signed if head is self.witnessed else self.served())

    async def entry(self, index: int) -> bytes:
        """What was logged. Raises NotFound, Malformed."""
        if not 0 <= index < self.head.checkpoint.size:
            raise NotFound(f"the log has {self.head.checkpoint.size} entries: {index} is not among them")
        return (await self._entries(index, index + 1))[0]

    async def last(self, most: int) -> list[tuple[int, bytes]]:
        """The newest entries with their indexes, newest first. Raises Malformed."""
        size = self.head.checkpoint.size
        start = max(0, size - most)
        return list(enumerate(await self._entries(start, size), start))[::-1]

    def instead(self) -> dict[str, Any] | None:
        """Why this log stands in the place of another one: {"why": ..., "before": {...}}; None: it is the first."""
        told = self.folder.get(BEGAN)
        found: dict[str, Any] | None = None if told is None else orjson.loads(told)["statement"]
        return found

    def seen_by(self, witnesses: Sequence[Key]) -> dict[str, tuple[int, int]]:
        """Witness -> (size, when) of what it cosigned last; seconds since 1970, UTC."""
        note = Note.parse(self.witnessed.signed)
        size = self.witnessed.checkpoint.size
        return {one.witness.name: (size, one.at) for one in cosigned(note, witnesses)}


async def _finished(work: Callable[[Sequence[Leaf]], None], leaves: Sequence[Leaf]) -> None:
    """In a thread, and to its end also when nobody waits any more: who closes the city may move its files then."""
    thread = asyncio.ensure_future(asyncio.to_thread(work, leaves))
    try:
        await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.wait([thread])
        raise


def _steps(size: int, leaves: Sequence[Leaf]) -> list[Placed]:
    ends = [*range(STEP, len(leaves), STEP), len(leaves)]
    return [Placed(size + end, leaves[end - 1].number) for end in ends]
