"""A provider's contract: what it says, agreeing to it, its keys, what was used, its statements (利用明細)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound
from kitamae.web.developers.mine import MINE
from kitamae.web.developers.refusals import refused
from kitamae.web.duties.forms import KEEP_NOTHING, away, word
from kitamae.web.my.ground import sent, signed_in
from kitamae.web.providers import papers
from kitamae.web.providers.standing import standing

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.providers import Contract, Provider, Providers
    from kitamae.web.page import ShellPage

_AT: Final = f"{MINE}/{{number}}/contracts/{{contract}}"
_OVERLAPS: Final = (0, 1, 7, 30)


def routes(page: ShellPage, providers: Providers) -> list[Route]:
    """All below `/developers/mine/<provider>/contracts/<contract>`."""

    def show(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
        given = {"csrf": request.scope.get("csrf", ""), "mine": MINE, "terms": providers.terms}
        return page.render(request, template, status=status, headers=KEEP_NOTHING, **{**given, **values})

    async def found(request: Request, who: Principal | None) -> tuple[Provider, Contract]:
        """Raises NotFound where either is not his."""
        if who is None:
            raise NotFound("you belong to no such provider")
        provider = await providers.own(who, request.path_params["number"])
        contract = await providers.contracts.one(request.path_params["contract"])
        if contract["provider"] != provider["number"]:
            raise NotFound("this provider has no such contract")
        return provider, contract

    async def one(request: Request, *, secret: str = "", failed: str = "") -> Response:
        """What it says, and what can be done under it."""
        if signed_in(request) is None:
            return RedirectResponse(MINE, 303, KEEP_NOTHING)
        provider, contract = await found(request, signed_in(request))
        seen = await standing(providers, contract)
        return show(
            request,
            "contract.html",
            status=400 if failed else 200,
            **seen,
            provider=provider,
            offered=providers.contracts.waiting(contract) is not None and "confirmed" in seen["last"],
            overlaps=_OVERLAPS,
            secret=secret,
            failed=failed,
        )

    def here(request: Request) -> str:
        return _AT.format(**request.path_params)

    async def accept(request: Request) -> Response:
        """Agree to the version that was shown."""
        who, form = await sent(request)
        await found(request, who)
        try:
            await providers.contracts.accept(who, request.path_params["contract"], word(form, "digest"))
        except Conflict as problem:
            return await one(request, failed=refused(problem))
        return away(here(request))

    async def decline(request: Request) -> Response:
        """Do not agree, and say why."""
        who, form = await sent(request)
        await found(request, who)
        try:
            await providers.contracts.decline(who, request.path_params["contract"], word(form, "why"))
        except (BadRequest, Conflict) as problem:
            return await one(request, failed=refused(problem))
        return away(here(request))

    async def make(request: Request) -> Response:
        """A new key; its secret is on this one answer and nowhere else."""
        who, form = await sent(request)
        _, contract = await found(request, who)
        kind = word(form, "kind")
        try:
            secret, _ = await providers.keys.make(
                who,
                contract["id"],
                kind.removeprefix("purpose:") if kind.startswith("purpose:") else "",
                word(form, "label"),
                writes=kind == "write",
            )
        except (BadRequest, Forbidden) as problem:
            return await one(request, failed=refused(problem))
        return await one(request, secret=secret)

    async def key(request: Request) -> Response:
        """Give it a successor, or end it."""
        who, form = await sent(request)
        _, contract = await found(request, who)
        number = request.path_params["key"]
        if number not in [one["number"] for one in await providers.keys.of(contract["id"])]:
            raise NotFound("this contract has no such key")
        if word(form, "act") == "revoke":
            await providers.keys.revoke(who, number)
            return away(here(request))
        days = word(form, "days")
        try:
            secret, _ = await providers.keys.rotate(
                who, number, int(days) if days.isascii() and days.isdigit() else -1
            )
        except (BadRequest, Conflict, Forbidden) as problem:
            return await one(request, failed=refused(problem))
        return await one(request, secret=secret)

    async def statement(request: Request) -> Response:
        """One statement, to be printed."""
        provider, contract = await found(request, signed_in(request))
        asked = f"{contract['id']}/{request.path_params['month']}/{request.path_params['n']}"
        kept = await providers.statements.one(asked)
        return show(
            request,
            "statement.html",
            provider=provider,
            contract=contract,
            one=kept,
            rows=papers.billed(kept),
            paid=await providers.statements.paid(kept),
        )

    async def table(request: Request) -> Response:
        """All statements of the contract as CSV."""
        _, contract = await found(request, signed_in(request))
        rows = [
            (one, await providers.statements.paid(one))
            for one in await providers.statements.of(contract["id"])
        ]
        headers = KEEP_NOTHING | {
            "Content-Disposition": f'attachment; filename="statements-{contract["id"]}.csv"'
        }
        return Response(papers.as_csv(rows), 200, headers, "text/csv; charset=utf-8")

    return [
        Route(_AT, one, methods=["GET"]),
        Route(f"{_AT}/accept", accept, methods=["POST"]),
        Route(f"{_AT}/decline", decline, methods=["POST"]),
        Route(f"{_AT}/keys", make, methods=["POST"]),
        Route(f"{_AT}/keys/{{key}}", key, methods=["POST"]),
        Route(f"{_AT}/statements.csv", table, methods=["GET"]),
        Route(f"{_AT}/statements/{{month}}/{{n}}", statement, methods=["GET"]),
    ]
