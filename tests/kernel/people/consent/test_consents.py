"""Who agreed to what, on each store: given, withdrawn, ended, given anew; and what is read of it."""

from __future__ import annotations

import asyncio
import base64
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from pyld import jsonld
from stores import STORES, open_postgres
from vaults import OFFICER as SOMEBODY
from vaults import TARO, Place, asked

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import notices
from kitamae.kernel.people.consent import Changed, Consents, Notice, record
from kitamae.kernel.people.person import SYSTEM, Principal
from kitamae.kernel.people.policy import Facts, Policy
from kitamae.kernel.people.vault import CONSENTS, OWN, Asked, Purpose, Purposes, Vault
from kitamae.kernel.problems import Forbidden, NotFound, NotSignedIn

DAY = 86_400_000_000
WORDS = {"ja": "お知らせ", "en": "Notices"}
NOTICES = Purpose(
    "notices", "consent", frozenset({"name", "email"}), 365, title=WORDS, use=WORDS, by=WORDS, agreed_days=100
)
PURPOSES = Purposes([NOTICES, Purpose("resident", "law", frozenset({"name"}), 3650, "住民基本台帳法"), Purpose("wordless", "consent", frozenset({"name"}), 10)])  # fmt: skip
OFFICER = replace(
    SOMEBODY,
    duties=frozenset(("", f"purpose:{one}") for one in ("notices", "resident", "wordless", CONSENTS)),
)
HANAKO = Principal("p-hanako", "resident", session="s-hanako", assurance=3)
VERSION = Notice.of(NOTICES, "ja").version  # type: ignore[union-attr]


class City:
    """One worker: a store, a vault and its consents."""

    def __init__(self, place: Place) -> None:
        self.place = place

    async def open(self, purposes: Purposes = PURPOSES) -> None:
        place = self.place
        self.store = await place.opener(place.folder)
        self.consents = await Consents.open(self.store, purposes, lambda: place.time)
        self.policy = Policy(facts=Facts(bases={one.name: one.basis for one in purposes}, consented=self.consents.agreed))  # fmt: skip
        self.vault = await Vault.open(
            self.store, await place.open_keys(), (place.key,), purposes, self.policy,
            consents=self.consents, now=lambda: place.time,
        )  # fmt: skip
        self.consents.policy, self.consents.vault = self.policy, lambda: self.vault

    async def close(self) -> None:
        await self.vault.close()
        await self.store.close()

    async def agree(self, who: Principal = TARO) -> bool:
        return await self.consents.agree(who, "notices", "ja", VERSION)

    async def keep(self, person: str = "p-taro", klass: str = "notices") -> str:
        return await self.vault.keep(SYSTEM, person, klass, "person", {"name": "加賀 太郎"})

    async def read(self, **more: Any) -> list[Any]:
        return await self.vault.read(asked(OFFICER, "notices", **more))

    async def events(self, who: Principal = TARO) -> list[Any]:
        return await self.vault.read(Asked(who, OWN, (who.ref,), ("consent",)))


@pytest.fixture(params=sorted(STORES))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(STORES[request.param], tmp_path)


@pytest_asyncio.fixture
async def city(place: Place) -> AsyncIterator[City]:
    one = City(place)
    await one.open()
    yield one
    await one.close()


async def test_nobody_reads_before_the_person_agrees_and_everybody_with_the_purpose_may_after(city: City) -> None:  # fmt: skip
    with pytest.raises(Forbidden):
        await city.keep()
    assert await city.agree()
    await city.keep()
    assert [one.fields for one in await city.read()] == [{"name": "加賀 太郎"}]
    assert not await city.agree(), "whoever has agreed has agreed"


async def test_a_withdrawal_outlives_a_state_that_is_restored_by_whatever_means(city: City) -> None:
    assert await city.agree()
    backup = await city.store.get("", "agreement", "p-taro")
    city.place.time += 1_000_000
    assert await city.consents.withdraw(TARO, "notices")

    async def back(tx: Any) -> None:
        await tx.put("", "agreement", "p-taro", backup)

    await city.store.transact(back)  # as PostgreSQL's own means do it
    await city.close()
    await city.open()
    assert city.consents.agreed("p-taro", "notices"), "the state says so"
    assert await city.consents.restored(await city.vault.withdrawn()) == 1
    assert not city.consents.agreed("p-taro", "notices")
    assert (await city.consents.of("p-taro"))["notices"]["state"] == "withdrawn"
    assert await told(city) == [], "he ended it himself"
    assert await city.consents.restored(await city.vault.withdrawn()) == 0
    city.place.time += 1_000_000
    assert await city.agree(), "what is agreed to since stays"
    assert await city.consents.restored(await city.vault.withdrawn()) == 0
    assert city.consents.agreed("p-taro", "notices")
    assert (await city.vault.status())["erasures"] == 0


