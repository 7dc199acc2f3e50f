"""Since when a shelter has been open: whoever reports once more that it is open opens it no second time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from kitamae.services.disaster.shelters.shelter import OPEN, STATUS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from kitamae.sdk.context import Context
    from kitamae.services.disaster.shelters.shelter import Shelter

_REPORTS: Final = 100
"""Of one opening that was reported more often, the last ones: what was counted before them is older than any count that is believed."""


async def dated(context: Context, shelters: Iterable[Shelter]) -> list[Shelter]:
    """With `opened`, of those for which it matters: they are open, and were counted before that was last reported."""
    return [replace(one, opened=await _opened(context, one)) if _matters(one) else one for one in shelters]


def _matters(one: Shelter) -> bool:
    since = one.since
    counts = (one.count, *one.spaces.values(), *one.needs.values())
    return bool(one.is_open) and since is not None and any(each.at and each.at < since for each in counts)


async def _opened(context: Context, one: Shelter) -> datetime | None:
    """Back to where history says otherwise."""
    opened = one.since
    for reading in reversed(await context.history(one.id, STATUS, last=_REPORTS)):
        if reading.value != OPEN:
            break
        opened = min(opened, reading.at) if opened else reading.at
    return opened
