"""Which shelter comes first: safe for what threatens, then not known, never safe by silence; and how far it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.sdk.hazards import HAZARDS
from kitamae.services.disaster import logic
from kitamae.services.disaster.alerts.city import PHENOMENA
from kitamae.services.disaster.models import Alert
from kitamae.services.disaster.shelters import nearness
from kitamae.services.disaster.shelters.nearness import sought, towns, way
from kitamae.services.disaster.shelters.safety import NO_KIND, OF_PHENOMENON, borrowed, safe, threat

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def alert(what: str, *hazards: str) -> Alert:
    kind = "EvacuationOrder" if what.startswith("evacuation-") else "Alert"
    return Alert(
        id=f"urn:ngsi-ld:{kind}:17206:{what}", phenomenon=what, name=what, level=3, in_force=True, withdrawn=False, area="", office="",
        headline="", since=NOW, issued=NOW, until=None, hazards=hazards,
    )  # fmt: skip


def shelter(**flags: object) -> dict[str, Any]:
    said = {f"災害種別_{name}": code for name, code in flags.items()}
    return {"id": "urn:x:1", "type": "EvacuationShelter", **said}


def test_every_phenomenon_is_of_a_kind_or_expressly_of_none() -> None:
    assert set(OF_PHENOMENON) | NO_KIND == set(PHENOMENA.values())
    assert {f"災害種別_{kind}" for kinds in OF_PHENOMENON.values() for kind in kinds} <= set(HAZARDS)


FLAGS = st.dictionaries(
    st.sampled_from(list(HAZARDS)), st.sampled_from(["designated", "notDesignated", "unknown", "", None, 3])
)
ALERTS = st.builds(
    alert, st.sampled_from([*PHENOMENA.values(), "gauge-1", "cap-1", "evacuation-4"]), st.just("洪水")
)


@given(FLAGS, st.lists(ALERTS, max_size=4))
def test_a_missing_flag_is_never_safe_and_another_warning_never_makes_a_shelter_safer(
    flags: dict[str, Any], force: list[Alert]
) -> None:
    entity = {"id": "urn:x:1", "type": "EvacuationShelter", **flags}
    now = threat(force)
    said = safe(entity, now)
    assert (said is None) == (not force)
    if said == "yes":
        assert all(flags[name] == "designated" for name, word in HAZARDS.items() if word in now.kinds)
        assert not any(one.phenomenon.startswith("cap-") for one in force)
        assert not now.unlisted
    worse = safe(entity, threat([*force, alert("tsunami")]))
    assert (said, worse) not in {("unknown", "yes"), ("no", "yes"), ("no", "unknown")}


@pytest.mark.parametrize(
    ("force", "flags", "said"),
    [
        (["river-flood"], {"洪水": "designated"}, "yes"),
        (["gauge-1"], {"洪水": "designated"}, "yes"),
        (["river-flood"], {}, "unknown"),
        (["rain"], {"洪水": "designated", "内水氾濫": "designated"}, "unknown"),
        (["rain"], {"洪水": "designated", "土砂災害": "notDesignated"}, "no"),
        (["thunder"], dict.fromkeys(("洪水", "土砂災害"), "designated"), "unknown"),
        (["flood", "thunder"], {"洪水": "designated"}, "unknown"),
        (["flood", "cap-0123"], {"洪水": "designated"}, "unknown"),
        (["evacuation-4"], {"洪水": "designated"}, "unknown"),
        ([], {"洪水": "designated"}, None),
    ],
)
def test_what_is_in_force_and_what_is_designated_make_yes_no_or_unknown(
    force: list[str], flags: dict[str, str], said: str | None
) -> None:
    assert safe(shelter(**flags), threat(map(alert, force))) == said


@given(FLAGS, st.lists(ALERTS, max_size=4))
def test_what_is_not_heard_is_a_threat_and_the_ground_beside_it_makes_no_building_safe(
    flags: dict[str, Any], force: list[Alert]
) -> None:
    entity = {"id": "urn:x:1", "type": "EvacuationShelter", **flags}
    assert safe(entity, threat(force, unheard=True)) in ("unknown", "no")
    said = safe(entity, threat(force), frozenset(HAZARDS.values()))
    assert said == (None if not force else said if said == "no" else "unknown")


def test_a_flag_with_a_basis_is_that_of_the_ground() -> None:
    flag = {"type": "Property", "value": "designated"}
    basis = {"type": "Relationship", "object": "urn:ngsi-ld:EvacuationSite:1:2"}
    entity = {"災害種別_洪水": {**flag, "根拠": basis}, "災害種別_津波": flag}
    assert borrowed(entity) == {"洪水"}


def said_of(state: object, **more: Any) -> dict[str, Any]:
    return {
        "id": "urn:ngsi-ld:Alert:17206:flood",
        "type": "Alert",
        "状態": {"type": "Property", "value": state, **more},
    }


@pytest.mark.parametrize("state", ["継続", "警戒", "", None, 7, "発表中 "])
def test_a_state_that_nobody_knows_is_in_force_and_unclear(state: object) -> None:
    at = {"observedAt": "2026-11-22T00:00:00Z"}
    force, ended = logic.now([said_of(state, **at)], NOW)
    assert [one.in_force for one in force] == [True]
    assert not ended
    assert threat(force).unclear
    assert logic.now([said_of("解除", **at)], NOW)[0] == []


def test_an_alert_that_says_no_time_is_of_when_it_was_written() -> None:
    ((one,), _) = logic.now([said_of("発表中", modifiedAt="2026-11-21T23:00:00Z")], NOW)
    assert one.since == NOW - timedelta(hours=1)
    assert [each.in_force for each in logic.now([said_of("発表中")], NOW)[0]] == [True]


@pytest.mark.parametrize(
    ("hazards", "said"), [(("洪水",), "yes"), (("洪水", "その他"), "unknown"), (("津波",), "no")]
)
def test_an_order_counts_by_the_hazards_that_it_names(hazards: tuple[str, ...], said: str) -> None:
    there = shelter(洪水="designated", 津波="notDesignated")
    assert safe(there, threat([alert("evacuation-4", *hazards)])) == said


KNOWN = towns(
    {"id": f"urn:ngsi-ld:Town:1:{n}", "type": "Town", "名称": name, "名称_カナ": kana, "location": {"type": "Point", "coordinates": [136.3, 36.3]}}
    for n, (name, kana) in enumerate(
        [("大聖寺東町二丁目", "ダイショウジヒガシチョウ2チョウメ"), ("大聖寺東町一丁目", ""), ("作見町", "サクミマチ"), ("上野町", "ウワノマチ"), ("熊坂町", "クマサカマチ")]
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("作見町", ["作見町"]),
        ("さくみ", ["作見町"]),
        ("sakumi", ["作見町"]),
        ("ｳﾜﾉﾏﾁ", ["上野町"]),
        ("大聖寺東町2丁目", ["大聖寺東町二丁目"]),
        ("大聖寺", ["大聖寺東町二丁目", "大聖寺東町一丁目"]),
        ("石川県加賀市熊坂町イ12-3", ["熊坂町"]),
        ("どこか", []),
        ("", []),
    ],
)
def test_a_town_is_found_by_name_reading_latin_letters_and_address(said: str, found: list[str]) -> None:
    assert [one.name for one in sought(said, KNOWN)] == found


def test_a_town_whose_name_two_have_is_chosen_by_its_id() -> None:
    point = {"type": "Point", "coordinates": [136.3, 36.3]}
    two = towns(
        {"id": f"urn:ngsi-ld:Town:172065:{'x' * 60}{n}", "type": "Town", "名称": "本町", "location": point}
        for n in (1, 2)
    )
    assert len(sought("本町", two)) == 2
    assert [[one] for one in two] == [sought(one.id, two) for one in two]


@given(st.text(max_size=300))
def test_whatever_is_asked_is_answered(said: str) -> None:
    assert set(sought(said, KNOWN)) <= set(KNOWN)


def test_towns_are_shelved_by_their_reading_and_those_without_one_come_last() -> None:
    assert {shelf: [one.name for one in there] for shelf, there in nearness.rows(KNOWN).items()} == {
        "あ": ["上野町"], "か": ["熊坂町"], "さ": ["作見町"], "た": ["大聖寺東町二丁目"], "": ["大聖寺東町一丁目"],
    }  # fmt: skip
    assert list(nearness.rows(KNOWN))[-1] == ""


@pytest.mark.parametrize(
    ("to", "direction"),
    [((136.3, 36.4), "N"), ((136.4, 36.3), "E"), ((136.3, 36.2), "S"), ((136.2, 36.3), "W"), ((136.42, 36.4), "NE"), ((136.18, 36.2), "SW")],
)  # fmt: skip
def test_the_direction_is_the_compasss(to: tuple[float, float], direction: str) -> None:
    assert way((136.3, 36.3), to).direction == direction


@pytest.mark.parametrize(("metres", "minutes"), [(0, 1), (40, 1), (41, 2), (600, 15), (601, 20), (2000, 50)])
def test_minutes_are_rounded_up(metres: float, minutes: int) -> None:
    assert nearness.minutes(metres) == minutes


COORDINATES = st.tuples(st.floats(-180, 180), st.floats(-89, 89))


@given(COORDINATES, COORDINATES)
def test_there_is_a_way_between_any_two_places(one: tuple[float, float], other: tuple[float, float]) -> None:
    found = way(one, other)
    assert found.direction in nearness.DIRECTIONS
    assert found.minutes >= 1
