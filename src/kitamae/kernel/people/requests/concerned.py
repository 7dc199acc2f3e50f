"""Whom a breach concerns, where it was a look: everybody of whom one account, program or token saw something at that time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.kernel.people.person import SYSTEM

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Store
    from kitamae.kernel.people.vault import Vault

_TOGETHER: Final = 5_000
_NOBODY: Final = "?"
"""Of whose looks the earlier ones are wanted too."""


async def looked_at(store: Store, vault: Vault, by: str, since: int, until: int) -> dict[str, list[int]]:
    """By reference the numbers of the looks, in the order of the first one; whoever was erased since is not among them. `since` to before `until`, microseconds UTC.

    It goes by the receipts from the first on: nothing is opened. Raises Forbidden where nobody declares the purpose `watching`.
    """
    found: dict[str, list[int]] = {}
    after = 0
    while leaves := await store.leaves(after, _TOGETHER):
        upto = leaves[-1].number
        for seen in await vault.outside.looks(SYSTEM, after, upto, _NOBODY):
            look = seen.look
            if look.who == by and look.person and not look.own and since <= look.at < until:
                found.setdefault(look.person, []).append(look.number)
        after = upto
    return found
