"""Where persons' keys cannot be had at the start, what was ended before a restore is ended again as soon as they can."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from kitamae import personal
from kitamae.kernel.context import alone
from kitamae.kernel.people import secret
from kitamae.kernel.people.person import NOBODY
from kitamae.kernel.people.vault.citykey import CityKey
from kitamae.kernel.problems import Unavailable
from serving import Served, serving


async def output(served: Served) -> str:
    checks = (await served.client.get("/health")).json()["checks"]
    return str(checks["people:ended"][0].get("output", ""))


async def test_what_was_ended_ends_again_as_soon_as_the_keys_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    async with serving(data) as served:
        people = served.kitamae.city.people
        made, token = await people.tokens.issue("lost", ["write:*"])
        session, _ = await people.admit(await people.staff(), "staff", 2)
    shutil.copy(data / "kitamae.db", tmp_path / "before.db")
    async with serving(data) as served:
        await served.kitamae.city.people.tokens.revoke(token["number"])
    for end in ("", "-wal", "-shm"):
        (data / f"kitamae.db{end}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "before.db", data / "kitamae.db")

    async def away(*_: Any) -> Any:
        raise Unavailable("the server of the keys does not answer")

    there = personal._keys
    monkeypatch.setattr(personal, "_keys", away)
    monkeypatch.setattr(alone, "_FIRST_SECONDS", 0.05)
    async with serving(data) as served:
        people = served.kitamae.city.people
        assert "the server of the keys does not answer" in await output(served)
        assert await people.who(secret.digest(made)) is not NOBODY, "nobody knows better yet"
        monkeypatch.setattr(personal, "_keys", there)
        for _ in range(200):
            if not await output(served):
                break
            await asyncio.sleep(0.05)
        assert await output(served) == ""
        assert await people.who(secret.digest(made)) is NOBODY
        assert await people.who(secret.digest(session)) is NOBODY, "everybody signs in again"


async def test_while_the_vault_is_closed_nothing_about_persons_goes_by_a_clock_that_nobody_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path / "data") as served:
        await served.kitamae.city.people.staff()
    key, aside = tmp_path / "data" / "city.key", tmp_path / "city.key"
    key.rename(aside)
    went: list[str] = []

    async def sweep() -> int:
        went.append("swept")
        return 0

    for closed in (True, False):
        if not closed:
            aside.rename(key)
        async with serving(tmp_path / "data") as served:
            city = served.kitamae.city
            assert (city._vault is None) is closed
            monkeypatch.setattr(city._kept, "sweep", sweep)
            went.clear()
            for work in city._of_persons():
                await work()
            assert went == ([] if closed else ["swept"])


async def test_the_old_key_of_the_city_stays_while_another_process_wraps_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(personal, "_HEARD_SECONDS", 0.0)
    old, new = CityKey.fresh(), CityKey.fresh()

    class Vault:
        """`wrapping`: what other workers wrap with, look after look."""

        def __init__(self, wrapping: list[str]) -> None:
            self.wrapping, self.rewrapped = wrapping, 0

        async def status(self) -> dict[str, Any]:
            return {"wrapped by": [new.id, self.wrapping.pop(0) if self.wrapping else old.id]}

        async def rewrap(self, _: object) -> int:
            self.rewrapped += 1
            return 2

    vault: Any = Vault([old.id, old.id, new.id])
    assert await personal._all_heard(vault, [new, old]) == 4
    vault = Vault([])
    with pytest.raises(personal.VaultClosed, match="both stay"):
        await personal._all_heard(vault, [new, old])
    assert vault.rewrapped == personal._HEARD_TRIES
