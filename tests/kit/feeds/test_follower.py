"""Following 気象庁's feeds, against a stand-in of its server: each message once, nothing missed, nothing raised that is over."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from bulletins import ELSEWHERE, jma
from jma_standin import StandIn, atom

import postgres_server
from bare_kaga import bare
from kitamae.kernel.context import clock
from kitamae.kernel.context.subscription.destinations import Destinations
from kitamae.kernel.people.records import TENANT
from kitamae.kit.feeds import Asking, Follower, Hub, Pulled, Source, kept
from kitamae.sdk.city import AlertArea, City
from kitamae.sdk.observing import Observing
from kitamae.services.disaster import ingest
from kitamae.services.disaster.alerts.jma import MUNICIPALITIES
from serving import Served, serving

KAGA = Path(__file__).resolve().parents[3] / "cities" / "kaga"
RAIN = "urn:ngsi-ld:Alert:17206:rain"
OFFICE = "金沢地方気象台"
BEGUN = datetime(2026, 8, 1, tzinfo=UTC)


@dataclass
class Clock:
    at: int = clock.micros("2026-08-01T03:00:00Z")

    def __call__(self) -> int:
        return self.at

    def pass_(self, **time: float) -> None:
        self.at += int(timedelta(**time).total_seconds() * 1_000_000)


@pytest.fixture(params=["sqlite", "postgresql"])
async def town(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    chosen: dict[str, Any] = {}
    if request.param == "postgresql":
        chosen["store"] = postgres_server.dsn(f"f{uuid.uuid4().hex[:12]}")
    async with serving(tmp_path / "data", city=bare(tmp_path / "city"), open=True, **chosen) as served:
        await served.loaded()
        yield served


@pytest.fixture
async def agency() -> AsyncIterator[StandIn]:
    async with StandIn() as one:
        one.lists("eqvol.xml", [])
        one.lists("eqvol_l.xml", [])
        yield one


def following(
    town: Served, agency: StandIn, now: Clock, city: City | None = None, service: ModuleType = ingest
) -> Follower:
    """As `areas.feeds_of` makes it, by a clock of the test's own."""
    site = town.kitamae.city._rooms._site
    on, profile = site.on, city or site.on.profile
    assert profile is not None
    pulled = Pulled(agency.feed, agency.hub, Destinations(loopback=True))
    source, asking = Source("jma", service, profile, pulled), Asking(pulled.destinations)
    observing = Observing("disaster", ("Alert",), "", on.store, on.words, site.policy)
    hub = Hub(source, on.store, on.ways.seal, asking, on.address, now=now)
    follower = Follower(source, on.store, site.reader, observing, asking, hub, now=now)
    assert follower.trouble() == "", "another worker may follow"
    follower._follows = True  # as while it runs
    return follower


async def minutes(follower: Follower, now: Clock, count: int) -> None:
    for _ in range(count):
        now.pass_(minutes=1)
        await follower.look()


async def alert(town: Served, id: str = RAIN) -> tuple[str, str, int]:
    answer = await town.client.get(f"/ngsi-ld/v1/entities/{id}?options=keyValues")
    found = answer.json()
    return (found["名称"], found["状態"], found["警戒レベル"]) if answer.status_code == 200 else ("", "", 0)


def rain(hour: int, state: str = "発表", kind: str = "大雨警報", **more: Any) -> bytes:
    return jma((kind, "03", state), at=f"2026-08-01T{hour + 9:02}:00:00+09:00", **more)


def at(hour: float) -> datetime:
    return BEGUN + timedelta(hours=hour)


async def test_a_warning_is_fetched_once_and_stands_and_what_did_not_change_is_not_sent_again(
    town: Served, agency: StandIn
) -> None:
    now = Clock()
    agency.files["one.xml"] = rain(2)
    agency.lists("extra.xml", [("one.xml", OFFICE, at(2))])
    agency.lists("extra_l.xml", [("one.xml", OFFICE, at(2))], written=at(10))
    follower = following(town, agency, now)
    await follower.look()
    assert await alert(town) == ("大雨警報", "発表中", 3)
    for _ in range(3):
        now.pass_(minutes=1)
        await follower.look()
    assert agency.asked["one.xml", 200] == 1
    assert (agency.asked["extra.xml", 200], agency.asked["extra.xml", 304]) == (1, 3)
    assert follower.trouble() == ""
    again = following(town, agency, now)  # another process
    await again.read_again()
    now.pass_(minutes=1)
    await again.look()
    assert agency.asked["one.xml", 200] == 1
    await follower._asking.close()
    await again._asking.close()


