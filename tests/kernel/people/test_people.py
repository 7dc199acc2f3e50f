from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kitamae.adapters import sqlite
from kitamae.kernel.context import clock
from kitamae.kernel.people import secret
from kitamae.kernel.people.people import People
from kitamae.kernel.people.person import NOBODY
from kitamae.kernel.people.sessions import LinkSpent
from kitamae.kernel.problems import BadRequest, NotFound

MINUTE = 60_000_000


class Clock:
    """Microseconds UTC, moved by hand."""

    def __init__(self) -> None:
        self.at = clock.micros("2026-11-21T00:00:00Z")

    def __call__(self) -> int:
        return self.at


class Town:
    """Two views of one store: what a restart sees is a second one."""

    def __init__(self, store: sqlite.SqliteStore, now: Clock) -> None:
        self.store, self.now = store, now
        self.people = self.again()

    def again(self) -> People:
        return People(self.store, lambda name: f"https://example.org/{name}", now=self.now)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    store = await sqlite.open(tmp_path / "kitamae.db")
    yield Town(store, Clock())
    await store.close()


async def test_a_link_signs_in_once(town: Town) -> None:
    people = town.people
    ref = await people.staff()
    link = await people.invite(ref)
    session, seconds = await people.sign_in(link)
    who = await people.who(secret.digest(session))
    assert (who.ref, who.role, who.assurance) == (ref, "staff", 1)
    assert seconds == 10 * 3600
    with pytest.raises(LinkSpent):
        await people.sign_in(link)


