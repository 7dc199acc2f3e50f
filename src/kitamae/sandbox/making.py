"""A sandbox in its directory: marked first, then furnished; what was cut off is begun again from nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kitamae.directory import sandbox
from kitamae.directory.layout import Layout
from kitamae.edge.measures import Measures
from kitamae.kernel.context import clock
from kitamae.kernel.people.watching import hours
from kitamae.kernel.problems import Conflict
from kitamae.opening import open_city
from kitamae.sandbox.furnishing import DAYS, Furnishing
from kitamae.sandbox.hands import Hands
from kitamae.sandbox.people import invent
from kitamae.sdk.city import City as Profile

if TYPE_CHECKING:
    from pathlib import Path

    from kitamae.directory.sandbox import Mark
    from kitamae.sandbox.furnishing import Tell
    from kitamae.settings import Settings


async def make(
    settings: Settings,
    folder: Path,
    count: int,
    seed: int,
    tell: Tell,
    *,
    fresh: bool,
    now: int | None = None,
) -> bool:
    """Fill `settings.data`, whose lock the caller holds; False: that sandbox is here already.

    `now`: until when its history goes, microseconds UTC; `fresh`: what is here goes first. Raises Conflict, BadCityError.
    """
    layout, city = Layout(settings.data), Profile.read(folder)
    sandbox.demand_own(layout)
    before = sandbox.read(layout)
    if before and before["complete"] and not fresh:
        _demand_same(layout, before, city.id, count, seed)
        return False
    if before:
        sandbox.clear(layout)
    now = clock.now() if now is None else now
    today = datetime.fromtimestamp(now / 1_000_000, UTC).date()
    people = invent(city, count, seed, today)
    mark: Mark = {
        "city": city.id,
        "people": count,
        "seed": seed,
        "complete": False,
        "residents": {one.id: one.card() for one in people},
    }
    sandbox.write(layout, mark)
    layout.make()
    hands = Hands(hours.start(hours.day(now) - DAYS))
    chosen = sandbox.alone(settings, layout).model_copy(update={"city": folder})
    address = settings.public_url or f"http://{settings.host}:{settings.port}"
    opened = await open_city(chosen, layout, Measures(), address, quietly=True, now=hands)
    try:
        keys = await Furnishing(opened, people, hands, seed, tell).run()
    finally:
        await opened.close()
    sandbox.hand_over(layout, keys)
    sandbox.write(layout, {**mark, "complete": True})
    return True


def _demand_same(layout: Layout, mark: Mark, city: str, count: int, seed: int) -> None:
    if (mark["city"], mark["people"], mark["seed"]) != (city, count, seed):
        raise Conflict(
            f"{layout.root} holds another sandbox: {mark['people']} people of {mark['city']} with the seed {mark['seed']};"
            " --fresh makes it anew, and --data names another place"
        )
