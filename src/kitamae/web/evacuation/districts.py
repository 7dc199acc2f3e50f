"""The districts of a city as a page lists them: by the rows of the syllabary, as people look for a town."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kitamae.kernel.registers.evacuation_state import District
from kitamae.sdk.reading import row
from kitamae.web import speak

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitamae.sdk.context import Context

_MOST: Final = 5_000


async def districts(context: Context, type: str) -> list[tuple[str, District]]:
    """(reading, district) by reading: the things of that type."""
    found = [
        (speak.reading(one, "ja"), District(id=str(one["id"]).rpartition(":")[2], name=speak.name(one, "ja")))
        for one in await context.find([type], limit=_MOST)
    ]
    return sorted(found, key=lambda one: (one[0], one[1]["id"]))


def by_row(known: Sequence[tuple[str, District]]) -> dict[str, list[dict[str, Any]]]:
    """What has no reading comes last, under ""."""
    found: dict[str, list[dict[str, Any]]] = {}
    for reading, one in known:
        found.setdefault(row(reading), []).append({**one, "reading": reading})
    return {shelf: found[shelf] for shelf in sorted(found, key=lambda one: (not one, one))}
