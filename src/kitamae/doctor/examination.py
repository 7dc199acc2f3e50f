"""Everything that is looked at, the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kitamae.doctor import keys, reach, tokens, upkeep
from kitamae.kernel.context import clock

if TYPE_CHECKING:
    from kitamae.directory.layout import Layout
    from kitamae.doctor.finding import Found
    from kitamae.opened import City
    from kitamae.settings import Settings

_ORDER: Final = ("bad", "warn", "note")


async def examine(city: City, settings: Settings, layout: Layout) -> list[Found]:
    """A second or a few: the city's own address is asked for its certificate. Nothing is changed."""
    now = clock.now()
    found = [one async for one in reach.look(settings)]
    found += [one async for one in keys.look(city, settings, layout, now)]
    found += [one async for one in tokens.look(city)]
    found += [one async for one in upkeep.look(city, settings, layout, now)]
    return sorted(found, key=lambda one: _ORDER.index(one["level"]))
