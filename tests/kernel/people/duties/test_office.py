"""Duties are given and taken with a second person's word, all at one moment, on each store."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from stores import STORES

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.people import secret
from kitamae.kernel.people.duties import ACCOUNT, Duty, Emergencies, Office, Plan
from kitamae.kernel.people.duties.office import digest_of, step
from kitamae.kernel.people.people import People
from kitamae.kernel.people.person import NOBODY, SYSTEM, Principal
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound

JST = ZoneInfo("Asia/Tokyo")
HOUR = 3_600_000_000
MIDNIGHT = "2026-11-30T15:00:00Z"  # 00:00 of 1 December in Japan


class Town:
    """One worker on the store."""

    def __init__(self, store: Any, now: Clock) -> None:
        self.store, self.now = store, now
        self.people = People(store, str, now=now, session_hours=24 * 365)
        self.office = Office(store, Plan.usual(), self.people.forget, self.people.colleagues, now)
        self.emergencies = Emergencies(store, Plan.usual(), ["identity"], self.people.forget, now)
        self.sessions: dict[str, str] = {}

    async def enter(self, ref: str, assurance: int = 2) -> None:
        session, _ = await self.people.admit(ref, "staff", assurance)
        self.sessions[ref] = secret.digest(session)

    async def who(self, ref: str) -> Principal:
        return await self.people.who(self.sessions[ref])

    async def new(self, *duties: str) -> str:
        ref = await self.people.staff(another=True)
        await self.enter(ref)
        if duties:
            await self.office.prepare(SYSTEM, "t", [step(ref, one, gives=True) for one in duties])
        return ref

    async def desks(self, ref: str) -> set[str]:
        return {what for _, what in (await self.who(ref)).duties}

    async def approve(self, by: str, id: str) -> None:
        await self.office.decide(await self.who(by), id, await self.shown(id), yes=True)

    async def shown(self, id: str) -> str:
        kept = await self.office.get(id)
        return digest_of(kept, await self.office.diff(kept))


class Clock:
    def __init__(self) -> None:
        self.at = clock.micros("2026-11-21T00:00:00Z")

    def __call__(self) -> int:
        return self.at


@pytest_asyncio.fixture(params=sorted(STORES))
async def town(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Town]:
    store = await STORES[request.param](tmp_path)
    yield Town(store, Clock())
    await store.close()


async def staffed(town: Town) -> tuple[str, str, str]:
    """Two of the staff desk, and somebody without a duty."""
    return await town.new("staffing"), await town.new("staffing"), await town.new()


async def test_the_first_account_gives_the_first_duties_alone_and_is_nothing_special_afterwards(
    town: Town,
) -> None:
    first = await town.people.staff()
    await town.enter(first, 1)
    one, two = await town.new(), await town.new()
    for other in (one, two):
        assert "desk:staff" in await town.desks(first)
        assert await town.desks(other) == set()
        id = await town.office.prepare(await town.who(first), "始め", [step(other, "staffing", gives=True)])
        assert (await town.office.get(id))["alone"]
        assert await town.desks(other) == {"desk:staff"}
    assert await town.desks(first) == set()
    with pytest.raises(Forbidden):
        await town.office.prepare(await town.who(first), "x", [step(first, "staffing", gives=True)])


async def test_a_powerful_duty_counts_only_after_a_second_person_who_gets_nothing_by_it(town: Town) -> None:
    one, two, new = await staffed(town)
    id = await town.office.prepare(
        await town.who(one),
        "任命",
        [step(new, "staffing", gives=True), step(two, "privacy-officer", gives=True)],
    )
    digest = await town.shown(id)
    assert await town.desks(new) == set()
    for ref, refused in ((one, "himself"), (two, "gets something by it"), (new, "staff desk")):
        with pytest.raises(Forbidden, match=refused):
            await town.office.decide(await town.who(ref), id, digest, yes=True)
    three = await town.new("staffing")
    with pytest.raises(Forbidden, match="passkey"):
        await town.office.decide(replace(await town.who(three), assurance=1), id, digest, yes=True)
    with pytest.raises(Conflict, match="not any more what you were shown"):
        await town.office.decide(await town.who(three), id, "0" * 64, yes=True)
    await town.office.decide(await town.who(three), id, digest, yes=True)
    assert await town.desks(new) == {"desk:staff"}
    with pytest.raises(Conflict, match="approved"):
        await town.office.decide(await town.who(three), id, digest, yes=True)


async def test_whoever_let_the_other_in_is_not_his_second_person_and_nor_is_whom_he_let_in(
    town: Town,
) -> None:
    one, two, new = await staffed(town)
    three = await town.new("staffing")
    steps = [step(new, "systems", gives=True)]
    await town.people.let_in_again(one, two)  # and with the link he could be the other one himself
    await town.people.let_in_again(two, three)
    for ref in (two, three):
        await town.enter(ref)
    asked = await town.office.prepare(await town.who(one), "a", steps)
    for ref in (two, three):
        with pytest.raises(Forbidden, match="let the other in"):
            await town.approve(ref, asked)
    other = await town.office.prepare(await town.who(two), "b", steps)
    with pytest.raises(Forbidden, match="let the other in"):
        await town.approve(one, other)
    town.now.at += 30 * 24 * HOUR
    again = await town.office.prepare(await town.who(one), "c", steps)
    await town.approve(two, again)


async def test_two_whom_the_same_person_let_in_are_not_two_also_where_others_did_since(town: Town) -> None:
    one, two, new = await staffed(town)
    third, other = await town.new("staffing"), await town.new("staffing")
    steps = [step(new, "systems", gives=True)]
    await town.people.let_in_again(third, one)
    await town.people.let_in_again(third, two)
    for _ in range(3):
        await town.people.let_in_again(other, two)  # which does not make forgotten who did before
    for ref in (one, two):
        await town.enter(ref)
    id = await town.office.prepare(await town.who(one), "a", steps)
    with pytest.raises(Forbidden, match="same person let both in"):
        await town.approve(two, id)
    await town.approve(other, id)
    town.now.at += 30 * 24 * HOUR
    await town.approve(two, await town.office.prepare(await town.who(one), "b", steps))


async def test_whoever_has_the_staff_desk_in_another_tenant_does_not_end_the_founders_time(
    town: Town,
) -> None:
    first = await town.people.staff()
    await town.enter(first, 1)
    for _ in range(2):
        there = await town.people.staff(another=True, of=["noto"])
        await town.office.prepare(SYSTEM, "t", [step(there, "staffing", gives=True, tenants=("noto",))])
    assert "desk:staff" in await town.desks(first)
    for _ in range(2):
        await town.new("staffing")
    assert await town.desks(first) == set()


async def test_the_staff_desk_of_one_tenant_changes_nothing_in_another(town: Town) -> None:
    one, _, new = await staffed(town)
    far = await town.new()
    there = [step(far, "staffing", gives=True, tenants=("noto",))]
    await town.office.prepare(SYSTEM, "t", there)
    assert await town.desks(far) == {"desk:staff"}
    with pytest.raises(Forbidden, match="work of the staff desk"):
        await town.office.prepare(await town.who(far), "a", [step(new, "counter", gives=True)])
    with pytest.raises(Forbidden, match="work of the staff desk"):
        await town.office.prepare(
            await town.who(one), "a", [step(new, "counter", gives=True, tenants=("", "noto"))]
        )
    with pytest.raises(Forbidden, match="passkey"):
        await town.office.prepare(
            replace(await town.who(one), assurance=1), "a", [step(new, "counter", gives=True)]
        )


async def test_what_one_worker_took_the_others_do_not_believe_any_more(tmp_path: Path) -> None:
    now = Clock()
    stores = [await STORES["postgresql"](tmp_path) for _ in range(2)]
    here, there = (Town(store, now) for store in stores)
    try:
        await here.people.staff()  # the founder, who would do every desk's work
        ref = await here.new("disaster")
        there.sessions = here.sessions
        await there.store.catch_up()
        assert "desk:links" in await there.desks(ref)
        await here.office.prepare(SYSTEM, "t", [step(ref, "disaster", gives=False)])
        await there.store.catch_up()
        assert await there.desks(ref) == set()
        await here.emergencies.take(await here.who(ref), "desk:incidents", "本部の指示により必要なため", 1)
        await there.store.catch_up()
        assert (await there.who(ref)).emergency == {("", "desk:incidents")}
    finally:
        for store in stores:
            await store.close()


async def test_a_small_duty_of_somebody_else_needs_no_second_person_and_ones_own_does(town: Town) -> None:
    one, _, new = await staffed(town)
    await town.office.prepare(await town.who(one), "防災", [step(new, "disaster", gives=True)])
    assert await town.desks(new) == {"desk:incidents", "desk:links"}
    id = await town.office.prepare(await town.who(one), "防災", [step(one, "disaster", gives=True)])
    assert await town.office.stands(id) == "asked"
    assert await town.desks(one) == {"desk:staff"}


async def test_nobody_alone_gives_a_duty_that_reads_personal_data(town: Town) -> None:
    one, two, new = await staffed(town)
    id = await town.office.prepare(await town.who(one), "窓口", [step(new, "counter", gives=True)])
    assert await town.office.stands(id) == "asked"
    assert await town.desks(new) == set()
    await town.approve(two, id)
    assert await town.desks(new) == {
        "desk:people", "desk:requests", "desk:notices", "purpose:identity", "purpose:requests", "purpose:delivery",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("desks", "purposes", "second", "powerful"),
    [
        ((), ("identity",), None, True), (("people",), ("identity",), False, False), (("people",), (), None, False),
        (("people",), (), True, True), (("staff",), (), False, True), (("privacy",), (), False, True),
    ],
)  # fmt: skip
def test_a_city_says_otherwise_of_what_reads_personal_data_but_not_of_the_desks_that_watch(
    desks: tuple[str, ...], purposes: tuple[str, ...], second: bool | None, powerful: bool
) -> None:
    assert Duty("a", {}, frozenset(desks), frozenset(purposes), second).powerful is powerful


async def test_what_is_refused_or_waits_too_long_never_counts(town: Town) -> None:
    one, two, new = await staffed(town)
    who = await town.who(two)
    first = await town.office.prepare(await town.who(one), "a", [step(new, "staffing", gives=True)])
    with pytest.raises(BadRequest, match="says why"):
        await town.office.decide(who, first, "", yes=False)
    await town.office.decide(who, first, "", yes=False, why="人がちがう")
    assert await town.office.stands(first) == "refused"
    second = await town.office.prepare(
        await town.who(one), "b", [step(new, "staffing", gives=True)], effective=MIDNIGHT
    )
    town.now.at = clock.micros(MIDNIGHT)
    assert await town.office.stands(second) == "expired"
    with pytest.raises(Conflict, match="expired"):
        await town.approve(two, second)
    assert await town.desks(new) == set()


async def test_hundreds_of_changes_count_from_one_moment_on_also_where_nothing_ran_then(town: Town) -> None:
    one, two, _ = await staffed(town)
    leaving, coming = await town.new("disaster"), await town.new()
    many = [await town.people.staff(another=True) for _ in range(150)]
    steps = [
        step(leaving, "disaster", gives=False),
        step(coming, "disaster", gives=True),
        *(step(ref, "counter", gives=True) for ref in many),
        step(many[0], ACCOUNT, gives=False),
    ]
    id = await town.office.prepare(await town.who(one), "12月1日付", steps, effective=MIDNIGHT)
    await town.approve(two, id)
    assert await town.office.stands(id) == "planned"
    await town.enter(many[0])
    await town.enter(many[1])
    town.now.at = clock.micros(MIDNIGHT) - 1
    assert "desk:incidents" in await town.desks(leaving)
    assert await town.desks(many[1]) == set()
    town.now.at += 1  # the same worker, which remembers, and one that was not there at midnight
    for worker in (town, Town(town.store, town.now)):
        worker.sessions = town.sessions
        assert await worker.desks(leaving) == set()
        assert "desk:incidents" in await worker.desks(coming)
        assert await worker.who(many[0]) is NOBODY
        assert "desk:people" in await worker.desks(many[1])
    assert await town.office.stands(id) == "counts"


async def test_a_change_is_withdrawn_before_it_counts_and_undone_after(town: Town) -> None:
    one, two, new = await staffed(town)
    held = await town.new("disaster")
    steps = [step(new, "disaster", gives=True), step(held, "disaster", gives=False)]
    id = await town.office.prepare(await town.who(one), "a", steps, effective=MIDNIGHT)
    await town.approve(two, id)
    with pytest.raises(Conflict, match="withdrawn"):
        await town.office.undo(await town.who(one), id)
    await town.office.withdraw(await town.who(one), id)
    town.now.at = clock.micros(MIDNIGHT) + HOUR
    assert await town.desks(new) == set()
    assert "desk:links" in await town.desks(held)
    again = await town.office.prepare(await town.who(one), "b", steps)
    await town.approve(two, again)
    assert await town.desks(held) == set()
    with pytest.raises(Conflict, match="counts already"):
        await town.office.withdraw(await town.who(one), again)
    town.now.at += HOUR
    back = await town.office.undo(await town.who(one), again)
    assert "desk:links" in await town.desks(new), "undoing is a change, and waits for its second person"
    await town.approve(two, back)
    assert await town.desks(new) == set()
    assert "desk:links" in await town.desks(held)


async def test_whoever_loses_something_by_a_change_withdraws_it_neither_before_nor_after_it_was_approved(
    town: Town,
) -> None:
    one, two, _ = await staffed(town)
    three = await town.new("staffing")
    friend = await town.new("staffing")
    await town.people.let_in_again(three, friend)
    await town.enter(friend)
    steps = [step(three, "staffing", gives=False)]
    id = await town.office.prepare(await town.who(one), "a", steps, effective=MIDNIGHT)
    for ref, why in ((three, "loses something"), (friend, "let the other in")):
        with pytest.raises(Forbidden, match=why):
            await town.office.withdraw(await town.who(ref), id)
    await town.approve(two, id)
    for ref, why in ((three, "loses something"), (friend, "let the other in")):
        with pytest.raises(Forbidden, match=why):
            await town.office.withdraw(await town.who(ref), id)
    assert await town.office.stands(id) == "planned"
    own = await town.office.prepare(await town.who(three), "b", steps, effective=MIDNIGHT)
    await town.office.withdraw(await town.who(three), own)
    await town.office.withdraw(await town.who(two), id)
    assert await town.office.stands(id) == "withdrawn"


async def test_what_became_of_a_person_since_it_was_shown_is_not_approved_unseen(town: Town) -> None:
    one, two, new = await staffed(town)
    id = await town.office.prepare(await town.who(one), "a", [step(new, "systems", gives=True)])
    digest = await town.shown(id)
    await town.office.prepare(SYSTEM, "t", [step(new, "privacy-officer", gives=True)])
    town.now.at += 1
    with pytest.raises(Conflict, match="not any more what you were shown"):
        await town.office.decide(await town.who(two), id, digest, yes=True)
    await town.approve(two, id)
    assert (await town.office.asked(id))["digest"] != digest  # type: ignore[index]


async def test_a_change_is_undone_although_one_of_its_duties_has_ended_by_itself(town: Town) -> None:
    one, two, new = await staffed(town)
    held = await town.new()
    until = clock.text(town.now.at + HOUR)
    await town.office.prepare(SYSTEM, "t", [step(held, "disaster", gives=True, until=until)])
    town.now.at += 1
    steps = [step(new, "disaster", gives=True), step(held, "disaster", gives=False)]
    id = await town.office.prepare(await town.who(one), "a", steps)
    await town.approve(two, id)
    town.now.at += 2 * HOUR
    back = await town.office.undo(await town.who(one), id)
    await town.approve(two, back)
    assert await town.desks(new) == await town.desks(held) == set()


async def test_a_duty_ends_by_itself_on_its_day(town: Town) -> None:
    one, _, new = await staffed(town)
    until = clock.text(town.now.at + HOUR)
    await town.office.prepare(await town.who(one), "応援", [step(new, "disaster", gives=True, until=until)])
    assert await town.desks(new)
    town.now.at += HOUR
    assert await town.desks(new) == set()


async def test_another_worker_believes_nobody_whose_duty_was_taken_a_moment_ago(town: Town) -> None:
    one, two, _ = await staffed(town)
    other = Town(town.store, town.now)
    other.sessions = town.sessions
    stale = await other.who(two)
    await town.office.prepare(SYSTEM, "取上げ", [step(two, "staffing", gives=False)])
    id = await town.office.prepare(await town.who(one), "a", [step(await town.new(), "staffing", gives=True)])
    with pytest.raises(Forbidden, match="work of the staff desk"):
        await other.office.decide(stale, id, await other.shown(id), yes=True)


async def test_of_two_second_persons_at_the_same_time_one_decides(town: Town) -> None:
    one, two, new = await staffed(town)
    three = await town.new("staffing")
    id = await town.office.prepare(await town.who(one), "a", [step(new, "systems", gives=True)])
    said = await asyncio.gather(town.approve(two, id), town.approve(three, id), return_exceptions=True)
    assert sorted(type(one) for one in said if one is not None) == [Conflict]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (lambda ref: [step(ref, "king", gives=True)], "there is no duty 'king'"),
        (lambda ref: [], "1 to 2,000 steps"),
        (lambda ref: [step(ref, "counter", gives=True), step(ref, "counter", gives=False)], "twice"),
        (lambda ref: [step(ref, "counter", gives=True, tenants=())], "one tenant at least"),
        (lambda ref: [step(ref, "counter", gives=True, until="2026-01-01T00:00:00Z")], "before it begins"),
        (lambda ref: [step("p-taro", "counter", gives=True)], "number of a member of staff"),
    ],
)
async def test_a_change_that_nobody_can_mean_is_refused(town: Town, bad: Any, says: str) -> None:
    one, *_ = await staffed(town)
    with pytest.raises(BadRequest, match=says):
        await town.office.prepare(await town.who(one), "a", bad(one))
    with pytest.raises(NotFound):
        await town.office.prepare(await town.who(one), "a", [step("staff-unknown", "counter", gives=True)])
    steps = [step(one, "counter", gives=True)]
    with pytest.raises(BadRequest, match="from now on"):
        await town.office.prepare(await town.who(one), "a", steps, effective="2026-11-20T00:00:00Z")
    assert len(await town.office.all()) == 2


async def test_every_word_leaves_a_commitment_in_the_ledger_that_only_its_salt_opens(town: Town) -> None:
    one, two, new = await staffed(town)
    id = await town.office.prepare(await town.who(one), "a", [step(new, "staffing", gives=True)])
    await town.approve(two, id)
    leaves = {leaf.number: leaf.data for leaf in await town.store.leaves(0, 100)}
    kept = await town.office.get(id)
    assert [one["told"]["word"] for one in kept["ledger"]] == ["asked", "approved"]
    for one_ in kept["ledger"]:
        salt, told = base64.b64decode(one_["salt"]), commitment.canonical(one_["told"])
        commitment.opened(leaves[one_["number"]], salt, told)
    assert all(new.encode() not in data for data in leaves.values())


# --- emergencies
async def test_an_emergency_access_is_his_at_once_for_some_hours_and_is_reviewed_by_somebody_else(
    town: Town,
) -> None:
    officer, me = await town.new("privacy-officer"), await town.new()
    with pytest.raises(Forbidden, match="passkey"):
        await town.emergencies.take(
            replace(await town.who(me), assurance=1), "purpose:identity", "避難所で安否を確かめる", 4
        )
    taken = await town.emergencies.take(
        await town.who(me), "purpose:identity", "避難所で安否を確かめるため", 4
    )
    assert (await town.who(me)).emergency == {("", "purpose:identity")}
    with pytest.raises(Conflict, match="already"):
        await town.emergencies.take(await town.who(me), "purpose:identity", "もう一度必要になったため", 4)
    with pytest.raises(Conflict, match="still runs"):
        await town.emergencies.review(
            await town.who(officer), taken["id"], justified=True, why="災害対応のため"
        )
    town.now.at += 4 * HOUR
    assert (await town.who(me)).emergency == set()
    with pytest.raises(Forbidden, match="his own"):
        await town.emergencies.review(await town.who(me), taken["id"], justified=True, why="よかったと思う")
    with pytest.raises(Forbidden, match="privacy desk"):
        await town.emergencies.review(
            await town.who(await town.new()), taken["id"], justified=True, why="よかったと思う"
        )
    town.now.at += 7 * 24 * HOUR
    assert [dict(count) for _, count in await town.emergencies.counted(JST)] == [
        {"taken": 1, "open": 1, "overdue": 1}
    ]
    await town.emergencies.review(await town.who(officer), taken["id"], justified=False, why="必要がなかった")
    assert [dict(count) for _, count in await town.emergencies.counted(JST)] == [
        {"taken": 1, "not": 1, "overdue": 0}
    ]
    with pytest.raises(Conflict, match="reviewed already"):
        await town.emergencies.review(await town.who(officer), taken["id"], justified=True, why="やはりよい")


async def test_an_emergency_access_ends_when_it_is_not_needed_and_its_statements_name_nobody(
    town: Town,
) -> None:
    officer, me = await town.new("privacy-officer"), await town.new()
    for what in ("purpose:identity", "desk:incidents"):
        await town.emergencies.take(await town.who(me), what, "災害対策本部の指示による", 1)
    mine = await town.emergencies.of(me)
    await town.emergencies.end(await town.who(me), mine[0]["id"])
    await town.emergencies.end(await town.who(officer), mine[1]["id"])
    assert await town.emergencies.of(me) == []
    assert (await town.who(me)).emergency == set()
    said = b"".join(leaf.data for leaf in await town.store.leaves(0, 100))
    assert said.count(b'"register":"emergency-access"') == 4
    assert me.encode() not in said
    assert "災害対策本部".encode() not in said


@pytest.mark.parametrize("what", ["desk:staff", "desk:privacy", "purpose:unknown", "", "desk:*"])
async def test_nobody_takes_what_watches_over_him(town: Town, what: str) -> None:
    me = await town.new()
    with pytest.raises(BadRequest, match="expected one of"):
        await town.emergencies.take(await town.who(me), what, "どうしても必要なため急いで", 1)


async def test_why_is_a_sentence_without_a_my_number(town: Town) -> None:
    me = await town.new()
    for why in ("短い", "x" * 501, "個人番号 1234 5678 9018 の人を探すため"):
        with pytest.raises(BadRequest):
            await town.emergencies.take(await town.who(me), "desk:incidents", why, 1)


async def test_emergencies_are_counted_by_the_month_that_it_is_in_the_city(town: Town) -> None:
    me = await town.new()
    town.now.at = clock.micros(MIDNIGHT) - 1
    await town.emergencies.take(await town.who(me), "desk:incidents", "本部の指示により必要なため", 1)
    town.now.at += 2 * HOUR
    await town.emergencies.take(await town.who(me), "desk:incidents", "本部の指示により必要なため", 1)
    assert [month for month, _ in await town.emergencies.counted(JST)] == ["2026-12", "2026-11"]


async def test_watching_the_staff_is_taken_in_no_emergency_whatever_the_plan_says(town: Town) -> None:
    counter = Duty("counter", {"ja": "窓口"}, frozenset({"people"}), frozenset({"watching", "identity"}))
    keeper = Duty("staffing", {"ja": "人事"}, frozenset({"staff"}), frozenset())
    both = Emergencies(town.store, Plan([counter, keeper]), ["watching", "identity"], town.people.forget)
    assert both.offered == ("purpose:identity", "desk:people")
