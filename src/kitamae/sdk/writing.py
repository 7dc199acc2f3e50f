"""What a service's desk writes: one act about one thing, by somebody whose duty it is, with its line in the ledger.

`desk-act:<service>:<tenant>:<entity>`   by the form's own number:   {at, by, what, leaf, salt, entity, values, facts, notes, before, since, observedAt, outcome}
`desk-note:<service>:<tenant>`           by the entity:              {name: {value, observedAt}}, what only this service's desk may know of it

State, act and leaf are committed together. A form that is sent twice counts once: it carries its number.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from kitamae.kernel.context import clock, observed, read
from kitamae.kernel.context.operations import Command, Delete, DeleteAttribute
from kitamae.kernel.people import mynumber
from kitamae.kernel.people.links.records import told
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.problems import AlreadyExists, BadRequest, Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from kitamae.kernel.context.entity import Entity
    from kitamae.kernel.context.jsonld import Context
    from kitamae.kernel.context.observed import Outcome
    from kitamae.kernel.context.store import Store, Transaction

ACTS: Final = "desk-act"
NOTES: Final = "desk-note"
_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_AHEAD: Final = 60_000_000  # microseconds: a form is filled in to the minute


@dataclass(frozen=True, slots=True)
class Act:
    """`values` are observed (at `at`, microseconds UTC; None: now), `facts` hold until somebody changes them, `notes` are for the desk
    alone; None in each: it is taken away. Plain values; a GeoJSON geometry in `facts` is a place. `new`: nothing may be there yet.

    `seen`: when what the form showed had been reported (RFC 3339, "" for nothing), by attribute or note; None: it did not look.
    `undoes`: the number of the act that this one takes back, as long as what that wrote is still what the city knows; `since`: when
    what it puts back had been observed, by attribute or note.
    """

    id: str
    what: str
    entity: str
    type: str
    values: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    new: bool = False
    seen: Mapping[str, str] | None = None
    at: int | None = None
    undoes: str = ""
    since: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _demand_number(self.id)

    @property
    def digest(self) -> str:
        """Of all that it says."""
        said = [self.what, self.entity, self.at, dict(self.values), dict(self.facts), dict(self.notes)]
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True, slots=True)
class Written:
    """`before`: what the city knew of those attributes, None where nothing. `again`: that form was sent before."""

    outcome: Outcome
    before: Mapping[str, Any]
    again: bool = False


class Moved(Conflict):
    """Somebody else reported on it after the form was shown. `more` has `now`: attribute -> [value, RFC 3339]."""

    type = "https://kitamae.example/problems/moved-meanwhile"
    title = "Somebody else reported on it in the meantime"


@dataclass(frozen=True, slots=True)
class Writing:
    """One per desk. `store` as the request's own, so that the duty is asked for once more at the commit; `types`: short names that
    the service's manifest writes; `words` the city's @context. What one service's desk did and noted no other one reads.
    """

    store: Store
    words: Context
    types: Collection[str]
    service: str
    tenant: str = ""
    now: Callable[[], int] = clock.now

    @property
    def _noted(self) -> str:
        return f"{NOTES}:{self.service}:{self.tenant}"

    def _acted(self, entity: str) -> str:
        return f"{ACTS}:{self.service}:{self.tenant}:{entity}"

    async def write(self, by: str, act: Act) -> Written:
        """Durable when it returns. `by`: the opaque reference of whoever does it.

        Raises BadRequest, Forbidden for a type that is not the service's, NotFound, AlreadyExists, Moved, and Conflict for another
        content under the number of an earlier form.
        """
        if act.type not in self.types:
            raise Forbidden(f"this service does not write {act.type}")
        mynumber.demand_none({**act.values, **act.facts, **act.notes})
        now = self.now()
        at = now if act.at is None else act.at
        if at > now + _AHEAD:
            raise BadRequest(f"at: {clock.text(at)} lies ahead; here it is {clock.text(now)}")
        at = min(at, now)

        async def work(tx: Transaction) -> Written:
            kept = await tx.get(TENANT, self._acted(act.entity), act.id)
            if kept is not None:
                if kept["digest"] != act.digest:
                    raise Conflict("a form with this number was sent before, and said something else")
                return Written(kept["outcome"], kept["before"], again=True)
            known = await tx.entity(self.tenant, act.entity)
            noted = await tx.get(TENANT, self._noted, act.entity) or {}
            self._demand(known, noted, act)
            if act.undoes:
                self._stands(known, noted, await tx.get(TENANT, self._acted(act.entity), act.undoes))
            present = self._now(known, noted, {**act.values, **act.facts, **act.notes})
            before = {name: value for name, (value, _) in present.items()}
            since = {name: present[name][1] for name in {**act.values, **act.notes} if present[name][1]}
            outcome = await self._apply(tx, by, act, known, at, now)
            if act.notes:
                await self._note(tx, act, noted, clock.text(at), late=outcome == "late")
            said = {
                "entity": act.entity, "observedAt": clock.text(at), "values": dict(act.values), "notes": dict(act.notes), "outcome": outcome,
                "facts": {name: one if not isinstance(one, Mapping) else dict(one) for name, one in act.facts.items()},
            }  # fmt: skip
            event = await told(tx, clock.text(now), by, act.what, _exact(said))
            row = {**event, **said, "digest": act.digest, "before": before, "since": since}
            await tx.put(TENANT, self._acted(act.entity), act.id, row)
            return Written(outcome, before)

        return await self.store.transact(work)

    async def remove(self, by: str, id: str, entity: str, type: str) -> None:
        """Take back a thing that the desk itself made, until something else is known of it.

        `id`: the form's own number. Raises BadRequest, NotFound, Conflict, Forbidden for another's.
        """
        _demand_number(id)
        acts = await self.acts(entity)
        if not acts or acts[0][1]["what"] != "made" or type not in self.types:
            raise Forbidden("only what this desk made is taken back")

        async def work(tx: Transaction) -> None:
            if await tx.get(TENANT, self._acted(entity), id) is not None:
                raise Conflict("a form with this number was sent before, and said something else")
            known = await tx.entity(self.tenant, entity)
            noted = await tx.get(TENANT, self._noted, entity) or {}
            made = await tx.get(TENANT, self._acted(entity), acts[0][0])
            self._stands(known, noted, made, alone=True)
            await tx.apply(Command(self.tenant, entity, Delete(), by))
            await tx.drop(TENANT, self._noted, entity)
            stamp = clock.text(self.now())
            event = await told(tx, stamp, by, "removed", {"entity": entity})
            empty: dict[str, Any] = {"values": {}, "facts": {}, "notes": {}, "before": {}, "outcome": "new"}
            await tx.put(
                TENANT,
                self._acted(entity),
                id,
                {**event, **empty, "entity": entity, "observedAt": stamp, "digest": ""},
            )

        await self.store.transact(work)

    async def acts(self, entity: str) -> list[tuple[str, dict[str, Any]]]:
        """What this desk did to a thing: (the form's number, the act), the newest first."""
        found = [(id, doc) for _, id, doc in await self.store.documents(TENANT, self._acted(entity))]
        return sorted(found, key=lambda one: (str(one[1]["at"]), one[1]["leaf"]), reverse=True)

    async def notes(self) -> dict[str, dict[str, Any]]:
        """What only the desk knows: entity -> name -> {value, observedAt}."""
        return {id: doc for _, id, doc in await self.store.documents(TENANT, self._noted)}

    async def note(self, entity: str) -> dict[str, Any]:
        """The same of one thing."""
        return await self.store.get(TENANT, self._noted, entity) or {}

    async def _note(
        self, tx: Transaction, act: Act, noted: Mapping[str, Any], at: str, *, late: bool
    ) -> None:
        """What is older than what was noted changes nothing; nor does what is `late` take anything away."""
        newer = {
            name: None if value is None else {"value": value, "observedAt": act.since.get(name, at)}
            for name, value in act.notes.items()
            if act.undoes
            or not ((late and value is None) or _later(str(noted.get(name, {}).get("observedAt", "")), at))
        }
        kept = {name: one for name, one in {**noted, **newer}.items() if one is not None}
        if kept:
            await tx.put(TENANT, self._noted, act.entity, kept)
        else:
            await tx.drop(TENANT, self._noted, act.entity)

    def _demand(self, known: Entity | None, noted: Mapping[str, Any], act: Act) -> None:
        if act.new:
            if known is not None:
                raise AlreadyExists(f"{act.entity} is already here", entity=act.entity)
            return
        if known is None or self.words.expand(act.type) not in known["type"]:
            raise NotFound(f"{act.entity!r:.120} is not there any more")
        if act.seen is None:
            return
        now = self._now(known, noted, act.seen)
        if newer := {name: one for name, one in now.items() if _later(one[1], act.seen[name])}:
            raise Moved("look at it again: it was reported on in the meantime", now=newer)

    def _stands(
        self,
        known: Entity | None,
        noted: Mapping[str, Any],
        act: Mapping[str, Any] | None,
        *,
        alone: bool = False,
    ) -> None:
        """Whether all that an act wrote is what is known, and, if `alone`, nothing else was ever reported. Raises Conflict."""
        moved = Conflict("look at it again: it was reported on in the meantime")
        if act is None or act["outcome"] != "new" or known is None:
            raise moved
        wrote = {**act["values"], **act["facts"], **act["notes"]}
        for name, (value, at) in self._now(known, noted, wrote).items():
            timed = value is not None and name not in act["facts"]
            if value != wrote[name] or (timed and at != act["observedAt"]):
                raise moved
        own = {self.words.expand(name) for name in wrote}
        reported = {name for name, ones in known["attrs"].items() if any("observedAt" in one for one in ones)}
        if alone and (reported - own or noted.keys() - wrote.keys()):
            raise moved

    def _now(
        self, entity: Entity | None, noted: Mapping[str, Any], names: Mapping[str, Any]
    ) -> dict[str, tuple[Any, str]]:
        """(value, when it was observed, else written) of each attribute or note; (None, "") where nothing is known."""
        iris = {name: self.words.expand(name) for name in names}
        present = observed.values(entity, iris.values())
        found: dict[str, tuple[Any, str]] = {}
        for name, iri in iris.items():
            if one := present.get(iri):
                found[name] = (one["v"], str(one.get("observedAt") or one.get("modifiedAt") or ""))
            else:
                note = noted.get(name, {})
                found[name] = (note.get("value"), str(note.get("observedAt", "")))
        return found

    async def _apply(
        self, tx: Transaction, by: str, act: Act, known: Entity | None, at: int, now: int
    ) -> Outcome:
        payload: dict[str, Any] = {"id": act.entity, "type": self.words.expand(act.type)}
        for name, value in act.values.items():
            if value is not None:
                seen = act.since.get(name, clock.text(at))
                payload[name] = {"type": "Property", "value": value, "observedAt": seen}
                iri = self.words.expand(name)
                if act.undoes and known is not None and iri in known["attrs"]:
                    # it is older than what it takes the place of, and is to stand all the same
                    await tx.apply(Command(self.tenant, act.entity, DeleteAttribute(iri), by))
        for name, value in act.facts.items():
            if value is not None:
                geometry = isinstance(value, Mapping) and "coordinates" in value
                payload[name] = {"type": "GeoProperty" if geometry else "Property", "value": value}
        outcome, _ = await observed.observed(tx, self.tenant, read.entity(payload, self.words), at, now, by)
        for name, value in {**act.values, **act.facts}.items():
            iri = self.words.expand(name)
            if value is None and known is not None and iri in known["attrs"]:
                since = str(self._now(known, {}, {name: None})[name][1])
                if (
                    name in act.values
                    and not act.undoes
                    and (outcome == "late" or _later(since, clock.text(at)))
                ):
                    continue  # what is older takes nothing away either
                await tx.apply(Command(self.tenant, act.entity, DeleteAttribute(iri), by))
                outcome = "new"
        return outcome


def undoing(form: str, type: str, number: str, act: Mapping[str, Any]) -> Act:
    """The act that takes back `act` (as `Writing.acts` gives it, with its number): what was known before gets the time that it had; what
    had none known is taken away, for it must not look as if reported now.
    """
    known, since = act["before"], act.get("since", {})

    def former(names: Mapping[str, Any]) -> dict[str, Any]:
        return {name: known.get(name) if name in since else None for name in names}

    facts = {name: known.get(name) for name in act["facts"]}
    return Act(
        form, "undone", act["entity"], type, former(act["values"]), facts, former(act["notes"]),
        undoes=number, since=since,
    )  # fmt: skip


def _demand_number(id: str) -> None:
    if not _ID.fullmatch(id):
        raise BadRequest(f"id: expected the form's own number, 8 to 64 letters and digits, got {id!r:.60}")


def _later(known: str, seen: str) -> bool:
    """Whether something is known that the form did not show."""
    return bool(known) and (not seen or clock.micros(known) > clock.micros(seen, "seen"))


def _exact(said: dict[str, Any]) -> dict[str, Any]:
    """As a leaf commits to it: numbers with a fraction, as of a position, in their shortest text."""

    def plain(value: Any) -> Any:
        if isinstance(value, float):
            return repr(value)
        if isinstance(value, Mapping):
            return {str(name): plain(one) for name, one in value.items()}
        return [plain(one) for one in value] if isinstance(value, list | tuple) else value

    return {name: plain(value) for name, value in said.items()}
