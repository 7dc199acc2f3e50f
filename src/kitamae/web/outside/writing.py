"""What is written when. In this order, so that what is named is there: the snapshot, the pages, and last the file that names them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

from kitamae.web.outside import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kitamae.web.kept import KeptPage
    from kitamae.web.outside.targets import Target
    from kitamae.web.shell import Shell

LOOK: Final = 1.0
"""Seconds between two looks at what changed. A page that says nothing new is read anew after `kept.OLD` and written too: that it is still so,
it says with its time. What cannot be read is not written, and grows old there.
"""
MOST: Final = 2_000
"""Snapshots in the folder of ours; elsewhere the city says how long they stay."""
_log = structlog.get_logger("kitamae")


@dataclass
class Outside:
    """Writes kept pages until it is cancelled. `here`: a folder of ours, which each worker writes; `elsewhere`: what one of them does.
    `origin`: how people reach the server. `demand(path)`: of the page there, as whoever is not signed in; raises NotSignedIn, Forbidden.
    """

    shell: Shell
    here: Target
    elsewhere: Sequence[Target]
    origin: str
    demand: Callable[[str], None]
    _written: dict[tuple[str, str], int] = field(default_factory=dict)  # of which reading, by page and place

    async def run_here(self) -> None:
        """In each worker: so each one gives pages as they are, and reads them though nobody asks."""
        await self._run(self.here)

    async def run(self) -> None:
        """In one worker: each place by itself, so that a slow one keeps no other waiting."""
        async with asyncio.TaskGroup() as group:
            for target in self.elsewhere:
                group.create_task(self._run(target))

    def trouble(self) -> str:
        """What is wrong with the places; "" for nothing."""
        return "; ".join(one.trouble for one in (self.here, *self.elsewhere) if one.trouble)

    async def write(self, page: KeptPage, target: Target) -> bool:
        """What this place has not yet; whether anything was. Raises what reading the page raises, as long as it was never read; NotSignedIn,
        Forbidden where the policy does not show it to everybody.
        """
        self.demand(page.path)
        values, of = await page.current()
        if self._written.get((page.path, target.address)) == of:
            return False
        if not await target.put(files(self.shell, page, values, self.origin)):
            return False
        self._written[page.path, target.address] = of
        return True

    def close(self) -> None:
        """Waits for nothing."""
        for one in (self.here, *self.elsewhere):
            one.close()

    async def _run(self, target: Target) -> None:
        why: dict[
            str, str
        ] = {}  # of each page, what was wrong the last time: a store that is away for an hour is logged once
        while True:
            for page in list(self.shell.kept.values()):
                if page.outside is not None:
                    try:
                        if await self.write(page, target) and target is self.here:
                            await asyncio.to_thread(_tidy, Path(target.address) / "snapshot")
                    except Exception as error:  # the next look is a second away
                        if why.get(page.path) != type(error).__name__:
                            _log.exception("what is kept outside is not drawn", page=page.path)
                        why[page.path] = type(error).__name__
                    else:
                        why.pop(page.path, None)
            await asyncio.sleep(LOOK)


def files(shell: Shell, page: KeptPage, values: Mapping[str, Any], origin: str) -> dict[str, bytes]:
    """Name -> content. The state's name is its digest: the same state is the same file, whenever and by whomever it is written."""
    assert page.outside is not None
    name = plain.name(page.path)
    state = orjson.dumps(page.outside.state(values), option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)
    snapshot = f"snapshot/{sha256(state).hexdigest()}.json"
    drawn = {
        plain.file(name, language): plain.draw(
            shell,
            page.folder,
            page.outside.template,
            language,
            name,
            f"{origin}{page.path}?lang={language}",
            {**values, "snapshot": snapshot},
        )
        for language in shell.languages
    }
    told = {"snapshot": snapshot, "asOf": values["now"], "pages": list(drawn)}
    return {
        snapshot: state,
        **drawn,
        f"{name}.json": orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z),
    }


def _tidy(folder: Path) -> None:
    """The oldest go."""
    there = sorted(folder.glob("*.json"), key=_written_at, reverse=True)
    for one in islice(there, MOST, None):
        one.unlink(missing_ok=True)


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another worker was quicker
        return 0.0
