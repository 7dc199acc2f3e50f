"""`kitamae sandbox`: a city of invented people to build on, served until it is told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import uvloop
from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress

from kitamae import logs
from kitamae.commands import heap
from kitamae.commands.speech import say
from kitamae.commands.up import serve
from kitamae.directory.layout import Layout
from kitamae.directory.lock import Lock
from kitamae.directory.sandbox import demand_own
from kitamae.kernel.problems import BadRequest
from kitamae.settings import Settings

if TYPE_CHECKING:
    from rich.progress import TaskID

PEOPLE = 200
MOST = 20_000
_CITIES = Path("cities")


def sandbox(
    *,
    city: Path | None = None,
    people: int = PEOPLE,
    seed: int = 1,
    data: Path = Path("sandbox"),
    fresh: bool = False,
    only_make: Annotated[bool, Parameter(negative=())] = False,
    host: str | None = None,
    port: int | None = None,
) -> None:
    """A city of invented people, to build on and to try things out: made at the first start, then served.

    Every page says that nobody in it is real. It has a data directory of its own, never that of a real city, and takes nothing that
    belongs to one: no real デジタル認証アプリ, no keys.

    Parameters
    ----------
    city
        The city profile; without it KITAMAE_CITY, or the one folder in ./cities.
    people
        How many residents it has.
    seed
        The same people come again from the same number, of the same city in the same year.
    data
        Its data directory: empty, or that of a sandbox.
    fresh
        Delete the sandbox that is there and make it anew.
    only_make
        Make it and stop, without serving it.
    host
        The address to listen on.
    port
        The port to listen on; 0 takes any free one.

    """
    if not 1 <= people <= MOST:
        raise BadRequest(say("--people: expected a number from 1 to {most}", most=MOST))
    heap.share()
    given = {"city": city, "data": data, "host": host, "port": port, "demo_residents": True}
    settings = Settings.chosen(**given)
    settings = settings.model_copy(update={"city": settings.city or _only_city()})
    logs.configure(
        settings.model_copy(update={"log_level": "error"})
    )  # of invented people's duties nobody is warned
    uvloop.run(_made(settings, people, seed, fresh=fresh))
    if not only_make:
        logs.configure(settings)
        uvloop.run(serve(settings))


async def _made(settings: Settings, people: int, seed: int, *, fresh: bool) -> None:
    """Raises InUse, Conflict."""
    from kitamae.sandbox import making  # only now: names and all that a city is opened with

    folder = settings.city
    if folder is None:
        raise BadRequest(say("which city? Name its profile with --city, such as cities/kaga"))
    demand_own(Layout(settings.data))  # before a lock lies in somebody's directory
    console = Console(highlight=False, stderr=True)
    with Lock(settings.data), Progress(console=console, transient=True) as bar:
        lines: dict[str, TaskID] = {}

        def tell(what: str, done: int, all: int) -> None:
            if what not in lines:
                lines[what] = bar.add_task(_step(what), total=all)
            bar.update(lines[what], completed=done, total=all)

        made = await making.make(settings, folder, people, seed, tell, fresh=fresh)
    if made:
        console.print(
            say("made {people} invented residents in {data}", people=people, data=settings.data), markup=False
        )
        console.print(say("API keys: {file}", file=Layout(settings.data).sandbox_keys), markup=False)
    else:
        console.print(say("the sandbox in {data} is there already", data=settings.data), markup=False)


def _only_city() -> Path | None:
    found = [one.parent for one in _CITIES.glob("*/city.toml")]
    return found[0] if len(found) == 1 else None


def _step(what: str) -> str:
    """What the furnishing is at, in words."""
    if what == "residents":
        return say("residents sign in for the first time")
    if what == "consents":
        return say("some of them agree to a purpose")
    return say("their records are looked at, day by day")
