"""`/staff/access-log`: lines by day, class, person and outcome, and the same as JSON lines. Whoever opens it stands in it too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, Self
from zoneinfo import ZoneInfo

from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.people.access_log.entry import CLASSES, lines
from kitamae.web.duties.forms import KEEP_NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from kitamae.kernel.people.access_log import AccessLog, Class, Entry
    from kitamae.web.page import ShellPage

HERE: Final = "/staff/access-log"
SHOWN: Final = 200
"""Lines on the page; the file has all."""
MOST_DAYS: Final = 93
"""Of one question."""
_OUTCOMES: Final = ("done", "refused", "failed")


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for. Days are the city's, both included; `kind` and `outcome` "": all; `failed`: which field cannot be read."""

    first: date
    last: date
    kind: str = ""
    who: str = ""
    outcome: str = ""
    failed: str = ""

    @classmethod
    def of(cls, asked: Mapping[str, str], today: date) -> Self:
        """The last week unless told. What cannot be read is named, and the week is shown."""
        first, last, failed = today - timedelta(days=6), today, ""
        try:
            last = date.fromisoformat(asked["last"]) if asked.get("last") else today
            first = (
                date.fromisoformat(asked["first"])
                if asked.get("first")
                else min(last, today) - timedelta(days=6)
            )
            last + timedelta(days=2)
            first - timedelta(days=2)
        except (ValueError, OverflowError):
            first, last, failed = today - timedelta(days=6), today, "days"
        if last < first or (last - first).days >= MOST_DAYS:
            first, last, failed = today - timedelta(days=6), today, "days"
        kind, outcome = asked.get("kind", ""), asked.get("outcome", "")
        return cls(
            first,
            last,
            kind if kind in CLASSES else "",
            asked.get("who", "").strip()[:128],
            outcome if outcome in _OUTCOMES else "",
            failed,
        )

    def takes(self, entry: Entry) -> bool:
        """Whether it is asked for, whatever its day and class."""
        return (not self.who or entry["who"] == self.who) and (
            not self.outcome or entry["outcome"] == self.outcome
        )


def routes(page: ShellPage, log: AccessLog, days: Mapping[Class, int], zone: str) -> list[Route]:
    """The work of the desk `privacy`. `days`: how long each class is kept; `zone`: in which a day ends."""
    here = ZoneInfo(zone)

    def asked(request: Request) -> Filter:
        today = datetime.fromtimestamp(log.now() / 1e6, UTC).astimezone(here).date()
        return Filter.of(request.query_params, today)

    async def found(what: Filter) -> list[Entry]:
        kinds = [one for one in CLASSES if what.kind in ("", one)]
        entries = await log.between(
            _midnight(what.first, here), _midnight(what.last + timedelta(days=1), here), kinds
        )
        return [one for one in entries if what.takes(one)]

    async def index(request: Request) -> Response:
        what = asked(request)
        entries = await found(what)
        return page.render(
            request,
            "access-log.html",
            status=400 if what.failed else 200,
            headers=KEEP_NOTHING,
            entries=entries[: -SHOWN - 1 : -1],
            total=len(entries),
            asked=what,
            kinds=CLASSES,
            outcomes=_OUTCOMES,
            days=days,
            most=MOST_DAYS,
            query=request.url.query,
            action=HERE,
        )

    async def file(request: Request) -> Response:
        what = asked(request)
        name = f"access-log-{what.first}-{what.last}.jsonl"
        headers = {**KEEP_NOTHING, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(lines(await found(what)), media_type="application/jsonl", headers=headers)

    return [Route(HERE, index, methods=["GET"]), Route(HERE + ".jsonl", file, methods=["GET"])]


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp()) * 1_000_000
