"""What was ended stays so, whichever backups are restored and how often, on each store: known from the state that a restore replaces, or
from the list beside the keys where that is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from stores import STORES, open_keys

from kitamae.kernel.context import clock
from kitamae.kernel.people import approval, notices, secret
from kitamae.kernel.people.apart import Apart
from kitamae.kernel.people.duties import ACCOUNT, Office, Plan
from kitamae.kernel.people.duties.office import digest_of, step
from kitamae.kernel.people.ended import MARK, carry, newest, unfinished
from kitamae.kernel.people.once import Once
from kitamae.kernel.people.passkeys import Passkeys
from kitamae.kernel.people.people import People
from kitamae.kernel.people.person import NOBODY, SYSTEM
from kitamae.kernel.people.provider import grants, owing
from kitamae.kernel.people.provider.clients import Clients
from kitamae.kernel.people.seal import Seal
from kitamae.kernel.people.sessions import LinkSpent
from kitamae.kernel.people.vault.keystore import KeyStore, Over
from kitamae.kernel.problems import Unavailable

KINDS = (
    "token", "person", "passkey", "duties", "transfer", "approval", "staffing", "revoked", "mandate",
    "mandates", "mandate-offer", "capability", "device-key", "session", "link", "grant", "refresh",
    "consent", "consent-withdrawn", "client",
)  # fmt: skip
DAY = 86_400_000_000


class Town:
    """One city, and what a backup of it holds."""

    def __init__(self, store: Any, folder: Path, keys: KeyStore | None) -> None:
        """`keys`: where the list is; None: the state from before is read."""
        self.store, self.keys = store, keys
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
        """What is there was never seen, where there is a list: the server is gone."""
        ended, now = await self.people.ended(), await self.backup()
        self.store.on_kept((), nobody)

        async def swap(tx: Any) -> None:
            for kind, id in now:
                await tx.drop("", kind, id)
            for (kind, id), doc in backup.items():
                await tx.put("", kind, id, doc)

        await self.store.transact(swap)
        if self.keys is None:
            await self.people.restored(ended)
        else:
            await self.start()

    async def start(self) -> None:
        if self.keys is not None:
            self.apart = await Apart.open(self.store, self.keys, self.people, self.now)

    async def change(self, ref: str, duty: str, *, gives: bool) -> str:
        self.at += 1
        return await self.office.prepare(SYSTEM, "t", [step(ref, duty, gives=gives)])

    async def held(self, ref: str) -> set[str]:
        return {one.duty for one in (await self.office.held(ref)).held}

    async def put(self, kind: str, id: str, doc: Any) -> None:
        await self.store.transact(lambda tx: tx.put("", kind, id, doc))


async def nobody(_: Any) -> None:
    """Hears nothing."""


@pytest_asyncio.fixture(
    params=[(kind, means) for kind in sorted(STORES) for means in ("state", "list")], ids="-".join
)
async def town(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Town]:
    kind, means = request.param
    store = await STORES[kind](tmp_path)
    keys = await open_keys(kind, tmp_path) if means == "list" else None
    town = Town(store, tmp_path, keys)
    await town.start()
    yield town
    await store.close()
    if keys:
        await keys.close()


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


async def test_whoever_signed_out_stays_out_and_then_everybody_signs_in_again(town: Town) -> None:
    ref = await town.people.staff()
    out, _ = await town.people.admit(ref, "staff", 2)
    stays, _ = await town.people.admit(ref, "staff", 2)
    full = await town.backup()
    await town.people.sign_out(secret.digest(out))
    await town.restore(full)
    for made in (out, stays):
        assert await town.people.who(secret.digest(made)) is NOBODY


async def test_a_link_that_was_used_signs_nobody_in_again(town: Town) -> None:
    made = await town.people.invite(await town.people.staff())
    full = await town.backup()
    await town.people.sign_in(made)
    await town.restore(full)
    with pytest.raises(LinkSpent):
        await town.people.sign_in(made)


async def test_a_refresh_token_that_was_used_works_no_second_time(town: Town) -> None:
    until = clock.text(town.at + 30 * DAY)
    await town.put("grant", "g", {"person": "p", "client": "c", "expiresAt": until})
    await town.put("refresh", "r", {"grant": "g", "spent": False, "expiresAt": until})
    full = await town.backup()
    await town.put("refresh", "r", {"grant": "g", "spent": True, "expiresAt": until})
    await town.restore(full)
    assert await town.store.get("", "refresh", "r") is None
    assert await town.store.get("", "grant", "g") is None


async def test_a_start_on_a_state_that_nobody_restored_changes_nothing(town: Town) -> None:
    gone, stays = [await town.people.staff(another=True) for _ in range(2)]
    for ref in (gone, stays):
        await town.change(ref, "counter", gives=True)
    await town.change(gone, "counter", gives=False)
    later = clock.text(town.at + DAY)
    town.at += 1
    planned = await town.office.prepare(SYSTEM, "t", [step(stays, "counter", gives=False)], effective=later)
    await town.office.withdraw(SYSTEM, planned)
    made, _ = await town.people.admit(stays, "staff", 2)
    out, _ = await town.people.admit(stays, "staff", 2)
    await town.people.sign_out(secret.digest(out))
    _, token = await town.people.tokens.issue("bad", ["write:*"])
    await town.people.tokens.revoke(token["number"])
    before = await town.backup()
    await town.start()
    assert await town.backup() == before
    assert (await town.people.who(secret.digest(made))).ref == stays


async def test_what_the_list_could_not_take_is_on_it_later_and_the_city_says_so(town: Town) -> None:
    if town.keys is None:
        return
    made, token = await town.people.tokens.issue("bad", ["write:*"])
    full = await town.backup()
    town.apart._keys = Broken(town.keys)  # type: ignore[assignment]
    await town.people.tokens.revoke(token["number"])
    assert "not on the list" in town.apart.trouble
    town.apart._keys = town.keys
    await town.people.tokens.issue("other", ["write:*"])
    await town.apart._write()
    assert not town.apart.trouble
    await town.restore(full)
    assert await town.people.who(secret.digest(made)) is NOBODY


async def test_a_list_that_is_new_or_older_is_filled_from_the_state(town: Town) -> None:
    if town.keys is None:
        return
    made, token = await town.people.tokens.issue("bad", ["write:*"])
    full = await town.backup()
    await town.people.tokens.revoke(token["number"])
    await town.keys.note_ended([], [(one.kind, one.id) for one in await town.keys.ended()])
    await town.start()
    await town.restore(full)
    assert await town.people.who(secret.digest(made)) is NOBODY


async def test_what_is_asked_for_again_after_it_was_refused_stands(town: Town) -> None:
    await town.people.staff()
    one, two = [await town.people.staff(another=True) for _ in range(2)]
    for ref in (one, two):
        await town.change(ref, "staffing", gives=True)
    me, other = [
        await town.people.who(secret.digest((await town.people.admit(ref, "staff", 2))[0]))
        for ref in (one, two)
    ]

    async def ask(tx: Any) -> Any:
        return await approval.ask(tx, "x", me, until=town.at + DAY, barred=(), now=town.at)

    async def refuse(tx: Any) -> Any:
        return await approval.decide(tx, "x", other, "", is_now="", yes=False, why="人がちがう", now=town.at)

    await town.store.transact(ask)
    asked = await town.backup()
    await town.store.transact(refuse)
    refused = await town.backup()
    await town.restore(asked)
    assert (await town.store.get("", "approval", "x"))["word"] == "refused"
    await town.restore(refused)
    town.at += 1
    await town.store.transact(ask)
    await town.start()
    assert (await town.store.get("", "approval", "x"))["word"] == "asked"


class Broken:
    """A store of keys that cannot be reached."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys

    async def note_ended(self, *_: Any) -> None:
        raise Unavailable("no")


