"""One contract at the desk: its second person's word, its keys, what was used, its statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from kitamae.kernel.people.approval import STRONG
from kitamae.kernel.problems import NotFound
from kitamae.web.duties.forms import away, staff, word
from kitamae.web.providers.drafting import numbered
from kitamae.web.providers.ground import CONTRACTS, REFUSED, form, refused
from kitamae.web.providers.standing import standing

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.web.providers.ground import Ground


def routes(ground: Ground) -> list[Route]:
    """`/staff/providers/contracts/<id>` and its forms."""
    providers = ground.providers

    async def one(request: Request, failed: str = "") -> Response:
        who, kept = staff(request), await providers.contracts.one(request.path_params["id"])
        asked = await providers.contracts.asked(kept)
        return ground.show(
            request,
            "staff-contract.html",
            status=400 if failed else 200,
            **await standing(providers, kept),
            provider=await providers.one(kept["provider"]),
            waiting=providers.contracts.waiting(kept),
            asked=asked,
            mine=asked is not None and asked["by"] == who.ref,
            strong=who.assurance >= STRONG,
            failed=failed,
        )

    async def ask(request: Request) -> Response:
        return await one(request)

    async def say(request: Request) -> Response:
        """The second person's word, taking back, ending."""
        who, told = await form(request)
        id, said, why = request.path_params["id"], request.path_params["word"], word(told, "why")
        try:
            match said:
                case "confirm" | "refuse":
                    yes = said == "confirm"
                    await providers.contracts.confirm(who, id, word(told, "digest"), yes=yes, why=why)
                case "withdraw":
                    await providers.contracts.withdraw(who, id, why)
                case "end":
                    await providers.contracts.end(who, id, why)
                case "revoke":
                    await revoked(request, word(told, "key"))
                case "paid" | "unpaid":
                    await of_this(id, word(told, "statement"))
                    await providers.statements.mark(who, word(told, "statement"), paid=said == "paid")
                case "correct":
                    taxed = word(told, "taxed") == "yes"
                    await providers.statements.correct(
                        who, id, word(told, "month"), numbered(told, "yen"), why, taxed=taxed
                    )
                case _:
                    raise NotFound(f"there is no word {said!r:.20} about a contract")
        except REFUSED as problem:
            return await one(request, refused(problem))
        return away(f"{CONTRACTS}/{id}")

    async def revoked(request: Request, number: str) -> None:
        if number not in [key["number"] for key in await providers.keys.of(request.path_params["id"])]:
            raise NotFound("this contract has no such key")
        await providers.keys.revoke(staff(request), number, desk=True)

    async def of_this(id: str, statement: str) -> None:
        if (await providers.statements.one(statement))["contract"] != id:
            raise NotFound("this contract has no such statement")

    return [
        Route(CONTRACTS + "/{id}", ask, methods=["GET"]),
        Route(CONTRACTS + "/{id}/{word}", say, methods=["POST"]),
    ]
