"""The desk's list, and one provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from kitamae.kernel.people.providers import latest
from kitamae.kernel.people.vault.problems import VaultClosed
from kitamae.kernel.problems import Forbidden
from kitamae.web.duties.forms import away, staff, word
from kitamae.web.providers.ground import PAGE, REFUSED, form, refused

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.providers import Contract, Provider
    from kitamae.web.providers.ground import Ground


def routes(ground: Ground) -> list[Route]:
    """`/staff/providers`, and below it a provider by its number."""
    providers = ground.providers

    async def rows(contracts: list[Contract]) -> list[dict[str, Any]]:
        """Each contract with where it stands, and today's use against its quota."""
        found = []
        for one in contracts:
            held = providers.contracts.held(one)
            found.append(
                {
                    "contract": one, "version": held or latest(one), "stands": providers.contracts.stands(one),
                    "waiting": providers.contracts.waiting(one),
                    "today": await providers.meter.today(one["id"], held) if held else None,
                }
            )  # fmt: skip
        return found

    async def index(request: Request) -> Response:
        all, contracts = await providers.all(), await rows(await providers.contracts.all())
        unpaid = [
            one
            for one in await providers.statements.of()
            if one["total"] and not await providers.statements.paid(one)
        ]
        return ground.show(
            request,
            "providers.html",
            applied=[one for one in all if one["state"] == "applied"],
            providers=[one for one in all if one["state"] != "applied"],
            names={one["number"]: one["name"] for one in all},
            waiting=[one for one in contracts if one["waiting"]],
            contracts=contracts,
            unpaid=unpaid,
            months=sorted({one["month"] for one in await providers.statements.of()}, reverse=True),
        )

    async def one(request: Request, failed: str = "", contact: str | None = None) -> Response:
        provider = await providers.one(request.path_params["number"])
        return ground.show(
            request,
            "staff-provider.html",
            status=400 if failed else 200,
            provider=provider,
            contact=contact if contact is not None else provider["contact"],
            contracts=await rows(await providers.contracts.of(provider["number"])),
            failed=failed,
        )

    async def ask(request: Request) -> Response:
        staff(request)
        return await one(request)

    async def reach(request: Request) -> Response:
        """A volunteer's contact, which the person will see that somebody read."""
        who, _ = await form(request)
        provider: Provider = await providers.one(request.path_params["number"])
        try:
            found = await providers.contact(who, provider)
        except (Forbidden, VaultClosed):
            return await one(request, "contact")
        return await one(request, contact=found or "—")

    async def decide(request: Request) -> Response:
        who, told = await form(request)
        number = request.path_params["number"]
        try:
            await providers.decide(who, number, yes=word(told, "answer") == "accept", why=word(told, "why"))
        except REFUSED as problem:
            return await one(request, refused(problem))
        return away(f"{PAGE}/{number}")

    async def end(request: Request) -> Response:
        who, told = await form(request)
        number = request.path_params["number"]
        try:
            await providers.end(who, number, word(told, "why"))
        except REFUSED as problem:
            return await one(request, refused(problem))
        return away(f"{PAGE}/{number}")

    return [
        Route(PAGE, index, methods=["GET"]),
        Route(PAGE + "/{number}", ask, methods=["GET"]),
        Route(PAGE + "/{number}/contact", reach, methods=["POST"]),
        Route(PAGE + "/{number}/decide", decide, methods=["POST"]),
        Route(PAGE + "/{number}/end", end, methods=["POST"]),
    ]