async def test_what_was_published_while_nobody_looked_is_caught_up_from_the_long_feed(
    town: Served, agency: StandIn
) -> None:
    now = Clock()
    agency.lists("extra.xml", [("old.xml", OFFICE, at(2.9))])
    agency.lists("extra_l.xml", [("old.xml", OFFICE, at(2.9))], written=at(4))
    agency.files |= {
        "old.xml": rain(2, area=ELSEWHERE),
        "missed.xml": rain(4),
        "new.xml": rain(5, area=ELSEWHERE),
    }
    follower = following(town, agency, now)
    await follower.look()
    now.pass_(hours=3)
    agency.lists("extra.xml", [("new.xml", OFFICE, at(5.9))])
    agency.lists("extra_l.xml", [("old.xml", OFFICE, at(2.9))], written=at(5))  # an hour old: it has not all
    await follower.look()
    assert (await alert(town))[1] == ""
    await minutes(follower, now, 11)
    assert (await alert(town))[1] == ""
    agency.lists(
        "extra_l.xml", [(n, OFFICE, at(4)) for n in ("old.xml", "missed.xml", "new.xml")], written=at(6.1)
    )
    await minutes(follower, now, 11)
    assert (await alert(town))[1] == "発表中"
    read = agency.asked["extra_l.xml", 200] + agency.asked["extra_l.xml", 304]
    await minutes(follower, now, 22)
    assert agency.asked["extra_l.xml", 200] + agency.asked["extra_l.xml", 304] == read, "it is caught up"
    await follower._asking.close()


async def test_one_that_comes_after_what_lifted_it_raises_nothing(town: Served, agency: StandIn) -> None:
    now = Clock()
    entries = [("raised.xml", OFFICE, at(1)), ("lifted.xml", OFFICE, at(2))]
    agency.lists("extra.xml", entries)
    agency.lists("extra_l.xml", entries, written=at(10))
    agency.files["lifted.xml"] = rain(2, "解除")
    follower = following(town, agency, now)
    await follower.look()
    assert agency.asked["raised.xml", 404] == 1
    agency.files["raised.xml"] = rain(1)
    now.pass_(minutes=5)
    await follower.look()
    assert agency.asked["raised.xml", 200] == 1
    assert await alert(town) == ("", "", 0)
    await follower._asking.close()


async def test_a_server_that_is_away_is_said_and_nothing_is_lost(town: Served, agency: StandIn) -> None:
    now = Clock()
    agency.files["one.xml"] = rain(3)
    agency.lists("extra.xml", [])
    agency.lists("extra_l.xml", [], written=at(10))
    follower = following(town, agency, now)
    await follower.look()
    agency.away = True
    for _ in range(12):
        now.pass_(minutes=1)
        await follower.look()
    assert "extra: no answer since 2026-08-01T03:00:00Z" in follower.trouble()
    assert "503" in follower.trouble()
    assert await follower.is_silent()
    agency.away = False
    agency.lists("extra.xml", [("one.xml", OFFICE, at(3.1))])
    now.pass_(minutes=1)
    await follower.look()
    assert await alert(town) == ("大雨警報", "発表中", 3)
    assert follower.trouble() == ""
    now.pass_(hours=7)
    await follower.look()
    assert "nothing new since 2026-08-01T03:06:00Z" in follower.trouble()
    await follower._asking.close()


