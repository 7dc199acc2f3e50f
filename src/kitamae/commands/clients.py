"""`kitamae client add|list|remove`: services and partners that people sign in to from here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from kitamae.commands.control import ask, connect
from kitamae.commands.speech import say
from kitamae.kernel.problems import BadRequest
from kitamae.settings import Settings


async def add(
    name: str,
    /,
    *,
    purpose: str,
    redirect: list[str],
    logout: list[str] | None = None,
    backchannel: str = "",
    public: bool = False,
    keys: Path | None = None,
    data: Path | None = None,
) -> None:
    """Register a client. Its secret, where it has one, is shown once; only its digest is kept.

    Parameters
    ----------
    name
        What people know it as, e.g. "のりあいバス予約".
    purpose
        One sentence that people read before they agree: what it does with knowing them.
    redirect
        Where it takes people back, letter for letter; may be given several times, all on one host.
    logout
        Where people may go after signing out; may be given several times.
    backchannel
        Where its server is told that somebody signed out (Back-Channel Logout), on the same host.
    public
        A program on people's own machines, which can keep no secret.
    keys
        A file with its public keys (JWK set): it proves who it is by signing, and has no secret.
    data
        The data directory.

    """
    published = _read(keys) if keys else None
    sent = {"name": name, "purpose": purpose, "redirects": redirect, "logouts": logout or []}
    async with connect(Settings.chosen(data=data)) as client:
        made = await ask(
            client,
            "POST",
            "/control/clients",
            {**sent, "public": public, "keys": published, "backchannel": backchannel},
        )
    out = Console(highlight=False, soft_wrap=True)
    out.print(made["client"]["id"], markup=False)
    if made["secret"]:
        out.print(made["secret"], markup=False)
        Console(stderr=True, highlight=False).print(
            "its id, and its secret, which is not shown again", markup=False
        )


def _read(keys: Path) -> Any:
    try:
        return orjson.loads(keys.read_bytes())
    except (OSError, orjson.JSONDecodeError) as wrong:
        raise BadRequest(f"{keys}: {wrong}") from None


async def list_(*, data: Path | None = None) -> None:
    """Show every client; never a secret.

    Parameters
    ----------
    data
        The data directory.

    """
    async with connect(Settings.chosen(data=data)) as client:
        clients = await ask(client, "GET", "/control/clients")
    out = Console(highlight=False, soft_wrap=True)
    for one in clients:
        out.print(
            f"{one['id']}  {one['name']}  ({one['authentication']}, since {one['createdAt'][:10]})",
            markup=False,
        )
        out.print(f"  {one['purpose']}", markup=False)
        for address in one["redirects"]:
            out.print(f"  {address}", markup=False)
        if told := one.get("backchannel"):
            out.print(say("  {address} (told when somebody signs out)", address=told), markup=False)


async def remove(id: str, /, *, data: Path | None = None) -> None:
    """From the next request on nobody signs in to it, and its tokens are worth nothing.

    Parameters
    ----------
    id
        As `kitamae client list` shows it.
    data
        The data directory.

    """
    async with connect(Settings.chosen(data=data)) as client:
        gone = await ask(client, "DELETE", f"/control/clients/{id}")
    Console(highlight=False).print(f"client {gone['id']} ({gone['name']}) is removed", markup=False)
