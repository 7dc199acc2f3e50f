"""Who says yes to what before anything works: applications, members, contracts, statements."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kitamae.adapters import sqlite
from kitamae.kernel.context import clock
from kitamae.kernel.people.mynumber import HoldsMyNumber
from kitamae.kernel.people.person import Principal
from kitamae.kernel.people.providers import Application, Terms, digest, latest
from kitamae.kernel.people.vault.problems import VaultClosed
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound
from providing import BUS, DAY, TERMS, Clock, Town, member, wish


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    store = await sqlite.open(tmp_path / "kitamae.db")
    there = await Town(store, Clock()).open()
    await there.staffed()
    yield there
    await store.close()


async def test_whoever_applies_has_a_passkey_and_a_name_and_waits_for_the_desk(town: Town) -> None:
    for who in (
        member(assurance=1),
        Principal("staff-1", "staff", assurance=2, session="s"),
        Principal("", "anyone"),
    ):
        with pytest.raises(Forbidden):
            await town.providers.apply(who, BUS)
    applied = await town.providers.apply(member(), BUS)
    assert (applied["state"], applied["members"]) == ("applied", ["visitor-1"])
    assert await town.providers.mine(member()) == [applied]
    assert await town.providers.mine(member("visitor-2")) == []
    with pytest.raises(NotFound):
        await town.providers.own(member("visitor-2"), applied["number"])
    with pytest.raises(BadRequest):
        await town.providers.decide(town.desk[0], applied["number"], yes=False)
    refused = await town.providers.decide(
        town.desk[0], applied["number"], yes=False, why="連絡先が分かりません"
    )
    assert (refused["state"], refused["decided"]["why"]) == ("refused", "連絡先が分かりません")
    with pytest.raises(Conflict):
        await town.providers.decide(town.desk[0], applied["number"], yes=True)
    with pytest.raises(Conflict):
        await town.providers.contracts.prepare(town.desk[0], applied["number"], wish())


@pytest.mark.parametrize(
    "wrong",
    [
        {"sort": "city"}, {"name": " "}, {"name": "あ" * 101}, {"contact": ""}, {"about": ""}, {"corporate": "1234567890123"},
    ],
)  # fmt: skip
async def test_what_is_missing_or_wrong_in_an_application_is_refused(
    town: Town, wrong: dict[str, str]
) -> None:
    told = {name: getattr(BUS, name) for name in ("sort", "name", "role", "contact", "about", "corporate")}
    with pytest.raises(BadRequest):
        await town.providers.apply(member(), Application(**{**told, **wrong}))


async def test_a_my_number_comes_in_nowhere_and_a_volunteers_contact_goes_to_the_vault_alone(
    town: Town,
) -> None:
    with pytest.raises(HoldsMyNumber):
        await town.providers.apply(
            member(), Application("group", "会", "", "マイナンバー 123456789018", "地図")
        )
    with pytest.raises(VaultClosed):
        await town.providers.apply(
            member(), Application("volunteer", "地図の人", "", "map@example.jp", "地図")
        )
    assert await town.providers.all() == []


async def test_a_desk_that_is_nobodys_duty_any_more_decides_nothing(town: Town) -> None:
    applied = await town.providers.apply(member(), BUS)
    stranger = Principal(
        "staff-0", "staff", assurance=2, session="s", duties=frozenset({("", "desk:providers")})
    )
    with pytest.raises(Forbidden):  # the session still says so; the store does not
        await town.providers.decide(stranger, applied["number"], yes=True)


async def test_a_member_invites_another_once_and_the_last_one_cannot_leave(town: Town) -> None:
    provider = await town.accepted()
    number, members = provider["number"], town.providers.members
    with pytest.raises(Conflict):
        await members.leave(member(), number)
    code = await members.invite(member(), number)
    assert (await members.invited(code))["name"] == BUS.name
    joined = await members.join(member("visitor-2"), code)
    assert joined["members"] == ["visitor-1", "visitor-2"]
    with pytest.raises(NotFound):
        await members.join(member("visitor-3"), code)
    with pytest.raises(NotFound):
        await members.invite(member("visitor-3"), number)
    late = await members.invite(member("visitor-2"), number)
    left = await members.invite(member(), number)
    await members.leave(member(), number)
    assert await town.providers.mine(member()) == []
    with pytest.raises(NotFound):  # whoever invited is gone himself
        await members.join(member("visitor-3"), left)
    town.now.at += 8 * DAY
    with pytest.raises(NotFound):
        await members.join(member("visitor-3"), late)


async def test_a_contract_is_looked_at_by_two_and_accepted_by_a_member_as_it_was_shown(town: Town) -> None:
    provider = await town.accepted()
    contracts, (one, two) = town.providers.contracts, town.desk
    made = await contracts.prepare(one, provider["number"], wish())
    assert contracts.stands(made) == "prepared"
    seen = digest(latest(made))
    with pytest.raises(Forbidden):
        await contracts.confirm(one, made["id"], seen, yes=True)
    with pytest.raises(Conflict):
        await contracts.confirm(two, made["id"], "0" * 64, yes=True)
    with pytest.raises(Conflict):
        await contracts.accept(member(), made["id"], seen)
    assert contracts.stands(await contracts.confirm(two, made["id"], seen, yes=True)) == "offered"
    for who, wrong in ((member("visitor-2"), NotFound), (member(assurance=1), Forbidden)):
        with pytest.raises(wrong):
            await contracts.accept(who, made["id"], seen)
    with pytest.raises(Conflict):
        await contracts.accept(member(), made["id"], "0" * 64)
    assert await town.providers.in_force() == []
    agreed = await contracts.accept(member(), made["id"], seen)
    assert contracts.stands(agreed) == "in force"
    ((owner, contract, held),) = await town.providers.in_force()
    assert (owner["name"], contract["id"], held["ends"]) == (BUS.name, made["id"], "2027-03-31")
    assert len(agreed["ledger"]) == 3


async def test_a_new_version_changes_nothing_before_it_is_accepted_and_has_begun(town: Town) -> None:
    first = await town.agreed(await town.accepted())
    contracts, (one, two) = town.providers.contracts, town.desk
    made = await contracts.prepare(one, first["provider"], wish(day=5_000, starts="2026-12-01"), first["id"])
    with pytest.raises(Conflict):
        await contracts.prepare(one, first["provider"], wish(), first["id"])
    await contracts.confirm(two, made["id"], digest(latest(made)), yes=True)
    assert contracts.held(made)["day"] == 100  # type: ignore[index]
    agreed = await contracts.accept(member(), made["id"], digest(latest(made)))
    assert contracts.held(agreed)["day"] == 100  # type: ignore[index]
    town.now.at = clock.micros("2026-12-01T00:00:00+09:00")
    assert contracts.held(agreed)["day"] == 5_000  # type: ignore[index]


async def test_a_version_that_nobody_wants_leaves_the_contract_as_it_was(town: Town) -> None:
    first = await town.agreed(await town.accepted())
    contracts, (one, two) = town.providers.contracts, town.desk
    for refuse in ("confirm", "withdraw", "decline"):
        made = await contracts.prepare(one, first["provider"], wish(day=5_000), first["id"])
        seen = digest(latest(made))
        if refuse == "confirm":
            left = await contracts.confirm(two, made["id"], seen, yes=False, why="多すぎます")
        elif refuse == "withdraw":
            left = await contracts.withdraw(one, made["id"], "書きまちがい")
        else:
            await contracts.confirm(two, made["id"], seen, yes=True)
            left = await contracts.decline(member(), made["id"], "今のままでよい")
        assert latest(left)["refused"]["why"]
        assert contracts.stands(left) == "in force"
        assert contracts.held(left)["version"] == 1  # type: ignore[index]


@pytest.mark.parametrize(
    "wrong",
    [
        {"starts": "2026-11-09"}, {"ends": "2026-11-09"}, {"ends": "2036-01-01"}, {"starts": "next week"}, {"minute": 0},
        {"minute": 200}, {"day": 0}, {"purposes": ["watching"]}, {"reads": ["Person"]}, {"writes": ["BusStop"]},
        {"plan": ""}, {"plan": "gold"}, {"service": "other"}, {"security": ""}, {"title": ""},
        {"subcontractors": [{"name": "下請", "does": "運用", "under": "だれか", "where": ""}]},
        {"boundaries": [{"part": "位置", "who": "会社", "of": "nobody"}]},
    ],
)  # fmt: skip
async def test_what_the_city_does_not_have_stands_in_no_contract(town: Town, wrong: dict[str, Any]) -> None:
    provider = await town.accepted()
    with pytest.raises(BadRequest):
        await town.providers.contracts.prepare(town.desk[0], provider["number"], wish(**wrong))


async def test_subcontractors_stand_down_to_the_last(town: Town) -> None:
    chain = [
        {"name": "運用会社", "does": "監視", "under": "", "where": "日本"},
        {"name": "夜間会社", "does": "夜間の監視", "under": "運用会社", "where": "日本"},
    ]
    agreed = await town.agreed(await town.accepted(), subcontractors=chain)
    assert latest(agreed)["subcontractors"] == chain


async def test_a_provider_that_is_ended_takes_all_its_contracts_and_keys_along(town: Town) -> None:
    first = await town.agreed(await town.accepted())
    made, _ = await town.providers.keys.make(member(), first["id"], "", "地図")
    with pytest.raises(BadRequest):
        await town.providers.end(town.desk[0], first["provider"], " ")
    await town.providers.end(town.desk[0], first["provider"], "解散しました")
    assert town.providers.contracts.stands(await town.providers.contracts.one(first["id"])) == "ended"
    from kitamae.kernel.people import secret

    assert (await town.people.who(secret.digest(made))).ref == ""
    assert await town.providers.in_force() == []


async def test_a_key_is_for_a_purpose_of_the_contract_and_writes_only_where_it_may(town: Town) -> None:
    first = await town.agreed(await town.accepted(), writes=[])
    for purpose, writes in (("trips", False), ("identity", True), ("", True)):
        with pytest.raises(BadRequest):
            await town.providers.keys.make(member(), first["id"], purpose, "名前", writes=writes)
    with pytest.raises(Forbidden):
        await town.providers.keys.make(member(assurance=1), first["id"], "", "名前")
    with pytest.raises(NotFound):
        await town.providers.keys.make(member("visitor-2"), first["id"], "", "名前")


async def test_after_a_restore_a_contract_that_was_ended_since_gives_nobody_a_way_in(town: Town) -> None:
    first = await town.agreed(await town.accepted())
    made, _ = await town.providers.keys.make(member(), first["id"], "", "地図")
    known = await town.people.ended()
    ended = replace(known, revoked={**known.revoked, first["id"]: {"at": clock.text(town.now.at)}})
    from kitamae.kernel.people import secret

    for _ in range(2):
        await town.people.restored(ended)
        assert (await town.people.who(secret.digest(made))).ref == ""


# --- money
async def closed(town: Town, at: str = "2026-12-01T00:10:00+09:00") -> None:
    town.now.at = clock.micros(at)
    assert await town.providers.statements.close() == ""


async def test_a_correction_is_a_further_statement_and_the_first_never_changes(town: Town) -> None:
    contract = await town.agreed(await town.accepted())
    await closed(town)
    (first,) = await town.providers.statements.of(contract["id"])
    statements = town.providers.statements
    with pytest.raises(BadRequest):
        await statements.correct(town.desk[0], contract["id"], "2026-11", -1_000, " ")
    with pytest.raises(Conflict):
        await statements.correct(town.desk[0], contract["id"], "2026-12", -1_000, "止まっていた日の分")
    less = await statements.correct(town.desk[0], contract["id"], "2026-11", -1_005, "止まっていた日の分")
    assert (less["n"], less["net"], less["tax"], less["total"]) == (1, -1_005, -100, -1_105)
    assert await statements.one(first["id"]) == first
    assert [one["n"] for one in await statements.of(contract["id"])] == [1, 0]


async def test_paid_is_noted_beside_the_statement_and_can_be_taken_back(town: Town) -> None:
    contract = await town.agreed(await town.accepted())
    await closed(town)
    statements = town.providers.statements
    (first,) = await statements.of(contract["id"])
    assert await statements.paid(first) == ""
    await statements.mark(town.desk[0], first["id"], paid=True)
    assert await statements.paid(first)
    with pytest.raises(Conflict):
        await statements.mark(town.desk[0], first["id"], paid=True)
    await statements.mark(town.desk[0], first["id"], paid=False)
    assert await statements.paid(first) == ""


async def test_of_two_contracts_one_bears_what_the_provider_owes_the_council(town: Town) -> None:
    provider = await town.accepted()
    first, second = await town.agreed(provider), await town.agreed(provider)
    await closed(town)
    for contract, council in ((first, 1), (second, 0)):
        (statement,) = await town.providers.statements.of(contract["id"])
        assert sum(line["what"] == "council" for line in statement["lines"]) == council


async def test_months_that_were_missed_are_closed_one_by_one_until_the_end_of_the_contract(
    town: Town,
) -> None:
    contract = await town.agreed(await town.accepted(), ends="2027-01-15")
    await closed(town, "2027-05-20T12:00:00+09:00")
    found = await town.providers.statements.of(contract["id"])
    assert [(one["month"], one["starts"], one["ends"]) for one in reversed(found)] == [
        ("2026-11", "2026-11-10", "2026-11-30"),
        ("2026-12", "2026-12-01", "2026-12-31"),
        ("2027-01", "2027-01-01", "2027-01-15"),
    ]


async def test_a_city_that_set_no_fee_says_so_and_charges_nothing(tmp_path: Path) -> None:
    store = await sqlite.open(tmp_path / "other.db")
    free = Terms(TERMS.services, TERMS.purposes, TERMS.types, TERMS.written, {}, TERMS.expand)
    town = await Town(store, Clock(), free).open()
    contract = await town.contract(plan="")
    await closed(town)
    (statement,) = await town.providers.statements.of(contract["id"])
    assert (statement["plan"], statement["lines"], statement["total"]) == (None, [], 0)
    await store.close()


async def test_a_plan_that_the_city_took_away_closes_no_month_and_says_why(
    town: Town, tmp_path: Path
) -> None:
    contract = await town.agreed(await town.accepted())
    town.now.at = clock.micros("2026-12-01T00:10:00+09:00")
    free = Terms(TERMS.services, TERMS.purposes, TERMS.types, TERMS.written, {}, TERMS.expand)
    without = Town(town.store, town.now, free)
    assert "standard" in await without.providers.statements.close()
    assert await town.providers.statements.of(contract["id"]) == []


async def test_what_a_provider_reports_lands_at_the_incident_desk(town: Town) -> None:
    provider = await town.accepted()
    told = {
        "title": "鍵をなくした", "what": "開発用の端末をなくした", "concerns": "鍵1本", "severity": "middle",
        "found_at": "2026-11-10T02:00:00Z",
    }  # fmt: skip
    number = await town.providers.report(member(), provider["number"], told)
    assert number == "2026-0001"
    with pytest.raises(NotFound):
        await town.providers.report(member("visitor-2"), provider["number"], told)
