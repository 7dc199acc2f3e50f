"""What was ended stays so, whichever backups are restored and how often, on each store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from stores import STORES

from kitamae.kernel.context import clock
from kitamae.kernel.people import secret
from kitamae.kernel.people.duties import ACCOUNT, Office, Plan
from kitamae.kernel.people.duties.office import digest_of, step
from kitamae.kernel.people.once import Once
from kitamae.kernel.people.passkeys import Passkeys
from kitamae.kernel.people.people import People
from kitamae.kernel.people.person import NOBODY, SYSTEM
from kitamae.kernel.people.seal import Seal

KINDS = (
    "token", "person", "passkey", "duties", "transfer", "approval", "staffing", "revoked", "mandate",
    "mandates", "mandate-offer", "capability", "device-key",
)  # fmt: skip
DAY = 86_400_000_000


class Town:
    """One city, and what a backup of it holds."""

    def __init__(self, store: Any, folder: Path) -> None:
        self.store = store
        self.at = clock.micros("2026-11-21T00:00:00Z")
        self.people = People(store, str, now=self.now)
        self.office = Office(store, Plan.usual(), self.people.forget, self.people.colleagues, self.now)
        seal = Seal(folder / "seal.key")
        self.passkeys = Passkeys("http://localhost", store, seal, Once(store), self.now)

    def now(self) -> int:
        return self.at

    async def backup(self) -> dict[tuple[str, str], Any]:
        return {(kind, id): doc for kind in KINDS for _, id, doc in await self.store.documents("", kind)}

    async def restore(self, backup: dict[tuple[str, str], Any]) -> None:
        ended, now = await self.people.ended(), await self.backup()

        async def swap(tx: Any) -> None:
            for kind, id in now:
                await tx.drop("", kind, id)
            for (kind, id), doc in backup.items():
                await tx.put("", kind, id, doc)

        await self.store.transact(swap)
        await self.people.restored(ended)

    async def change(self, ref: str, duty: str, *, gives: bool) -> str:
        self.at += 1
        return await self.office.prepare(SYSTEM, "t", [step(ref, duty, gives=gives)])

    async def held(self, ref: str) -> set[str]:
        return {one.duty for one in (await self.office.held(ref)).held}

    async def put(self, kind: str, id: str, doc: Any) -> None:
        await self.store.transact(lambda tx: tx.put("", kind, id, doc))


@pytest_asyncio.fixture(params=sorted(STORES))
async def town(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Town]:
    store = await STORES[request.param](tmp_path)
    yield Town(store, tmp_path)
    await store.close()


async def test_whoever_left_and_a_duty_that_was_taken_stay_so_after_two_restores_in_any_order(
    town: Town,
) -> None:
    gone, moved, again = [await town.people.staff(another=True) for _ in range(3)]
    empty = await town.backup()
    for ref in (gone, moved, again):
        await town.change(ref, "counter", gives=True)
    full = await town.backup()
    await town.change(gone, ACCOUNT, gives=False)
    await town.change(moved, "counter", gives=False)
    await town.change(again, "counter", gives=False)
    await town.change(again, "counter", gives=True)
    for number, backup in enumerate((full, full, empty, full)):
        await town.restore(backup)
        town.at += 1
        if number < 2:
            assert await town.held(again) == {"counter"}, (
                "what was given back is there, until a backup knew nothing of it"
            )
        assert (await town.office.standing(gone)).left
        assert await town.held(moved) == set()
        assert (await town.people.named("person", gone)) is None


async def test_a_passkey_that_was_removed_does_not_come_back(town: Town) -> None:
    ref = await town.people.staff(another=True)
    empty = await town.backup()
    made = {
        "person": ref,
        "key": "",
        "count": 0,
        "name": "x",
        "createdAt": clock.text(town.at),
        "usedAt": None,
    }
    await town.put("passkey", "lost", made)
    await town.put("passkey", "kept", made)
    full = await town.backup()
    await town.passkeys.remove(ref, "lost")
    for backup in (full, empty, full):
        await town.restore(backup)
        assert "lost" not in dict(await town.passkeys.of(ref))
    assert "kept" in dict(await town.passkeys.of(ref))


@pytest.mark.parametrize("kind", ["token", "passkey", "device-key", "capability", "mandate"])
async def test_what_was_taken_back_stays_so_after_a_second_restore(town: Town, kind: str) -> None:
    empty = await town.backup()
    await town.put(kind, "lost", {"number": "1"})
    full = await town.backup()
    await town.put("revoked", "lost", {"at": clock.text(town.at)})
    for backup in (full, full, empty, full):
        await town.restore(backup)
        assert await town.store.get("", kind, "lost") is None


async def test_a_token_that_was_revoked_signs_nobody_in_after_two_restores(town: Town) -> None:
    made, token = await town.people.tokens.issue("bad", ["write:*"])
    full = await town.backup()
    await town.people.tokens.revoke(token["number"])
    for _ in range(2):
        await town.restore(full)
        assert await town.people.who(secret.digest(made)) is NOBODY


async def test_a_token_that_only_expired_is_forgotten_without_a_trace(town: Town) -> None:
    await town.people.tokens.issue("short", ["write:*"], days=1)
    town.at += 2 * DAY
    assert await town.people.tidy() == 1
    assert await town.store.documents("", "revoked") == []


async def test_a_change_that_was_withdrawn_or_refused_does_not_come_back(town: Town) -> None:
    await town.people.staff()
    one, two, new = [await town.people.staff(another=True) for _ in range(3)]
    for ref in (one, two):
        await town.change(ref, "staffing", gives=True)
    me, other = [
        await town.people.who(secret.digest((await town.people.admit(ref, "staff", 2))[0]))
        for ref in (one, two)
    ]
    later = clock.text(town.at + DAY)
    planned = await town.office.prepare(me, "a", [step(new, "staffing", gives=True)], effective=later)
    asked = await town.office.prepare(me, "b", [step(new, "systems", gives=True)])
    kept = await town.office.get(planned)
    await town.office.decide(other, planned, digest_of(kept, await town.office.diff(kept)), yes=True)
    full = await town.backup()
    await town.office.withdraw(other, planned)
    await town.office.decide(other, asked, "", yes=False, why="人がちがう")
    for _ in range(2):
        await town.restore(full)
        assert [await town.office.stands(id) for id in (planned, asked)] == ["withdrawn", "refused"]
    town.at += 2 * DAY
    assert await town.held(new) == set()
