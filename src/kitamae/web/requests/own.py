"""What a person asks the town hall about his data: filing, following, adding, withdrawing; `/my/requests`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import orjson
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel.people import mynumber, proposal
from kitamae.kernel.people.gate import demand_form
from kitamae.kernel.people.person import asking
from kitamae.kernel.people.requests import case as cases
from kitamae.kernel.people.requests.case import Move
from kitamae.kernel.people.requests.kinds import CORRECTION, KINDS
from kitamae.kernel.people.requests.requests import LONGEST, PROPOSAL, WRITTEN, Filing
from kitamae.kernel.people.vault import OWN, Asked
from kitamae.kernel.problems import BadRequest, NotFound
from kitamae.web import edits
from kitamae.web.my.ground import ACTING, KEEP_NOTHING, demand
from kitamae.web.proofs import number as demand_number
from kitamae.web.requests import letters
from kitamae.web.sought import Sought

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from starlette.requests import Request

    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.requests import Requests
    from kitamae.kernel.people.requests.requests import Said
    from kitamae.kernel.people.vault import Vault
    from kitamae.sdk.page import Page
    from kitamae.web.proofs import Proofs
    from kitamae.web.requests.letters import Office

MINE: Final = "/my/requests"
_STEPS: Final = ("reply", "correct", "withdraw")
_MOST_FIELDS: Final = 30
_MOST_ROWS: Final = 60
"""Fields that a 訂正請求 shows; what is behind them is asked for in words."""


def routes(
    page: Page, requests: Requests, office: Office, proofs: Proofs, vault: Callable[[], Vault]
) -> list[Route]:
    """`/my/requests` and what is under it. Whoever is not signed in does that first, and comes back to the page. `vault()` raises
    VaultClosed.
    """

    async def index(request: Request) -> Response:
        """One's own cases, newest first."""
        if first := _to_sign_in(request):
            return first
        who = demand(request, acting=True)
        found = [
            (number, case, cases.due(case, requests.calendar))
            for number, case in reversed(await requests.of(who.ref))
        ]
        return page.render(request, "requests.html", headers=KEEP_NOTHING, found=found, kinds=KINDS)

    async def new(request: Request) -> Response:
        """The form of one kind, or the choice between them; whoever acts for somebody else files nothing in his own name by mistake."""
        if first := _to_sign_in(request):
            return first
        if asking(request.scope).acting:
            return RedirectResponse(ACTING, 303, KEEP_NOTHING)
        query = request.query_params
        given = {"kind": query.get("kind", ""), "about": query.get("about", "")}
        return show_form(page, request, MINE, given, rows=await wrong_values(request, given))

    async def wrong_values(request: Request, given: Mapping[str, str]) -> list[edits.Row]:
        """What is held about him for the purpose that a 訂正請求 is about, to be put right."""
        klass = given["about"].removeprefix("purpose:")
        declared = vault().purposes.get(klass)
        if given["kind"] != CORRECTION.id or declared is None or klass in proposal.SAID:
            return []
        who = demand(request)
        found = await vault().read(Asked(who, OWN, (who.ref,)))
        return edits.rows([one for one in found if one.klass == klass], declared.fields)[:_MOST_ROWS]

    async def file(request: Request) -> Response:
        """Take a filled form."""
        who = demand(request)
        sent = await form(request, _MOST_FIELDS + 2 * _MOST_ROWS)
        rows: list[edits.Row] = []
        try:
            rows = edits.filled(sent)
            said = edits.proposed(rows)
            asks = {PROPOSAL: proposal.sealed(said)} if said else {}
            number = await requests.file(who, filing(sent, who.ref, asks))
        except BadRequest as wrong:
            return show_form(page, request, MINE, sent, wrong, rows=rows)
        return RedirectResponse(f"{MINE}/{number}", 303, KEEP_NOTHING)

    async def case(request: Request) -> Response:
        """One's own case with all that was said."""
        return _to_sign_in(request) or await show(request)

    async def show(request: Request, wrong: BadRequest | None = None, text: str = "") -> Response:
        who, number = demand(request, acting=True), request.path_params["number"]
        found = await requests.own(who, number)
        return page.render(
            request,
            "request.html",
            status=wrong.status if wrong else 200,
            headers=KEEP_NOTHING,
            number=number,
            case=found,
            kind=KINDS[found["kind"]],
            said=await requests.said(who, number),
            proposed=proposed,
            due=cases.due(found, requests.calendar),
            possible=[one for one in cases.possible(found) if one in _STEPS],
            letters=letters.LETTERS,
            base=MINE,
            csrf=request.scope["csrf"],
            wrong=_word(wrong),
            text=text,
            longest=LONGEST,
        )

    async def step(request: Request) -> Response:
        """Add, correct or withdraw."""
        who, number = demand(request), request.path_params["number"]
        await requests.own(who, number)
        sent = await form(request)
        if sent.get("step") not in _STEPS:
            raise BadRequest(f"step: expected one of {', '.join(_STEPS)}")
        try:
            await requests.step(who, number, Move(sent["step"], text=sent.get("text", "")))
        except BadRequest as wrong:
            return await show(request, wrong, sent.get("text", ""))
        return RedirectResponse(f"{MINE}/{number}", 303, KEEP_NOTHING)

    async def letter(request: Request) -> Response:
        """A letter that one was sent, to be printed."""
        who, number = demand(request, acting=True), request.path_params["number"]
        await requests.own(who, number)
        return await show_letter(page, request, requests, who, office, MINE)

    async def proof(request: Request) -> Response:
        """What each step commits to, and its leaf: with it anybody can look it up in the ledger."""
        who, number = demand(request, acting=True), request.path_params["number"]
        await requests.own(who, number)
        steps = [one.proof() for one in await requests.said(who, number) if one.fields]
        return Response(orjson.dumps({"case": number, "steps": steps}), 200, KEEP_NOTHING, "application/json")

    async def step_proof(request: Request) -> Response:
        """One step as a file that `kitamae verify` takes."""
        who, number = demand(request, acting=True), request.path_params["number"]
        await requests.own(who, number)
        leaf = demand_number(request.path_params["leaf"])
        for one in await requests.said(who, number):
            if one.leaf == leaf and one.fields:
                told = one.proof()
                return await proofs.file(leaf, told["record"], told["salt"])
        raise NotFound(f"no step of this case has the entry {leaf}")

    return [
        Route(MINE, index, methods=["GET"]),
        Route(MINE + "/new", new, methods=["GET"]),
        Route(MINE + "/new", file, methods=["POST"]),
        Route(MINE + "/{number}", case, methods=["GET"]),
        Route(MINE + "/{number}", step, methods=["POST"]),
        Route(MINE + "/{number}/letters/{which}", letter, methods=["GET"]),
        Route(MINE + "/{number}/proof", proof, methods=["GET"]),
        Route(MINE + "/{number}/proof/{leaf}", step_proof, methods=["GET"]),
    ]


