"""What is written when. In this order, so that what is named is there: the snapshot, the pages, and last the file that names them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

from kitamae.web.outside import plain
from kitamae.web.outside.targets import Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kitamae.web.kept import KeptPage
    from kitamae.web.shell import Shell

LOOK: Final = 1.0
"""Seconds between two looks at what changed."""
CONFIRM: Final = 120.0
"""Seconds after which pages are written anew though nothing changed: that it is still so, they say with their time."""
MOST: Final = 2_000
"""Snapshots in the folder of ours; elsewhere the city says how long they stay."""
_log = structlog.get_logger("kitamae")


@dataclass(slots=True)
class Written:
    """What a target has of one page: of which reading, and since when (`time.monotonic`)."""

    of: int = -1
    at: float = float("-inf")


@dataclass
class Outside:
    """Writes kept pages to each of `targets`, until it is cancelled; the first of them is a folder of ours. `origin`: how people reach the
    server.
    """

    shell: Shell
    targets: Sequence[Target]
    origin: str
    _written: dict[tuple[str, str], Written] = field(default_factory=dict)

    async def run(self) -> None:
        """One worker does."""
        while True:
            for page in list(self.shell.kept.values()):
                if page.outside is not None:
                    try:
                        await self.write(page)
                    except Exception:  # the next look is a second away
                        _log.exception("what is kept outside is not drawn", page=page.path)
            await asyncio.sleep(LOOK)

    async def write(self, page: KeptPage) -> None:
        """To every target that has not this reading of the page, or has had it for long."""
        values, of = await page.current()
        now = time.monotonic()
        due = [
            target
            for target in self.targets
            if (had := self._had(page, target)).of != of or now - had.at >= CONFIRM
        ]
        if not due:
            return
        content = files(self.shell, page, values, self.origin)
        done = await asyncio.gather(*(target.put(content) for target in due))
        for target, whole in zip(due, done, strict=True):
            if whole:
                self._written[page.path, target.address] = Written(of, now)
        await asyncio.to_thread(_tidy, Path(self.targets[0].address) / "snapshot")

    def trouble(self) -> str:
        """What is wrong with the targets; "" for nothing."""
        return "; ".join(target.trouble for target in self.targets if target.trouble)

    def _had(self, page: KeptPage, target: Target) -> Written:
        return self._written.setdefault((page.path, target.address), Written())


def files(shell: Shell, page: KeptPage, values: Mapping[str, Any], origin: str) -> dict[str, bytes]:
    """Name -> content. The state's name is its digest: the same state is the same file, whenever and by whomever it is written."""
    assert page.outside is not None
    name = page.path.strip("/").replace("/", "-")
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
    at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    told = {"snapshot": snapshot, "writtenAt": at, "pages": list(drawn)}
    return {snapshot: state, **drawn, f"{name}.json": orjson.dumps(told, option=orjson.OPT_INDENT_2)}


def _tidy(folder: Path) -> None:
    """The oldest go."""
    there = sorted(folder.glob("*.json"), key=lambda one: one.stat().st_mtime, reverse=True)
    for one in islice(there, MOST, None):
        one.unlink(missing_ok=True)
