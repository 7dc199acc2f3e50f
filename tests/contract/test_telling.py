"""What a transaction kept of some kinds of documents is told after its commit, before it is acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from kitamae.kernel.context.store import Store, Transaction
from kitamae.kernel.context.telling import Own


async def test_what_is_kept_and_dropped_is_told_once_with_what_it_was(store: Store) -> None:
    told: list[Own] = []

    async def heard(own: Sequence[Own]) -> None:
        for one in own:
            assert await store.get(one.tenant, one.kind, one.id) == one.doc, "it is committed"
        told.extend(own)

    store.on_kept(("session",), heard)

    async def begin(tx: Transaction) -> str:
        await tx.put("", "session", "a", {"n": 1})
        await tx.put("", "session", "a", {"n": 2})
        await tx.put("", "other", "a", {"n": 1})
        return "done"

    assert await store.transact(begin) == "done"
    assert told == [Own("", "session", "a", None, {"n": 2})]
    told.clear()
    assert await store.transact(lambda tx: tx.drop("", "session", "a"))
    assert told == [Own("", "session", "a", {"n": 2}, None)]
    told.clear()
    assert not await store.transact(lambda tx: tx.drop("", "session", "a"))
    await store.transact(lambda tx: tx.get("", "session", "a"))
    assert told == []


async def test_what_was_undone_is_not_told_and_what_the_listener_raises_is_raised(store: Store) -> None:
    async def heard(own: Sequence[Own]) -> None:
        raise RuntimeError(str([one.id for one in own]))

    store.on_kept(("session",), heard)

    async def fails(tx: Transaction) -> Any:
        await tx.put("", "session", "a", {})
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        await store.transact(fails)
    with pytest.raises(RuntimeError, match="'b'"):
        await store.transact(lambda tx: tx.put("", "session", "b", {}))
    assert await store.get("", "session", "a") is None
    assert await store.get("", "session", "b") == {}
