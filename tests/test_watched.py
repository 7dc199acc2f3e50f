"""What watching is told of consents: only an end that is known accuses somebody."""

from __future__ import annotations

from pathlib import Path

import pytest
from stores import STORES

from kitamae.kernel.context import clock
from kitamae.kernel.people.consent.agreement import KIND, Agreement
from kitamae.kernel.people.records import TENANT
from kitamae.watched import agreed

AT = clock.micros("2026-11-21T09:00:00Z")
MINUTE = 60_000_000
UNTIL = AT + 90 * 24 * 60 * MINUTE


def agreement(state: str) -> Agreement:
    """Given or ended at `AT`."""
    return {
        "state": state, "version": "v", "language": "ja", "at": clock.text(AT), "until": clock.text(UNTIL), "by": "p-taro",
        "events": 1,
    }  # type: ignore[typeddict-item]  # fmt: skip


@pytest.mark.parametrize("kind", sorted(STORES))
async def test_a_look_after_the_end_of_a_consent_was_without_it_and_all_else_accuses_nobody(
    kind: str, tmp_path: Path
) -> None:
    store = await STORES[kind](tmp_path)
    try:
        for state, after, expected in (
            ("", 0, True),  # erased, or past its retention
            ("given", 5 * MINUTE, True),
            ("given", -5 * MINUTE, True),  # given anew meanwhile: what was before is not known
            ("given", UNTIL - AT + 5 * MINUTE, False),  # ended by itself, not yet noted
            ("withdrawn", -5 * MINUTE, True),
            ("withdrawn", 1_000, True),  # two clocks
            ("withdrawn", 5 * MINUTE, False),
            ("expired", 5 * MINUTE, False),
        ):
            doc = {"notices": agreement(state)} if state else {}
            await store.transact(lambda tx, doc=doc: tx.put(TENANT, KIND, "p-taro", doc))
            assert await agreed(store, "p-taro", "notices", AT + after) is expected, (state, after)
        assert await agreed(store, "p-nobody", "notices", AT)
    finally:
        await store.close()
