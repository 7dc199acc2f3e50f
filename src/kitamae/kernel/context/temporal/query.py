"""The temporal part of a request (clause 4.11, 5.2.21, 5.2.44): which moments, and in what form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, cast, get_args

from kitamae.kernel.context import clock
from kitamae.kernel.context.store import InstanceQuery, TimeProperty
from kitamae.kernel.context.temporal import period
from kitamae.kernel.problems import BadRequest, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

TemporalFormat = Literal["normalized", "concise", "temporalValues", "aggregatedValues"]
Method = Literal["totalCount", "distinctCount", "sum", "avg", "min", "max", "stddev", "sumsq"]
Timerel = Literal["before", "after", "between"]

METHODS: Final = frozenset(get_args(Method))
_FORMATS: Final[dict[str, TemporalFormat]] = {
    "normalized": "normalized",
    "concise": "concise",
    "temporalValues": "temporalValues",
    "simplified": "temporalValues",
    "keyValues": "temporalValues",
    "aggregatedValues": "aggregatedValues",
}
MOST: Final = 100_000
"""How many instances per attribute `lastN` may ask for."""


@dataclass(frozen=True, slots=True)
class Aggregation:
    """Which figures over which periods (clause 4.5.19)."""

    methods: tuple[Method, ...]
    period: period.Period = field(default_factory=period.Period)


@dataclass(frozen=True, slots=True)
class TemporalQuery:
    """Times in microseconds UTC. `timerel` None: all of history."""

    timerel: Timerel | None = None
    at: int | None = None
    end: int | None = None
    timeproperty: TimeProperty = "observedAt"
    last: int | None = None
    format: TemporalFormat = "normalized"
    sys_attrs: bool = False
    aggregation: Aggregation | None = None

    def history(
        self,
        tenant: str,
        entities: tuple[str, ...] = (),
        attrs: tuple[str, ...] = (),
        datasets: tuple[str, ...] = (),
        limit: int | None = None,
    ) -> InstanceQuery:
        """What to ask the store for. `limit`: instances per attribute; aggregation needs them all."""
        return InstanceQuery(
            tenant,
            entities,
            attrs,
            datasets,
            self.timeproperty,
            self.timerel,
            self.at,
            self.end,
            self.last,
            None if self.aggregation else limit,
        )


def parse(params: Mapping[str, str], *, required: bool = False) -> TemporalQuery:
    """From query parameters. `required`: without a temporal query there is no answer (clause 5.7.4).

    Raises BadRequest for what is wrong in a value, InvalidRequest for an unknown format or option.
    """
    timerel, at, end = _interval(params)
    if required and timerel is None:
        raise BadRequest("timerel is missing: a query of history needs before, after or between, and timeAt")
    timeproperty = params.get("timeproperty") or "observedAt"
    if timeproperty not in get_args(TimeProperty):
        raise BadRequest(
            f"timeproperty: expected observedAt, createdAt, modifiedAt or deletedAt, got {timeproperty!r:.40}"
        )
    shape, sys_attrs = _format(params)
    aggregation = None
    if shape == "aggregatedValues":
        aggregation = _aggregation(params)
    return TemporalQuery(
        timerel, at, end, cast("TimeProperty", timeproperty), _last(params), shape, sys_attrs, aggregation
    )


def _interval(params: Mapping[str, str]) -> tuple[Timerel | None, int | None, int | None]:
    timerel, at, end = params.get("timerel"), params.get("timeAt"), params.get("endTimeAt")
    if not timerel:
        if at or end:
            raise BadRequest("timeAt and endTimeAt need timerel: before, after or between")
        return None, None, None
    if timerel not in get_args(Timerel):
        raise BadRequest(f"timerel: expected before, after or between, got {timerel!r:.40}")
    if not at:
        raise BadRequest(f"timerel={timerel} needs timeAt")
    begin = clock.micros(at, "timeAt")
    if timerel != "between":
        if end:
            raise BadRequest(f"endTimeAt only goes with timerel=between, not with {timerel}")
        return cast("Timerel", timerel), begin, None
    if not end:
        raise BadRequest("timerel=between needs endTimeAt")
    finish = clock.micros(end, "endTimeAt")
    if finish <= begin:
        raise BadRequest("endTimeAt must be later than timeAt")
    return "between", begin, finish


def _format(params: Mapping[str, str]) -> tuple[TemporalFormat, bool]:
    options = [one for one in (params.get("options") or "").split(",") if one]
    sys_attrs = "sysAttrs" in options
    shapes = [one for one in options if one != "sysAttrs"]
    if params.get("format"):
        shapes = [params["format"], *shapes]
    for one in shapes:
        if one not in _FORMATS:
            raise InvalidRequest(
                f"format: {one!r:.40} is not a temporal representation; "
                "expected normalized, concise, temporalValues or aggregatedValues"
            )
    return (_FORMATS[shapes[0]] if shapes else "normalized"), sys_attrs


def _last(params: Mapping[str, str]) -> int | None:
    text = params.get("lastN")
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or not 0 < int(text[:9]) <= MOST or len(text) > 9:
        raise BadRequest(f"lastN: expected a number from 1 to {MOST}, got {text!r:.20}")
    return int(text)


def _aggregation(params: Mapping[str, str]) -> Aggregation:
    methods = tuple(
        dict.fromkeys(one.strip() for one in (params.get("aggrMethods") or "").split(",") if one.strip())
    )
    if not methods:
        raise BadRequest(
            f"aggrMethods is missing: format=aggregatedValues needs one or more of {sorted(METHODS)}"
        )
    for one in methods:
        if one not in METHODS:
            raise BadRequest(f"aggrMethods: {one!r:.40} is none of {sorted(METHODS)}")
    return Aggregation(
        cast("tuple[Method, ...]", methods), period.parse(params.get("aggrPeriodDuration") or "PT0S")
    )
