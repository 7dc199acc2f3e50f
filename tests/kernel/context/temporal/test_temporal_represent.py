"""Temporal representations, figures and pages."""

from __future__ import annotations

import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitamae.kernel.context import clock
from kitamae.kernel.context.store import Instance
from kitamae.kernel.context.temporal import aggregate, page, query, represent, write
from kitamae.kernel.problems import BadRequest

SPEED, FUEL = "https://a.example/speed", "https://a.example/燃料"
E = "urn:ngsi-ld:T:1"


def reading(
    name: str, value: Any, at: str, kind: Any = "Property", deleted: int | None = None, **more: Any
) -> Instance:
    micros = clock.micros(at)
    return Instance(
        E,
        name,
        f"urn:i:{name}:{at}",
        {"kind": kind, "v": value, "observedAt": at, **more},
        micros,
        micros,
        micros,
        deleted,
    )


HOURS = [
    reading(SPEED, 120, "2020-08-01T12:03:00Z"),
    reading(SPEED, 80, "2020-08-01T12:05:00Z"),
    reading(FUEL, 67, "2020-08-01T12:03:00Z"),
    reading(FUEL, 53, "2020-08-01T13:05:00Z"),
]


def hourly(methods: str = "avg", **more: str) -> query.TemporalQuery:
    return query.parse(
        {"format": "aggregatedValues", "aggrMethods": methods, "aggrPeriodDuration": "PT1H", **more}
    )


def aggregated(instances: list[Instance], asked: query.TemporalQuery, now: int = 0) -> dict[str, Any]:
    assert asked.aggregation
    figures = aggregate.figures(instances, asked.history("", (E,)), asked.aggregation, now)
    return represent.aggregated(figures)


def test_periods_start_at_the_first_instance_of_the_entity_and_empty_ones_are_left_out() -> None:
    found = aggregated(HOURS, hourly("avg,max"))
    assert found[SPEED] == [
        {
            "type": "Property",
            "avg": [[100.0, "2020-08-01T12:03:00Z", "2020-08-01T13:03:00Z"]],
            "max": [[120, "2020-08-01T12:03:00Z", "2020-08-01T13:03:00Z"]],
        }
    ]
    assert [row[0] for row in found[FUEL][0]["avg"]] == [67.0, 53.0]


def test_periods_start_where_the_interval_starts() -> None:
    found = aggregated(HOURS, hourly(timerel="after", timeAt="2020-08-01T12:00:00Z"))
    assert found[SPEED][0]["avg"] == [[100.0, "2020-08-01T12:00:00Z", "2020-08-01T13:00:00Z"]]


def test_without_a_duration_one_period_covers_the_interval() -> None:
    asked = query.parse(
        {
            "format": "aggregatedValues",
            "aggrMethods": "totalCount",
            "timerel": "between",
            "timeAt": "2020-08-01T00:00:00Z",
            "endTimeAt": "2020-08-02T00:00:00Z",
        }
    )
    assert aggregated(HOURS, asked)[FUEL][0]["totalCount"] == [
        [2, "2020-08-01T00:00:00Z", "2020-08-02T00:00:00Z"]
    ]


def test_what_was_deleted_counts_in_no_figure() -> None:
    gone = reading(SPEED, 999, "2020-08-01T12:06:00Z", deleted=clock.micros("2020-08-01T13:00:00Z"))
    assert aggregated([*HOURS, gone], hourly("max"))[SPEED][0]["max"][0][0] == 120


def test_what_has_expired_counts_in_no_figure() -> None:
    ended = reading(SPEED, 999, "2020-08-01T12:06:00Z", expiresAt="2020-08-02T00:00:00Z")
    at = clock.micros("2020-08-02T00:00:00Z")
    assert aggregated([*HOURS, ended], hourly("max"), at - 1)[SPEED][0]["max"][0][0] == 999
    assert aggregated([*HOURS, ended], hourly("max"), at)[SPEED][0]["max"][0][0] == 120


