"""`/staff/assisted/new` and `/staff/assisted/people/<ref>`: one person is entered, corrected, agrees, takes it back, leaves the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from kitamae.kernel.people.assisted import Told
from kitamae.kernel.people.assisted.said import FIELDS, day
from kitamae.kernel.problems import BadRequest, Conflict, NotFound
from kitamae.sdk.sheltering import NEEDS
from kitamae.web.assisted import DESK
from kitamae.web.assisted.ground import done, why
from kitamae.web.duties.forms import KEEP_NOTHING, away, sent, staff, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.datastructures import FormData
    from starlette.requests import Request

    from kitamae.kernel.problems import Problem
    from kitamae.web.assisted.ground import Ground

_REFUSED = (BadRequest, NotFound, Conflict)


def routes(ground: Ground) -> list[Route]:
    """One person."""
    page, register = ground.page, ground.register

    async def blank(
        request: Request, failed: Problem | None = None, typed: Mapping[str, str] | None = None, needs: list[str] | None = None
    ) -> Response:  # fmt: skip
        return page.render(
            request, "assisted-new.html", status=failed.status if failed else 200, headers=KEEP_NOTHING,
            typed=typed or {"town": request.query_params.get("town", "")}, ticked=needs or [], needs=NEEDS,
            towns=await ground.towns(), csrf=request.scope["csrf"], action=DESK.href, **why(failed),
        )  # fmt: skip

    async def new(request: Request) -> Response:
        return await blank(request)

    async def enter(request: Request) -> Response:
        form, who = await sent(request, fields=60), staff(request)
        typed, needs = _typed(form)
        try:
            ref = await register.enter(who, Told.read(typed, needs, await ground.known()))
        except _REFUSED as problem:
            return await blank(request, problem, typed, needs)
        return away(f"{DESK.href}/people/{ref}?done=entered")

    async def one(
        request: Request, failed: Problem | None = None, typed: Mapping[str, str] | None = None, needs: list[str] | None = None
    ) -> Response:  # fmt: skip
        found = await register.one(staff(request), request.path_params["person"])
        kept = {name: str(found.fields.get(name, "")) for name in FIELDS if name != "needs"}
        return page.render(
            request, "assisted-person.html", status=failed.status if failed else 200, headers=KEEP_NOTHING,
            one=found, typed=typed or kept, ticked=needs if needs is not None else list(found.fields.get("needs", [])),
            needs=NEEDS, towns=await ground.towns(), today=ground.today.isoformat(), csrf=request.scope["csrf"],
            done=done(request), action=DESK.href, **why(failed),
        )  # fmt: skip

    async def see(request: Request) -> Response:
        return await one(request)

    async def act(request: Request) -> Response:
        """Which, the form says in `act`."""
        form, who = await sent(request, fields=60), staff(request)
        ref, what = request.path_params["person"], word(form, "act")
        typed, needs = _typed(form)
        told, ticked = (typed, needs) if what == "corrected" else (None, None)
        try:
            match what:
                case "corrected":
                    await register.correct(who, ref, Told.read(typed, needs, await ground.known()))
                case "renewed":
                    await register.renew(who, ref)
                case "agreed":
                    await register.agree(who, ref, day("agreed", typed["agreed"], ground.today))
                case "undone":
                    await register.undo(who, ref, ground.today.isoformat())
                case "left":
                    await register.leave(who, ref)
                case "back":
                    await register.back(who, ref)
                case other:
                    raise BadRequest(
                        f"act: expected one of corrected, renewed, agreed, undone, got {other!r:.40}"
                    )
        except _REFUSED as problem:
            return await one(request, problem, told, ticked)
        return away(f"{DESK.href}/people/{ref}?done={what}")

    return [
        Route(DESK.href + "/new", new, methods=["GET"]),
        Route(DESK.href + "/new", enter, methods=["POST"]),
        Route(DESK.href + "/people/{person}", see, methods=["GET"]),
        Route(DESK.href + "/people/{person}", act, methods=["POST"]),
    ]


def _typed(form: FormData) -> tuple[dict[str, str], list[str]]:
    return {name: word(form, name) for name in FIELDS if name != "needs"}, [
        str(one) for one in form.getlist("need")
    ]
