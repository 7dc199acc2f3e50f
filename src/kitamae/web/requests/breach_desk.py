"""The privacy officer's desk for breaches: entering one, what is due when, reports and letters to be printed; `/staff/breaches`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel import days
from kitamae.kernel.people.person import asking
from kitamae.kernel.people.requests import breach as clock
from kitamae.kernel.people.requests.breach import PARTS, REASONS, STEPS, TO_PERSONS
from kitamae.kernel.people.requests.requests import LONGEST
from kitamae.kernel.problems import BadRequest, Conflict, NotFound
from kitamae.web.my.ground import KEEP_NOTHING
from kitamae.web.requests import letters
from kitamae.web.requests.desk import day
from kitamae.web.requests.letters import Letter
from kitamae.web.requests.own import form

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from typing import TypeAlias

    from starlette.requests import Request

    from kitamae.kernel.people.requests import Breaches
    from kitamae.kernel.people.requests.breach import Breach
    from kitamae.kernel.problems import Problem
    from kitamae.sdk.page import Page
    from kitamae.web.requests.letters import Office

    Concerned: TypeAlias = Callable[[str, int, int], Awaitable[Mapping[str, Sequence[int]]]]

DESK: Final = "/staff/breaches"
DUTY: Final = "privacy"
_PAPERS: Final = {
    "prompt": "漏えい等報告書（速報）",
    "full": "漏えい等報告書（確報）",
    "persons": "個人情報の漏えい等についてのお知らせ",
}


def routes(page: Page, breaches: Breaches, office: Office, concerned: Concerned) -> list[Route]:
    """`/staff/breaches` and what is under it; for the privacy desk alone. `concerned(by, since, until)`: by the reference of each of whom that account
    or token saw something in that time (microseconds UTC), the numbers of these looks.
    """

    async def index(request: Request) -> Response:
        """Every breach, newest first, with what is still owed."""
        return await show_all(request)

    async def show_all(
        request: Request, wrong: Problem | None = None, sent: Mapping[str, str] | None = None
    ) -> Response:
        found = [
            {
                "number": number,
                "breach": one,
                "owed": [due for due in clock.clock_of(one, breaches.calendar) if due.done is None],
            }
            for number, one in await breaches.all()
        ]
        return page.render(
            request,
            "breach-desk.html",
            status=wrong.status if wrong else 200,
            headers=KEEP_NOTHING,
            found=found,
            today=breaches.today(),
            reasons=REASONS,
            sent=sent or {},
            wrong=wrong.detail if wrong else "",
            csrf=request.scope["csrf"],
            longest=LONGEST,
        )

    async def enter(request: Request) -> Response:
        """Enter what became known."""
        sent = await form(request)
        try:
            number = await breaches.enter(
                asking(request.scope),
                day(sent.get("learnt", ""), "learnt"),
                [one for one in REASONS if one in sent],
                _count(sent) or 0,
                {"summary": sent.get("summary", "")},
            )
        except BadRequest as wrong:
            return await show_all(request, wrong, sent)
        return RedirectResponse(f"{DESK}/{number}", 303, KEEP_NOTHING)

    async def one(request: Request) -> Response:
        """A breach: its clock, what is known, what was done."""
        return await show(request)

    async def show(
        request: Request,
        wrong: Problem | None = None,
        sent: Mapping[str, str] | None = None,
        counted: int | None = None,
    ) -> Response:
        number = request.path_params["number"]
        found = await breaches.one(number)
        return page.render(
            request,
            "breach.html",
            status=wrong.status if wrong else 200,
            headers=KEEP_NOTHING,
            number=number,
            breach=found,
            clock=clock.clock_of(found, breaches.calendar),
            today=breaches.today(),
            reasons=REASONS,
            parts=PARTS,
            sent=sent or {},
            steps=[step for step in STEPS if step != "amend" and step not in found["done"]],
            given=sum(one.get("given", 0) for one in found["events"]),
            counted=counted,
            wrong=wrong.detail if wrong else "",
            csrf=request.scope["csrf"],
            longest=LONGEST,
        )

    async def step(request: Request) -> Response:
        """What was done, on which day, and what is known now."""
        sent, number = await form(request), request.path_params["number"]
        try:
            told = {name: sent[name] for name in PARTS if sent.get(name, "").strip()}
            await breaches.step(
                asking(request.scope),
                number,
                sent.get("step", ""),
                day(sent.get("day", "") or breaches.today().isoformat(), "day"),
                told,
                _count(sent),
                [one for one in REASONS if one in sent] if "reasons" in sent else None,
            )
        except (BadRequest, Conflict) as wrong:
            return await show(request, wrong, sent)
        return RedirectResponse(f"{DESK}/{number}", 303, KEEP_NOTHING)

    async def tell(request: Request) -> Response:
        """Give notice to whom it concerns: first how many they are, then, said again, to all of them."""
        sent, number = await form(request), request.path_params["number"]
        try:
            by = sent.get("by", "").strip()
            since = days.begins("since", sent.get("since", ""), days.JST)
            until = days.ends("until", sent.get("until", ""), days.JST)
            if not by:
                raise BadRequest("by: this must be filled in")
            if until <= since:
                raise BadRequest("until: it would end before it begins")
            persons = await concerned(by, since, until)
            if "really" not in sent:
                return await show(request, None, sent, len(persons))
            await breaches.tell(asking(request.scope), number, persons)
        except (BadRequest, Conflict) as wrong:
            return await show(request, wrong, sent)
        return RedirectResponse(f"{DESK}/{number}#tell", 303, KEEP_NOTHING)

    async def paper(request: Request) -> Response:
        """A report to the Commission, or the letter to persons, as it stands, to be printed."""
        number, which = request.path_params["number"], request.path_params["paper"]
        if which not in _PAPERS:
            raise NotFound(f"there are {', '.join(_PAPERS)}")
        made = _paper(number, await breaches.one(number), which, breaches.today().isoformat(), office)
        return _printed(page, request, made, office, f"{DESK}/{number}")

    return [
        Route(DESK, index, methods=["GET"]),
        Route(DESK, enter, methods=["POST"]),
        Route(DESK + "/{number}", one, methods=["GET"]),
        Route(DESK + "/{number}", step, methods=["POST"]),
        Route(DESK + "/{number}/tell", tell, methods=["POST"]),
        Route(DESK + "/{number}/papers/{paper}", paper, methods=["GET"]),
    ]


def enclosed(page: Page, breaches: Breaches, office: Office, base: str) -> Route:
    """The letter to persons, for whoever posts notices at `base`: what is enclosed once somebody was given notice, and nothing else."""

    async def letter(request: Request) -> Response:
        """The letter to persons, as it stands, to be printed."""
        number = request.path_params["number"]
        found = await breaches.one(number)
        if not any(one.get("given") for one in found["events"]):
            raise NotFound(f"there is no breach {number!r:.40} of which somebody was given notice")
        made = _paper(number, found, "persons", breaches.today().isoformat(), office)
        return _printed(page, request, made, office, base)

    return Route(base + "/breaches/{number}", letter, methods=["GET"])


def _printed(page: Page, request: Request, made: Letter, office: Office, back: str) -> Response:
    return page.render(request, "letter.html", headers=KEEP_NOTHING, letter=made, office=office, back=back)


def _paper(number: str, breach: Breach, which: str, today: str, office: Office) -> Letter:
    told = breach["told"]
    if which == "persons":
        return Letter(
            _PAPERS[which],
            number,
            letters.day(today),
            "",
            "個人情報の保護に関する法律第68条第2項の規定により、次のとおりお知らせします。",
            [
                (PARTS[name], told.get(name, "確認中です。"))
                for name in TO_PERSONS
                if name != "other" or name in told
            ],
        )
    rows = [
        ("事態を知った日", letters.day(breach["learnt"])),
        ("報告の対象となる理由", "\n".join(REASONS[one] for one in breach["reasons"])),
        ("本人の数", f"{breach['persons']:,}人" if breach["persons"] else "確認中"),
        *((title, told.get(name, "確認中")) for name, title in PARTS.items()),
    ]
    lead = "個人情報の保護に関する法律第68条第1項の規定により、次のとおり報告します。"
    return Letter(_PAPERS[which], number, letters.day(today), "個人情報保護委員会", lead, rows)


def _count(sent: Mapping[str, str]) -> int | None:
    text = sent.get("persons", "").strip().replace(",", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise BadRequest("persons: expected how many, as a number")
    return int(text)
