"""What was ended, and stays so after a restore: secrets that were taken back, duties that were taken, changes that were withdrawn
or refused. Read before the backup is put in the city's place, written after; all of it, also of what this backup never knew:
the next restore may be of another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from kitamae.kernel.people import approval, colleagues
from kitamae.kernel.people.duties import steps
from kitamae.kernel.people.duties.records import FOUNDED, TRANSFER, Founded
from kitamae.kernel.people.duties.steps import Kept, carried, without
from kitamae.kernel.people.records import GIVEN, REVOKED, TENANT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kitamae.kernel.context.store import Store, Transaction

_CLOSED: Final = ("refused", "withdrawn")


@dataclass(frozen=True, slots=True)
class Ended:
    """Documents by their ids: of `revoked`, `duties`, changes that were withdrawn, and second persons' words against something."""

    revoked: Mapping[str, Any]
    duties: Mapping[str, Kept]
    withdrawn: Mapping[str, Any]
    refused: Mapping[str, Any]


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


async def carry(store: Store, known: Ended) -> None:
    """Into the city as the backup left it."""

    async def work(tx: Transaction) -> None:
        for id, doc in known.revoked.items():
            await tx.put(TENANT, REVOKED, id, doc)
            for kind in GIVEN:
                await tx.drop(TENANT, kind, id)
        for kind, docs in ((TRANSFER, known.withdrawn), (approval.KIND, known.refused)):
            for id, doc in docs.items():
                await tx.put(TENANT, kind, id, doc)
        for id, change in known.withdrawn.items():
            for person in change["sections"]:
                if await tx.get(TENANT, "person", person) is not None:
                    await colleagues.stay(tx, person, id)
        await _duties(tx, known)
        founded = cast("Founded | None", await tx.get(TENANT, *FOUNDED))
        if founded is not None:
            given = [one for one in founded["given"] if one["transfer"] not in known.withdrawn]
            await tx.put(TENANT, *FOUNDED, {"given": given})

    await store.transact(work)


async def _duties(tx: Transaction, known: Ended) -> None:
    of = {step["person"] for change in known.withdrawn.values() for step in change["steps"]}
    for person in of | known.duties.keys():
        then = cast("Kept | None", await tx.get(TENANT, steps.KIND, person))
        now = known.duties.get(person)
        stay = without(then["steps"] if then else (), known.withdrawn)
        both = carried(now["steps"] if now else (), stay)
        if both or then:
            await tx.put(TENANT, steps.KIND, person, {"steps": both})
