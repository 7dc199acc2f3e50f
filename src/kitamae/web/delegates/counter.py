"""`/staff/people/delegations`: the counter enters who acts for whom by law or by a 委任状; a second person looks at the papers and decides."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel import days
from kitamae.kernel.context import clock
from kitamae.kernel.people.delegates import Scope, majority
from kitamae.kernel.people.delegates.delegates import shown
from kitamae.kernel.people.delegates.records import ALL
from kitamae.kernel.people.gate import demand_form
from kitamae.kernel.people.person import asking
from kitamae.kernel.people.vault import Asked
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden, NotFound
from kitamae.web.delegates.own import end_of
from kitamae.web.held import told
from kitamae.web.sought import FIELDS, IDENTITY, Search, Sought

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import FormData
    from starlette.requests import Request

    from kitamae.kernel.people.delegates import Delegates
    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault import Record, Vault
    from kitamae.web.page import ShellPage

DESK: Final = "/staff/people/delegations"
NEW: Final = "new"
"""In place of a reference: a person whom the city does not know yet, such as a child."""
_HEADERS: Final = {"Cache-Control": "no-store"}


def routes(page: ShellPage, delegates: Delegates, vault: Callable[[], Vault], zone: str) -> list[Route]:
    """Every name that is shown here was read from the vault, with a receipt that its person sees."""
    search = Search(vault)
    here = ZoneInfo(zone)

    async def desk(request: Request, *, failed: str = "", status: int = 200, **more: Any) -> Response:
        waiting = await delegates.waiting()
        given = {"of": Sought(), "by": Sought(), "sent": {}} | more
        return page.render(
            request, "delegations-desk.html", status=status, headers=_HEADERS, titles=delegates.titles,
            waiting=waiting, me=asking(request.scope).ref, classes=delegates.classes,
            failed=failed, csrf=request.scope["csrf"], action=DESK, **given,
        )  # fmt: skip

    async def index(request: Request) -> Response:
        return await desk(request)

    async def find(request: Request) -> Response:
        """Both of them; of somebody who is not known yet, such as a child, nothing is typed here."""
        form, who = await _form(request)
        known = any(str(form.get(f"of_{name}") or "").strip() for name in FIELDS)
        of = await search.find(who, form, "of_") if known else Sought()
        return await desk(request, of=of, by=await search.find(who, form, "by_"))

    async def enter(request: Request) -> Response:
        form, who = await _form(request)
        said = {name: str(value).strip() for name, value in form.items()}
        try:
            ends = end_of(said.get("ends", ""), here)
            of, born, fresh = await _person(vault(), who, said)
            chosen = [str(one) for one in form.getlist("class")]
            scope = Scope(
                [str(one) for one in form.getlist("action")], [ALL] if ALL in chosen else chosen, ends
            )
            terms: Any = (who, of, said.get("by", ""), said.get("sort", ""), scope, said.get("document", ""))
            delegates.entered(*terms, born=born)  # what is wrong is said before anything is kept of anybody
            if fresh:
                await delegates.demand_known(terms[2])
                await vault().keep(who, of, IDENTITY, "resident", fresh)
            made = await delegates.enter(*terms, born=born)
        except (BadRequest, Conflict, NotFound) as problem:
            both = {
                side: await search.again(who, said[side])
                for side in ("of", "by")
                if said.get(side, NEW) != NEW and said[side]
            }
            return await desk(
                request, failed=problem.detail or problem.title, status=problem.status, sent=said, **both
            )
        return RedirectResponse(f"{DESK}/{made['number']}", 303, _HEADERS)

    async def look(request: Request) -> Response:
        mandate = await delegates.one(request.path_params["number"])
        who = asking(request.scope)
        return page.render(
            request, "delegation-look.html", headers=_HEADERS, titles=delegates.titles,
            mandate=mandate, digest=shown(mandate), own=mandate["made"]["by"] == who.ref,
            of=await _shown(vault(), who, mandate["of"]), by=await _shown(vault(), who, mandate["by"]),
            state=delegates.state(mandate), csrf=request.scope["csrf"], action=DESK,
        )  # fmt: skip

    async def decide(request: Request) -> Response:
        form, who = await _form(request)
        number, word = request.path_params["number"], form.get("word")
        if word == "end":
            await delegates.end(who, number, counter=True)
        elif word in ("yes", "no"):
            await delegates.decide(
                who, number, str(form.get("digest", "")), yes=word == "yes", why=str(form.get("why", ""))
            )
        else:
            raise BadRequest("word: expected yes, no or end")
        return RedirectResponse(f"{DESK}/{number}", 303, _HEADERS)

    return [
        Route(DESK, index, methods=["GET"]),
        Route(DESK, enter, methods=["POST"]),
        Route(DESK + "/search", find, methods=["POST"]),
        Route(DESK + "/{number}", look, methods=["GET"]),
        Route(DESK + "/{number}", decide, methods=["POST"]),
    ]


async def _seen(vault: Vault, who: Principal, person: str) -> Record | None:
    """What the counter compares with the papers; None for nobody."""
    found = await vault.read(Asked(who, IDENTITY, (person,), fields=FIELDS)) if person else []
    return found[0] if found else None


async def _shown(vault: Vault, who: Principal, person: str) -> dict[str, Any]:
    """The same in words; {} for nobody."""
    seen = await _seen(vault, who, person)
    return dict(told(seen)) if seen else {}


async def _person(
    vault: Vault, who: Principal, said: dict[str, str]
) -> tuple[str, str, dict[str, str] | None]:
    """Whom it is about, his birth date, and, of somebody who is not known yet, what is to be kept. Raises BadRequest."""
    of = said.get("of", "")
    if of != NEW:
        seen = await _seen(vault, who, of)
        return of, str(seen.fields.get("birth_date", "")) if seen else "", None
    fields = {name: said.get(f"new_{name}", "") for name in FIELDS}
    if not all(fields.values()):
        raise BadRequest("a person who is not known yet: name, birth_date and address are expected")
    majority.birth(fields["birth_date"], days.of(clock.now()))
    of = f"person-{secrets.token_hex(8)}"
    return of, fields["birth_date"], dict(fields)


async def _form(request: Request) -> tuple[FormData, Principal]:
    form = await request.form(max_files=0, max_fields=100)
    demand_form(request.scope, form.get("csrf"))
    who = asking(request.scope)
    if not who.session:
        raise Forbidden("the counter is a person who is signed in")
    return form, who
