"""What other workers did to subscriptions, of any dialect and kind: taken over into memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from kitamae.kernel.context.subscription.model import Record, Subscription

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from kitamae.kernel.context.store import Kept

One = TypeVar("One", bound=Subscription)


async def follow(
    kept: Iterable[Kept],
    kind: str,
    here: Callable[[str, str], One | None],
    forget: Callable[[One], None],
    read: Callable[[str, str, Any], Awaitable[None]],
) -> None:
    """`here(tenant, id)`: the subscription as it is known; `read`: one that is new or changed.

    Where only the record of its deliveries is otherwise, that alone is taken over.
    """
    for one in kept:
        if one.kind != kind:
            continue
        old = here(one.tenant, one.id)
        if one.doc is None:
            if old is not None:
                forget(old)
        elif old is not None and {**old.doc, "record": None} == {**one.doc, "record": None}:
            old.record.catch_up(Record(**one.doc.get("record", {})))
        else:
            await read(one.tenant, one.id, one.doc)
