"""The city's gazetteer as it is now: made again when one of its things changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from kitamae.kit.reports import Gazetteer
from kitamae.sdk.lexicon import lexicon

if TYPE_CHECKING:
    from kitamae.sdk.changes import Changes
    from kitamae.sdk.city import City
    from kitamae.sdk.context import Context

TEACHERS: Final = ("Town", "Hub", "HotSpring")
"""Kinds whose readings teach how other names are read."""
KINDS: Final = (
    *TEACHERS, "EvacuationShelter", "EvacuationSite", "PublicToilet", "PublicFacility", "RiverGauge",
)  # fmt: skip
"""Kinds by which people say where something is."""
_MOST: Final = 5_000
_READ: Final = ("id", "名称", "名称_カナ", "location")
"""What of a thing the gazetteer is made from; a gauge's level and a shelter's people change all the time."""


class Names:
    """One per city."""

    def __init__(self, context: Context, changes: Changes, city: City) -> None:
        self._context, self._city = context, city
        self._following = changes.following(*KINDS, tenant=city.tenant)
        self._made: Gazetteer | None = None
        self._of: list[object] = []
        self._making = asyncio.Lock()

    async def __call__(self) -> Gazetteer:
        """Made off the event loop: it is some thousand names."""
        async with self._making:
            if self._made is None or self._following.changed():
                own = [
                    {"名称": name.get("ja"), "名称_カナ": name.get("ja_Hira")}
                    for name in (self._city.name, self._city.prefecture)
                ]
                things = {kind: await self._context.find([kind], limit=_MOST) for kind in KINDS}
                readings = lexicon([*own, *(one for kind in TEACHERS for one in things[kind])])
                within = [str(name["名称"]) for name in own if name["名称"]]
                every = [one for some in things.values() for one in some]
                of: list[object] = [tuple(one.get(name) for name in _READ) for one in every]
                if self._made is None or of != self._of:
                    self._made = await asyncio.to_thread(Gazetteer, every, readings, within)
                    self._of = of
            return self._made