async def test_a_consent_that_was_withdrawn_counts_from_the_next_question_on_and_is_given_again(city: City) -> None:  # fmt: skip
    await city.agree()
    await city.keep()
    assert await city.consents.withdraw(TARO, "notices")
    for again in (city.read, city.keep):
        with pytest.raises(Forbidden):
            await again()
    assert not await city.consents.withdraw(TARO, "notices")
    await city.agree()
    assert len(await city.read()) == 1
    assert [one.fields["event"]["event"] for one in await city.events()] != []
    assert (await city.consents.of("p-taro"))["notices"]["events"] == 3


async def test_a_consent_that_was_withdrawn_between_check_and_read_is_refused_and_leaves_no_receipt(
    city: City,
) -> None:
    await city.agree()
    await city.keep()
    await city.consents.withdraw(TARO, "notices")
    city.policy.change(facts=replace(city.policy.facts, consented=lambda about, purpose: True))
    before = len(await city.store.leaves(0, 1000))
    with pytest.raises(Forbidden, match="does not agree"):
        await city.read()
    with pytest.raises(Forbidden, match="does not agree"):
        await city.vault.receipts(asked(OFFICER, "notices"), 1 << 62, 10)
    with pytest.raises(Forbidden, match="does not agree"):
        await city.keep()
    assert len(await city.store.leaves(0, 1000)) == before


async def test_of_many_who_are_read_at_once_one_who_withdrew_keeps_all_from_being_read(city: City) -> None:
    for who in (TARO, HANAKO):
        await city.agree(who)
        await city.keep(who.ref)
    assert len(await city.read(persons=(TARO.ref, HANAKO.ref))) == 2
    await city.consents.withdraw(HANAKO, "notices")
    with pytest.raises(Forbidden):
        await city.read(persons=(TARO.ref, HANAKO.ref))


async def test_a_search_finds_those_who_agree_and_is_silent_about_the_others(city: City) -> None:
    for who in (TARO, HANAKO):
        await city.agree(who)
        await city.keep(who.ref)
    ask = asked(OFFICER, "notices", persons=("?",))
    assert {one.person for one in await city.vault.find(ask, {"name": "加賀太郎"})} == {TARO.ref, HANAKO.ref}
    await city.consents.withdraw(HANAKO, "notices")
    assert {one.person for one in await city.vault.find(ask, {"name": "加賀太郎"})} == {TARO.ref}


async def told(city: City) -> list[tuple[str, str]]:
    """What p-taro is given notice of."""
    found = await notices.of(city.store, "p-taro", city.place.time)
    return [(one["about"], one["ref"]) for one in found.values()]


async def test_nobody_is_given_notice_of_what_he_did_himself(city: City) -> None:
    await city.agree()
    await city.consents.withdraw(TARO, "notices")
    assert await told(city) == []


async def test_a_consent_ends_by_itself_and_its_end_is_written_down_once(city: City) -> None:
    await city.agree()
    await city.keep()
    city.place.time += 100 * DAY
    with pytest.raises(Forbidden):
        await city.read()
    assert (await city.consents.expire(), await city.consents.expire()) == (1, 0)
    assert (await city.consents.of("p-taro"))["notices"]["state"] == "expired"
    assert await told(city) == [("consent", "notices")]
    await city.agree()
    assert len(await city.read()) == 1
    assert sorted(one.fields["event"]["event"] for one in await city.events()) == ["expired", "given", "renewed"]  # fmt: skip


async def test_when_the_words_change_the_consent_ends_for_those_who_read_them_and_is_asked_for_again(
    city: City,
) -> None:
    await city.agree()
    await city.consents.agree(HANAKO, "notices", "en", Notice.of(NOTICES, "en").version)  # type: ignore[union-attr]
    for who in (TARO, HANAKO):
        await city.keep(who.ref)
    await city.close()
    changed = replace(NOTICES, use={**WORDS, "ja": "お知らせと広告"})
    await city.open(Purposes([changed, PURPOSES.demand("resident")]))
    with pytest.raises(Forbidden):
        await city.read()
    assert len(await city.read(persons=(HANAKO.ref,))) == 1, "she had read other words, which are the same"
    with pytest.raises(Changed):
        await city.agree()
    assert await city.consents.agree(TARO, "notices", "ja", Notice.of(changed, "ja").version)  # type: ignore[union-attr]
    assert sorted(one.fields["event"]["event"] for one in await city.events()) == ["given", "renewed"]


