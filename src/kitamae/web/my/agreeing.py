"""Agree, and withdraw in two taps: one link, one button. Agreeing again undoes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from kitamae.kernel.context import clock
from kitamae.kernel.people.consent import Changed, record
from kitamae.kernel.people.vault import CONSENTS, OWN, Asked
from kitamae.kernel.problems import BadRequest, NotFound
from kitamae.web.my.ground import KEEP_NOTHING, MY, demand, sent, signed_in

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kitamae.kernel.people.consent import Notice
    from kitamae.kernel.people.person import Principal
    from kitamae.web.my.ground import Ground

HERE = f"{MY}/consents/{{purpose}}"


def routes(ground: Ground) -> list[Route]:
    """`/my/consents/<purpose>`, `.../withdraw`, `.../record`."""

    async def show(request: Request, *, changed: bool = False) -> Response:
        who = signed_in(request)
        if who is None:
            return ground.sign_in(request)
        notice = _notice(ground, request)
        return ground.show(
            request,
            "my-consent.html",
            status=409 if changed else 200,
            notice=notice,
            state=await state(ground, who, notice),
            entered=bool(ground.consents.purposes[notice.purpose].entered),
            changed=changed,
            done=request.query_params.get("done", ""),
        )

    async def ask(request: Request) -> Response:
        return await show(request)

    async def decide(request: Request) -> Response:
        who, form = await sent(request)
        notice = _notice(ground, request)
        wish = form.get("wish")
        if wish == "agree":
            language, version = str(form.get("language", "")), str(form.get("version", ""))
            try:
                await ground.consents.agree(who, notice.purpose, language, version)
            except Changed:
                return await show(request, changed=True)
        elif wish == "withdraw":
            await ground.consents.withdraw(who, notice.purpose)
        else:
            raise BadRequest("wish: expected agree or withdraw")
        return RedirectResponse(f"{MY}/consents/{notice.purpose}?done={wish}", 303, KEEP_NOTHING)

    async def withdraw(request: Request) -> Response:
        who = signed_in(request)
        if who is None:
            return ground.sign_in(request)
        notice = _notice(ground, request)
        return ground.show(request, "my-withdraw.html", notice=notice, state=await state(ground, who, notice))

    async def document(request: Request) -> Response:
        """ISO/IEC TS 27560 as JSON-LD, to keep."""
        who = demand(request)
        purpose = ground.consents.purposes.get(request.path_params["purpose"])
        events = await ground.vault().read(Asked(who, OWN, (who.ref,), ("consent",)))
        own = [one for one in events if one.klass == CONSENTS and purpose and one.fields["purpose"] == purpose.name]  # fmt: skip
        if purpose is None or not own:
            raise NotFound("you have not agreed to that purpose")
        told = record(purpose, own, person=who.ref, controller=ground.controller, address=ground.address)
        named = f'attachment; filename="consent-{purpose.name}.jsonld"'
        headers = {**KEEP_NOTHING, "Content-Disposition": named}
        return JSONResponse(told, headers=headers, media_type="application/ld+json")

    return [
        Route(HERE, ask, methods=["GET"]),
        Route(HERE, decide, methods=["POST"]),
        Route(HERE + "/withdraw", withdraw, methods=["GET"]),
        Route(HERE + "/record", document, methods=["GET"]),
    ]


async def states(ground: Ground, who: Principal, request: Request) -> list[dict[str, Any]]:
    """For each purpose that a person is asked for: the notice, and how it stands."""
    language = ground.page.language(request)
    notices = [ground.consents.notice(name, language) for name in ground.consents.purposes]
    return [
        {"notice": notice, "state": await state(ground, who, notice)}
        for notice in notices
        if notice is not None
    ]


async def state(ground: Ground, who: Principal, notice: Notice) -> dict[str, str]:
    """`is`: none, given, changed (the words), expired, withdrawn; `at`, `until`: RFC 3339 UTC; `by`: counter, or ""."""
    one = (await ground.consents.of(who.ref)).get(notice.purpose)
    if one is None:
        return {"is": "none", "at": "", "until": "", "by": ""}
    now: str = one["state"]
    if one["state"] == "given" and not ground.consents.standing(notice.purpose, one):
        now = "expired" if clock.micros(one["until"]) <= clock.now() else "changed"
    by = "counter" if one["by"] not in (who.ref, "system") else ""
    return {"is": now, "at": one["at"], "until": one["until"], "by": by}


def _notice(ground: Ground, request: Request) -> Notice:
    """Raises NotFound."""
    purpose = request.path_params["purpose"]
    notice = ground.consents.notice(purpose, ground.page.language(request))
    if notice is None:
        raise NotFound(f"nobody is asked to agree to {purpose!r:.60}")
    return notice
