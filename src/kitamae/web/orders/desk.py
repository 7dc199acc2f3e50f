"""`/staff/orders`: what is to be erased about somebody, why, and a second person's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from kitamae.kernel.people.approval import STRONG
from kitamae.kernel.people.orders import shown
from kitamae.kernel.problems import BadRequest, Conflict, NotFound
from kitamae.web.duties.forms import KEEP_NOTHING, away, sent, staff, word

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.orders import Orders
    from kitamae.kernel.people.vault import Purposes
    from kitamae.kernel.problems import Problem
    from kitamae.web.page import ShellPage

HERE: Final = "/staff/orders"


def routes(page: ShellPage, orders: Orders, purposes: Callable[[], Purposes]) -> list[Route]:
    """The list with the form, and the words about one. `purposes()` raises VaultClosed."""

    async def show(request: Request, failed: Problem | None = None, **given: str) -> Response:
        who = staff(request)
        declared = {one.name: one.title for one in purposes()}
        query = request.query_params
        return page.render(
            request,
            "orders.html",
            status=failed.status if failed else 200,
            headers=KEEP_NOTHING,
            orders=[
                {
                    "number": number, "order": order, "said": said, "state": state, "digest": shown(order),
                    "title": declared.get(order["purpose"], {}), "mine": order["by"] == who.ref,
                }
                for number, order, said, state in await orders.all(who)
            ],
            purposes={name: title for name, title in declared.items() if orders.may(who, "?", name)},
            given={
                "person": query.get("person", "")[:128],
                "purpose": query.get("purpose", ""),
                "why": "",
                "case": query.get("case", "")[:40],
                **given,
            },
            strong=who.assurance >= STRONG,
            csrf=request.scope["csrf"],
            failed=(failed.detail or failed.title) if failed else "",
            done=query.get("done", ""),
            action=HERE,
        )  # fmt: skip

    async def index(request: Request) -> Response:
        return await show(request)

    async def ask(request: Request) -> Response:
        form, who = await sent(request), staff(request)
        given: dict[str, Any] = {one: word(form, one) for one in ("person", "purpose", "why", "case")}
        try:
            number = await orders.ask(who, given["person"], given["purpose"], given["why"], given["case"])
        except (BadRequest, NotFound, Conflict) as problem:
            return await show(request, problem, **given)
        return away(f"{HERE}?done=asked#order-{number}")

    async def say(request: Request) -> Response:
        form, who = await sent(request), staff(request)
        number, said = request.path_params["number"], request.path_params["word"]
        try:
            if said == "withdraw":
                await orders.withdraw(who, number)
            elif said in ("approve", "refuse"):
                yes = said == "approve"
                await orders.decide(who, number, word(form, "digest"), yes=yes, why=word(form, "why"))
            else:
                raise NotFound(f"there is nothing to {said!r:.20} here")
        except (BadRequest, NotFound, Conflict) as problem:
            return await show(request, problem)
        return away(f"{HERE}?done={said}#order-{number}")

    return [
        Route(HERE, index, methods=["GET"]),
        Route(HERE, ask, methods=["POST"]),
        Route(HERE + "/{number}/{word}", say, methods=["POST"]),
    ]
