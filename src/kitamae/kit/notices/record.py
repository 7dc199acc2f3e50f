"""That a person was told, and how: a record of his in the vault, and a leaf that proves it later, with the change it tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people.platform_purposes import DELIVERY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.kernel.context.store import Transaction
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault import Vault

RECORD: Final = "notice"
"""The kind of the vault's record of one event: sent, posted, undone, returned."""


class Nothing(Exception):
    """Inside the transaction: there is nothing to change any more."""


async def keep(
    vault: Vault, who: Principal, person: str, event: str, how: str, at: int, change: Any
) -> Sequence[str]:
    """The change, the record and the leaf in one transaction; the numbers of the notices. `at` in microseconds UTC. Raises Nothing,
    Erased where nothing is held about the person any more, and what writing into the vault raises.
    """
    told: dict[str, Any] = {"at": clock.text(at), "by": who.ref, "event": event, "how": how, "person": person}
    done: list[str] = []

    async def along(tx: Transaction) -> Mapping[str, object]:
        done[:] = await change(tx)
        if not done:
            raise Nothing
        number, salt = await commitment.log(tx, told | {"notices": list(done)})
        return {"notices": list(done), "number": number, "salt": salt}

    fields = {name: value for name, value in told.items() if name != "person"}
    await vault.keep(who, person, DELIVERY.name, RECORD, fields, along=along, known=True)
    return done


def opened(person: str, fields: Mapping[str, object]) -> dict[str, Any]:
    """What the leaf commits to, from the record."""
    return {
        "person": person,
        **{name: value for name, value in fields.items() if name not in ("salt", "number")},
    }
