"""`[shelters]` of a city's profile: how the city speaks of shelters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kitamae.kernel.people.sheltered.records import FOUND, REGISTER

if TYPE_CHECKING:
    from collections.abc import Iterable

TYPE: Final = "EvacuationShelter"
STATUS: Final = "開設状況"
OPEN: Final = "開設"
CLOSED: Final = "閉鎖"
"""What a shelter is called in the city's words, and whether it is open."""
SPACES: Final = ("屋内", "屋外", "バリアフリー", "ペット同伴", "女性と子ども", "医療")
NEEDS: Final = ("乳幼児", "妊産婦", "高齢者", "障害", "医療的ケア", "外国語")
"""Of whom somebody must think. They are counted, never named, and only the desk knows how many: in a small place one is a person."""


class Sheltering(BaseModel):
    """How the city speaks of shelters. `bands`: from what percentage of its room on a shelter is やや混雑, 混雑, 満; `most` people that
    a count is believed up to; a count older than `stale_hours` is asked for again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    bands: tuple[
        Annotated[int, Field(gt=0, le=200)],
        Annotated[int, Field(gt=0, le=200)],
        Annotated[int, Field(gt=0, le=200)],
    ] = (50, 80, 100)
    most: Annotated[int, Field(gt=0, le=1_000_000)] = 5_000
    stale_hours: Annotated[int, Field(gt=0, le=168)] = 6

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.bands[0] < self.bands[1] < self.bands[2]:
            raise ValueError("bands: expected three rising percentages such as [50, 80, 100]")
        return self


def registers(purposes: Iterable[str]) -> bool:
    """Whether a city that declares these purposes keeps a register of people at shelters, in which somebody may be found (`/find`)."""
    return {REGISTER, FOUND} <= {*purposes}
