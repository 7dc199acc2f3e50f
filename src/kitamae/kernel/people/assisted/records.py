"""What is kept beside the vault, as documents of the store, by opaque references.

`assisted` by the person's reference:          see `Entry`; names, addresses, needs and helpers are in the vault alone: class LIST; and,
                                               only of who agreed, what a helper needs once more in the class SHARED, under a key of its own
`assisted-helper` by the helper's reference:   {towns, at, by}: which districts are his

Times are RFC 3339 UTC, days ISO 8601.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict, cast

from kitamae.kernel.people.records import TENANT

if TYPE_CHECKING:
    from kitamae.kernel.context.store import Reader, Store

LIST: Final = "assisted"
"""The purpose, and the retention class, of the list."""
SHARED: Final = "assisted-shared"
"""The purpose, and the retention class, of what helpers see in ordinary times."""
KIND: Final = "assisted"
HELPER: Final = "assisted-helper"


class Entry(TypedDict):
    """`number`: the list's own; `town`: a district's id; `share`: the record that helpers see ("": none); `agreed`, `undone`: the days on which
    the person said so, and took it back ("": never); `left`: when he left the list ("": he is on it); `mark`: of the row of a file that
    was brought last, under a key of the city ("": none was); `at`: when the record was written last.
    """

    number: str
    town: str
    share: str
    agreed: str
    undone: str
    left: str
    mark: str
    at: str


@dataclass(frozen=True, slots=True)
class Count:
    """Of one district: how many are on the list, and of how many helpers see it."""

    people: int = 0
    shared: int = 0


async def entry(store: Reader, ref: str) -> Entry | None:
    """None: nobody of that reference is on the list, or was."""
    return cast("Entry | None", await store.get(TENANT, KIND, ref))


async def entries(store: Store) -> dict[str, Entry]:
    """All of them, by reference."""
    return {ref: cast("Entry", doc) for _, ref, doc in await store.documents(TENANT, KIND)}
