"""A member of a provider is erased: nothing shows what he did for it any more, and every entry of the ledger stays valid."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from stores import Opener

from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import secret
from kitamae.kernel.people.accounts import Accounts
from kitamae.kernel.people.person import NOBODY
from kitamae.kernel.people.providers import Application
from providing import Clock, Town, member

KINDS = ("city-provider", "contract", "provider-key", "provider-of", "provider-invitation")
ALONE = Application("volunteer", "山下 花子", "", "hanako@example.jp", "バス停の写真をとる", "")


@pytest.fixture
async def town(opener: Opener, tmp_path: Path) -> AsyncIterator[Town]:
    store = await opener(tmp_path)
    yield await Town(store, Clock()).open()
    await store.close()


async def erased(town: Town, person: str, before: int | None = None) -> dict[str, int]:
    """His account ends, as `Eraser` has it end. `before`: it is done again, after a restore."""
    at = town.now()
    accounts = Accounts(town.store, town.people)
    went: dict[str, int] = await town.store.transact(
        await accounts.ending({person: before if before is not None else 1 << 62}, at)
    )
    accounts.ended()
    return went


async def kept(town: Town) -> dict[str, list[Any]]:
    return {kind: [doc for _, _, doc in await town.store.documents("", kind)] for kind in KINDS}


async def leaves(town: Town) -> list[Any]:
    found = await kept(town)
    return [leaf for kind in KINDS[:2] for doc in found[kind] for leaf in doc["ledger"]]


async def proved(town: Town) -> int:
    """How many entries of the ledger are shown to say what stands beside them, and whom they name."""
    data = {one.number: one.data for one in await town.store.leaves(0, 10_000)}
    named = 0
    for leaf in await leaves(town):
        salt = base64.b64decode(leaf["salt"])
        assert commitment.commit(salt, commitment.canonical(leaf["told"])) == data[leaf["number"]]
        for name, one in leaf.get("openings", {}).items():
            bound = commitment.commit(base64.b64decode(one["salt"]), commitment.canonical({"by": one["by"]}))
            assert base64.b64encode(bound).decode() == name
            assert name in str(leaf["told"])
            named += 1
    return named


async def test_what_he_did_for_a_company_was_done_by_nobody_and_the_company_goes_on(town: Town) -> None:
    contract = await town.contract()
    one, other = member(), member("visitor-2")
    code = await town.providers.members.invite(one, contract["provider"])
    await town.providers.members.join(other, code)
    await town.providers.members.invite(one, contract["provider"])
    made, _ = await town.providers.keys.make(one, contract["id"], "", "地図")
    assert one.ref in str(await kept(town))
    assert one.ref not in str([leaf["told"] for leaf in await leaves(town)])
    assert await proved(town) >= 4

    assert (await erased(town, one.ref))["membership"] == 1
    assert one.ref not in str(await kept(town))
    assert one.ref not in str(
        town.providers.keys.known(f"token-{(await town.people.tokens.all())[0]['number']}")
    )
    assert await proved(town) == 1, "the other one's joining"
    [provider] = await town.providers.all()
    assert (provider["state"], provider["members"]) == ("accepted", [other.ref])
    assert await town.people.who(secret.digest(made)) is not NOBODY
    assert await town.providers.mine(one) == []


async def test_a_volunteers_own_ends_with_him(town: Town) -> None:
    await town.staffed()
    one = member("visitor-7")
    applied = await town.providers.apply(
        one, Application("group", "花と写真の会", "", "a@example.jp", "写真", "")
    )

    async def alone(tx: Any) -> None:
        await tx.put(
            "",
            "city-provider",
            applied["number"],
            {**applied, "sort": "volunteer", "name": ALONE.name, "contact": ""},
        )

    await town.store.transact(alone)  # as `apply` keeps one, but for the contact, which is in the vault
    provider = await town.providers.decide(town.desk[0], applied["number"], yes=True)
    contract = await town.agreed(provider, one)
    made, _ = await town.providers.keys.make(one, contract["id"], "", "地図")
    await erased(town, one.ref)
    found = await kept(town)
    assert one.ref not in str(found)
    assert ALONE.name not in str(found["city-provider"])
    assert [doc["state"] for doc in found["city-provider"]] == ["ended"]
    assert "ended" in found["contract"][0]
    assert await town.people.who(secret.digest(made)) is NOBODY
    assert await proved(town) == 0


async def test_done_again_after_a_restore_it_takes_nothing_that_was_begun_since(town: Town) -> None:
    contract = await town.contract()
    one, other = member(), member("visitor-2")
    await town.providers.members.join(other, await town.providers.members.invite(one, contract["provider"]))
    town.now.at += 1_000_000
    at = town.now()
    await erased(town, one.ref)
    town.now.at += 1_000_000
    await town.providers.members.join(one, await town.providers.members.invite(other, contract["provider"]))
    before = await kept(town)
    assert "membership" not in await erased(town, one.ref, at)
    assert await kept(town) == before
    assert (await town.providers.mine(one))[0]["number"] == contract["provider"]


async def test_an_entry_of_before_loses_its_salt(town: Town) -> None:
    contract = await town.contract()
    [provider] = await town.providers.all()
    [applied, *more] = provider["ledger"]
    old = {**applied, "told": {**applied["told"], "by": member().ref}}
    old.pop("openings", None)

    async def before(tx: Any) -> None:
        await tx.put("", "city-provider", provider["number"], {**provider, "ledger": [old, *more]})

    await town.store.transact(before)
    await erased(town, member().ref)
    [provider] = await town.providers.all()
    assert (provider["ledger"][0]["salt"], provider["ledger"][0]["told"]["by"]) == ("", "")
    assert contract["provider"] == provider["number"]
