"""The door to links: made and ended at the desk, seen and used by whoever holds one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people import mynumber, swept
from kitamae.kernel.people.links import code as codes
from kitamae.kernel.people.links import using
from kitamae.kernel.people.links.problems import LinkOver, LinkUnknown
from kitamae.kernel.people.links.records import KIND, USES, Area, Capability, Terms, Why, told
from kitamae.kernel.people.records import REVOKED, TENANT
from kitamae.kernel.problems import BadRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.links.kinds import Also, Kind
    from kitamae.kernel.people.links.sent import Done, Sent
    from kitamae.kernel.people.links.using import Work
    from kitamae.kernel.people.policy import Policy
    from kitamae.kernel.people.seal import Seal

HOUR: Final = 3_600_000_000  # microseconds
MOST_HOURS: Final = 24 * 366
MOST_THINGS: Final = 50
KEPT: Final = 90 * 24 * HOUR
"""How long an ended link and its uses are kept for whoever asks what happened."""
_NOTE: Final = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """What the desk wants to give out. `begins` in microseconds UTC; None: now. `metres` around `place` (longitude, latitude)."""

    kind: str
    things: Sequence[str]
    hours: int | None = None
    begins: int | None = None
    uses: int | None = None
    place: tuple[float, float] | None = None
    metres: int = 0
    note: str = ""


class Links:
    """One per city. `words` is the city's @context, `kinds` those of its profile, `tenant` where the things are."""

    def __init__(
        self,
        store: Store,
        seal: Seal,
        policy: Policy,
        words: Context,
        kinds: Sequence[Kind],
        *,
        tenant: str = "",
        now: Callable[[], int] = clock.now,
    ) -> None:
        self.kinds = {kind.id: kind for kind in kinds}
        self._store, self._seal, self._policy = store, seal, policy
        self._words, self._tenant, self._now = words, tenant, now

    # --- at the desk
    async def make(self, by: str, wish: Wish) -> tuple[str, Capability]:
        """The code, and what is kept. Raises BadRequest, NotFound for a thing that is not there."""
        kind = self.kinds.get(wish.kind)
        if kind is None:
            raise BadRequest(f"kind: this city has links of the kinds {', '.join(self.kinds) or 'none'}")
        note = wish.note.strip()
        mynumber.demand_none({"note": note})
        hours = kind.hours if wish.hours is None else wish.hours
        uses = kind.uses if wish.uses is None else wish.uses
        things = list(dict.fromkeys(wish.things))
        if not 1 <= len(things) <= MOST_THINGS:
            raise BadRequest(f"things: 1 to {MOST_THINGS} are expected")
        if not 1 <= hours <= MOST_HOURS or not 1 <= uses <= 1_000_000 or len(note) > _NOTE:
            raise BadRequest(
                f"expected 1 to {MOST_HOURS} hours, 1 to 1,000,000 uses, a note of at most {_NOTE} letters"
            )
        now = self._now()
        begins = now if wish.begins is None else wish.begins
        type_ = self._words.expand(kind.type)
        terms: Terms = {
            "number": codes.number(), "kind": kind.id, "tenant": self._tenant, "type": type_, "things": things,
            "fields": [one.name for one in kind.fields], "area": _area(wish), "begins": clock.text(begins),
            "ends": clock.text(begins + hours * HOUR), "lateHours": kind.late_hours, "uses": uses,
        }  # fmt: skip
        if kind.also:
            terms["also"] = [*kind.also]
        if begins + hours * HOUR <= now:
            raise BadRequest("begins: the link would have ended already")
        if begins > now + MOST_HOURS * HOUR:
            raise BadRequest(f"begins: expected a moment within the next {MOST_HOURS // 24} days")
        made = codes.write(terms, self._seal)

        async def add(tx: Transaction) -> Capability:
            for thing in things:
                entity = await tx.entity(self._tenant, thing)
                if entity is None or type_ not in entity["type"]:
                    raise NotFound(f"there is no {kind.type} {thing!r:.120}")
            event = await told(tx, clock.text(now), by, "made", dict(terms))
            kept: Capability = {
                "terms": terms, "note": note, "madeBy": by, "madeAt": clock.text(now), "used": 0, "events": [event],
            }  # fmt: skip
            await tx.put(TENANT, KIND, terms["number"], kept)
            return kept

        return made, await self._store.transact(add)

    async def end(self, by: str, number: str, why: Why) -> Capability:
        """From the next request on, on every worker. A link that has ended may still be called lost. Raises NotFound."""

        async def work(tx: Transaction) -> Capability:
            kept = await _kept(tx, number)
            if "ended" in kept and (kept["ended"]["why"] == "lost" or why == "ended"):
                return kept
            at = clock.text(self._now())
            event = await told(tx, at, by, why, {"number": number})
            changed: Capability = {
                **kept, "ended": {"at": at, "by": by, "why": why}, "events": [*kept["events"], event],
            }  # fmt: skip
            await tx.put(TENANT, KIND, number, changed)
            await tx.put(TENANT, REVOKED, number, {"at": at})
            return changed

        return await self._store.transact(work)

    async def all(self) -> list[Capability]:
        """Newest first."""
        found = [cast("Capability", doc) for _, _, doc in await self._store.documents(TENANT, KIND)]
        return sorted(found, key=lambda one: one["madeAt"], reverse=True)

    async def one(self, number: str) -> Capability:
        """Raises NotFound."""
        kept = cast("Capability | None", await self._store.get(TENANT, KIND, number))
        if kept is None:
            raise NotFound(f"there is no link {number!r:.40}")
        return kept

    async def uses(self, number: str) -> list[dict[str, Any]]:
        """What was sent through it, newest first."""
        found = [doc for _, _, doc in await self._store.documents(TENANT, USES + number)]
        return sorted(found, key=lambda one: str(one["at"]), reverse=True)

    def code(self, kept: Capability) -> str:
        """Its code once more, for a sheet that was lost on the way to the printer. Raises WrongSeal."""
        return codes.write(kept["terms"], self._seal)

    # --- with a link in hand
    async def seen(self, code: str) -> Capability:
        """What a link is for; seeing uses nothing up. Raises LinkUnknown, LinkOver."""
        number, mark = self._read(code)
        kept = cast("Capability | None", await self._store.get(TENANT, KIND, number))
        found = self._genuine(kept, mark)
        using.demand_open(found, self._now())
        return found

    def number(self, code: str) -> str:
        """Which one that code says it is. Raises LinkUnknown."""
        return self._read(code)[0]

    async def use(self, code: str, sent: Sent) -> Done:
        """Durable when it returns. All of it is checked inside the transaction: what was ended a moment ago is ended.

        Raises LinkUnknown, LinkOver, Elsewhere, SentTwice, BadRequest, Forbidden, NotFound.
        """
        number, mark = self._read(code)
        if await self._store.get(TENANT, KIND, number) is None:
            raise LinkUnknown  # whoever thinks codes up costs the city no transaction

        async def work(tx: Transaction) -> Done:
            found = self._genuine(cast("Capability | None", await tx.get(TENANT, KIND, number)), mark)
            kind = self.kinds.get(found["terms"]["kind"])
            if kind is None:
                raise LinkOver("the city gives out no such links any more")
            return await using.use(tx, found, kind, sent, self._words, self._policy, self._now())

        return await self._store.transact(work)

    async def act(self, tx: Transaction, code: str, what: Also, sent: Sent, work: Work) -> Done:
        """Something else than reporting, in a transaction of whoever does it. `work` is asked once, however often it is sent.

        Raises as `use`, and what `work` raises.
        """
        number, mark = self._read(code)
        found = self._genuine(cast("Capability | None", await tx.get(TENANT, KIND, number)), mark)
        return await using.act(tx, found, what, sent, work, self._policy, self._now())

    async def tidy(self) -> int:
        """Forget links that ended long ago, with their uses and salts; how many."""
        before = self._now() - KEPT
        gone = [one["terms"]["number"] for one in await self.all() if _over(one) < before]
        used = [
            (USES + number, id)
            for number in gone
            for _, id, _ in await self._store.documents(TENANT, USES + number)
        ]

        async def work(tx: Transaction) -> int:
            uses = sum([await tx.drop(TENANT, *one) for one in used])
            links = sum([await tx.drop(TENANT, KIND, number) for number in gone])
            await swept.note(tx, self._now(), {KIND: links, USES.rstrip(":"): uses})
            return links

        return await self._store.transact(work) if gone else 0

    def _read(self, code: str) -> tuple[str, bytes]:
        found = codes.read(code)
        if found is None:
            raise LinkUnknown
        return found

    def _genuine(self, kept: Capability | None, mark: bytes) -> Capability:
        if kept is None or not codes.fits(kept["terms"], mark, self._seal):
            raise LinkUnknown
        return kept


def _over(kept: Capability) -> int:
    """When it ended: by itself, or before that by somebody; microseconds UTC."""
    by_itself = clock.micros(kept["terms"]["ends"])
    return min(by_itself, clock.micros(kept["ended"]["at"])) if "ended" in kept else by_itself


async def _kept(tx: Transaction, number: str) -> Capability:
    kept = cast("Capability | None", await tx.get(TENANT, KIND, number))
    if kept is None:
        raise NotFound(f"there is no link {number!r:.40}")
    return kept


def _area(wish: Wish) -> Area | None:
    if not wish.metres:
        return None
    if wish.place is None or not 20 <= wish.metres <= 50_000:
        raise BadRequest("a place is a point and 20 to 50,000 metres around it")
    longitude, latitude = (round(degrees * 1_000_000) for degrees in wish.place)
    return {"longitude": longitude, "latitude": latitude, "metres": wish.metres}