@pytest.mark.parametrize("method", ["sum", "avg", "stddev", "sumsq"])
def test_a_figure_that_no_number_can_hold_is_left_out(method: Any) -> None:
    assert aggregate.compute(method, [1.5e308, 1.5e308]) is None


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_figures_of_numbers_are_those_of_the_statistics_module(values: list[float]) -> None:
    assert aggregate.compute("avg", values) == pytest.approx(statistics.fmean(values))
    assert aggregate.compute("stddev", values) == pytest.approx(statistics.pstdev(values), abs=1e-6)
    assert aggregate.compute("sum", values) == pytest.approx(sum(values), abs=1e-6)
    assert aggregate.compute("min", values) == min(values)
    assert (
        aggregate.compute("distinctCount", values) <= aggregate.compute("totalCount", values) == len(values)
    )


def test_text_has_extremes_and_no_mean_and_objects_are_only_counted() -> None:
    assert aggregate.compute("max", ["い", "あ"]) == "い"
    assert aggregate.compute("avg", ["い", "あ"]) is None
    assert aggregate.compute("min", [{"a": 1}]) is None
    assert aggregate.compute("distinctCount", [{"a": 1, "b": 2}, {"b": 2, "a": 1}]) == 1
    assert aggregate.compute("distinctCount", [1, 1.0, True, "1"]) == 3
    assert aggregate.compute("sum", [True, False, True]) == 2
    assert aggregate.compute("max", [[1, 2], [1]]) == 2


def test_simplified_values_stand_beside_their_times_per_dataset() -> None:
    found = represent.simplified(
        [*HOURS[:2], reading(SPEED, 7, "2020-08-01T12:07:00Z", datasetId="urn:d")], query.TemporalQuery(), str
    )
    assert found[SPEED] == [
        {"type": "Property", "values": [[120, "2020-08-01T12:03:00Z"], [80, "2020-08-01T12:05:00Z"]]},
        {"type": "Property", "datasetId": "urn:d", "values": [[7, "2020-08-01T12:07:00Z"]]},
    ]


@pytest.mark.parametrize(
    ("kind", "value", "member", "shown"),
    [
        ("Relationship", "urn:x", "objects", "urn:x"),
        ("LanguageProperty", {"ja": "川"}, "languageMaps", {"languageMap": {"ja": "川"}}),
        ("JsonProperty", {"a": 1}, "jsons", {"json": {"a": 1}}),
        ("VocabProperty", ["v:a"], "vocabs", {"vocab": ["a"]}),
        ("ListProperty", [1, 2], "valueLists", [1, 2]),
        ("ListRelationship", ["urn:x"], "objectLists", ["urn:x"]),
        (
            "GeoProperty",
            {"type": "Point", "coordinates": [1, 2]},
            "values",
            {"type": "Point", "coordinates": [1, 2]},
        ),
    ],
)
def test_each_kind_has_its_own_list_member(kind: Any, value: Any, member: str, shown: Any) -> None:
    at = "2020-08-01T12:03:00Z"
    found = represent.simplified(
        [reading(SPEED, value, at, kind)], query.TemporalQuery(), lambda iri: iri.removeprefix("v:")
    )
    assert found[SPEED] == [{"type": kind, member: [[shown, at]]}]


def test_a_language_can_be_chosen() -> None:
    at = "2020-08-01T12:03:00Z"
    found = represent.simplified(
        [reading(SPEED, {"ja": "川"}, at, "LanguageProperty")], query.TemporalQuery(), str, lambda m: m["ja"]
    )
    assert found[SPEED] == [{"type": "Property", "values": [["川", at]]}]


