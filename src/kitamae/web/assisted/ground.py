"""What the pages of the list stand on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kitamae.kernel.context import clock
from kitamae.kernel.people.assisted import Known, Wrong
from kitamae.kernel.problems import NotFound
from kitamae.sdk.sheltering import NEEDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from starlette.requests import Request

    from kitamae.kernel.people.assisted import Assisted
    from kitamae.kernel.problems import Problem
    from kitamae.kernel.registers.evacuation_state import District
    from kitamae.web.page import ShellPage

WORDS = ("entered", "corrected", "renewed", "agreed", "undone", "left", "back", "given")
"""What was done, as an address says it after a form."""


@dataclass(frozen=True, slots=True)
class Ground:
    """`districts`: (reading, district) of the city, by reading; `zone`: whose day it is."""

    page: ShellPage
    register: Assisted
    districts: Callable[[], Awaitable[Sequence[tuple[str, District]]]]
    zone: ZoneInfo

    async def towns(self) -> dict[str, str]:
        """Name by id, by reading."""
        return {one["id"]: one["name"] for _, one in await self.districts()}

    async def known(self) -> Known:
        """What a form or a file may say."""
        towns = await self.towns()
        return Known(
            NEEDS, {**{name: id for id, name in towns.items()}, **{id: id for id in towns}}, self.today
        )

    @property
    def today(self) -> Any:
        """The city's day."""
        return datetime.fromisoformat(clock.text(clock.now())).astimezone(self.zone).date()


def town_of(request: Request, towns: Mapping[str, str]) -> str:
    """The district that the address names. Raises NotFound."""
    id = str(request.path_params["town"])
    if id not in towns:
        raise NotFound(f"there is no district {id!r:.40}")
    return id


def why(failed: Problem | None) -> dict[str, Any]:
    """For the template: a field that is wrong, or a sentence."""
    if isinstance(failed, Wrong):
        return {"wrong": failed, "failed": ""}
    return {"wrong": None, "failed": (failed.detail or failed.title) if failed else ""}


def done(request: Request) -> str:
    """What was done; "" for what is none of ours."""
    said = request.query_params.get("done", "")
    return said if said in WORDS else ""
