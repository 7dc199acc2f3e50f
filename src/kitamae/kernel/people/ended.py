"""What was ended, and stays so after a restore: secrets that were taken back, sessions that were left, duties that were taken, changes
that were withdrawn or refused.

It is known from two places: the state that a restore replaces, where that can still be read, and the list that is kept with persons'
keys (`apart.py`), whatever became of the state and by whatever means it was restored. From either all of it is written into the restored
state, also of what this backup never knew: the next restore may be of another one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from kitamae.kernel.context import clock
from kitamae.kernel.people import approval, colleagues
from kitamae.kernel.people.duties import steps
from kitamae.kernel.people.duties.records import FOUNDED, TRANSFER, Founded
from kitamae.kernel.people.duties.steps import Kept, carried, without
from kitamae.kernel.people.records import GIVEN, REVOKED, TENANT
from kitamae.kernel.people.vault.keystore import Over

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.store import Store, Transaction
    from kitamae.kernel.context.telling import Own

WAYS: Final = ("link", "session", "code", "grant", "access", "refresh")
"""Ways in that end by themselves. Where one is there that was left before its time, the state is older than the list: all of them end."""
KINDS: Final = (REVOKED, steps.KIND, TRANSFER, approval.KIND, *WAYS)
"""Documents of which the list tells."""
_CLOSED: Final = ("refused", "withdrawn")


@dataclass(frozen=True, slots=True)
class Ended:
    """Documents by their ids: of `revoked`, `duties`, changes that were withdrawn, and second persons' words against something. `left`:
    (kind, id) of ways in that are over.
    """

    revoked: Mapping[str, Any]
    duties: Mapping[str, Kept]
    withdrawn: Mapping[str, Any]
    refused: Mapping[str, Any]
    left: Sequence[tuple[str, str]] = field(default=())


async def ended(store: Store) -> Ended:
    """As the city knows it now."""

    async def of(kind: str) -> dict[str, Any]:
        return {id: doc for _, id, doc in await store.documents(TENANT, kind)}

    return Ended(
        await of(REVOKED),
        await of(steps.KIND),
        {id: doc for id, doc in (await of(TRANSFER)).items() if doc["gone"]},
        {id: doc for id, doc in (await of(approval.KIND)).items() if doc["word"] in _CLOSED},
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
    return Ended(found[REVOKED], found[steps.KIND], found[TRANSFER], found[approval.KIND], left)


def rows(known: Ended) -> list[Over]:
    """For the list."""
    docs = {
        REVOKED: known.revoked,
        steps.KIND: known.duties,
        TRANSFER: known.withdrawn,
        approval.KIND: known.refused,
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
        kind in (REVOKED, steps.KIND)
        or (kind == TRANSFER and doc["gone"])
        or (kind == approval.KIND and doc["word"] in _CLOSED)
    )
    return _row(kind, own.id, doc) if over else None


def _row(kind: str, id: str, doc: Any) -> Over:
    until = clock.micros(doc["until"]) if kind == approval.KIND else 0
    return Over(kind, id, until, orjson.dumps(doc, option=orjson.OPT_SORT_KEYS))


# --- into a state that was restored
async def carry(store: Store, known: Ended) -> int:
    """Into the city as the backup left it; how much had come back. Nothing is written where nothing had."""
    here = await ended(store)
    gone = known.withdrawn.keys() | here.withdrawn.keys()
    revoked = {id: doc for id, doc in known.revoked.items() if id not in here.revoked}
    withdrawn = {id: doc for id, doc in known.withdrawn.items() if id not in here.withdrawn}
    refused = {
        id: doc for id, doc in known.refused.items()
        if id not in here.refused and not await _asked_again(store, id, doc)
    }  # fmt: skip
    persons = _changed(known, here, gone)
    left = await _left(store, known.left)

    async def work(tx: Transaction) -> None:
        for id, doc in revoked.items():
            await tx.put(TENANT, REVOKED, id, doc)
            for kind in GIVEN:
                await tx.drop(TENANT, kind, id)
        for kind, docs in ((TRANSFER, withdrawn), (approval.KIND, refused)):
            for id, doc in docs.items():
                await tx.put(TENANT, kind, id, doc)
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

    if revoked or withdrawn or refused or persons:
        await store.transact(work)
    return len(revoked) + len(withdrawn) + len(refused) + len(persons) + left


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
