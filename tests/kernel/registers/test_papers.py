"""Which services have their papers: by the clock, by what the manifest says, and in every worker, on each store."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stores import STORES, open_postgres

from kitamae.kernel.context import clock
from kitamae.kernel.context.alone import Alone
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.store import Store
from kitamae.kernel.people.policy import Policy
from kitamae.kernel.problems import Conflict
from kitamae.kernel.registers import assessments
from kitamae.kernel.registers.assessments import Assessments, Paper
from kitamae.kernel.registers.papers import SERVICE, Papers
from kitamae.kernel.registers.register import Register

DAY = 86_400_000_000
PAPER = Paper("rivers", {"ja": "川の水位"}, "# PIA\n\n" + "水を測る。" * 100, "p", "q", dt.date(2027, 11, 30))
START = clock.micros("2026-11-21T00:00:00Z")


def papers(store: Store, now: list[int], *known: Paper) -> Papers:
    register = Assessments(store, CORE.expand, now=lambda: now[0])
    made = Papers(store, register, Register(store, "services", SERVICE, CORE.expand), known or (PAPER,))
    made.policy = Policy()
    return made


@pytest.mark.parametrize("kind", sorted(STORES))
async def test_what_came_with_the_program_is_accepted_once_and_what_comes_later_is_a_draft(
    kind: str, tmp_path: Path
) -> None:
    store = await STORES[kind](tmp_path)
    try:
        now = [START]
        first = papers(store, now)
        await first.open()
        assert first.missing() == frozenset()
        again = papers(store, now, PAPER, replace(PAPER, service="benches"))
        await again.open()
        assert again.missing() == {"benches"}
        assert (await again.assessments.register.entry("benches"))["state"] == "draft"
        with pytest.raises(Conflict):
            await again.assessments.publish(again.papers["benches"], dt.date(2027, 1, 1), "staff-1")
        leaves = len(await store.leaves(0, 1_000))
        await papers(store, now, PAPER, replace(PAPER, service="benches")).open()
        assert len(await store.leaves(0, 1_000)) == leaves, "a start that finds nothing new says nothing"
    finally:
        await store.close()


async def test_the_policy_is_told_by_the_clock_alone(tmp_path: Path) -> None:
    store = await STORES["sqlite"](tmp_path)
    try:
        now = [START]
        watched = papers(store, now)
        await watched.open()
        tasks = [asyncio.create_task(one()) for one in (watched.run, watched.write)]
        assert watched.policy is not None
        now[0] = clock.micros("2027-11-30T14:59:59.9Z")  # the last moments of that day in Japan
        watched.tell()
        await asyncio.sleep(0)
        assert watched.policy.facts.without_papers == frozenset()
        now[0] += 100_000
        watched.tell()
        assert watched.policy.facts.without_papers == {"rivers"}
        async with asyncio.timeout(10):
            while (await watched.assessments.register.entry("rivers"))["state"] != "lapsed":
                await asyncio.sleep(0.02)
        for task in tasks:
            task.cancel()
    finally:
        await store.close()


async def test_a_change_of_the_manifest_that_is_taken_back_makes_it_hold_again(tmp_path: Path) -> None:
    store = await STORES["sqlite"](tmp_path)
    try:
        now = [START]
        await papers(store, now).open()
        for changed, states in (
            (replace(PAPER, papers="other"), ("due", "lapsed")),
            (replace(PAPER, personal="other", papers="other"), ("lapsed", "lapsed")),
        ):
            seen = []
            for later in (0, 31):
                now[0] += later * DAY
                watched = papers(store, now, changed)
                await watched.open()
                seen.append((await watched.assessments.register.entry("rivers"))["state"])
            assert tuple(seen) == states
            back = papers(store, now)
            await back.open()
            assert back.missing() == frozenset()
    finally:
        await store.close()


async def test_every_worker_refuses_and_serves_with_the_others(tmp_path: Path) -> None:
    one, two = await open_postgres(tmp_path), await open_postgres(tmp_path)
    try:
        now = [START]
        here, there = papers(one, now), papers(two, now)
        await here.open()
        await there.open()
        now[0] = clock.micros("2028-01-01T00:00:00Z")
        await here.settle()
        await here.assessments.renew(PAPER, "staff-1")
        await here.assessments.review(PAPER, "専門家", "よい", "staff-1")
        here.changed(await here.assessments.publish(PAPER, dt.date(2028, 12, 1), "staff-1"))
        await two.catch_up()
        async with asyncio.timeout(10):
            while there.missing():
                await asyncio.sleep(0.02)
        assert there.policy is not None
        assert there.policy.facts.without_papers == frozenset()
    finally:
        await one.close()
        await two.close()


@given(
    renew=st.dates(dt.date(2026, 1, 1), dt.date(2030, 1, 1)),
    changed=st.none() | st.integers(0, 1_500),
    personal=st.booleans(),
    days=st.integers(0, 1_500),
)
@settings(max_examples=200, deadline=None)
def test_what_has_lapsed_never_holds_and_the_next_turn_is_where_it_changes(
    renew: dt.date, changed: int | None, personal: bool, days: int
) -> None:
    now = START + days * DAY
    seen = "" if changed is None or changed > days else clock.text(START + changed * DAY)
    kept = {"changed": seen, "personal_changed": personal, "accepted": "reviewed"}
    force = {"renew_by": renew.isoformat(), **kept}
    said = {"in_force": force, "work": {}}
    state = assessments.standing(said, now)
    assert (state == "lapsed") == (now >= assessments.lapses(force))
    if seen and personal:
        assert state == "lapsed"
    turn = assessments.turns(said, now)
    if turn is None:
        assert state in ("lapsed", "due")
        assert assessments.standing(said, now + 10_000 * DAY) == state or state == "lapsed"
    else:
        assert assessments.standing(said, turn - 1) == state


async def test_what_was_reviewed_is_published_for_that_manifest_and_no_other(tmp_path: Path) -> None:
    store = await STORES["sqlite"](tmp_path)
    try:
        now = [START]
        register = papers(store, now).assessments
        await register.settle(PAPER, first=True)
        await register.renew(PAPER, "staff-1")
        await register.review(PAPER, "専門家", "よい", "staff-2")
        until = dt.date(2027, 11, 1)
        for changed in (replace(PAPER, papers="more"), replace(PAPER, personal="more")):
            await register.settle(changed, first=False)
            with pytest.raises(Conflict, match="changed since"):
                await register.publish(changed, until, "staff-1")
        await register.review(changed, "専門家", "これもよい", "staff-2")
        made = await register.publish(changed, until, "staff-1")
        assert (made["state"], made["said"]["in_force"]["personal"]) == ("published", "more")
    finally:
        await store.close()


@pytest.mark.parametrize("bad", ["長い。" * 20_001, "# PIA\n\n番号は 1234 5678 9018 です。" + "水。" * 100])
async def test_papers_that_cannot_be_entered_close_their_service_and_no_other(
    tmp_path: Path, bad: str
) -> None:
    store = await STORES["sqlite"](tmp_path)
    try:
        now = [START]
        broken = replace(PAPER, service="benches", text=bad)
        watched = papers(store, now, broken, PAPER)
        await watched.open()
        assert watched.missing() == {"benches"}
        assert watched.policy is not None
        assert watched.policy.facts.without_papers == {"benches"}
        mended = papers(store, now, replace(PAPER, service="benches"), PAPER)
        await mended.open()
        assert (await mended.assessments.register.entry("benches"))["state"] == "draft"
        worse = papers(store, now, broken, PAPER)
        await worse.open()
        await worse.settle()
        assert worse.missing() == {"benches"}
    finally:
        await store.close()


async def test_two_workers_of_different_releases_write_once_and_not_against_each_other(
    tmp_path: Path,
) -> None:
    one, two = await open_postgres(tmp_path), await open_postgres(tmp_path)
    tasks: list[asyncio.Task[None]] = []
    try:
        now = [START]
        old, new = papers(one, now), papers(two, now, replace(PAPER, papers="other"))
        await old.open()
        await new.open()
        for store, worker in ((one, old), (two, new)):
            tasks += [
                asyncio.create_task(Alone(store, "/papers", worker.write).run()),
                asyncio.create_task(worker.run()),
            ]
        numbers: list[int] = []
        for _ in range(20):
            for store, worker in ((one, old), (two, new)):
                await store.catch_up()
                worker.tell()
                await asyncio.sleep(0.02)
            numbers.append(len(await one.leaves(0, 1_000)))
        assert numbers[-1] - numbers[0] <= 2, (
            "what the one that is alone finds when it begins, and nothing more"
        )
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await one.close()
        await two.close()
