"""Enter and correct what the person himself brings, and erase what may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import RedirectResponse
from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.kernel.ledger import commitment
from kitamae.kernel.ledger.refusals import Malformed
from kitamae.kernel.people.mynumber import HoldsMyNumber
from kitamae.kernel.people.person import NOBODY, SYSTEM
from kitamae.kernel.people.policy import Question
from kitamae.kernel.people.vault import CONSENTS, OWN, Asked
from kitamae.kernel.problems import BadRequest, NotFound
from kitamae.web.my.ground import KEEP_NOTHING, MY, sent, signed_in
from kitamae.web.proofs import number as demand_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.person import Principal
    from kitamae.kernel.people.vault import Purpose, Record
    from kitamae.web.my.ground import Ground

KIND: Final = "entered"
"""Of the record that holds what a person entered."""
_PAGE: Final = 1_000
_LONGEST: Final = 500  # characters of one field


def routes(ground: Ground) -> list[Route]:
    """`/my/enter/<purpose>`, `/my/erase`, `/my/erase/proof`."""

    async def form(
        request: Request, who: Principal, purpose: Purpose, values: Mapping[str, Any], wrong: str = ""
    ) -> Response:
        return ground.show(
            request,
            "my-enter.html",
            status=400 if wrong else 200,
            notice=ground.consents.notice(purpose.name, ground.page.language(request)),
            agreed=ground.consents.agreed(who.ref, purpose.name),
            fields=sorted(purpose.entered),
            values=values,
            wrong=wrong,
            done=request.query_params.get("done", ""),
        )

    async def ask(request: Request) -> Response:
        who = signed_in(request)
        if who is None:
            return ground.sign_in(request)
        purpose = _purpose(ground, request)
        there = await _entered(ground, who, purpose)
        return await form(request, who, purpose, there.fields if there else {})

    async def enter(request: Request) -> Response:
        who, given = await sent(request)
        purpose = _purpose(ground, request)
        ground.policy.demand(Question(who, "write", f"person:{who.ref}", "", OWN))
        values = {name: str(given.get(name, "")).strip() for name in sorted(purpose.entered)}
        if wrong := _wrong(values):
            return await form(request, who, purpose, values, wrong)
        there = await _entered(ground, who, purpose)
        others = {name: value for name, value in there.fields.items() if name not in values} if there else {}
        fields = {**others, **{name: value for name, value in values.items() if value}}
        try:
            await ground.vault().keep(
                SYSTEM, who.ref, purpose.name, KIND, fields, id=there.id if there else ""
            )
        except HoldsMyNumber:
            return await form(request, who, purpose, values, "my-number")
        return RedirectResponse(f"{MY}/enter/{purpose.name}?done=kept", 303, KEEP_NOTHING)

    async def look(request: Request) -> Response:
        who = signed_in(request)
        if who is None:
            return ground.sign_in(request)
        plan = await _plan(ground, who, request.query_params.get("class", ""))
        return ground.show(request, "my-erase.html", erased=None, **plan)

    async def erase(request: Request) -> Response:
        who, given = await sent(request)
        one = str(given.get("class", ""))
        if one and one in ground.consents.purposes:
            await ground.consents.withdraw(who, one)  # what is not there any more is not collected again
        try:
            done = await ground.vault().erase(who, who.ref, (one,) if one else ())
        except NotFound:
            return ground.show(request, "my-erase.html", goes=[], stays=[], one=one, erased=None, nothing=True, account=None)  # fmt: skip
        erased = {
            "classes": [ground.purpose(name) for name in done.classes if name not in ("receipts", CONSENTS)],
            "records": done.records,
            "until": clock.text(done.until),
            "kept": [ground.purpose(name) for name in done.kept],
            "number": done.number,
            "proof": done.proof(),
            "account": done.account,
            "opening": commitment.canonical(done.told).decode(),
        }
        if done.account:  # whoever sent this is signed in no more, and the page says so
            request.scope["principal"] = NOBODY
        shown = ground.show(request, "my-erase.html", goes=[], stays=[], one=one, erased=erased, nothing=False, account=None)  # fmt: skip
        if done.account:
            shown.headers.append("Set-Cookie", ground.signed_out)
        return shown

    async def proof(request: Request) -> Response:
        """What the page showed once as the file that `kitamae verify` takes. Whoever has erased everything may be signed in no more, and the
        city has kept nothing of it: what is asked for comes with the question, and changes nothing.
        """
        given = await request.form(max_files=0, max_fields=10, max_part_size=20_000)
        number, told = str(given.get("number", "")), str(given.get("erasure", ""))
        try:
            return await ground.proofs.file(
                demand_number(number), orjson.loads(told), str(given.get("salt", ""))
            )
        except (ValueError, Malformed) as error:
            raise BadRequest("expected number, erasure and salt, as they were shown after erasing") from error

    return [
        Route(f"{MY}/erase/proof", proof, methods=["POST"]),
        Route(f"{MY}/enter/{{purpose}}", ask, methods=["GET"]),
        Route(f"{MY}/enter/{{purpose}}", enter, methods=["POST"]),
        Route(f"{MY}/erase", look, methods=["GET"]),
        Route(f"{MY}/erase", erase, methods=["POST"]),
    ]


async def _plan(ground: Ground, who: Principal, one: str) -> dict[str, Any]:
    """What an erasure would do: what goes, what stays and until when."""
    kept: dict[str, int] = {}
    after = ""
    while True:
        some = await ground.vault().read(Asked(who, OWN, (who.ref,), after=after, most=_PAGE))
        for record in some:
            kept[record.klass] = max(kept.get(record.klass, 0), record.due)
        if len(some) < _PAGE:
            break
        after = some[-1].id
    goes: list[dict[str, Any]] = []
    stays: list[dict[str, Any]] = []
    for klass, due in sorted(kept.items()):
        if one and klass != one:
            continue
        purpose = ground.purpose(klass)
        (goes if purpose["basis"] in ("consent", "") else stays).append(purpose | {"until": clock.text(due)})
    account = None if one else await ground.accounts.of(who.ref)
    nothing = not goes and not stays and account is None
    return {
        "goes": goes,
        "stays": stays,
        "one": one,
        "account": account,
        "delay": ground.vault().backup_days,
        "nothing": nothing,
    }


async def _entered(ground: Ground, who: Principal, purpose: Purpose) -> Record | None:
    found = await ground.vault().read(Asked(who, OWN, (who.ref,), (KIND,)))
    return next((one for one in found if one.klass == purpose.name), None)


def _purpose(ground: Ground, request: Request) -> Purpose:
    """Raises NotFound."""
    found = ground.consents.purposes.get(request.path_params["purpose"])
    if found is None or not found.entered:
        raise NotFound("there is nothing to enter for that purpose")
    return found


def _wrong(values: Mapping[str, str]) -> str:
    if not any(values.values()):
        return "empty"
    if any(len(text) > _LONGEST for text in values.values()):
        return "long"
    email = values.get("email", "")
    name, at, host = email.partition("@")
    if email and not (name and at and "." in host and not any(map(str.isspace, email))):
        return "email"
    return ""