async def test_an_exercise_raises_nothing_and_what_is_no_message_keeps_nobody_waiting(
    town: Served, agency: StandIn
) -> None:
    now = Clock()
    agency.files |= {
        "exercise.xml": rain(2, status="訓練"), "broken.xml": b"<Report>", "good.xml": rain(2, kind="雷注意報"),
        "bomb.xml": b'<!DOCTYPE a [<!ENTITY b "x">]>' + rain(2).partition(b"?>")[2],
    }  # fmt: skip
    entries = [
        (name, OFFICE, at(2)) for name in agency.files if name[0] not in "e_" or name == "exercise.xml"
    ]
    agency.lists("extra.xml", [*entries, ("gone.xml", OFFICE, at(2))])
    agency.lists("extra_l.xml", [], written=at(10))
    agency.ended = {"gone.xml"}
    follower = following(town, agency, now)
    for _ in range(8):
        await follower.look()
        now.pass_(minutes=5)
    assert (await alert(town))[1] == ""
    assert (await alert(town, RAIN.replace("rain", "thunder")))[1] == "発表中"
    refused = await kept.all_of(follower.store, kept.REFUSED)
    assert {id.rpartition("/")[2]: doc["reason"] for id, doc in refused.items()} == {
        "broken.xml": "form", "bomb.xml": "form", "gone.xml": "gone",
    }  # fmt: skip
    assert "3 messages were not taken" in follower.trouble()
    assert agency.asked["broken.xml", 200] == 1
    await follower._asking.close()


async def test_a_message_that_is_not_there_yet_is_asked_for_the_whole_day_and_again_when_the_program_starts(
    town: Served, agency: StandIn
) -> None:
    now = Clock()
    agency.lists("extra.xml", [("slow.xml", OFFICE, at(2.9)), ("never.xml", OFFICE, at(2.9))])
    agency.lists("extra_l.xml", [], written=at(10))
    agency.ended = {"never.xml"}
    follower = following(town, agency, now)
    await minutes(follower, now, 12)
    refused = await kept.all_of(follower.store, kept.REFUSED)
    assert [id.rpartition("/")[2] for id in refused] == ["never.xml"], "410 alone is for good"
    agency.files |= {"slow.xml": rain(2), "never.xml": rain(2, kind="雷注意報")}
    agency.ended = set()
    await minutes(follower, now, 20)
    assert (await alert(town))[1] == "発表中"
    await follower.read_again()
    assert follower.trouble() == ""
    await minutes(follower, now, 1)
    assert (await alert(town, RAIN.replace("rain", "thunder")))[1] == "発表中"
    await follower._asking.close()


