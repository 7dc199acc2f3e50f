"""`kitamae doctor`: what is misconfigured, why it matters, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson
from rich.console import Console

from kitamae.commands.control import ask, connect
from kitamae.commands.speech import count, say
from kitamae.settings import Settings

_MARKS: Final = {"bad": "[!!]", "warn": "[! ]", "note": "[i ]"}


async def doctor(*, json: bool = False, copied: str = "", data: Path | None = None) -> int:
    """Say what is misconfigured here: what is so, why it matters, and what to do.

    It asks the running server, or opens the directory of a stopped one with the settings of this terminal. 0 when there is
    nothing to do, 1 otherwise; what is marked [i ] is only to be known.

    Parameters
    ----------
    json
        For programs: a list with id, level (bad, warn or note), texts and values.
    copied
        Say that there is a copy of this key elsewhere: seal.key or ledger.key. It is asked again when the key changes.
    data
        The data directory.

    """
    out = Console(highlight=False, soft_wrap=True)
    async with connect(Settings.chosen(data=data)) as client:
        if copied:
            await ask(client, "POST", "/control/doctor/copied", {"name": copied})
        found: list[dict[str, Any]] = await ask(client, "GET", "/control/doctor")
    spoken = [_spoken(one) for one in found]
    serious = [one for one in spoken if one["level"] != "note"]
    if json:
        out.print(orjson.dumps(spoken, option=orjson.OPT_INDENT_2).decode(), markup=False)
        return 1 if serious else 0
    for one in spoken:
        out.print(f"{_MARKS[one['level']]} {one['what']}", markup=False)
        out.print(f"     {one['why']}\n     → {one['do']}\n", markup=False)
    told = count("{n} thing to do", "{n} things to do", len(serious)) if serious else say("Nothing to do.")
    out.print(told, markup=False)
    if spoken:
        out.print(say("[!!]: at once. [! ]: soon. [i ]: only to be known."), markup=False)
    return 1 if serious else 0


def _spoken(one: dict[str, Any]) -> dict[str, Any]:
    """Its texts in the language of the terminal."""
    return {**one, **{part: say(one[part], **one["values"]) for part in ("what", "why", "do")}}
