"""`/my/notices`: what one was told, when and how, and the address at which one wants to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.responses import RedirectResponse
from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.kernel.people import notices
from kitamae.kernel.people.consent import Changed
from kitamae.kernel.people.mynumber import HoldsMyNumber
from kitamae.kernel.people.platform_purposes import CONTACT
from kitamae.kernel.people.requests.breach import PARTS, TO_PERSONS
from kitamae.kernel.people.vault import OWN, Asked
from kitamae.kernel.problems import BadRequest, NotFound, TooManyRequests
from kitamae.kit.notices import addresses as giving
from kitamae.kit.notices import mail, record
from kitamae.kit.notices.addresses import WrongCode
from kitamae.web.languages import NAMES, TAGS, known
from kitamae.web.my.ground import KEEP_NOTHING, demand, sent, signed_in
from kitamae.web.notices.texts import MY
from kitamae.web.proofs import number as demand_number

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.requests import Breaches
    from kitamae.kit.notices import Addresses
    from kitamae.web.my.ground import Ground
    from kitamae.web.notices.texts import Texts

_SHOWN: Final = 200


def routes(
    ground: Ground, addresses: Addresses, texts: Texts, breaches: Breaches, *, rehearsal: bool
) -> list[Route]:
    """`/my/notices` and what its forms send. `ground.page` draws from this folder."""

    async def show(request: Request, status: int = 200, wrong: str = "", typed: str = "") -> Response:
        who = signed_in(request)
        if who is None:
            return ground.sign_in(request)
        language = ground.page.language(request)
        found = await notices.of(ground.store, who.ref, clock.now())
        return ground.show(
            request,
            "notices.html",
            status=status,
            found=dict(list(found.items())[:_SHOWN]),
            kept=await addresses.of(who),
            proofs=await _proofs(ground, who),
            possible=addresses.possible,
            terms=ground.consents.notice(CONTACT.name, language),
            languages=[(code, TAGS[code], NAMES[code]) for code in ground.page.shell.languages],
            rehearsal=rehearsal,
            wrong=wrong,
            typed=typed,
            done=request.query_params.get("done", ""),
            code=request.query_params.get("code", "")[:20],
            action=MY,
        )

    async def index(request: Request) -> Response:
        return await show(request)

    async def ask(request: Request) -> Response:
        """An address, with the consent to use it."""
        who, form = await sent(request)
        typed = str(form.get("email", ""))[:300]
        language = known(str(form.get("speaks", "")), ground.page.shell.languages) or "ja"
        agreed = (str(form.get("language", "")), str(form.get("version", "")))
        try:
            sure = await addresses.ask(who, typed, language, agreed, lambda code: texts.sure(language, code))
        except Changed:
            return await show(request, 409, "changed", typed)
        except TooManyRequests:
            return await show(request, 429, "wait", typed)
        except HoldsMyNumber:
            return await show(request, 422, "my-number")
        except BadRequest:
            return await show(request, 400, "address", typed)
        return _away("sure" if sure else "asked")

    async def confirm(request: Request) -> Response:
        """The code that stands in the letter."""
        who, form = await sent(request)
        try:
            await addresses.confirm(who, str(form.get("code", ""))[:40])
        except WrongCode:
            return await show(request, 400, "code")
        return _away("sure")

    async def speak(request: Request) -> Response:
        """In which language."""
        who, form = await sent(request)
        wanted = known(str(form.get("speaks", "")), ground.page.shell.languages)
        if wanted is None:
            raise BadRequest("expected one of the city's languages")
        await addresses.speak(who, wanted)
        return _away("language")

    async def remove(request: Request) -> Response:
        """By letter from now on."""
        who, _ = await sent(request)
        await addresses.remove(who)
        return _away("removed")

    async def breach(request: Request) -> Response:
        """What whoever is concerned is told of a breach (規則第45条); of another one nobody hears here that there is it."""
        who = signed_in(request)
        if who is None:
            return ground.sign_in(request)
        number = request.path_params["number"]
        given = (await notices.of(ground.store, who.ref, clock.now())).values()
        if not any((one["about"], one["ref"]) == ("breach", number) for one in given):
            raise NotFound(f"there is no notice of a breach {number!r:.40} for you")
        told = (await breaches.one(number))["told"]
        rows = [
            (PARTS[name], told.get(name, "確認中です。"))
            for name in TO_PERSONS
            if name != "other" or name in told
        ]
        return ground.show(request, "notice-breach.html", number=number, rows=rows, action=MY)

    async def proof(request: Request) -> Response:
        """That one was told, or what became of the address, as a file that `kitamae verify` takes."""
        who = demand(request)
        number = demand_number(request.path_params["number"])
        for one in await ground.vault().read(Asked(who, OWN, (who.ref,), (record.RECORD, mail.RECORD))):
            if one.fields.get("number") == number:
                opened = record.opened if one.kind == record.RECORD else giving.opened
                return await ground.proofs.file(number, opened(who.ref, one.fields), str(one.fields["salt"]))
        raise NotFound(f"{number} is no number of an entry about a notice of yours")

    return [
        Route(MY, index, methods=["GET"]),
        Route(MY, ask, methods=["POST"]),
        Route(MY + "/sure", confirm, methods=["POST"]),
        Route(MY + "/language", speak, methods=["POST"]),
        Route(MY + "/remove", remove, methods=["POST"]),
        Route(MY + "/breaches/{number}", breach, methods=["GET"]),
        Route(MY + "/proof/{number}", proof, methods=["GET"]),
    ]


async def _proofs(ground: Ground, who: Principal) -> dict[str, int]:
    """Number of a notice -> the entry of the ledger that says how it was told last."""
    found: dict[str, int] = {}
    records: Any = await ground.vault().read(Asked(who, OWN, (who.ref,), (record.RECORD,)))
    for one in sorted(records, key=lambda one: int(one.fields["number"])):
        for number in one.fields["notices"]:
            found[number] = int(one.fields["number"])
    return found


def _away(done: str) -> Response:
    return RedirectResponse(f"{MY}?done={done}", 303, KEEP_NOTHING)