async def test_what_nobody_foresaw_in_a_message_a_feed_or_a_hub_keeps_nothing_else_waiting(
    town: Served, agency: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = Clock()
    agency.files |= {"year.xml": rain(2).replace(b"2026-08-01T", b"0001-01-01T"), "good.xml": rain(2)}
    agency.files["odd.xml"] = rain(2, kind="雷注意報")
    agency.lists("extra.xml", [(name, OFFICE, at(2)) for name in ("year.xml", "odd.xml", "good.xml")])
    agency.files["eqvol.xml"] = (
        atom(agency.feed, [("x.xml", OFFICE, at(2))]).replace(b"2026-", b"0001-").replace(b"Z<", b"+09:00<")
    )
    agency.lists("extra_l.xml", [], written=at(10))
    read = ingest.changes

    def changes(messages: Any, *more: Any) -> Any:
        if "雷" in str(messages):
            raise RuntimeError("nobody foresaw this")
        return read(messages, *more)

    monkeypatch.setattr(ingest, "changes", changes)
    follower = following(town, agency, now)
    assert follower.hub is not None
    await follower.look()
    hub = await kept.all_of(follower.store, "feed-hub")
    name, doc = next(iter(hub.items()))
    await follower.store.transact(
        lambda tx: tx.put(TENANT, "feed-hub", name, {**doc, "secret": "another seal's"})
    )
    now.pass_(minutes=1)
    await follower.look()
    assert await alert(town) == ("大雨警報", "発表中", 3)
    refused = await kept.all_of(follower.store, kept.REFUSED)
    assert {id.rpartition("/")[2]: doc["reason"] for id, doc in refused.items()} == {
        "year.xml": "form",
        "odd.xml": "form",
    }
    assert "2 messages were not taken" in follower.trouble()
    assert (await kept.all_of(follower.store, "feed-hub"))[name]["key"] != doc["key"], "a new secret was made"
    await follower._asking.close()


async def test_an_entry_of_the_far_future_hides_no_silence(town: Served, agency: StandIn) -> None:
    now = Clock()
    agency.files |= {"one.xml": rain(2), "far.xml": rain(2, area=ELSEWHERE)}
    far = datetime(2099, 1, 1, tzinfo=UTC)
    agency.lists("extra.xml", [("one.xml", OFFICE, at(2.9)), ("far.xml", OFFICE, far)])
    agency.lists("extra_l.xml", [], written=at(10))
    follower = following(town, agency, now)
    await follower.look()
    now.pass_(hours=7)
    await follower.look()
    assert "extra: nothing new since 2026-08-01T02:54:00Z" in follower.trouble()
    await follower._asking.close()


def test_the_last_day_of_a_code_is_a_day_in_japan() -> None:
    profile = City.read(KAGA)
    old = profile.alerts[0].model_copy(update={"until": datetime(2026, 7, 1, tzinfo=UTC).date()})
    later = profile.model_copy(update={"alerts": (old, *profile.alerts[1:])})
    for at, over in (("2026-07-01T23:30:00+09:00", False), ("2026-07-02T00:30:00+09:00", True)):
        message = ingest.FORMATS["jma"](jma(("大雨警報", "03", "発表"), at=at))
        assert bool(ingest.refused(message, later)) is over


async def test_an_area_whose_code_ended_is_said_by_name_kept_and_read_again_when_the_profile_knows_it(
    town: Served, agency: StandIn
) -> None:
    now, profile = Clock(), City.read(KAGA)
    changed = AlertArea(of=MUNICIPALITIES, code="1720699", name="加賀市")
    old = profile.alerts[0].model_copy(update={"until": datetime(2026, 7, 1, tzinfo=UTC).date()})
    later = profile.model_copy(update={"alerts": (old, *profile.alerts[1:])})
    agency.files["ended.xml"] = rain(2)
    agency.files["strange.xml"] = rain(2, kind="雷注意報", area=("加賀市", "1720699"))
    agency.lists("extra.xml", [("ended.xml", OFFICE, at(2)), ("strange.xml", OFFICE, at(2))])
    agency.lists("extra_l.xml", [], written=at(10))
    follower = following(town, agency, now, later)
    await follower.look()
    refused = await kept.all_of(follower.store, kept.REFUSED)
    why = {id.rpartition("/")[2]: doc["why"] for id, doc in refused.items()}
    assert why == {"ended.xml": f"加賀市 (1720600, {MUNICIPALITIES}): this code ended on 2026-07-01"}, (
        "said by name"
    )
    agency.asked.clear()
    mended = profile.model_copy(update={"alerts": (changed, old, *profile.alerts[1:])})
    before = following(town, agency, now, profile)
    await before.read_again()
    assert await alert(town) == ("大雨警報", "発表中", 3), (
        "the profile that has that code takes what was kept"
    )
    assert not await kept.all_of(follower.store, kept.REFUSED)
    assert not agency.asked, "it was not fetched again"
    assert ingest.refused(ingest.FORMATS["jma"](agency.files["strange.xml"]), mended) == ""
    assert "here its code is 1720600" in ingest.refused(
        ingest.FORMATS["jma"](agency.files["strange.xml"]), profile
    )
    await follower._asking.close()


async def test_only_the_offices_that_the_city_names_are_fetched_and_nothing_from_another_server(
    town: Served, agency: StandIn
) -> None:
    now = Clock()
    profile = City.read(KAGA).model_copy(update={"alert_offices": ("金沢",)})
    agency.files |= {"ours.xml": rain(2), "theirs.xml": rain(2)}
    agency.lists("extra.xml", [("ours.xml", OFFICE, at(2)), ("theirs.xml", "新潟地方気象台", at(2))])
    astray = atom("http://127.0.0.1:1/feed", [("astray.xml", OFFICE, at(2))])
    agency.files["extra_l.xml"] = astray
    follower = following(town, agency, now, profile)
    await follower.look()
    assert (agency.asked["ours.xml", 200], agency.asked["theirs.xml", 200]) == (1, 0)
    assert not await kept.all_of(follower.store, kept.WANTED)
    strict = Asking(Destinations())
    with pytest.raises(Exception, match="BadRequest"):
        await strict.get(f"{agency.feed}/extra.xml")
    await follower._asking.close()