async def test_a_letter_undone_while_the_list_was_not_reached_is_no_restore_and_stays_undone(
    town: Town,
) -> None:
    ref = await town.people.staff()

    async def owe(tx: Any) -> str:
        return await notices.owe(tx, "taro", notices.What("flag"), town.at)

    number, other = [await town.store.transact(owe) for _ in range(2)]
    for one in (number, other):
        posted = await _notice(town, one, "posted", clock.text(town.at))
        await town.store.transact(lambda tx, one=one, posted=posted: notices.told(tx, one, posted))
    made, _ = await town.people.admit(ref, "staff", 2)
    await town.put("logout", "x", {"client": "c"})
    town.store.on_kept((), nobody)  # killed between the commit and the list
    undone, at = await _notice(town, number, "paper", ""), town.at + 1
    await town.store.transact(lambda tx: notices.on_paper(tx, number, undone, at))
    await town.store.transact(lambda tx: notices.drop(tx, other, undone))
    await town.start()
    assert (await town.people.who(secret.digest(made))).ref == ref
    assert await town.store.get("", "logout", "x") == {"client": "c"}
    await notices.restored(town.store)
    assert await notices.one(town.store, number) == undone
    if town.keys:
        docs = {one.id: one.doc for one in await town.keys.ended() if one.kind == notices.TOLD}
        assert b'"paper"' in docs[number]
    posted = await _notice(town, number, "posted", clock.text(town.at))
    known = await town.people.ended()
    await town.put(notices.KIND, number, posted)  # a backup of before it was undone
    await town.put(notices.TOLD, number, known.told[number] | {"state": "posted", "at": clock.text(town.at)})
    await carry(town.store, known)
    assert await notices.restored(town.store) == 1
    assert await notices.one(town.store, number) == undone
    assert (await town.people.who(secret.digest(made))).ref == ref, "of notices alone nobody signs in again"


async def _notice(town: Town, number: str, state: Any, done: str) -> notices.Notice:
    held = await notices.one(town.store, number)
    assert held
    return {**held, "state": state, "done": done, "how": "letter" if done else ""}


