"""The job of the service congestion on both stores: each count judged once, a run of zeros known by its end, what is taken back stays so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kitamae.kernel.context import clock
from kitamae.kernel.context.jsonld import CORE
from kitamae.kernel.context.store import Store
from kitamae.kernel.people.policy import Facts, Policy
from kitamae.sdk.desk import Act, Writing
from kitamae.sdk.observing import Observing
from kitamae.services.congestion import logic
from kitamae.services.congestion.jobs import Work

HALL = "urn:ngsi-ld:CrowdFlowObserved:000000:hall"


class Room:
    """What the job asks of a service's room, where there is no city."""

    city = None


def job(store: Store) -> Observing:
    policy = Policy(facts=Facts(declared=frozenset({CORE.expand(logic.TYPE)})))
    return Observing("congestion", (logic.TYPE,), "", store, CORE, policy)


def counted(people: object, at: datetime) -> dict[str, Any]:
    stamp = at.isoformat().replace("+00:00", "Z")
    facts = {logic.PERIOD: {"type": "Property", "value": 60, "observedAt": stamp}}
    said = {"type": "Property", "value": people, "observedAt": stamp}
    return {"id": HALL, "type": logic.TYPE, logic.COUNT: said, **facts}


async def told(observing: Observing) -> dict[datetime, Any]:
    return logic.latest(await observing.context.history(HALL, logic.VERDICT, last=None))


async def test_each_count_is_judged_once_and_a_run_of_zeros_is_known_by_its_end(store: Store) -> None:
    observing = job(store)
    work = Work(Room(), observing)  # type: ignore[arg-type]  # all that it asks of a room
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [until - timedelta(hours=n) for n in range(24 * 21, 2, -1)]
    await observing.observe([counted(24, at) for at in hours])
    await work.look(HALL)
    assert set((await told(observing)).values()) == {"正常"}
    first, second = until - timedelta(hours=2), until - timedelta(hours=1)
    await observing.observe([counted(0, first)])
    await work.look(HALL)
    assert (await told(observing))[first] == "少数", "one zero may be chance where 24 are usual"
    await observing.observe([counted(0, second)])
    await work.look(HALL)
    verdicts = await told(observing)
    assert (verdicts[first], verdicts[second]) == ("欠測", "欠測")
    written = len(await observing.context.history(HALL, logic.VERDICT, last=None))
    await work.look(HALL)
    assert len(await observing.context.history(HALL, logic.VERDICT, last=None)) == written
    public = logic.latest(await observing.context.history(HALL, logic.PUBLIC, last=None))
    assert set(public) == set(hours)
    entity = await observing.context.full(HALL)
    assert entity is not None
    assert len(entity[logic.OUTLOOK]["value"]) == 7 * 24


async def test_an_outage_of_three_weeks_ago_stays_one_though_what_came_before_it_is_not_read_any_more(
    store: Store,
) -> None:
    observing = job(store)
    work = Work(Room(), observing)  # type: ignore[arg-type]
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [until - timedelta(hours=n) for n in range(24 * 21, 0, -1)]
    zeros = hours[:3]
    await observing.observe([counted(0 if at in zeros else 24, at) for at in hours])
    stamps = [at.isoformat().replace("+00:00", "Z") for at in zeros]
    await observing.observe(
        [
            {
                "id": HALL,
                "type": logic.TYPE,
                logic.VERDICT: {"type": "Property", "value": "欠測", "observedAt": at},
            }
            for at in stamps
        ]
    )
    await work.look(HALL)
    verdicts = await told(observing)
    assert [verdicts[at] for at in zeros] == ["欠測"] * 3
    assert len(verdicts) == len(hours)
    await observing.observe([counted(30, zeros[0])])  # somebody corrects it
    await observing.observe([counted(24, until)])
    await work.look(HALL)
    assert (await told(observing))[zeros[0]] == "正常"


async def test_what_its_desk_took_back_is_not_published_again(store: Store) -> None:
    observing = job(store)
    work = Work(Room(), observing)  # type: ignore[arg-type]
    desk = Writing(store, CORE, (logic.TYPE,), service="congestion")
    now = clock.now() // 60_000_000 * 60_000_000
    facts = {"名称": "市民会館"}
    await desk.write("staff-1", Act("form-0001", "made", HALL, logic.TYPE, facts=facts, new=True))
    for number, (people, minutes) in enumerate(((30, 20), (900, 5))):
        said = {logic.COUNT: people}
        await desk.write(
            "staff-1",
            Act(f"form-100{number}", "counted", HALL, logic.TYPE, said, at=now - minutes * 60_000_000),
        )
        await work.look(HALL)
    [last, *_] = await desk.acts(HALL)
    await desk.write("staff-1", logic.taking_back("form-2000", *last))
    await work.look(HALL)
    entity = await observing.context.full(HALL)
    assert entity is not None
    assert entity[logic.COUNT]["value"] == 30
    assert entity[logic.VERDICT]["value"] == "取消"
    assert "取消" in (await told(observing)).values()
