"""`[congestion]` of a city's profile: how the city counts people at public places in ordinary times."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kitamae.sdk.manifest import Words


class Event(BaseModel):
    """What the city announced and where: on these days, both within, more people come than usually. It counts for forecasts."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    name: Words
    begins: Annotated[dt.date, Field(alias="from")]
    ends: Annotated[dt.date, Field(alias="until")]
    source: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends < self.begins:
            raise ValueError("until: expected a day that is not before `from`")
        return self


class Congesting(BaseModel):
    """`hide_under`: a smaller number is only said to be smaller than that; `most`: a larger count is taken for a mistake;
    `stale_minutes`: an older count says nothing of now (where whole days are counted: two days).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    hide_under: Annotated[int, Field(ge=1, le=1_000)] = 10
    most: Annotated[int, Field(gt=0, le=10_000_000)] = 100_000
    stale_minutes: Annotated[int, Field(ge=5, le=1_440)] = 90
    events: tuple[Event, ...] = ()

    @model_validator(mode="after")
    def _room(self) -> Self:
        if self.hide_under > self.most:
            raise ValueError("hide_under: expected less than `most`")
        return self