def _to_sign_in(request: Request) -> Response | None:
    """Where whoever is not signed in goes first."""
    if asking(request.scope).session:
        return None
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in/resident?next={quote(back, safe='/')}", 303, KEEP_NOTHING)


async def form(request: Request, most: int = _MOST_FIELDS) -> dict[str, str]:
    """What was sent, as text; `most` fields. Raises Forbidden, BadRequest."""
    sent = await request.form(max_files=0, max_fields=most)
    demand_form(request.scope, sent.get("csrf"))
    return {name: value for name, value in sent.items() if isinstance(value, str) and name != "csrf"}


def filing(sent: Mapping[str, str], person: str, asks: Mapping[str, str] | None = None) -> Filing:
    """What a form says. `asks`: the values that it proposes."""
    return Filing(
        sent.get("kind", ""),
        person,
        sent.get("capacity", "self"),
        sent.get("about", ""),
        {**{name: sent[name] for name in WRITTEN if sent.get(name)}, **(asks or {})},
    )


def proposed(one: Said) -> list[dict[str, date | str | None]]:
    """The values that somebody asks for, as a page says them."""
    return edits.lines(proposal.opened(one.fields[PROPOSAL]))


def show_form(
    page: Page,
    request: Request,
    base: str,
    sent: Mapping[str, str],
    wrong: BadRequest | None = None,
    sought: Sought | None = None,
    rows: Sequence[edits.Row] = (),
) -> Response:
    """The form, with what was filled in and what is wrong with it; kept nowhere. `sought`: who stands at the counter; `rows`: what is
    held, each beside what it should say.
    """
    missing = list(wrong.more.get("missing", [])) if wrong else []
    held = [name for name in WRITTEN if mynumber.find(sent.get(name, ""))] if wrong else []
    return page.render(
        request,
        "request-new.html",
        status=wrong.status if wrong else 200,
        headers=KEEP_NOTHING,
        kinds=KINDS,
        kind=KINDS.get(sent.get("kind", "")),
        sent=sent,
        missing=missing,
        held=held,
        wrong="other" if any(row.wrong not in ("", edits.NUMBER) for row in rows) else _word(wrong),
        base=base,
        sought=sought or Sought(),
        rows=rows,
        csrf=request.scope["csrf"],
        longest=LONGEST,
    )


async def show_letter(
    page: Page, request: Request, requests: Requests, who: Principal, office: Office, base: str
) -> Response:
    """Raises NotFound for a step that has no letter."""
    number, asked = request.path_params["number"], request.path_params["which"]
    which = int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= 4 else -1
    case = await requests.case(number)
    said: list[Said] = await requests.said(who, number)
    if not 0 <= which < len(said) or said[which].step not in letters.LETTERS:
        raise NotFound("there is no such letter")
    made = letters.letter(number, case, said, which, requests.day(said[which].at), office)
    return page.render(
        request, "letter.html", headers=KEEP_NOTHING, letter=made, office=office, back=f"{base}/{number}"
    )


def _word(wrong: BadRequest | None) -> str:
    """Why: `number` a My Number, `day` one that cannot be, `missing` something is left out, `other`."""
    if wrong is None:
        return ""
    if isinstance(wrong, mynumber.HoldsMyNumber):
        return "number"
    if "expected a day" in wrong.detail:
        return "day"
    return "missing" if wrong.more.get("missing") or "text:" in wrong.detail else "other"
