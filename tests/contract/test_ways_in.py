"""What works once works once whoever of several workers is asked, and all of them have the same keys."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from stores import Opener, open_sqlite

from kitamae.kernel.context.store import Store
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.people import secret as secrecy
from kitamae.kernel.people.duties import ACCOUNT, Office
from kitamae.kernel.people.duties.office import step
from kitamae.kernel.people.jose.encoding import encode
from kitamae.kernel.people.once import Once
from kitamae.kernel.people.people import People
from kitamae.kernel.people.person import SYSTEM
from kitamae.kernel.people.provider.errors import InvalidGrant, InvalidToken
from kitamae.kernel.people.provider.grants import Issued, SignedIn
from kitamae.kernel.people.provider.provider import Provider
from kitamae.kernel.people.provider.request import read, whence
from kitamae.kernel.people.pseudonyms import Pseudonyms
from kitamae.kernel.people.records import SignedIn as SignedInAs
from kitamae.kernel.people.seal import Seal

CITY = "https://city.example.jp"
BACK = "https://bus.example.jp/back"
VERIFIER = "v" * 43
ASKED = [
    ("redirect_uri", BACK), ("response_type", "code"), ("scope", "openid offline_access"), ("code_challenge_method", "S256"),
    ("code_challenge", encode(hashlib.sha256(VERIFIER.encode()).digest())),
]  # fmt: skip


class Worker:
    """One process: its own view of the store, and the file of the seal that all share."""

    def __init__(self, store: Store, folder: Path) -> None:
        seal, self.once = Seal(folder / "seal.key"), Once(store)
        self.pseudonyms = Pseudonyms(store, seal)
        self.people = People(store, str)
        self.office = Office(store, self.people.plan, self.people.forget, self.people.colleagues)
        self.provider = Provider(
            CITY, store, seal, self.once, self.pseudonyms, Destinations(), self.people.left
        )


@pytest.fixture
async def workers(opener: Opener, tmp_path: Path) -> AsyncIterator[list[Worker]]:
    """Two of them: two connections on PostgreSQL, two views of the one process that has the file on SQLite."""
    stores = [await opener(tmp_path)]
    if opener is not open_sqlite:
        stores.append(await opener(tmp_path))
    yield [Worker(stores[0], tmp_path), Worker(stores[-1], tmp_path)]
    for store in stores:
        await store.close()


async def signed_in(worker: Worker, ref: str = "resident-1", role: SignedInAs = "resident") -> SignedIn:
    secret, _ = await worker.people.admit(ref, role, 2)
    return SignedIn(ref, role, 2, 1, secrecy.digest(secret))


async def code(worker: Worker, who: SignedIn | None = None, backchannel: str = "") -> tuple[str, str]:
    """A client, and a code for it."""
    who = who or await signed_in(worker)
    client, _ = await worker.provider.clients.add(
        "のりあいバス予約", "予約した人を見分けます", [BACK], public=True, backchannel=backchannel
    )
    sent = [("client_id", client["id"]), *ASKED]
    asked = read(await whence(worker.provider.clients, sent, CITY), dict(sent))
    return client["id"], await worker.provider.code(asked, who)


async def test_one_code_that_two_workers_are_given_at_once_is_exchanged_once_and_then_worth_nothing(
    workers: list[Worker],
) -> None:
    client, made = await code(workers[0])
    tries = [one.provider.grants.exchange(client, made, BACK, VERIFIER) for one in workers]
    found = await asyncio.gather(*tries, return_exceptions=True)
    (issued,) = [one for one in found if isinstance(one, Issued)]
    assert [type(one) for one in found if one is not issued] == [InvalidGrant]
    for worker in workers:
        with pytest.raises(InvalidToken):
            await worker.provider.grants.holder(issued.access)


async def test_one_refresh_token_that_two_workers_are_given_at_once_ends_its_family(
    workers: list[Worker],
) -> None:
    client, made = await code(workers[0])
    first = await workers[0].provider.grants.exchange(client, made, BACK, VERIFIER)
    tries = [one.provider.grants.refresh(client, first.refresh, "") for one in workers]
    found = await asyncio.gather(*tries, return_exceptions=True)
    (issued,) = [one for one in found if isinstance(one, Issued)]
    assert [type(one) for one in found if one is not issued] == [InvalidGrant]
    with pytest.raises(InvalidGrant):
        await workers[1].provider.grants.refresh(client, issued.refresh, "")


async def test_whoever_left_the_town_hall_is_signed_in_at_no_partner_any_more(workers: list[Worker]) -> None:
    one, other = workers
    await one.people.staff()
    ref = await one.people.staff(another=True)
    who = await signed_in(one, ref, "staff")
    client, made = await code(one, who)
    issued = await one.provider.grants.exchange(client, made, BACK, VERIFIER)
    waiting, unspent = await code(one, who)
    assert (await other.provider.grants.holder(issued.access))[0]["person"] == ref
    await one.office.prepare(SYSTEM, "退職", [step(ref, ACCOUNT, gives=False)])
    with pytest.raises(InvalidToken):
        await other.provider.grants.holder(issued.access)
    with pytest.raises(InvalidGrant, match="has left"):
        await other.provider.grants.refresh(client, issued.refresh, "")
    with pytest.raises(InvalidGrant, match="has left"):
        await other.provider.grants.exchange(waiting, unspent, BACK, VERIFIER)


async def test_partners_are_owed_word_of_whoever_left_and_the_worker_that_sends_it_hears_of_that(
    workers: list[Worker],
) -> None:
    one, other = workers
    await one.people.staff()
    ref = await one.people.staff(another=True)
    who = await signed_in(one, ref, "staff")
    told = "https://bus.example.jp/signed-out"
    client, made = await code(one, who, backchannel=told)
    await one.provider.grants.exchange(client, made, BACK, VERIFIER)
    await one.people.tidy()
    assert await one.provider.logouts.waiting._store.documents("", "logout") == []
    await one.office.prepare(SYSTEM, "退職", [step(ref, ACCOUNT, gives=False)])
    await one.people.tidy()
    [(_, id, owed)] = await one.provider.logouts.waiting._store.documents("", "logout")
    assert (owed["client"], ref in str(owed), bool(owed["sid"])) == (client, False, True)
    assert owed["subject"] == await one.pseudonyms.of("partner", "bus.example.jp", ref)
    here, there = (one.provider.logouts.waiting._store, other.provider.logouts.waiting._store)
    if here is not there:  # two processes, on PostgreSQL
        await there.catch_up()
        assert list(other.provider.logouts.waiting._known) == [id]
    await one.people.tidy()
    assert len(await one.provider.logouts.waiting._store.documents("", "logout")) == 1, "once"


async def test_whoever_is_let_in_again_is_signed_out_at_partners_too(workers: list[Worker]) -> None:
    one, other = workers
    ref = await one.people.staff(another=True)
    client, made = await code(one, await signed_in(one, ref, "staff"))
    issued = await one.provider.grants.exchange(client, made, BACK, VERIFIER)
    await one.people.let_in_again("staff-1", ref)
    with pytest.raises(InvalidGrant):
        await other.provider.grants.refresh(client, issued.refresh, "")


async def test_what_is_spent_at_one_worker_is_spent_at_the_other(workers: list[Worker]) -> None:
    found = await asyncio.gather(*(one.once.spend("state", 60) for one in workers * 3))
    assert sorted(found) == [False] * 5 + [True]


async def test_two_workers_that_begin_at_once_have_the_same_keys_and_pseudonyms(
    workers: list[Worker],
) -> None:
    keys = await asyncio.gather(*(one.provider.keys.signing() for one in workers))
    names = await asyncio.gather(*(one.pseudonyms.of("resident", "x") for one in workers))
    assert len({key.thumbprint for key in keys}) == len(set(names)) == 1
