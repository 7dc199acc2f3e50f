"""The door to the register: a keeper writes who came, staff write and read, each read leaves its receipt."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people.links import Done, Sent
from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.records import TENANT
from kitamae.kernel.people.sheltered import records
from kitamae.kernel.people.sheltered.records import FOUND, KIND, REGISTER, Place, Tally
from kitamae.kernel.people.vault import Asked, Ordered
from kitamae.kernel.problems import BadRequest, Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kitamae.kernel.context.observed import Outcome
    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.links import Links, Through
    from kitamae.kernel.people.sheltered.said import Said
    from kitamae.kernel.people.vault import Record, Vault

_RECORD: Final = "sheltered"
_AHEAD: Final = 60_000_000  # microseconds: a form is filled in to the minute
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Here:
    """A person in the register, opened for whoever asked. `left` "": still there."""

    ref: str
    name: str
    kana: str
    town: str
    age: str
    needs: Sequence[str]
    findable: bool
    came: str
    left: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """A form that enters somebody. `mark`: of all that it said."""

    ref: str
    shelter: str
    came: str
    mark: str


class _Again(Conflict):
    """The same form's number once more: nothing of it is kept twice."""


class Sheltered:
    """One per city. `type_` is a shelter's, expanded; `vault()` raises VaultClosed; `mark` knows again what a form said, and nobody else does."""

    def __init__(
        self,
        store: Store,
        vault: Callable[[], Vault],
        links: Links,
        type_: str,
        mark: Callable[[bytes], bytes],
        *,
        tenant: str = "",
        now: Callable[[], int] = clock.now,
    ) -> None:
        self._store, self._vault, self._links, self._now = store, vault, links, now
        self._type, self._tenant, self._mark = type_, tenant, mark

    async def tallies(self) -> dict[str, Tally]:
        """By shelter: how many are in the register and still there. Names nobody, so it leaves no receipt."""
        found = await self._store.documents(TENANT, records.COUNTS)
        return {id: Tally(doc["people"], Counter(doc["needs"])) for _, id, doc in found}

    async def enter(self, who: Principal, shelter: str, said: Said, form: str, at: int | None = None) -> str:
        """By staff; the person's reference. `form`: the form's own number; `at`: when he came, as a sheet says, microseconds UTC.

        Raises NotSignedIn, Forbidden, NotFound, BadRequest, VaultClosed; Conflict where the same form said something else.
        """
        now = self._now()
        if at is not None and at > now + _AHEAD:
            raise BadRequest(f"at: {clock.text(at)} lies ahead; here it is {clock.text(now)}")

        async def known(tx: Transaction) -> None:
            entity = await tx.entity(self._tenant, shelter)
            if entity is None or self._type not in entity["type"]:
                raise NotFound(f"{shelter!r:.120} is not there any more")

        came = now if at is None else min(at, now)
        entry = self._entry(shelter, said, form, came, at)
        try:
            await self._keep(who, said, entry, known)
        except _Again:
            await self._repeated(who, said, entry)
        return entry.ref

    async def through(self, code: str, shelter: str, said: Said, form: str) -> Done:
        """By whoever holds a link that is for it. Of the person nothing stays with the link. Raises as `Links.use`, and as `enter`."""
        kept = await self._links.seen(code)
        scopes = frozenset(f"write:person:{one}" for one in (REGISTER, FOUND))
        tenants = frozenset({kept["terms"]["tenant"]})
        who = Principal(f"link-{kept['terms']['number']}", "service", scopes, 1, tenants=tenants)
        id = shelter or (kept["terms"]["things"][0] if len(kept["terms"]["things"]) == 1 else "")
        done = Done(id, "known", again=True)

        async def along(tx: Transaction) -> None:
            nonlocal done

            async def work(it: Through) -> tuple[Outcome, Mapping[str, Any]]:
                return "new", {"名簿に書いた人": 1}

            done = await self._links.act(tx, code, "people", Sent(form, {}, id), work)
            if done.again:
                raise _Again

        entry = self._entry(id, said, form, self._now(), None)
        try:
            await self._keep(who, said, entry, along)
        except _Again:
            await self._repeated(who, said, entry)
        return done

    async def of(self, who: Principal, shelter: str) -> list[Here]:
        """Everybody of one shelter, who is there first; each with a receipt that the person can see. Raises as `Vault.read`."""
        places = {
            ref: cast("Place", doc)
            for _, ref, doc in await self._store.documents(TENANT, KIND)
            if doc["shelter"] == shelter
        }
        refs = sorted(places)
        found: list[Here] = []
        for start in range(0, len(refs), _PAGE):
            asked = Asked(who, REGISTER, tuple(refs[start : start + _PAGE]), (_RECORD,))
            found += [_here(one, places[one.person]) for one in await self._vault().read(asked)]
        return sorted(found, key=lambda one: (bool(one.left), one.kana or one.name, one.ref))

    async def leave(self, who: Principal, ref: str, at: int | None = None) -> None:
        """He went; nobody finds him here any more. Raises NotFound, Conflict, and as `Vault.keep`."""
        now = self._now()
        when = now if at is None else min(at, now)
        place, record = await self._one(who, ref)
        if place["left"]:
            raise Conflict("it has ended already: that person had left")
        if place["found"]:
            await self._hide(who, ref)
        await self._change(who, record, ref, {"left": clock.text(when)}, -1)

    async def back(self, who: Principal, ref: str) -> None:
        """It was a mistake, or he came back. Whether he may be found, he is asked anew. Raises as `leave`."""
        place, record = await self._one(who, ref)
        if not place["left"]:
            raise Conflict("look at it again: that person is there")
        await self._change(who, record, ref, {"left": ""}, 1)

    async def tell(self, who: Principal, ref: str, *, findable: bool) -> None:
        """As the person wants it, from the next search on. Raises NotFound, Conflict, and as `Vault.keep`."""
        place, record = await self._one(who, ref)
        if place["left"]:
            raise Conflict("it has ended already: that person had left")
        if findable and not (place["found"] and await self._held(who, ref)):
            await self._show(who, ref, record.fields)
        elif not findable and place["found"]:
            await self._hide(who, ref)

    # --- inside
    def _entry(self, shelter: str, said: Said, form: str, came: int, at: int | None) -> _Entry:
        told = [*(shelter, said.name, said.kana, said.town, said.age, list(said.needs), said.findable, at)]
        mark = self._mark(json.dumps(told).encode()).hex()
        return _Entry(_reference(shelter, form), shelter, clock.text(came), mark)

    async def _keep(
        self, who: Principal, said: Said, entry: _Entry, first: Callable[[Transaction], Any]
    ) -> None:
        """Raises _Again."""

        async def along(tx: Transaction) -> Mapping[str, object]:
            await first(tx)
            if await records.place(tx, entry.ref) is not None:
                raise _Again
            now = clock.text(self._now())
            place = Place(
                shelter=entry.shelter, found=False, came=entry.came, left="", at=now, mark=entry.mark, noted=False,
            )  # fmt: skip
            await tx.put(TENANT, KIND, entry.ref, dict(place))
            await records.count(tx, entry.shelter, said.needs, 1)
            return {}

        fields = _fields(said, entry)
        await self._vault().keep(who, entry.ref, REGISTER, _RECORD, fields, along=along)
        if said.findable:
            await self._show(who, entry.ref, fields)

    async def _repeated(self, who: Principal, said: Said, entry: _Entry) -> None:
        """What a crash cut off is finished, unless somebody wrote of him since. Raises Conflict: the form said something else."""
        place = await records.place(self._store, entry.ref)
        if place is None or place.get("mark") != entry.mark:
            raise Conflict("this form was sent already with other words: send it once more to keep these too")
        if said.findable and not place["noted"]:
            await self._show(who, entry.ref, {**_fields(said, entry), "came": place["came"]})

    async def _show(self, who: Principal, ref: str, fields: Mapping[str, object]) -> None:
        """After the register's own record: what fails between leaves somebody who is not found, never the other way round."""
        told = {"name": fields["name"], "kana": fields["kana"], "address": fields["town"]}
        told |= {"shelter": fields["shelter"], "since": fields["came"]}

        async def along(tx: Transaction) -> Mapping[str, object]:
            await self._note(tx, ref, found=True)
            return {}

        await self._vault().keep(who, ref, FOUND, FOUND, told, along=along)

    async def _hide(self, who: Principal, ref: str) -> None:
        async def decided(tx: Transaction, number: int) -> None:
            await self._note(tx, ref, found=False)

        ordered = Ordered(who.ref, {"why": "本人の希望、または避難所を出たため"}, decided)
        try:
            await self._vault().erase_for(
                who, ref, FOUND, ordered
            )  # no restore of an older state brings it back
        except (
            NotFound
        ):  # its retention ended before, or a restore left it out: he is not found, and is not said to be
            await self._store.transact(lambda tx: self._note(tx, ref, found=False))

    async def _held(self, who: Principal, ref: str) -> bool:
        """Whether a search can meet him: what is found is kept for a shorter time than the register."""
        return bool(await self._vault().read(Asked(who, FOUND, (ref,), (FOUND,))))

    async def _note(self, tx: Transaction, ref: str, **changes: Any) -> Place:
        """Raises NotFound."""
        before = await records.place(tx, ref)
        if before is None:
            raise NotFound(f"there is no person {ref!r:.40} in the register")
        changed = cast("Place", {**before, **changes, "at": clock.text(self._now()), "noted": True})
        await tx.put(TENANT, KIND, ref, dict(changed))
        return before

    async def _one(self, who: Principal, ref: str) -> tuple[Place, Record]:
        place = await records.place(self._store, ref)
        found = await self._vault().read(Asked(who, REGISTER, (ref,), (_RECORD,))) if place else []
        if place is None or not found:
            raise NotFound(f"there is no person {ref!r:.40} in the register")
        return place, found[0]

    async def _change(
        self, who: Principal, record: Record, ref: str, changes: Mapping[str, str], by: int
    ) -> None:
        fields = {**record.fields, **changes}

        async def along(tx: Transaction) -> Mapping[str, object]:
            before = await self._note(tx, ref, **changes)
            if before["left"] == changes["left"] or (before["left"] and changes["left"]):
                raise Conflict("look at it again: somebody else wrote it in the meantime")
            await records.count(tx, before["shelter"], cast("Sequence[str]", record.fields["needs"]), by)
            return {}

        await self._vault().keep(who, ref, REGISTER, _RECORD, fields, id=record.id, along=along)


def _here(record: Record, place: Place) -> Here:
    name, kana, town, age = (str(record.fields.get(one, "")) for one in ("name", "kana", "town", "age"))
    needs = cast("Sequence[str]", record.fields.get("needs", []))
    return Here(record.person, name, kana, town, age, needs, place["found"], place["came"], place["left"])


def _fields(said: Said, entry: _Entry) -> dict[str, object]:
    return {
        "name": said.name, "kana": said.kana, "town": said.town, "age": said.age, "needs": list(said.needs),
        "shelter": entry.shelter, "came": entry.came, "left": "",
    }  # fmt: skip


def _reference(shelter: str, form: str) -> str:
    """Of the form that enters him, so that a form that is sent twice enters one."""
    if not 8 <= len(form) <= 64:
        raise BadRequest(
            f"form: expected the form's own number, 8 to 64 letters and digits, got {form!r:.60}"
        )
    return f"person-{hashlib.sha256(f'{shelter} {form}'.encode()).hexdigest()[:20]}"
