"""The temporal parameters of a request."""

from __future__ import annotations

import pytest

from kitamae.kernel.context import clock
from kitamae.kernel.context.temporal import query
from kitamae.kernel.context.temporal.period import Period
from kitamae.kernel.problems import BadRequest, InvalidRequest

AT, END = "2026-01-01T00:00:00Z", "2026-02-01T09:00:00+09:00"


def test_an_interval_is_read_to_the_microsecond_in_utc() -> None:
    found = query.parse({"timerel": "between", "timeAt": AT, "endTimeAt": END, "timeproperty": "modifiedAt"})
    assert (found.timerel, found.at, found.end) == (
        "between",
        clock.micros(AT),
        clock.micros("2026-02-01T00:00:00Z"),
    )
    history = found.history("city", ("urn:a",), ("https://a.example/t",), limit=100)
    assert (history.tenant, history.timeproperty, history.limit) == ("city", "modifiedAt", 100)


def test_without_parameters_it_is_all_of_history_by_observation() -> None:
    assert query.parse({}) == query.TemporalQuery()


@pytest.mark.parametrize(
    "params",
    [
        {"timerel": "during", "timeAt": AT},
        {"timerel": "after"},
        {"timerel": "before", "timeAt": ""},
        {"timerel": "between", "timeAt": AT},
        {"timerel": "between", "timeAt": AT, "endTimeAt": AT},
        {"timerel": "after", "timeAt": AT, "endTimeAt": END},
        {"timeAt": AT},
        {"timerel": "after", "timeAt": "2026-01-01"},
        {"timeproperty": "bornAt"},
        {"lastN": "0"},
        {"lastN": "-1"},
        {"lastN": "９"},
        {"lastN": "99999999999999999999"},
        {"format": "aggregatedValues"},
        {"format": "aggregatedValues", "aggrMethods": "median"},
        {"format": "aggregatedValues", "aggrMethods": "avg", "aggrPeriodDuration": "hourly"},
    ],
)
def test_a_wrong_temporal_parameter_is_refused_by_name(params: dict[str, str]) -> None:
    with pytest.raises(BadRequest) as caught:
        query.parse(params)
    assert not isinstance(caught.value, InvalidRequest)
    assert any(name in caught.value.detail for name in (*params, "endTimeAt", "timeAt", "aggrMethods"))


def test_a_query_of_history_needs_a_time() -> None:
    with pytest.raises(BadRequest, match="timerel"):
        query.parse({}, required=True)


@pytest.mark.parametrize(
    "params", [{"format": "rows"}, {"options": "temporalValues,rows"}, {"options": "sysattrs"}]
)
def test_an_unknown_representation_is_an_invalid_request(params: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        query.parse(params)


def test_format_goes_before_options() -> None:
    found = query.parse(
        {
            "format": "aggregatedValues",
            "options": "temporalValues,sysAttrs",
            "aggrMethods": "avg,max,avg",
            "aggrPeriodDuration": "P1M",
        }
    )
    assert (found.format, found.sys_attrs) == ("aggregatedValues", True)
    assert found.aggregation == query.Aggregation(("avg", "max"), Period(1, 0))
    assert found.history("").limit is None


def test_aggregation_is_only_applicable_to_aggregated_values() -> None:
    read = query.parse({"format": "temporalValues", "aggrMethods": "sum", "aggrPeriodDuration": "PT1H"})
    assert (read.format, read.aggregation) == ("temporalValues", None)
