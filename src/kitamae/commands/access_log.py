"""`kitamae access-log`: who came in, was refused, or changed something; and whether closed days are what the ledger says."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, Final, Literal, cast
from urllib.parse import urlencode

import orjson
from rich.console import Console

from kitamae.commands.control import Refused, ask, connect
from kitamae.commands.speech import say
from kitamae.kernel.context import clock
from kitamae.kernel.people.access_log.entry import Entry
from kitamae.kernel.problems import BadRequest
from kitamae.settings import Settings

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_A_DAY: Final = 86_400_000_000


async def access_log(
    *,
    since: str = "",
    until: str = "",
    kind: list[Literal["security", "work", "writes"]] | None = None,
    who: str = "",
    json: bool = False,
    check: bool = False,
    data: Path | None = None,
) -> int:
    """Show the access log; it says of itself that it was looked at.

    1 where a closed day is not what the ledger says of it (--check), 0 otherwise.

    Parameters
    ----------
    since
        A day (from its beginning, UTC) or a time such as 2026-11-21T05:00:00Z; a day ago unless told.
    until
        A day (to its end, UTC) or a time; now unless told.
    kind
        Only these classes: security, work, writes.
    who
        Only this reference, such as staff-0f3a or token-77aa01bc.
    json
        JSON lines, for programs.
    check
        Compare every closed day with its entry in the ledger, instead of showing lines.
    data
        The data directory.

    """
    out = Console(highlight=False, soft_wrap=True)
    async with connect(Settings.chosen(data=data)) as client:
        if check:
            return _told(out, await ask(client, "GET", "/control/access-log/days"))
        now = clock.now()
        asked: list[tuple[str, str]] = [
            ("since", _time(since, "--since", end=False) if since else clock.text(now - _A_DAY)),
            ("until", _time(until, "--until", end=True) if until else clock.text(now + 1)),
            *(("kind", one) for one in kind or ()),
        ]
        answer = await client.get("/control/access-log?" + urlencode(asked))
        if answer.status_code >= 400:
            raise Refused.of(answer)
    found = [line for line in answer.text.splitlines() if line]
    for line in found:
        entry = cast("Entry", orjson.loads(line))
        if who and entry["who"] != who:
            continue
        out.print(line if json else _line(entry), markup=False)
    return 0


def _time(given: str, name: str, *, end: bool) -> str:
    """RFC 3339. Raises BadRequest."""
    if not _DAY.fullmatch(given):
        return clock.text(clock.micros(given, name))
    try:
        midnight = datetime.combine(datetime.fromisoformat(given), time(), UTC)
    except ValueError:
        raise BadRequest(f"{name}: there is no day {given}") from None
    return clock.text(int(midnight.timestamp()) * 1_000_000 + (_A_DAY if end else 0))


def _line(entry: Entry) -> str:
    times = f" x{entry['times']}" if entry["times"] > 1 else ""
    return "  ".join(
        part
        for part in (
            entry["at"], entry["kind"], f"{entry['outcome']} {entry['status']}{times}", entry["who"] or "-",
            entry["network"] or "-", entry["what"], entry["about"], entry["request"],
        )
        if part
    )  # fmt: skip


def _told(out: Console, days: list[dict[str, Any]]) -> int:
    wrong = [one for one in days if one["wrong"]]
    told = {
        "its lines are not those that were there when the day was closed": say(
            "its lines are not those that were there when the day was closed"
        ),
        "the ledger's entry says something else": say("the ledger's entry says something else"),
    }
    for one in wrong:
        out.print(f"[!!] {one['day']} {one['kind']}: {told.get(one['wrong'], one['wrong'])}", markup=False)
    out.print(say("{n} closed days, {wrong} of them wrong", n=len(days), wrong=len(wrong)), markup=False)
    return 1 if wrong else 0