async def test_nobody_agrees_for_somebody_else_or_to_what_nobody_wrote_down(city: City) -> None:
    for who, error in (
        (Principal("", "anyone"), NotSignedIn),
        (replace(TARO, session=""), Forbidden),
        (Principal("token-1", "service", frozenset({"write:*"}), 1), Forbidden),
    ):
        with pytest.raises(error):
            await city.agree(who)
    for purpose in ("wordless", "resident", "nothing"):
        with pytest.raises(NotFound):
            await city.consents.agree(TARO, purpose, "ja", VERSION)
    with pytest.raises(NotFound):
        await city.consents.agree(TARO, "notices", "ko", VERSION)
    assert await city.store.leaves(0, 10) == []


async def test_every_event_is_in_the_ledger_as_a_commitment_that_only_the_person_can_open(city: City) -> None:
    await city.agree()
    await city.consents.withdraw(TARO, "notices")
    leaves = {one.number: one.data for one in await city.store.leaves(0, 100)}
    events = [one.fields for one in await city.events()]
    assert len(events) == 2
    for one in events:
        leaf = leaves[one["number"]]
        commitment.opened(leaf, base64.b64decode(one["salt"]), commitment.canonical(one["event"]))
        assert b"p-taro" not in leaf
    with pytest.raises(Forbidden, match="nobody declares"):
        await city.vault.read(asked(OFFICER, CONSENTS))


async def test_the_record_says_in_the_terms_of_dpv_what_was_agreed_to_and_what_became_of_it(city: City) -> None:  # fmt: skip
    await city.agree()
    city.place.time += DAY
    await city.consents.withdraw(TARO, "notices")
    told = record(
        NOTICES,
        await city.events(),
        person="p-taro",
        controller={"ja": "加賀市"},
        address="https://city.example",
    )
    assert told["@type"] == "dpv:ConsentRecord"
    assert told["dct:conformsTo"] == "https://w3id.org/dpv/schema/dpv-27560#record"
    given, withdrawn = told["dpv:hasConsentStatus"]
    assert given["@type"] == ["dpv:ConsentGiven", "dpv:ExplicitlyExpressedConsent"]
    assert (withdrawn["@type"], withdrawn["dpv:isIndicatedBy"]) == ("dpv:ConsentWithdrawn", "dpv:DataSubject")
    assert given["kitamae:words"]["use"] == "お知らせ"
    assert told["dpv:hasProcess"]["dpv:hasStorageCondition"][1]["dpv:hasDuration"] == "P365D"
    (expanded,) = jsonld.expand(told)  # without a network: its @context stands in it
    dpv = "https://w3id.org/dpv#"
    assert expanded["@type"] == [f"{dpv}ConsentRecord"]
    (process,) = expanded[f"{dpv}hasProcess"]
    assert process[f"{dpv}hasLegalBasis"] == [{"@id": f"{dpv}ExplicitlyExpressedConsent"}]
    assert expanded[f"{dpv}hasConsentStatus"][1][f"{dpv}isIndicatedBy"] == [{"@id": f"{dpv}DataSubject"}]
    for name in ("dpv:hasDataSubject", "dpv:hasDataController", "dpv:hasJurisdiction", "dpv:hasNotice", "dpv:hasConsentControl"):  # fmt: skip
        assert told[name]


async def test_whoever_is_erased_agrees_to_nothing_any_more_and_may_agree_again(city: City) -> None:
    await city.agree()
    await city.keep()
    done = await city.vault.erase(TARO, TARO.ref)
    assert CONSENTS in done.classes
    assert await city.consents.of("p-taro") == {}
    with pytest.raises(Forbidden):
        await city.read()
    await city.agree()
    await city.keep()
    await city.close()
    await city.open()  # erasures are replayed
    assert len(await city.read()) == 1


async def test_what_was_withdrawn_since_a_backup_stays_withdrawn_after_a_restore(city: City) -> None:
    await city.agree()
    await city.keep()
    before = await city.store.get("", "agreement", "p-taro")
    city.place.time += DAY
    await city.consents.withdraw(TARO, "notices")
    withdrawn = await city.consents.withdrawn()

    async def back(tx: Any) -> None:
        await tx.put("", "agreement", "p-taro", before)

    await city.store.transact(back)
    await city.close()
    await city.open()
    assert len(await city.read()) == 1
    assert await city.consents.restored(withdrawn) == 1
    with pytest.raises(Forbidden):
        await city.read()


async def test_consents_outlive_a_restart(city: City) -> None:
    await city.agree()
    await city.agree(HANAKO)
    await city.consents.withdraw(HANAKO, "notices")
    await city.close()
    await city.open()
    assert [city.consents.agreed(one, "notices") for one in (TARO.ref, HANAKO.ref)] == [True, False]


