"""What was ended, and stays so after a restore: secrets that were taken back, sessions that were left, duties that were taken, changes
that were withdrawn or refused.

It is known from two places: the state that a restore replaces, where that can still be read, and the list that is kept with persons'
keys (`apart.py`), whatever became of the state and by whatever means it was restored. From either all of it is written into the restored
state, also of what this backup never knew: the next restore may be of another one.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from kitamae.kernel.context import clock
from kitamae.kernel.people import approval, colleagues, notices
from kitamae.kernel.people.duties import steps
from kitamae.kernel.people.duties.records import FOUNDED, TRANSFER, Founded
from kitamae.kernel.people.duties.steps import Kept, carried, without
from kitamae.kernel.people.provider import owing
from kitamae.kernel.people.records import GIVEN, REVOKED, TENANT
from kitamae.kernel.people.vault.classes import DAY
from kitamae.kernel.people.vault.keystore import Over

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.context.telling import Own

WAYS: Final = ("link", "session", "code", "grant", "access", "refresh")
"""Ways in that end by themselves. Where one is there that was left before its time, the state is older than the list: all of them end."""
KINDS: Final = (REVOKED, steps.KIND, TRANSFER, approval.KIND, notices.TOLD, owing.WITHDRAWN, *WAYS)
"""Documents of which the list tells."""
MARK: Final = ("carried", "last")
"""{restore, out}: a restore into which the list was carried, by a name of its own, and whether everybody was signed out after it."""
_CLOSED: Final = ("refused", "withdrawn")
_NEWER: Final = (notices.TOLD, owing.WITHDRAWN)
"""Kinds of which the newer one holds."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Documents by their ids: of `revoked`, `duties`, changes that were withdrawn, and second persons' words against something. `left`:
    (kind, id) of ways in that are over. `told`: of notices, what became of them; `disagreed`: that a person took back what he had agreed to
    with a partner. These two are not ended for good: the newer one holds.
    """

    revoked: Mapping[str, Any]
    duties: Mapping[str, Kept]
    withdrawn: Mapping[str, Any]
    refused: Mapping[str, Any]
    left: Sequence[tuple[str, str]] = field(default=())
    told: Mapping[str, Any] = field(default_factory=dict)
    disagreed: Mapping[str, Any] = field(default_factory=dict)


async def ended(store: Store) -> Ended:
    """As the city knows it now."""

    async def of(kind: str) -> dict[str, Any]:
        return {id: doc for _, id, doc in await store.documents(TENANT, kind)}

    return Ended(
        await of(REVOKED),
        await of(steps.KIND),
        {id: doc for id, doc in (await of(TRANSFER)).items() if doc["gone"]},
        {id: doc for id, doc in (await of(approval.KIND)).items() if doc["word"] in _CLOSED},
        told=await of(notices.TOLD),
        disagreed=await of(owing.WITHDRAWN),
    )


# --- as it is kept with the keys
def listed(rows: Sequence[Over], now: int) -> Ended:
    """What the list says, without what is past at `now` (microseconds UTC)."""
    left: list[tuple[str, str]] = []
    found: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS if kind not in WAYS}
    for one in rows:
        if one.until and one.until <= now:
            continue
        if one.kind in WAYS:
            left.append((one.kind, one.id))
        elif one.kind in found:
            found[one.kind][one.id] = orjson.loads(one.doc)
    return Ended(
        found[REVOKED],
        found[steps.KIND],
        found[TRANSFER],
        found[approval.KIND],
        left,
        found[notices.TOLD],
        found[owing.WITHDRAWN],
    )


def rows(known: Ended) -> list[Over]:
    """For the list."""
    docs = {
        REVOKED: known.revoked,
        steps.KIND: known.duties,
        TRANSFER: known.withdrawn,
        approval.KIND: known.refused,
        notices.TOLD: known.told,
        owing.WITHDRAWN: known.disagreed,
    }
    return [_row(kind, id, doc) for kind, some in docs.items() for id, doc in cast("Any", some).items()]


def row(own: Own, now: int) -> Over | None:
    """What the list says of a document that was kept or dropped just now; None: nothing, and no more what it said before."""
    kind, doc = own.kind, own.doc
    if kind in WAYS:
        went = own.was if doc is None else doc if kind == "refresh" and doc["spent"] else None
        if went is None or clock.micros(went["expiresAt"]) <= now:
            return None
        return Over(kind, own.id, clock.micros(went["expiresAt"]), b"{}")
    over = doc is not None and (
        kind in (REVOKED, steps.KIND, *_NEWER)
        or (kind == TRANSFER and doc["gone"])
        or (kind == approval.KIND and doc["word"] in _CLOSED)
    )
    return _row(kind, own.id, doc) if over else None


def _row(kind: str, id: str, doc: Any) -> Over:
    until = 0
    if kind == approval.KIND:
        until = clock.micros(doc["until"])
    elif kind == owing.WITHDRAWN:
        until = clock.micros(doc["at"]) + owing.AGREED_DAYS * DAY
    return Over(kind, id, until, orjson.dumps(doc, option=orjson.OPT_SORT_KEYS))


def newest(there: Sequence[Over], others: Sequence[Over]) -> list[Over]:
    """Of `others`, what is to stand in a list in which `there` stands: of what the newer one holds of, nothing that is older."""
    before = {(one.kind, one.id): one for one in there if one.kind in _NEWER}
    return [
        one for one in others
        if (old := before.get((one.kind, one.id))) is None or _newer(orjson.loads(one.doc), orjson.loads(old.doc))
    ]  # fmt: skip


# --- into a state that was restored
async def carry(store: Store, known: Ended, *, owed: bool | None = None) -> int:
    """Into the city as the backup left it; how much had come back, notices apart. Nothing is written where nothing had.

    What a restored state owes partners they were told, once: it goes in the same transaction. `owed`: whether it does; None: where
    something had come back.
    """
    back: int | None = None
    while back is None:  # another worker carried the same meanwhile: look again
        back = await _carry(store, known, owed)
    return back


async def unfinished(store: Store) -> bool:
    """Something was carried, and whoever did has not signed everybody out yet."""
    mark: Any = await store.get(TENANT, *MARK)
    return mark is not None and not mark["out"]


async def finish(store: Store) -> None:
    """Everybody is signed out."""

    async def work(tx: Transaction) -> None:
        mark: Any = await tx.get(TENANT, *MARK)
        if mark is not None and not mark["out"]:
            await tx.put(TENANT, *MARK, {**mark, "out": True})

    await store.transact(work)


async def _carry(store: Store, known: Ended, owed: bool | None) -> int | None:
    mark: Any = await store.get(TENANT, *MARK)
    here = await ended(store)
    gone = known.withdrawn.keys() | here.withdrawn.keys()
    revoked = {id: doc for id, doc in known.revoked.items() if id not in here.revoked}
    withdrawn = {id: doc for id, doc in known.withdrawn.items() if id not in here.withdrawn}
    refused = {
        id: doc for id, doc in known.refused.items()
        if id not in here.refused and not await _asked_again(store, id, doc)
    }  # fmt: skip
    told = _since(known.told, here.told)
    disagreed = _since(known.disagreed, here.disagreed)
    agreed = {id: doc for _, id, doc in await store.documents(TENANT, "consent")} if disagreed else {}
    again = [id for id, doc in disagreed.items() if id in agreed and not _newer(agreed[id], doc)]
    persons = _changed(known, here, gone)
    back = len(revoked) + len(withdrawn) + len(refused) + len(persons) + len(again)
    back += await _left(store, known.left)
    going_on = mark is not None and not mark["out"]  # cut off while everybody was signed out: that is owed
    forgets = owed if owed is not None else back > 0 and not going_on
    past = [id for _, id, _ in await store.documents(TENANT, owing.KIND)] if forgets else []

    async def work(tx: Transaction) -> bool:
        if await tx.get(TENANT, *MARK) != mark:
            return False
        if back or forgets:
            await tx.put(TENANT, *MARK, {"restore": secrets.token_hex(8), "out": False})
        for id in past:
            await tx.drop(TENANT, owing.KIND, id)
        for id, doc in revoked.items():
            await tx.put(TENANT, REVOKED, id, doc)
            for kind in GIVEN:
                await tx.drop(TENANT, kind, id)
        for id in again:
            kept: Any = await tx.get(TENANT, "consent", id)
            if kept is not None and not _newer(kept, disagreed[id]):
                await tx.drop(TENANT, "consent", id)
        listed_so = (
            (TRANSFER, withdrawn),
            (approval.KIND, refused),
            (notices.TOLD, told),
            (owing.WITHDRAWN, disagreed),
        )
        for kind, docs in listed_so:
            for id, doc in docs.items():
                await tx.put(TENANT, kind, id, doc)
        for id in told:
            await tx.drop(TENANT, notices.DUE, id)
        for id, change in withdrawn.items():
            for person in change["sections"]:
                if await tx.get(TENANT, "person", person) is not None:
                    await colleagues.stay(tx, person, id)
        for person in persons:
            then = cast("Kept | None", await tx.get(TENANT, steps.KIND, person))
            await tx.put(TENANT, steps.KIND, person, {"steps": _steps(known, then, person, gone)})
        founded = cast("Founded | None", await tx.get(TENANT, *FOUNDED))
        if founded is not None and any(one["transfer"] in gone for one in founded["given"]):
            given = [one for one in founded["given"] if one["transfer"] not in gone]
            await tx.put(TENANT, *FOUNDED, {"given": given})
        return True

    if (back or forgets or told or disagreed) and not await store.transact(work):
        return None
    return back


def _since(known: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, Any]:
    return {id: doc for id, doc in known.items() if id not in here or _newer(doc, here[id])}


def _newer(one: Any, other: Any) -> bool:
    return clock.micros(one["at"]) > clock.micros(other["at"])


async def _asked_again(store: Store, about: str, refused: Any) -> bool:
    """Since that word: the state is the newer one of the two."""
    kept: Any = await store.get(TENANT, approval.KIND, about)
    return kept is not None and clock.micros(kept["at"]) > clock.micros(refused["at"])


def _changed(known: Ended, here: Ended, gone: set[str]) -> list[str]:
    """Whose duties are not what they must be."""
    of = {step["person"] for change in known.withdrawn.values() for step in change["steps"]}
    found = []
    for person in sorted(of | known.duties.keys()):
        then = here.duties.get(person)
        both = _steps(known, then, person, gone)
        if both != (then["steps"] if then else []):
            found.append(person)
    return found


def _steps(known: Ended, then: Kept | None, person: str, gone: set[str]) -> list[steps.Approved]:
    now = known.duties.get(person)
    return carried(without(now["steps"] if now else (), gone), without(then["steps"] if then else (), gone))


async def _left(store: Store, left: Sequence[tuple[str, str]]) -> int:
    """How many of these are there again."""
    there = 0
    for kind in {kind for kind, _ in left}:
        docs = {id: doc for _, id, doc in await store.documents(TENANT, kind)}
        there += sum(1 for one, id in left if one == kind and id in docs and not docs[id].get("spent"))
    return there
