"""What waits for somebody outside, on either store: read while some of it is handed over."""

from __future__ import annotations

from typing import Any

import pytest

from kitamae.kernel.context.store import Store
from kitamae.kernel.people.waiting import NotTaken, Waiting, entry

KIND = "waits"
NOW = 1_800_000_000_000_000


class Outside:
    """Takes everything while it is up."""

    def __init__(self) -> None:
        self.up = True
        self.asked: list[str] = []

    async def take(self, id: str, doc: dict[str, Any]) -> None:
        self.asked.append(id)
        if not self.up:
            raise NotTaken("down")


@pytest.mark.parametrize("up", [True, False])
async def test_what_is_handed_over_while_it_is_read_is_not_handed_over_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, *, up: bool
) -> None:
    outside = Outside()
    outside.up = up
    waiting = Waiting(store, KIND, ("waits", "given up"), outside.take, now=lambda: NOW)
    doc = entry({}, NOW, 3600)
    await waiting.keep("a", doc)
    read = store.documents

    async def slowly(*given: Any) -> Any:
        found = await read(*given)
        await waiting.attempt("a", doc)
        return found

    monkeypatch.setattr(store, "documents", slowly)
    waiting.look()
    await waiting.turn()
    assert outside.asked == ["a"]
    assert waiting.waiting() == (0 if up else 1)
    assert waiting.stuck()[0] == (0 if up else 1)
