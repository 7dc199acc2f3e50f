"""The short form of `make faults`: every fault once."""

from __future__ import annotations

from pathlib import Path

from faults.rounds import City


async def test_nothing_acknowledged_and_nothing_owed_is_lost_whatever_breaks(tmp_path: Path) -> None:
    async with City(tmp_path) as city:
        for fault in city.faults:
            verdict = await city.round(fault)
            assert verdict.wrong == [], f"{fault} ({verdict.note}): {verdict.wrong[:5]}"
            assert verdict.received == verdict.owed > verdict.history > 100
