"""What the forms of these pages have in common: read with limits, from this session, answered by going elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse, Response

from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.kernel.people.gate import demand_form
from kitamae.kernel.people.person import asking
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from starlette.datastructures import FormData
    from starlette.requests import Request

    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.problems import Problem

KEEP_NOTHING: Final = {"Cache-Control": "no-store"}
REFUSED: Final = (BadRequest, NotFound, Conflict, Forbidden)
"""What the page itself says, beside the form; all else is somebody else's to say."""
_LARGEST: Final = 3_000_000  # bytes of one field: a file that is sent as text


async def sent(request: Request, files: int = 0, fields: int = 20) -> FormData:
    """Raises Forbidden for a form that is not of this session. `files`, `fields`: at most so many of them."""
    form = await request.form(max_files=files, max_fields=fields, max_part_size=_LARGEST)
    demand_form(request.scope, form.get("csrf"))
    return form


def word(form: FormData, field: str) -> str:
    """A field of text, trimmed; "" where it is not there."""
    value = form.get(field)
    return value.strip() if isinstance(value, str) else ""


def staff(request: Request) -> Principal:
    """Who is signed in as a member of staff. Raises Forbidden."""
    who = asking(request.scope)
    if who.role != "staff" or not who.session:
        raise Forbidden("this page is for staff who are signed in")
    return who


def sentence(failed: Problem | None) -> str:
    """For `refusals.html`; "" where nothing failed."""
    return (failed.detail or failed.title) if failed else ""


def away(where: str) -> Response:
    """After a form was taken: reloading sends nothing twice."""
    return RedirectResponse(where, 303, KEEP_NOTHING)


def offset(request: Request) -> int:
    """Behind how many a page of a list begins; 0 for what is no number."""
    asked = request.query_params.get("offset", "0")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0


def begins(day: str, zone: ZoneInfo) -> str | None:
    """The moment from which a change shall count, RFC 3339 UTC; None: no day was given. Raises BadRequest."""
    return clock.text(days.begins("effective", day, zone)) if day else None