def test_a_deleted_instance_says_null_and_when() -> None:
    when = clock.micros("2020-08-02T00:00:00Z")
    gone = reading(SPEED, 5, "2020-08-01T12:03:00Z", deleted=when)
    asked = query.TemporalQuery(timeproperty="deletedAt")
    shown = represent.normalized([gone], lambda one: {"type": one["kind"], "value": one["v"]})
    assert shown[SPEED] == [
        {
            "type": "Property",
            "value": "urn:ngsi-ld:null",
            "instanceId": gone.instance_id,
            "deletedAt": "2020-08-02T00:00:00Z",
        }
    ]
    assert represent.simplified([gone], asked, str)[SPEED][0]["values"] == [
        ["urn:ngsi-ld:null", "2020-08-02T00:00:00Z"]
    ]


@given(
    st.dictionaries(
        st.sampled_from([SPEED, FUEL]), st.lists(st.integers(0, 40), unique=True, max_size=20), min_size=1
    ),
    st.integers(1, 10),
    st.booleans(),
)
def test_a_page_is_complete_within_the_range_it_names(times: Any, most: int, newest: bool) -> None:
    every = [
        reading(name, 1, clock.text(1_700_000_000_000_000 + t * 1_000_000))
        for name, ts in times.items()
        for t in sorted(ts)
    ]
    asked = query.TemporalQuery(last=1000 if newest else None)
    left, empty, covered = page.cut(every, asked, most)
    if covered is None:
        assert left == every
        return
    low, high = sorted((covered.start, covered.end))
    assert left == [one for one in every if low <= (one.observed_at or 0) <= high]
    for name in times:
        count = sum(one.name == name for one in left)
        assert count <= most
        assert (count == 0) == (name in empty or not times[name])


def test_a_page_of_the_newest_runs_backwards() -> None:
    every = [reading(SPEED, n, f"2020-08-01T12:0{n}:00Z") for n in range(5)]
    left, _, covered = page.cut(every, query.TemporalQuery(last=5), 2)
    assert [one.attribute["v"] for one in left] == [3, 4]
    assert covered is not None
    assert covered.header == "date-time 2020-08-01T12:04:00Z-2020-08-01T12:03:00Z/5"


def test_equal_readings_in_one_payload_are_two_instances_that_the_store_shall_name() -> None:
    one: Any = {"kind": "Property", "v": 1, "observedAt": "2020-08-01T12:00:00Z"}
    found = write.instances(E, {SPEED: [one, dict(one)]}, 1_700_000_000_000_000)
    assert [i.instance_id for i in found] == ["", ""]
    assert found[0].observed_at == clock.micros("2020-08-01T12:00:00Z")


def test_a_payload_may_say_that_an_attribute_was_deleted_and_when() -> None:
    gone = {"kind": "Property", "v": "urn:ngsi-ld:null"}
    seen = {**gone, "observedAt": "2026-01-02T00:00:00Z"}
    found = write.instances(E, {SPEED: [gone, seen]}, 1_700_000_000_000_000)
    assert [one.deleted_at for one in found] == [1_700_000_000_000_000, 1_767_312_000_000_000]
    with pytest.raises(BadRequest):
        write.instances(E, {SPEED: [{"kind": "Property", "v": {"a": "urn:ngsi-ld:null"}}]}, 1)


def test_a_modified_instance_keeps_its_id_and_birth() -> None:
    (one,) = write.instances(E, {SPEED: [{"kind": "Property", "v": 1}]}, 1_700_000_000_000_000)
    patch: Any = {"kind": "Property", "v": 2, "observedAt": "2020-08-01T12:00:00Z"}
    new = write.modified(one, patch, 1_700_000_100_000_000)
    assert (new.instance_id, new.created_at) == (one.instance_id, one.created_at)
    assert (new.attribute["v"], new.modified_at, one.attribute["v"]) == (2, 1_700_000_100_000_000, 1)
    with pytest.raises(BadRequest):
        write.modified(one, {"kind": "Relationship", "v": "urn:x"}, 1)
    with pytest.raises(BadRequest):
        write.modified(one, {"kind": "Property", "v": "urn:ngsi-ld:null"}, 1)
