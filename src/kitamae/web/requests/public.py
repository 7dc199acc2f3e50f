"""What everybody may read: how to ask, forms for the counter, 個人情報ファイル簿, and how many breaches there were; `/privacy`."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.people.requests.kinds import (
    CAPACITIES,
    EXTENSION,
    KINDS,
    WITHIN_90,
    period,
)
from kitamae.kernel.problems import NotFound
from kitamae.sdk.personal_file import THRESHOLD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request

    from kitamae.kernel.people.requests import Breaches
    from kitamae.sdk.page import Page
    from kitamae.sdk.personal_file import Entry
    from kitamae.web.requests.letters import Office

_OPEN_DATA: Final = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
_BOM: Final = "\ufeff"
"""Spreadsheets that do not ask take a file with it as UTF-8."""


def routes(
    page: Page,
    breaches: Breaches,
    files: Sequence[Entry],
    office: Office,
    days: Mapping[str, int],
    delay: Callable[[], int | None],
) -> list[Route]:
    """`/privacy` and what is under it."""

    async def index(request: Request) -> Response:
        """What one may ask about one's data, where, and until when it is answered."""
        set_ = {id: period(id, days.get(id, 0)) for id in KINDS}
        return page.render(
            request,
            "privacy.html",
            kinds=KINDS,
            days=set_,
            extension=EXTENSION,
            within=WITHIN_90,
            office=office,
            delay=delay(),
        )

    async def paper(request: Request) -> Response:
        """A form to be printed and filled in by hand."""
        kind = KINDS.get(request.path_params["kind"])
        if kind is None:
            raise NotFound(f"there are forms for {', '.join(KINDS)}")
        return page.render(request, "paper.html", kind=kind, capacities=CAPACITIES, office=office)

    async def register(request: Request) -> Response:
        """個人情報ファイル簿: every file of personal data, with what the law wants said of it."""
        return page.render(
            request,
            "files.html",
            files=files,
            office=office,
            threshold=THRESHOLD,
            rows=[_row(one, office) for one in files],
        )

    async def register_csv(request: Request) -> Response:
        """The same as CSV."""
        out = io.StringIO()
        rows = [_row(one, office) for one in files]
        if rows:
            writer = csv.DictWriter(out, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        return Response(_BOM + out.getvalue(), 200, _OPEN_DATA, "text/csv; charset=utf-8")

    async def register_json(request: Request) -> Response:
        """The same as JSON."""
        return _json({"threshold": THRESHOLD, "files": [_row(one, office) for one in files]})

    async def counted(request: Request) -> Response:
        """How many breaches there were in each fiscal year, and what was published of them."""
        found = await breaches.all()
        return page.render(
            request,
            "breaches.html",
            years=_years(one for _, one in found),
            published=[(number, one) for number, one in found if "publish" in one["done"]],
        )

    async def counted_json(request: Request) -> Response:
        """The same figures as JSON."""
        return _json({"years": _years(one for _, one in await breaches.all())})

    return [
        Route("/privacy", index, methods=["GET"]),
        Route("/privacy/forms/{kind}", paper, methods=["GET"]),
        Route("/privacy/files", register, methods=["GET"]),
        Route("/privacy/files.csv", register_csv, methods=["GET"]),
        Route("/privacy/files.json", register_json, methods=["GET"]),
        Route("/privacy/breaches", counted, methods=["GET"]),
        Route("/privacy/breaches.json", counted_json, methods=["GET"]),
    ]


def _row(one: Entry, office: Office) -> dict[str, str]:
    where = " ".join(part for part in (office.name, office.address) if part)
    return {**one.row(), "開示請求等を受理する組織の名称及び所在地": where or "（記載なし）"}


def _years(found: Any) -> list[dict[str, int]]:
    """By fiscal year (April to March), newest first."""
    years: dict[int, dict[str, int]] = defaultdict(lambda: {"breaches": 0, "reportable": 0, "persons": 0})
    for one in found:
        learnt = date.fromisoformat(one["learnt"])
        counted = years[learnt.year - (learnt.month < 4)]
        counted["breaches"] += 1
        counted["reportable"] += bool(one["reasons"])
        counted["persons"] += one["persons"]
    return [{"year": year, **years[year]} for year in sorted(years, reverse=True)]


def _json(content: Any) -> Response:
    return Response(orjson.dumps(content), 200, _OPEN_DATA, "application/json")
