"""For the desk that looks after privacy: a look that a lawful investigation withholds from the person until a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.responses import RedirectResponse
from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.kernel.people.person import asking
from kitamae.kernel.people.vault import Asked
from kitamae.kernel.people.vault.withholding import MOST_DAYS
from kitamae.kernel.people.vault.withholding import PURPOSE as ORDER
from kitamae.kernel.problems import BadRequest, Problem
from kitamae.web.my.ground import KEEP_NOTHING, sent
from kitamae.web.sought import Search, Sought

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.web.my.ground import Ground

HERE: Final = "/staff/withheld"
PURPOSE: Final = "oversight"
"""For which the desk reads a person's log: the city declares it in its profile."""
LOOKS: Final = 100
_EVER: Final = (1 << 63) - 1


def routes(ground: Ground, zone: str) -> list[Route]:
    """`/staff/withheld`; `zone`: the city's time zone, in which a day begins."""
    search = Search(ground.vault, PURPOSE, opens=False)

    async def show(request: Request, person: str, wrong: str = "", sought: Sought | None = None) -> Response:
        who = asking(request.scope)
        rows: list[dict[str, Any]] = []
        if person and ground.consents.declared.get(PURPOSE):
            asked = Asked(who, PURPOSE, (person,))
            found = await ground.vault().receipts(asked, _EVER, LOOKS, whole=True)
            looks = [one for one in found if one.who not in (person, who.ref) and one.purpose != ORDER]
            rows = await ground.looks(who, looks)
        return ground.show(
            request,
            "withheld.html",
            status=400 if wrong else 200,
            declared=ground.consents.declared.get(PURPOSE) is not None,
            person=person,
            sought=sought or Sought(),
            looks=rows,
            most=MOST_DAYS,
            wrong=wrong,
            done=request.query_params.get("done", ""),
        )

    async def ask(request: Request) -> Response:
        return await show(request, request.query_params.get("person", "").strip()[:128])

    async def find(request: Request) -> Response:
        """On to the person's log, the reading of which leaves a receipt."""
        who, form = await sent(request)
        sought = await search.find(who, form)
        if sought.state != "found":
            return await show(request, "", sought=sought)
        return RedirectResponse(f"{HERE}?person={quote(sought.person)}", 303, KEEP_NOTHING)

    async def order(request: Request) -> Response:
        who, form = await sent(request)
        person = str(form.get("person", "")).strip()[:128]
        number, law = str(form.get("number", "")), str(form.get("law", ""))
        try:
            if not (number.isascii() and number.isdigit() and len(number) < 19):
                raise BadRequest("number: expected the number of a look")
            await ground.vault().withhold(
                who, person, int(number), law, _day(str(form.get("until", "")), zone)
            )
        except Problem as problem:
            if problem.status not in (400, 404):
                raise
            return await show(request, person, problem.detail)
        return RedirectResponse(f"{HERE}?person={quote(person)}&done={number}", 303, KEEP_NOTHING)

    return [
        Route(HERE, ask, methods=["GET"]),
        Route(HERE, order, methods=["POST"]),
        Route(HERE + "/search", find, methods=["POST"]),
    ]


def _day(text: str, zone: str) -> int:
    """When that day begins here, microseconds UTC. Raises BadRequest."""
    try:
        begins = datetime.combine(date.fromisoformat(text), time(), ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"until: expected a day such as 2027-03-31, got {text!r:.40}") from error
    return clock.micros(begins.isoformat())
