"""`/staff/orders/correct`: what a granted 訂正請求 asks for is proposed, field by field, for a second person's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route

from kitamae.kernel.people import proposal
from kitamae.kernel.people.approval import STRONG
from kitamae.kernel.people.corrections import MOST
from kitamae.kernel.people.relying.identity import RECORD as CARD
from kitamae.kernel.problems import BadRequest
from kitamae.web import edits
from kitamae.web.duties.forms import KEEP_NOTHING, REFUSED, away, sent, sentence, staff, word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.orders import Orders
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault import Vault
    from kitamae.kernel.problems import Problem
    from kitamae.web.page import ShellPage

ORDERS: Final = "/staff/orders"
HERE: Final = ORDERS + "/correct"
_FIELDS: Final = 2 * edits.MOST + 20
_WHY: Final = "個人情報の保護に関する法律 第92条による訂正（受付番号 {}）"


def routes(page: ShellPage, orders: Orders, vault: Callable[[], Vault]) -> list[Route]:
    """Only from a case: whose records they are, nobody types. `vault()` raises VaultClosed."""
    corrections = orders.corrections

    async def show(
        request: Request,
        case: str,
        purpose: str = "",
        sheets: Sequence[dict[str, Any]] = (),
        failed: Problem | None = None,
        **given: Any,
    ) -> Response:
        who = staff(request)
        declared = {one.name: one.title for one in vault().purposes if corrections.may(who, "?", one.name)}
        return page.render(
            request,
            "correct.html",
            status=failed.status if failed else 200,
            headers=KEEP_NOTHING,
            case=case,
            purpose=purpose,
            purposes=declared,
            sheets=sheets,
            strong=who.assurance >= STRONG,
            csrf=request.scope["csrf"],
            failed=sentence(failed),
            action=ORDERS,
            here_=HERE,
            **{"reason": _WHY.format(case), "next": "", "chosen": False, "card": False} | given,
        )

    async def form(request: Request) -> Response:
        """`?case=`, `&purpose=` where the request itself does not say it, `&after=` behind which record."""
        who, query = staff(request), request.query_params
        number = query.get("case", "")[:40]
        try:
            case = await corrections.granted(who, number)
            purpose = query.get("purpose", "")[:128] or _about(case["about"])
            if not purpose or not corrections.may(who, case["person"], purpose):
                return await show(request, number, chosen=bool(purpose))
            after = query.get("after", "")[:128]
            found = await corrections.records(who, case["person"], purpose, after)
            wishes = await corrections.wishes(who, number, case) if found else []
        except REFUSED as problem:
            return await show(request, number, failed=problem)
        rows = edits.rows(found, vault().purposes.demand(purpose).fields, wishes)
        sheets = [{"record": one.id, "rows": [row for row in rows if row.record == one.id]} for one in found]
        card = any(one.kind == CARD for one in found)
        more = found[-1].id if len(found) == MOST else ""
        return await show(request, number, purpose, sheets, card=card, next=more)

    async def ask(request: Request) -> Response:
        given, who = await sent(request, fields=_FIELDS), staff(request)
        number, purpose, why = (word(given, one) for one in ("case", "purpose", "why"))
        rows: list[edits.Row] = []
        try:
            rows = edits.filled({name: text for name, text in given.items() if isinstance(text, str)})
            said = edits.proposed(rows)
            if len({one.record for one in said}) > 1:
                raise BadRequest("one record is corrected at a time")
            order = await _asked(who, number, purpose, said, why)
        except REFUSED as problem:
            sheets = [{"record": rows[0].record, "rows": rows}] if rows else []
            return await show(request, number, purpose, sheets, problem, reason=why)
        return away(f"{ORDERS}/{order}?done=asked")

    async def _asked(
        who: Principal, number: str, purpose: str, said: Sequence[proposal.Proposed], why: str
    ) -> str:
        record = said[0].record if said else ""
        return await corrections.ask(who, number, purpose, record, [one.edit for one in said], why)

    return [Route(HERE, form, methods=["GET"]), Route(HERE, ask, methods=["POST"])]


def _about(about: str) -> str:
    """The purpose whose records the request is about; "": it does not say so."""
    return about.removeprefix("purpose:") if about.startswith("purpose:") else ""
