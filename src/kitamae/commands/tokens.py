"""`kitamae token create|list|revoke`: ways in for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from rich.cells import cell_len, set_cell_size
from rich.console import Console

from kitamae.commands.control import ask, connect
from kitamae.commands.speech import say
from kitamae.kernel.people.person import HOME
from kitamae.kernel.people.scopes import named
from kitamae.settings import Settings


async def create(
    name: str,
    /,
    *scopes: str,
    role: Literal["service", "device"] = "service",
    days: int | None = None,
    tenant: list[str] | None = None,
    data: Path | None = None,
) -> None:
    """Make a token. It is shown once; only its digest is kept.

    Parameters
    ----------
    name
        What it is for, e.g. "river gauges".
    scopes
        What it may do: write:EvacuationShelter, write:*, subscribe:subscription, operate:system:metrics.
    role
        A program, or a device.
    days
        It ends after so many days; without this it ends when it is revoked.
    tenant
        The tenant it is for; may be given several times: a name, @default, or * for all. Unless told, the default one alone.
    data
        The data directory.

    """
    async with connect(Settings.chosen(data=data)) as client:
        sent = {"name": name, "scopes": list(scopes), "role": role, "days": days, "tenants": tenant or []}
        made = await ask(client, "POST", "/control/tokens", sent)
    out = Console(highlight=False, soft_wrap=True)
    out.print(made["secret"], markup=False)
    Console(stderr=True, highlight=False).print(
        say(
            "token {number}: send it as `Authorization: Bearer <token>`. It is not shown again.",
            number=made["token"]["number"],
        ),
        markup=False,
    )


async def list_(*, data: Path | None = None) -> None:
    """Show every token's number, name and scopes; never the token.

    Parameters
    ----------
    data
        The data directory.

    """
    async with connect(Settings.chosen(data=data)) as client:
        tokens = await ask(client, "GET", "/control/tokens")
    rows = [tuple(map(say, ("number", "name", "role", "scopes", "tenants", "made", "until")))]
    rows += [
        (
            token["number"],
            token["name"],
            token["role"],
            " ".join(token["asked"]),
            " ".join(named(token.get("tenants", [HOME]))),
            token["createdAt"][:10],
            (token["expiresAt"] or say("no end"))[:10],
        )
        for token in tokens
    ]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    out = Console(
        highlight=False, soft_wrap=True
    )  # whole, in a narrow window too: scopes are what one looks for
    for row in rows:
        cells = map(set_cell_size, row, widths)
        out.print("  ".join(cells).rstrip(), markup=False)


async def revoke(number: str, /, *, data: Path | None = None) -> None:
    """End a token: from the next request on it does not work.

    Parameters
    ----------
    number
        As `kitamae token list` shows it.
    data
        The data directory.

    """
    async with connect(Settings.chosen(data=data)) as client:
        token = await ask(client, "DELETE", f"/control/tokens/{number}")
    told = say("token {number} ({name}) is revoked", number=token["number"], name=token["name"])
    Console(highlight=False).print(told, markup=False)