async def test_another_worker_refuses_in_the_next_request_what_was_withdrawn_here(tmp_path: Path) -> None:
    place = Place(open_postgres, tmp_path)
    here, there = City(place), City(place)
    await here.open()
    await there.open()
    await here.agree()
    await there.store.catch_up()
    await here.keep()
    assert len(await there.read()) == 1
    for _ in range(5):
        await here.consents.withdraw(TARO, "notices")
        with pytest.raises(Forbidden):
            await there.read()
        await here.agree()
        await there.store.catch_up()
        assert len(await there.read()) == 1
    await there.close()
    await here.close()


async def test_times_of_an_agreement_are_those_of_the_notice(city: City) -> None:
    await city.agree()
    one = (await city.consents.of("p-taro"))["notices"]
    assert clock.micros(one["until"]) - clock.micros(one["at"]) == 100 * DAY


async def test_at_the_counter_whoevers_desk_it_is_withdraws_for_the_person_who_sees_who_did_it(city: City) -> None:  # fmt: skip
    await city.agree()
    clerk = replace(OFFICER, duties=frozenset({("", "desk:people")}))
    for who in (OFFICER, TARO, HANAKO):
        with pytest.raises(Forbidden):
            await city.consents.withdraw_at_counter(who, "p-taro", "notices")
    with pytest.raises(NotFound):
        await city.consents.withdraw_at_counter(clerk, "p-taro", "resident")
    before = len(await city.store.leaves(0, 100))
    assert not await city.consents.withdraw_at_counter(clerk, "p-nobody", "notices")
    assert len(await city.store.leaves(0, 100)) == before
    assert await city.consents.withdraw_at_counter(clerk, "p-taro", "notices")
    with pytest.raises(Forbidden):
        await city.read()
    assert {one.fields["event"]["by"] for one in await city.events()} == {"p-taro", clerk.ref}
    assert await told(city) == [("consent", "notices")], "somebody else did it: he is given notice"


async def test_what_ended_so_long_ago_that_its_record_is_gone_is_forgotten(city: City) -> None:
    await city.agree()
    await city.agree(HANAKO)
    await city.consents.withdraw(TARO, "notices")
    city.place.time += 5 * 365 * DAY
    await city.vault.clock_is_right()  # and sweeps
    assert await city.consents.expire() == 1
    assert await city.consents.of(TARO.ref) == {}
    assert (await city.consents.of(HANAKO.ref))["notices"]["state"] == "expired"
    city.place.time += 5 * 365 * DAY
    await city.consents.expire()
    assert await city.store.documents("", "agreement") == []


STEPS = st.lists(
    st.sampled_from(["agree", "withdraw", "wait", "wait long", "expire", "restart"]), max_size=12
)


@settings(max_examples=30)
@given(STEPS)
def test_whatever_happens_it_is_read_exactly_while_it_is_agreed_to(steps: list[str]) -> None:
    async def play(folder: Path) -> None:
        city = City(Place(STORES["sqlite"], folder))
        await city.open()
        until, agreed, events = 0, False, 0
        for step in steps:
            now = city.place.time
            stands = agreed and until > now
            if step == "agree":
                assert await city.agree() is not stands
                events += not stands
                if not stands:
                    agreed, until = True, now + 100 * DAY
            elif step == "withdraw":
                changed = await city.consents.withdraw(TARO, "notices")
                assert changed or not stands
                events += changed
                agreed = False
            elif step == "expire":
                ended = await city.consents.expire()
                assert ended == (agreed and not stands)
                events += ended
                agreed = stands
            elif step == "restart":
                await city.close()
                await city.open()
            else:
                city.place.time += (30 if step == "wait" else 101) * DAY
            stands = agreed and until > city.place.time
            assert city.consents.agreed(TARO.ref, "notices") is stands
            try:
                await city.read()
                assert stands
            except Forbidden:
                assert not stands
        assert len(await city.events()) == events
        await city.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


async def test_nobody_is_found_by_what_was_refused_for_want_of_a_consent(city: City) -> None:
    async def marks() -> list[Any]:
        return await city.vault._inner.keys.store.tags_of("p-taro")

    with pytest.raises(Forbidden):
        await city.keep()
    assert await marks() == []
    await city.agree()
    id = await city.keep()
    before = await marks()
    assert before
    await city.consents.withdraw(TARO, "notices")
    with pytest.raises(Forbidden):
        await city.vault.keep(SYSTEM, "p-taro", "notices", "person", {"name": "山代 次郎"}, id=id)
    assert sorted(await marks()) == sorted(before), "found by what it still says"
    with pytest.raises(NotFound):
        await city.vault.keep(SYSTEM, "p-hanako", "resident", "person", {"name": "山代 次郎"}, id=id)
    assert sorted(await marks()) == sorted(before)
