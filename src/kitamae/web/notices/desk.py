"""`/staff/notices`: the report, the list of letters, printing them, noting that they are posted, and what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.kernel.problems import NotFound
from kitamae.kit.notices.paper import MOST, UNDO_DAYS
from kitamae.web.duties.forms import KEEP_NOTHING, REFUSED, away, sent, sentence, staff, word
from kitamae.web.requests.letters import day as letter_day

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.problems import Problem
    from kitamae.kit.notices import Paper
    from kitamae.web.page import ShellPage
    from kitamae.web.requests.letters import Office

HERE: Final = "/staff/notices"
_LATELY: Final = 100
_FIELDS: Final = MOST + 20


def routes(
    page: ShellPage,
    paper: Paper,
    office: Office,
    trouble: Callable[[], str],
    *,
    rehearsal: bool,
    mails: bool,
    origin: str,
) -> list[Route]:
    """`trouble()`: what the sender has to say; `mails`: whether the city sends e-mail; `origin`: where My page is reached."""

    async def show(request: Request, failed: Problem | None = None) -> Response:
        waiting = await paper.waiting()
        return page.render(
            request,
            "notices-desk.html",
            status=failed.status if failed else 200,
            headers=KEEP_NOTHING,
            report=await paper.report(),
            waiting=dict(list(waiting.items())[:MOST]),
            more=max(0, len(waiting) - MOST),
            lately=dict(list((await paper.lately()).items())[:_LATELY]),
            undo_days=UNDO_DAYS,
            trouble=trouble(),
            rehearsal=rehearsal,
            mails=mails,
            csrf=request.scope["csrf"],
            failed=sentence(failed),
            done=request.query_params.get("done", ""),
            action=HERE,
        )

    async def index(request: Request) -> Response:
        return await show(request)

    async def letters(request: Request) -> Response:
        """With names and addresses: each person sees that somebody looked."""
        form, who = await sent(request, fields=_FIELDS), staff(request)
        try:
            made = await paper.letters(who, _numbers(form))
        except REFUSED as problem:
            return await show(request, problem)
        return page.render(
            request,
            "notices-letters.html",
            headers=KEEP_NOTHING,
            letters=made,
            office=office,
            origin=origin,
            today=letter_day(days.of(clock.now()).isoformat()),
            csrf=request.scope["csrf"],
            action=HERE,
        )

    async def posted(request: Request) -> Response:
        form, who = await sent(request, fields=_FIELDS), staff(request)
        try:
            await paper.posted(who, _numbers(form))
        except REFUSED as problem:
            return await show(request, problem)
        return away(f"{HERE}?done=posted")

    async def back(request: Request) -> Response:
        """Not posted after all, or it came back."""
        form, who = await sent(request), staff(request)
        said = request.path_params["word"]
        try:
            if said == "undo":
                await paper.undo(who, word(form, "number"))
            elif said == "returned":
                await paper.returned(who, word(form, "number"))
            else:
                raise NotFound(f"there is nothing to {said!r:.20} here")
        except REFUSED as problem:
            return await show(request, problem)
        return away(f"{HERE}?done={said}")

    return [
        Route(HERE, index, methods=["GET"]),
        Route(HERE + "/letters", letters, methods=["POST"]),
        Route(HERE + "/posted", posted, methods=["POST"]),
        Route(HERE + "/{word}", back, methods=["POST"]),
    ]


def _numbers(form: FormData) -> list[str]:
    """A letter of several notices is one choice: their numbers, a space between."""
    chosen: list[Any] = form.getlist("n")
    return [number for one in chosen if isinstance(one, str) for number in one.split()]
