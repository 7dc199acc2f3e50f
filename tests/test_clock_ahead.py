"""A clock that is years ahead destroys nothing: retention waits until somebody says that it is right, and that is the way back too."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kitamae.commands.control import Control
from kitamae.kernel.people.person import SYSTEM
from serving import Served, serving

KAGA = Path(__file__).resolve().parent.parent / "cities" / "kaga"
YEARS_NS = 4 * 366 * 86_400 * 1_000_000_000
TRUE = time.time_ns
LOOK = "/people/p-taro/records?purpose=identity"


async def status(served: Served) -> tuple[int, int]:
    """Of a look, and how many records it shows."""
    secret, _ = await served.kitamae.city.people.tokens.issue("test", ["read:person:identity"])
    answer = await served.client.get(LOOK, headers={"Authorization": f"Bearer {secret}"})
    return answer.status_code, len(answer.json().get("records", ()))


async def confirm(served: Served) -> dict[str, Any]:
    """`kitamae keys clock`."""
    transport = httpx2.ASGITransport(app=Control(served.kitamae))
    async with httpx2.AsyncClient(transport=transport, base_url="http://kitamae") as client:
        answer = await client.post("/control/keys/clock")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


async def warned(served: Served) -> bool:
    await served.loaded()
    health = (await served.client.get("/health")).json()["checks"].get("vault:keys", [{}])[0]
    found = [one["id"] for one in await served.kitamae.examine()]
    assert ("kitamae keys clock" in health.get("output", "")) == ("clock-in-doubt" in found)
    return "clock-in-doubt" in found


async def test_a_start_four_years_ahead_destroys_nothing_until_an_officer_says_that_the_clock_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path / "data", city=KAGA) as served:
        await served.kitamae.city.vault.keep(SYSTEM, "p-taro", "identity", "person", {"name": "加賀 太郎"})
        assert await status(served) == (200, 1)
        assert not await warned(served)

    monkeypatch.setattr(time, "time_ns", lambda: TRUE() + YEARS_NS)
    async with serving(tmp_path / "data", city=KAGA) as served:
        assert await served.kitamae.city.vault.sweep() == 0
        assert (await status(served))[0] == 403, "four years on its assessment has lapsed"
        assert await warned(served)

    monkeypatch.undo()
    async with serving(tmp_path / "data", city=KAGA) as served:
        assert await status(served) == (200, 1), "with the clock right again everything is as it was"
        assert not await warned(served)

    monkeypatch.setattr(time, "time_ns", lambda: TRUE() + YEARS_NS)
    async with serving(tmp_path / "data", city=KAGA) as served:
        done = await confirm(served)
        assert done["swept"] == 1, "four years did pass, an officer says"
        assert not await warned(served)
        numbers = {one.number for one in await served.kitamae.city.store.leaves(0, 1_000)}
        assert done["number"] in numbers

    monkeypatch.undo()
    async with serving(tmp_path / "data", city=KAGA) as served:
        assert (await status(served))[0] == 503
        assert await warned(served)
        assert (await confirm(served))["swept"] == 0, "he was wrong: the same command is the way back"
        assert (await status(served))[0] == 200
        await served.kitamae.city.vault.keep(SYSTEM, "p-taro", "identity", "person", {"name": "加賀 太郎"})
        assert await status(served) == (200, 1)


async def test_retention_that_would_take_a_fifth_of_all_keys_at_once_waits_for_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kitamae.kernel.people.vault import erasing

    monkeypatch.setattr(erasing, "FEW", 0)
    async with serving(tmp_path / "data", city=KAGA) as served:
        vault = served.kitamae.city.vault
        await vault.keep(SYSTEM, "p-taro", "identity", "person", {"name": "加賀 太郎"})
        monkeypatch.setattr(time, "time_ns", lambda: TRUE() + YEARS_NS)
        vault._inner.latest += YEARS_NS // 1_000  # as though it was served every day
        assert await vault.sweep() == 0
        assert await warned(served)
        assert (await confirm(served))["swept"] == 1
        assert vault.clock_trouble() == ""
