"""`kitamae migrate`: copy the city into another store while it is served."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from kitamae.adapters.sql.address import SCHEMES
from kitamae.commands.control import Refused, ask, connect
from kitamae.commands.speech import say
from kitamae.settings import Settings

if TYPE_CHECKING:
    import httpx2

_LOOK_SECONDS: Final = 0.2


async def migrate(
    target: str, /, *, keys: str | None = None, data: Path | None = None, store: str | None = None
) -> None:
    """Copy the city into another store while it is served, and serve it from there afterwards.

    A copy that was cut off goes on when this is called again. When everything is there, the server stops answering: start
    it again with its new store.

    Parameters
    ----------
    target
        postgresql://user@host/database, or a directory that is empty or not there yet.
    keys
        postgresql://user@host/database for persons' keys, which never lie with the state. Into a directory they go along; keys
        that are on PostgreSQL already stay there.
    data
        The data directory.
    store
        The PostgreSQL that keeps the state now, in place of the data directory.

    """
    where = _whole(target)
    out = Console(highlight=False, soft_wrap=True)
    async with connect(Settings.chosen(data=data, store=store)) as client:
        await ask(client, "POST", "/control/migrate", {"to": where, "keys": keys})
        try:
            said = await _watch(client, out)
        except asyncio.CancelledError:
            await ask(client, "DELETE", "/control/migrate")
            raise
    if said["state"] != "moved":
        raise Refused(say("the city stays where it is: {why}", why=said["why"]))
    option = "--store" if target.startswith(SCHEMES) else "--data"
    out.print(
        say(
            "the city is in {to}: {instances} readings of {entities} entities and {changes} changes were copied in"
            " {rounds} rounds\nserve it from there: kitamae up {option} {to}",
            option=option,
            rounds=said["round"],
            **{name: said[name] for name in ("to", "instances", "entities", "changes")},
        ),
        markup=False,
    )
    if said["keys_in"]:
        out.print(
            say(
                "persons' keys are in {keys_in} ({keys} rows; {records} sealed records and receipts went with the state)\nthe old ones are a backup"
                " of keys from now on: destroy them in time",
                **{name: said[name] for name in ("keys_in", "keys", "records")},
            ),
            markup=False,
        )


def _whole(target: str) -> str:
    """The server may run in another folder than the command."""
    return target if "://" in target else str(Path(target).absolute())


async def _watch(client: httpx2.AsyncClient, out: Console) -> dict[str, Any]:
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=out, transient=True) as progress:
        task = progress.add_task("")
        while True:
            said: dict[str, Any] = await ask(client, "GET", "/control/migrate")
            if said["state"] not in ("copying", "closing"):
                return said
            doing = "the last round" if said["state"] == "closing" else f"round {said['round'] + 1}"
            told = ", ".join(f"{said[name]} {name}" for name in ("entities", "instances", "changes"))
            progress.update(task, description=f"{doing}: {told}")
            await asyncio.sleep(_LOOK_SECONDS)
