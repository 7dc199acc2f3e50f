"""`/reports`: whoever saw something says so, without an account; `/reports/r/<code>`: what became of it, for whoever sent it."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel.people.gate import same_origin
from kitamae.kernel.people.jose.encoding import BadToken
from kitamae.kernel.people.links.sent import place as demand_place
from kitamae.kernel.people.mynumber import HoldsMyNumber
from kitamae.kernel.people.throttle import Throttle
from kitamae.kernel.people.vault.problems import Erased
from kitamae.kernel.problems import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    TooLarge,
    TooManyRequests,
)
from kitamae.kit.reports import Wish, photo
from kitamae.kit.reports.record import LONGEST
from kitamae.kit.reports.sending import SentOtherwise
from kitamae.web import qr
from kitamae.web.duties.forms import word
from kitamae.web.reports import form as forms

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.people.seal import Seal
    from kitamae.kernel.problems import Problem
    from kitamae.kit.reports import Reports
    from kitamae.web.page import ShellPage

REPORTS: Final = "/reports"
HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
"""The address of a sender's link is its key."""
_OFFERED: Final = "report place"
_SECONDS: Final = 3_600
"""So long the place that a photo said can be taken as the report's; it is on the sender's page alone, sealed."""
_SENT: Final = 30
"""Reports from one address in five minutes: a shelter's people may share one."""
_REFUSED: Final = (BadRequest, Conflict, HoldsMyNumber, TooLarge, TooManyRequests)


def routes(page: ShellPage, reports: Reports, seal: Seal, origin: str) -> list[Route]:
    """`origin`: what a sender's link begins with."""
    pace, guesses, room = Throttle(_SENT), Throttle(), forms.Room()

    def show(
        request: Request, failed: Problem | None = None, given: dict[str, str] | None = None
    ) -> Response:
        told = {"text": "", "where": "", "position": "", "once": secrets.token_urlsafe(32), **(given or {})}
        return page.render(
            request, "report.html", status=failed.status if failed else 200, headers=HEADERS,
            given=told, failed=_sentence(failed), longest=LONGEST, megabytes=photo.MOST_BYTES // 1_000_000, action=REPORTS,
        )  # fmt: skip

    async def form(request: Request) -> Response:
        return show(request)

    async def send(request: Request) -> Response:
        if not same_origin(request.scope):
            raise Forbidden("a page of another site may not report anything in your name")
        given: dict[str, str] = {}
        try:
            _demand_pace(request, pace)
            async with room.slot(request):
                sent = await forms.sent(request)
                given = {name: sent.words.get(name, "") for name in ("text", "where", "position", "once")}
                picture = await forms.picture(sent.photo)
            at = _position(given["position"])
            number, code = await reports.sending.send(
                Wish(given["once"], given["text"], given["where"], at, picture)
            )
        except _REFUSED as problem:
            if isinstance(problem, SentOtherwise):
                del given["once"]
            return show(request, problem, given)
        taken = picture.place if picture else None
        near = await reports.sending.near(taken) if taken else ""
        address = f"{origin}{REPORTS}/r/{code}"
        return page.render(
            request, "report-sent.html", headers=HEADERS, number=number, address=address, path_=f"{REPORTS}/r/{code}", code=qr.svg(address, address),
            offered=seal.write(_OFFERED, {"code": code, "place": taken}, _SECONDS) if taken and not at else "", near=near,
        )  # fmt: skip

    async def own(request: Request) -> Response:
        return await show_own(request)

    async def show_own(request: Request, failed: Problem | None = None) -> Response:
        number, report = await known(request)
        try:
            said = [] if report["state"] == "taken-back" else await reports.sending.said_by(_code(request))
        except Erased:
            said = []
        return page.render(
            request, "report-own.html", status=failed.status if failed else 200, headers=HEADERS,
            number=number, report=report, said=said, path_=f"{REPORTS}/r/{_code(request)}",
            failed=_sentence(failed), done=request.query_params.get("done", ""),
        )  # fmt: skip

    async def picture(request: Request) -> Response:
        await known(request)
        return jpeg(await reports.sending.said_by(_code(request)))

    async def point(request: Request) -> Response:
        demand_here(request)
        await known(request)
        sent = await request.form(max_files=0, max_fields=5)
        try:
            at = _offered(seal, word(sent, "offered"), _code(request)) or _position(word(sent, "position"))
            if at is None:
                raise BadRequest("place: expected longitude and latitude in degrees")
            await reports.sending.point(_code(request), at)
        except _REFUSED as problem:
            return await show_own(request, problem)
        return RedirectResponse(f"{REPORTS}/r/{_code(request)}?done=placed", 303, HEADERS)

    async def take_back(request: Request) -> Response:
        demand_here(request)
        await known(request)
        await reports.sending.take_back(_code(request))
        return RedirectResponse(f"{REPORTS}/r/{_code(request)}?done=taken-back", 303, HEADERS)

    async def known(request: Request) -> tuple[str, Any]:
        """Raises NotFound, TooManyRequests: whoever has a link is never asked to wait for those who guess."""
        try:
            return await reports.sending.own(_code(request))
        except NotFound:
            guesses.unknown(_address(request))
            raise

    def demand_here(request: Request) -> None:
        if not same_origin(request.scope):
            raise Forbidden("a page of another site may not report anything in your name")

    link = REPORTS + "/r/{code}"
    return [
        Route(REPORTS, form, methods=["GET"]),
        Route(REPORTS, send, methods=["POST"]),
        Route(link, own, methods=["GET"]),
        Route(link + "/photo.jpg", picture, methods=["GET"]),
        Route(link + "/place", point, methods=["POST"]),
        Route(link + "/take-back", take_back, methods=["POST"]),
    ]


def jpeg(said: list[Any]) -> Response:
    """The photo that was sent. Raises NotFound."""
    found = next((one.fields["photo"] for one in said if "photo" in one.fields), None)
    if found is None:
        raise NotFound("there is no photo with this report")
    return Response(base64.b64decode(found), media_type="image/jpeg", headers=HEADERS)


def _demand_pace(request: Request, pace: Throttle) -> None:
    """Raises TooManyRequests."""
    try:
        pace.unknown(_address(request))
    except TooManyRequests as problem:
        raise TooManyRequests(
            "many reports came from this address; try again in some minutes", **problem.more
        ) from None


def _address(request: Request) -> str:
    return str((request.scope.get("client") or ("",))[0])


def _code(request: Request) -> str:
    return str(request.path_params["code"])


def _position(text: str) -> tuple[float, float] | None:
    """`136.31,36.30` as the page's button writes it. Raises BadRequest."""
    if not text.strip():
        return None
    try:
        return demand_place([float(part) for part in text.split(",")])
    except ValueError:
        raise BadRequest(f"place: expected longitude,latitude, got {text!r:.60}") from None


def _offered(seal: Seal, note: str, code: str) -> tuple[float, float] | None:
    """What this page offered to this sender. Raises BadRequest for a note that is not that, or too old."""
    if not note:
        return None
    try:
        told = seal.read(_OFFERED, note)
    except BadToken as error:
        raise BadRequest("place: that offer is over: write where it was") from error
    if told["code"] != code:
        raise BadRequest("place: that offer is over: write where it was")
    return float(told["place"][0]), float(told["place"][1])


def _sentence(failed: Problem | None) -> str:
    return (failed.detail or failed.title) if failed else ""
