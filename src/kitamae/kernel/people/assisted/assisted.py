"""The door to the list: staff enter, correct and read it, each read leaves its receipt; helpers read of those alone who agreed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.context import clock
from kitamae.kernel.people.assisted import records
from kitamae.kernel.people.assisted.records import KIND, LIST, SHARED, Count, Entry
from kitamae.kernel.people.assisted.said import SHOWN, Told, Wrong
from kitamae.kernel.people.records import RESIDENT, TENANT
from kitamae.kernel.people.vault import Asked, Ordered
from kitamae.kernel.problems import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault import Record, Vault

_RECORD: Final = "assisted"
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the list, opened for whoever asked. `fields` as `Told.fields`; `due`: when retention ends, RFC 3339 UTC."""

    ref: str
    entry: Entry
    fields: Mapping[str, Any]
    due: str


class Assisted:
    """One per city. `vault()` raises VaultClosed."""

    def __init__(
        self, store: Store, vault: Callable[[], Vault], *, now: Callable[[], int] = clock.now
    ) -> None:
        self._store, self._vault, self._now = store, vault, now

    async def counts(self) -> dict[str, Count]:
        """By district. Names nobody, so it leaves no receipt."""
        people: defaultdict[str, int] = defaultdict(int)
        shared: defaultdict[str, int] = defaultdict(int)
        for one in (await records.entries(self._store)).values():
            if not one["left"]:
                people[one["town"]] += 1
                shared[one["town"]] += bool(one["share"])
        return {town: Count(many, shared[town]) for town, many in people.items()}

    async def entries(self) -> dict[str, Entry]:
        """By reference, who is on the list and who was; nobody is named."""
        return await records.entries(self._store)

    async def of(self, who: Principal, town: str) -> list[Person]:
        """Who is on the list of one district, and who left it; each with a receipt that the person can see. Raises as `Vault.read`."""
        kept = {ref: one for ref, one in (await self.entries()).items() if one["town"] == town}
        return await self._read(who, LIST, kept)

    async def shared(self, who: Principal, towns: Sequence[str]) -> list[Person]:
        """What a helper sees of these districts, receipted alike. Raises as `Vault.read`."""
        entries = await self.entries()
        kept = {
            ref: one
            for ref, one in entries.items()
            if one["share"] and not one["left"] and one["town"] in towns
        }
        return await self._read(who, SHARED, kept)

    async def one(self, who: Principal, ref: str) -> Person:
        """Raises NotFound, and as `Vault.read`."""
        entry, record = await self._one(who, ref)
        return _person(record, entry)

    async def enter(self, who: Principal, told: Told, mark: str = "") -> str:
        """Somebody who is not on the list yet; his reference. `mark`: of the row that says so. Raises Wrong, and as `Vault.keep`."""
        ref = told.account or reference(told.number)

        async def along(tx: Transaction) -> Mapping[str, object]:
            if await records.entry(tx, ref) is not None:
                raise Wrong(field="account" if told.account else "number", value=told.number, expected="new")
            at = clock.text(self._now())
            entry = Entry(
                number=told.number, town=told.town, share="", agreed="", undone="", left="", mark=mark, at=at
            )
            await tx.put(TENANT, KIND, ref, dict(entry))
            return {}

        if any(one["number"] == told.number for one in (await self.entries()).values()):
            raise Wrong(field="number", value=told.number, expected="new")
        await self.demand_account(told)
        await self._vault().keep(who, ref, LIST, _RECORD, told.fields(), along=along)
        if told.agreed:
            await self.agree(who, ref, told.agreed)
        return ref

    async def demand_account(self, told: Told) -> None:
        """Whoever is named by his own reference has signed in here with his card. Raises Wrong."""
        if told.account and await self._store.get(TENANT, RESIDENT, told.account) is None:
            raise Wrong(field="account", value=told.account, expected="account")

    async def correct(self, who: Principal, ref: str, told: Told, mark: str | None = None) -> None:
        """All of it anew, but for the number and what the person agreed to; where helpers see him, they see it too. `mark`: as `enter`.
        Raises NotFound, Wrong, Conflict, and as `Vault.keep`.
        """
        entry, record = await self._one(who, ref)
        if told.number != entry["number"]:
            raise Wrong(field="number", value=told.number, expected="same")
        if told.account and told.account != ref:
            raise Wrong(field="account", value=told.account, expected="same")
        changes = {"town": told.town} if mark is None else {"town": told.town, "mark": mark}
        fields = {**told.fields(), **_said(entry)}
        await self._write(who, ref, entry, record, fields, changes)

    async def renew(self, who: Principal, ref: str) -> None:
        """He is still on the list: its retention begins anew. Raises as `correct`."""
        entry, record = await self._one(who, ref)
        await self._write(who, ref, entry, record, record.fields, {})

    async def agree(self, who: Principal, ref: str, day: str) -> None:
        """The person said on that day (ISO 8601) that helpers may see him; they do from now on. Raises as `correct`."""
        entry, record = await self._one(who, ref)
        if entry["left"]:
            raise Conflict("it has ended already: that person had left")
        if entry["undone"] and day <= entry["undone"]:
            raise Wrong(field="agreed", value=day, expected="later-day")
        if entry["share"]:
            raise Conflict("look at it again: that person had agreed")
        entry = await self._write(who, ref, entry, record, {**record.fields, "agreed": day}, {"agreed": day})
        await self._show(who, ref, entry, record.fields)

    async def undo(self, who: Principal, ref: str, day: str) -> None:
        """He takes it back; what helpers saw is destroyed with its key, and no restore of an older state brings it back. Raises as `correct`."""
        entry, record = await self._one(who, ref)
        if not entry["agreed"]:
            raise Conflict("look at it again: that person had not agreed")
        entry = await self._hide(who, ref, entry)
        said = {**record.fields, "agreed": "", "undone": day}
        await self._write(who, ref, entry, record, said, {"agreed": "", "undone": day})

    async def leave(self, who: Principal, ref: str) -> None:
        """He is on the list no more; helpers see nothing of him from now on. Raises as `correct`."""
        entry, record = await self._one(who, ref)
        if entry["left"]:
            raise Conflict("it has ended already: that person had left")
        entry = await self._hide(who, ref, entry)
        left = {"left": clock.text(self._now()), "agreed": ""}
        await self._write(who, ref, entry, record, {**record.fields, **left}, left)

    async def back(self, who: Principal, ref: str) -> None:
        """It was a mistake. Whether helpers may see him, he is asked anew. Raises as `correct`."""
        entry, record = await self._one(who, ref)
        if not entry["left"]:
            raise Conflict("look at it again: that person is there")
        await self._write(who, ref, entry, record, {**record.fields, "left": ""}, {"left": ""})

    # --- inside
    async def _read(self, who: Principal, purpose: str, kept: Mapping[str, Entry]) -> list[Person]:
        refs = sorted(kept)
        found: list[Person] = []
        for start in range(0, len(refs), _PAGE):
            asked = Asked(who, purpose, tuple(refs[start : start + _PAGE]), (_RECORD,))
            found += [
                _person(one, kept[one.person])
                for one in await self._vault().read(asked)
                if one.klass == purpose
            ]
        return sorted(found, key=lambda one: (bool(one.entry["left"]), _called(one), one.ref))

    async def _one(self, who: Principal, ref: str) -> tuple[Entry, Record]:
        entry = await records.entry(self._store, ref)
        found = await self._vault().read(Asked(who, LIST, (ref,), (_RECORD,))) if entry else []
        if entry is None or not found:
            raise NotFound(f"there is no person {ref!r:.40} in the register")
        return entry, found[0]

    async def _write(
        self, who: Principal, ref: str, entry: Entry, record: Record, fields: Mapping[str, object], changes: Mapping[str, str]
    ) -> Entry:  # fmt: skip
        """The list's record, and what helpers see where they do. What fails between is written by writing it again. Raises Conflict."""
        written = await self._keep(who, ref, entry, record.id, fields, changes)
        if written["share"]:
            shown = {name: fields.get(name, "") for name in SHOWN}
            await self._vault().keep(who, ref, SHARED, _RECORD, shown, id=written["share"])
        return written

    async def _keep(
        self, who: Principal, ref: str, entry: Entry, id: str, fields: Mapping[str, object], changes: Mapping[str, str]
    ) -> Entry:  # fmt: skip
        changed = cast("Entry", {**entry, **changes, "at": clock.text(self._now())})

        async def along(tx: Transaction) -> Mapping[str, object]:
            await _put(tx, ref, entry, changed)
            return {}

        await self._vault().keep(who, ref, LIST, _RECORD, fields, id=id, along=along)
        return changed

    async def _show(self, who: Principal, ref: str, entry: Entry, fields: Mapping[str, object]) -> None:
        """After the list's own record: what fails between leaves somebody whom helpers do not see, never the other way round."""
        shown = {name: fields.get(name, "") for name in SHOWN}
        id = await self._vault().keep(who, ref, SHARED, _RECORD, shown)

        async def note(tx: Transaction) -> None:
            await _put(tx, ref, entry, cast("Entry", {**entry, "share": id}))

        await self._store.transact(note)

    async def _hide(self, who: Principal, ref: str, entry: Entry) -> Entry:
        """Nothing where helpers do not see him; whatever of the class is there goes."""
        hidden = cast("Entry", {**entry, "share": ""})

        async def decided(tx: Transaction, number: int) -> None:
            await _put(tx, ref, entry, hidden)

        ordered = Ordered(who.ref, {"why": "本人が同意を取り消したか、名簿から外れたため"}, decided)
        try:
            await self._vault().erase_for(who, ref, SHARED, ordered)
        except NotFound:
            return entry  # never shown, or gone with its retention
        return hidden


def reference(number: str) -> str:
    """Of whoever has no account: by the list's own number, so that a file that is brought twice enters one."""
    return f"person-{hashlib.sha256(f'assisted {number}'.encode()).hexdigest()[:20]}"


async def _put(tx: Transaction, ref: str, before: Entry, after: Entry) -> None:
    """Raises Conflict where it is not any more what was looked at."""
    if await records.entry(tx, ref) != before:
        raise Conflict("look at it again: somebody else wrote it in the meantime")
    await tx.put(TENANT, KIND, ref, dict(after))


def _said(entry: Entry) -> dict[str, str]:
    """What a correction leaves as it is."""
    return {name: entry[name] for name in ("agreed", "undone", "left")}


def _person(record: Record, entry: Entry) -> Person:
    return Person(record.person, entry, record.fields, clock.text(record.due))


def _called(one: Person) -> str:
    return str(one.fields.get("kana") or one.fields.get("name", ""))
