"""`kitamae compact`: move closed months of history into files now."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from kitamae.commands.control import Refused, ask, connect
from kitamae.commands.speech import say
from kitamae.settings import Settings

if TYPE_CHECKING:
    import httpx2

_LOOK_SECONDS: Final = 0.2


async def compact(*, until: str | None = None, dry_run: bool = False, data: Path | None = None) -> None:
    """Move closed months of history into files now, while the city is served; it does so every hour by itself.

    Parameters
    ----------
    until
        The last month that moves, such as 2025-03; without it what KITAMAE_HISTORY_MONTHS says.
    dry_run
        Only say what would move.
    data
        The data directory.

    """
    out = Console(highlight=False, soft_wrap=True)
    asked = {"until": until}
    async with connect(Settings.chosen(data=data)) as client:
        due: list[dict[str, Any]] = await ask(client, "POST", "/control/compact/due", asked)
        for month in due:
            out.print(_moving(month), markup=False)
        if not due:
            out.print(say("there is nothing to move"))
            return
        if dry_run:
            out.print(say("nothing was moved"))
            return
        await ask(client, "POST", "/control/compact", asked)
        try:
            said = await _watch(client, out)
        except asyncio.CancelledError:
            await ask(client, "DELETE", "/control/compact")
            raise
    if said["state"] != "done":
        raise Refused(
            say("after {months} of {of} months: {why}", months=said["months"], of=said["of"], why=said["why"])
        )
    rows = f"{said['rows']:,}"
    out.print(say("{rows} readings left the database; its room is used again by what comes", rows=rows))


def _moving(month: dict[str, Any]) -> str:
    rows, size = f"{month['rows']:,}", f"{month['bytes'] / 1e6:,.1f}"
    told = say(
        "{name}  {rows} readings, about {size} MB of the database", name=month["name"], rows=rows, size=size
    )
    return told if month["new"] else told + say("; its file is written anew")


async def _watch(client: httpx2.AsyncClient, out: Console) -> dict[str, Any]:
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=out, transient=True) as progress:
        task = progress.add_task("")
        while True:
            said: dict[str, Any] = await ask(client, "GET", "/control/compact")
            if said["state"] != "compacting":
                return said
            progress.update(task, description=said["month"], completed=said["months"], total=said["of"] or 1)
            await asyncio.sleep(_LOOK_SECONDS)
