"""`kitamae staff list|duties|give|take|changes`: duties of staff, for an operator without a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from rich.console import Console

from kitamae.commands.control import ask, connect
from kitamae.commands.speech import say
from kitamae.settings import Settings

_STANDS: Final = ("asked", "planned", "counts", "refused", "withdrawn", "expired")


async def list_(*, data: Path | None = None) -> None:
    """Show all members of staff by their numbers, what they are called, and the duties that each holds now.

    Parameters
    ----------
    data
        The data directory.

    """
    async with connect(Settings.chosen(data=data)) as client:
        members = await ask(client, "GET", "/control/staff")
    out = Console(highlight=False, soft_wrap=True)
    for one in members:
        held = [
            say("{duty} until {until}", duty=duty["duty"], until=duty["until"])
            if duty["until"]
            else duty["duty"]
            for duty in one["duties"]
        ]
        told = say("has left") if one["left"] else ", ".join(held) or say("no duties")
        if one["founder"]:
            told += " " + say("(first account: does every desk's work until two persons have the staff desk)")
        called = " ".join(part for part in one["called"] or () if part)
        out.print("  ".join(part for part in (one["person"], called, told) if part), markup=False)


async def duties(*, data: Path | None = None) -> None:
    """Show the duties that this city has, their desks, and the purposes for which they read personal data.

    Parameters
    ----------
    data
        The data directory.

    """
    async with connect(Settings.chosen(data=data)) as client:
        known = await ask(client, "GET", "/control/staff/duties")
    out = Console(highlight=False, soft_wrap=True)
    for one in known:
        second = " " + say("(two persons decide)") if one["powerful"] else ""
        out.print(f"{one['id']}  {one['name']}{second}", markup=False)
        what = [f"desk:{desk}" for desk in one["desks"]] + [f"purpose:{name}" for name in one["purposes"]]
        out.print(f"  {' '.join(what)}", markup=False)


async def give(person: str, duty: str, /, *, because: str, data: Path | None = None) -> None:
    """Give a duty at once, without a second person: the data directory is yours. The ledger and the pages say so.

    Parameters
    ----------
    person
        As `kitamae staff list` shows it.
    duty
        As `kitamae staff duties` shows it.
    because
        Why; no person's name.
    data
        The data directory.

    """
    await _change(person, duty, gives=True, because=because, data=data)


async def take(person: str, duty: str, /, *, because: str, data: Path | None = None) -> None:
    """Take a duty away at once; `account` ends the account. Whoever loses it loses it on the next request.

    Parameters
    ----------
    person
        As `kitamae staff list` shows it.
    duty
        As `kitamae staff duties` shows it, or account.
    because
        Why; no person's name.
    data
        The data directory.

    """
    await _change(person, duty, gives=False, because=because, data=data)


async def changes(*, data: Path | None = None) -> None:
    """Show every change of duties, the newest first, and where it stands.

    Parameters
    ----------
    data
        The data directory.

    """
    async with connect(Settings.chosen(data=data)) as client:
        known = await ask(client, "GET", "/control/staff/changes")
    out = Console(highlight=False, soft_wrap=True)
    told = map(say, ("asked", "planned", "counts", "refused", "withdrawn", "expired"))
    words = dict(zip(_STANDS, told, strict=True))
    for one in known:
        alone = " " + say("(by one alone)") if one["alone"] else ""
        out.print(f"{one['id']}  {one['at']}  {words[one['stands']]}  {one['title']}{alone}", markup=False)


async def _change(person: str, duty: str, *, gives: bool, because: str, data: Path | None) -> None:
    sent: dict[str, Any] = {"person": person, "duty": duty, "gives": gives, "title": because}
    async with connect(Settings.chosen(data=data)) as client:
        made = await ask(client, "POST", "/control/staff/changes", sent)
    Console(highlight=False, soft_wrap=True).print(made["id"], markup=False)
