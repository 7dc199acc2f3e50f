"""`/staff/orders`: what is to be erased or corrected about somebody, why, and a second person's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from kitamae.kernel.people.approval import STRONG
from kitamae.kernel.people.order import is_correction, shown
from kitamae.kernel.people.proposal import Proposed
from kitamae.kernel.problems import BadRequest, Forbidden, NotFound
from kitamae.web import edits
from kitamae.web.duties.forms import KEEP_NOTHING, REFUSED, away, sent, sentence, staff, word
from kitamae.web.orders import corrections
from kitamae.web.sought import IDENTITY, Search, Sought

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.order import Order
    from kitamae.kernel.people.orders import Orders
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.tokens import Tokens
    from kitamae.kernel.people.vault import Vault
    from kitamae.kernel.problems import Problem
    from kitamae.web.page import ShellPage

HERE: Final = "/staff/orders"


def routes(page: ShellPage, orders: Orders, vault: Callable[[], Vault], tokens: Tokens) -> list[Route]:
    """The list with the form, each with what is said about it. Whose records it is about is searched for, or known from a case; nobody
    types a reference. `vault()` raises VaultClosed; `tokens`: of programs, which may ask.
    """
    search = Search(vault)

    async def programs() -> dict[str, str]:
        """Reference -> what it is called."""
        return {f"token-{one['number']}": one["name"] for one in await tokens.all()}

    async def show(request: Request, sought: Sought, failed: Problem | None = None, **given: str) -> Response:
        who = staff(request)
        declared = {one.name: one.title for one in vault().purposes}
        return page.render(
            request,
            "orders.html",
            status=failed.status if failed else 200,
            headers=KEEP_NOTHING,
            programs=await programs(),
            orders=[
                {
                    "number": number,
                    "order": order,
                    "state": state,
                    "correct": is_correction(order),
                    "title": declared.get(order["purpose"], {}),
                }
                for number, order, _, state in await orders.all(who)
            ],
            purposes={name: title for name, title in declared.items() if orders.may(who, "?", name)},
            seeks=orders.may(who, "?", IDENTITY),
            sought=sought,
            given={"purpose": "", "why": "", "case": "", **given},
            strong=who.assurance >= STRONG,
            csrf=request.scope["csrf"],
            failed=sentence(failed),
            action=HERE,
        )  # fmt: skip

    async def look(who: Principal, person: str) -> Sought:
        """Name, birth date and address, for whoever may read who is who; a receipt tells the person."""
        try:
            return await search.again(who, person)
        except Forbidden:
            return Sought(state="found", person=person)

    async def index(request: Request) -> Response:
        """`?case=`: from that request, about whoever made it."""
        case = request.query_params.get("case", "")[:40]
        if not case:
            return await show(request, Sought())
        try:
            row = await orders.case(case)
        except NotFound as problem:
            return await show(request, Sought(), problem)
        if row["person"] == staff(request).ref:
            raise Forbidden("one's own case is for a colleague")
        return await show(request, await look(staff(request), row["person"]), case=case)

    async def find(request: Request) -> Response:
        form, who = await sent(request), staff(request)
        try:
            sought = await search.find(who, form)
        except BadRequest as problem:
            return await show(request, Sought(), problem)
        return await show(request, sought)

    async def ask(request: Request) -> Response:
        form, who = await sent(request), staff(request)
        given: dict[str, Any] = {one: word(form, one) for one in ("purpose", "why", "case")}
        person = word(form, "person")
        try:
            if not person:
                raise BadRequest("search for the person again")
            number = await orders.ask(who, person, given["purpose"], given["why"], given["case"])
        except REFUSED as problem:
            sought = await look(who, person) if 0 < len(person) <= 128 else Sought()
            return await show(request, sought, problem, **given)
        return away(f"{HERE}/{number}?done=asked")

    async def one(request: Request) -> Response:
        return await show_one(request)

    async def show_one(request: Request, failed: Problem | None = None) -> Response:
        """Whoever decides sees whose records they are, and what is to become of them; what is over tells nobody a name."""
        who, number = staff(request), request.path_params["number"]
        order, said, state = await orders.one(who, number)
        purpose = vault().purposes.get(order["purpose"])
        correction = await look_at(who, number, order) if is_correction(order) and state == "asked" else {}
        return page.render(
            request,
            "order.html",
            status=failed.status if failed else 200,
            headers=KEEP_NOTHING,
            number=number,
            order=order,
            programs=await programs(),
            said=said,
            state=state,
            correct=is_correction(order),
            **{"digest": shown(order), "lines": [], "stands": True, "readable": True} | correction,
            title=purpose.title if purpose else {},
            mine=order["by"] == who.ref,
            sought=await look(who, order["person"]) if state == "asked" else Sought(),
            strong=who.assurance >= STRONG,
            csrf=request.scope["csrf"],
            failed=sentence(failed),
            done=request.query_params.get("done", ""),
            action=HERE,
        )

    async def look_at(who: Principal, number: str, order: Order) -> dict[str, Any]:
        """What is proposed, beside what stands there; each look leaves a receipt."""
        try:
            proposed = await orders.corrections.proposed(who, number, order)
        except Forbidden:
            return {"digest": "", "stands": False, "readable": False}
        if proposed is None:
            return {"digest": "", "stands": False}
        return {
            "digest": shown(order, proposed.shown()),
            "lines": edits.lines(Proposed(proposed.record, one) for one in proposed.edits),
            "stands": await orders.corrections.stands(who, order, proposed),
        }

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
        except REFUSED as problem:
            return await show_one(request, problem)
        return away(f"{HERE}/{number}?done={said}")

    return [
        *corrections.routes(page, orders, vault),
        Route(HERE, index, methods=["GET"]),
        Route(HERE, ask, methods=["POST"]),
        Route(HERE + "/search", find, methods=["POST"]),
        Route(HERE + "/{number}", one, methods=["GET"]),
        Route(HERE + "/{number}/{word}", say, methods=["POST"]),
    ]