async def test_of_two_who_press_the_button_at_the_same_time_one_is_signed_in(town: Town) -> None:
    link = await town.people.invite(await town.people.staff())
    results = await asyncio.gather(*(town.people.sign_in(link) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(result, tuple) for result in results) == 1
    assert sum(isinstance(result, LinkSpent) for result in results) == 7


async def test_a_link_ends_after_ten_minutes_and_is_gone_then(town: Town) -> None:
    link = await town.people.invite(await town.people.staff())
    town.now.at += 10 * MINUTE
    with pytest.raises(LinkSpent):
        await town.people.sign_in(link)
    town.now.at -= MINUTE
    with pytest.raises(LinkSpent):
        await town.people.sign_in(link)


async def test_a_session_ends_at_its_time_even_when_it_is_remembered(town: Town) -> None:
    people = town.people
    session, seconds = await people.sign_in(await people.invite(await people.staff()))
    digest = secret.digest(session)
    assert (await people.who(digest)).role == "staff"
    town.now.at += seconds * 1_000_000
    assert people.remembered(digest) is NOBODY
    assert await people.who(digest) is NOBODY
    assert await town.again().who(digest) is NOBODY


async def test_signing_out_ends_the_session_at_once(town: Town) -> None:
    people = town.people
    session, _ = await people.sign_in(await people.invite(await people.staff()))
    digest = secret.digest(session)
    assert (await people.who(digest)).session == digest
    await people.sign_out(digest)
    assert await people.who(digest) is NOBODY


async def test_sessions_and_tokens_survive_a_restart(town: Town) -> None:
    people = town.people
    session, _ = await people.sign_in(await people.invite(await people.staff()))
    token, _ = await people.tokens.issue("gauges", ["write:RiverGauge"], role="device")
    later = town.again()
    assert (await later.who(secret.digest(session))).role == "staff"
    assert (await later.who(secret.digest(token))).role == "device"


async def test_nothing_that_is_kept_is_the_secret_itself(town: Town) -> None:
    people = town.people
    link = await people.invite(await people.staff())
    session, _ = await people.sign_in(await people.invite(await people.staff()))
    token, _ = await people.tokens.issue("a", ["write:*"])
    kept = [
        str(document)
        for kind in ("link", "session", "token", "person", "revoked")
        for document in await town.store.documents(None, kind)
    ]
    assert len(kept) == 4
    for made in (link, session, token):
        assert not any(made in document or made[20:] in document for document in kept)


async def test_scopes_are_expanded_as_the_policy_compares_them(town: Town) -> None:
    token, issued = await town.people.tokens.issue(
        "a", ["write:RiverGauge", "read:*", "operate:system:metrics", "subscribe:subscription"]
    )
    who = await town.people.who(secret.digest(token))
    assert who.scopes == {
        "write:entity:https://example.org/RiverGauge",
        "read:*",
        "operate:system:metrics",
        "subscribe:subscription",
    }
    assert issued["asked"][0] == "write:RiverGauge"


@pytest.mark.parametrize("scope", ["", "write", "write:", ":x", "burn:x", "write:two words", "WRITE:x"])
async def test_a_scope_that_is_none_is_refused(town: Town, scope: str) -> None:
    with pytest.raises(BadRequest, match="write:EvacuationShelter"):
        await town.people.tokens.issue("a", [scope])


async def test_a_token_needs_a_name_a_scope_and_a_future(town: Town) -> None:
    for name, scopes, days in ((" ", ["read:*"], None), ("a", [], None), ("a", ["read:*"], 0)):
        with pytest.raises(BadRequest):
            await town.people.tokens.issue(name, scopes, days=days)
    assert await town.people.tokens.all() == []


async def test_a_revoked_token_is_refused_at_once_also_while_it_is_being_looked_up(town: Town) -> None:
    people = town.people
    token, issued = await people.tokens.issue("a", ["write:*"])
    digest = secret.digest(token)
    looking = [asyncio.create_task(town.people.who(digest)) for _ in range(5)]
    await people.tokens.revoke(issued["number"])
    await asyncio.gather(*looking)
    assert await people.who(digest) is NOBODY
    with pytest.raises(NotFound):
        await people.tokens.revoke(issued["number"])


async def test_a_token_with_an_end_ends(town: Town) -> None:
    token, _ = await town.people.tokens.issue("a", ["write:*"], days=1)
    assert (await town.people.who(secret.digest(token))).role == "service"
    town.now.at += 24 * 60 * MINUTE
    assert await town.people.who(secret.digest(token)) is NOBODY


async def test_what_has_expired_is_forgotten_and_the_rest_kept(town: Town) -> None:
    people = town.people
    await people.invite(await people.staff())
    session, _ = await people.sign_in(await people.invite(await people.staff()))
    await people.tokens.issue("short", ["write:*"], days=1)
    kept, _ = await people.tokens.issue("long", ["write:*"])
    town.now.at += 25 * 60 * MINUTE
    assert await people.tidy() == 3
    assert await people.tidy() == 0
    assert [token["name"] for token in await people.tokens.all()] == ["long"]
    assert await people.who(secret.digest(session)) is NOBODY
    assert (await people.who(secret.digest(kept))).role == "service"


async def test_two_colleagues_are_told_apart_and_the_first_stays_the_first(town: Town) -> None:
    first = await town.people.staff()
    assert await town.people.staff() == first
    second = await town.people.staff(another=True)
    assert second != first
    assert await town.people.staff() == first


async def test_after_a_restore_revoked_tokens_stay_out_and_everybody_signs_in_again(town: Town) -> None:
    people = town.people
    bad, issued = await people.tokens.issue("bad", ["write:*"])
    good, _ = await people.tokens.issue("good", ["write:*"])
    session, _ = await people.sign_in(await people.invite(await people.staff()))
    kept = {
        (kind, digest): document
        for kind in ("token", "session")
        for _, digest, document in await town.store.documents("", kind)
    }
    await people.tokens.revoke(issued["number"])
    ended = await people.ended()

    async def back(transaction: object) -> None:  # what a restore brings back
        for (kind, digest), document in kept.items():
            await transaction.put("", kind, digest, document)  # type: ignore[attr-defined]  # a Transaction
        for digest in ended.revoked:  # and takes away
            await transaction.drop("", "revoked", digest)  # type: ignore[attr-defined]  # a Transaction

    await town.store.transact(back)
    restored = town.again()
    await restored.restored(ended)
    assert await restored.who(secret.digest(bad)) is NOBODY
    assert await restored.who(secret.digest(session)) is NOBODY
    assert (await restored.who(secret.digest(good))).role == "service"


async def test_nobody_can_be_invited_who_is_not_there(town: Town) -> None:
    with pytest.raises(NotFound):
        await town.people.invite("staff-unknown")