async def test_of_two_workers_that_start_after_a_restore_one_carries_and_no_sign_out_at_a_partner_is_lost(
    town: Town,
) -> None:
    ref = await town.people.staff()
    _, token = await town.people.tokens.issue("bad", ["write:*"])
    made, _ = await town.people.admit(ref, "staff", 2)
    session: Any = await town.store.get("", "session", secret.digest(made))
    partners = {"partners": {"c": {"subject": "s", "sid": "sid"}}}
    await town.put("session", secret.digest(made), session | partners)
    await town.put("client", "c", {"name": "c", "backchannel": "https://bus.example.jp/out"})
    await town.put("logout", "told once", {"client": "c"})
    full = await town.backup()
    await town.people.tokens.revoke(token["number"])
    known, now = await town.people.ended(), await town.backup()
    town.store.on_kept((), nobody)

    async def swap(tx: Any) -> None:
        for kind, id in now:
            await tx.drop("", kind, id)
        for (kind, id), doc in full.items():
            await tx.put("", kind, id, doc)

    await town.store.transact(swap)
    slow, quick = People(Late(town), str, now=town.now), People(town.store, str, now=town.now)
    both = []
    for people, store in ((slow, slow._store), (quick, town.store)):
        both.append(asyncio.create_task(_begins(people, store, known)))
        await asyncio.sleep(0.05)
    done = await asyncio.wait_for(asyncio.gather(*both), 20)
    assert done == [0, 1]
    owed = {id: doc for _, id, doc in await town.store.documents("", "logout")}
    assert [(one["client"], one["sid"]) for one in owed.values()] == [("c", "sid")]
    assert "told once" not in owed
    assert await quick.who(secret.digest(made)) is NOBODY
    assert not await unfinished(town.store)


async def _begins(people: People, store: Any, known: Any) -> int:
    """As `Apart.open` does."""
    back = await carry(store, known)
    if back or await unfinished(store):
        await people.everybody_out()
    return back


class Late:
    """A worker's store: what it has read is old when it writes, for another worker carried meanwhile."""

    def __init__(self, town: Town) -> None:
        self._town, self._first = town, True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._town.store, name)

    async def transact(self, work: Any) -> Any:
        if self._first:
            self._first = False
            for _ in range(200):
                await asyncio.sleep(0.02)
                mark: Any = await self._town.store.get("", *MARK)
                if mark and mark["out"]:
                    break
        return await self._town.store.transact(work)


async def test_whoever_was_not_signed_out_before_a_kill_is_with_the_next_start(town: Town) -> None:
    ref = await town.people.staff()
    made, _ = await town.people.admit(ref, "staff", 2)
    await town.put(*MARK, {"restore": "x", "out": False})
    await town.put("logout", "owed since", {"client": "c"})
    if town.keys is None:
        await carry(town.store, await town.people.ended())
        assert await unfinished(town.store)
        return
    await town.start()
    assert await town.people.who(secret.digest(made)) is NOBODY
    assert await town.store.get("", "logout", "owed since")
    assert not await unfinished(town.store)


def test_an_older_word_about_a_notice_takes_no_newer_ones_place_in_restored_keys() -> None:
    old, new = [
        Over(notices.TOLD, "n", 0, f'{{"at": "2026-11-2{day}T00:00:00Z"}}'.encode()) for day in (1, 2)
    ]
    gone = Over("revoked", "t", 0, b"{}")
    assert newest([old], [new, gone]) == [new, gone]
    assert newest([new], [old, gone]) == [gone]
    assert newest([], [old]) == [old]


async def test_what_somebody_withdrew_from_a_partner_does_not_come_back_and_what_he_agreed_to_since_does(
    town: Town,
) -> None:
    def agreed(person: str) -> dict[str, Any]:
        return {"person": person, "client": "c", "scope": "openid", "at": clock.text(town.at), "subject": "s"}

    empty = await town.backup()
    taro, hanako, jiro = [owing.pair(one, "c") for one in ("p-taro", "p-hanako", "p-jiro")]
    for id, person in ((taro, "p-taro"), (hanako, "p-hanako"), (jiro, "p-jiro")):
        await town.put("consent", id, agreed(person))
    first = await town.backup()
    for person in ("p-taro", "p-hanako"):
        town.at += 1
        await grants.end(town.store, person, "c", withdrawn=True, now=town.at)
    town.at += 1
    await town.put("consent", hanako, agreed("p-hanako"))
    second = await town.backup()
    for backup in (first, empty, first):
        await town.restore(backup)
        assert await town.store.get("", "consent", taro) is None
        assert await town.store.get("", "consent", hanako) is None, "that one is of before he withdrew"
        assert (await town.store.get("", "consent", jiro) is None) is (backup is empty)
    await town.restore(second)
    assert await town.store.get("", "consent", hanako) is not None
    assert await town.store.get("", "consent", taro) is None


async def test_a_partner_that_was_removed_does_not_come_back(town: Town) -> None:
    clients = Clients(town.store, Once(town.store), ("http://localhost",), town.now)
    gone, _ = await clients.add("のりあい", "予約", ["https://bus.example.jp/back"])
    stays, _ = await clients.add("図書館", "貸出", ["https://books.example.jp/back"])
    full = await town.backup()
    await clients.remove(gone["id"])
    for _ in range(2):
        await town.restore(full)
        assert [one["id"] for one in await clients.all()] == [stays["id"]]
