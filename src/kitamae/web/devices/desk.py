"""`/staff/devices`: keys bound to entries of the public sensor register, rotated, and revoked when a device is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from kitamae.kernel.people.gate import demand_form
from kitamae.kernel.people.person import asking
from kitamae.kernel.problems import BadRequest, Conflict, Forbidden

if TYPE_CHECKING:
    from starlette.requests import Request

    from kitamae.kernel.people.devices import DeviceKeys
    from kitamae.kernel.registers.sensors import Sensors
    from kitamae.web.page import ShellPage

PAGE: Final = "/staff/devices"
OVERLAPS: Final = (0, 7, 30, 90)
_HEADERS: Final = {"Cache-Control": "no-store"}


def routes(page: ShellPage, keys: DeviceKeys, sensors: Sensors) -> list[Route]:
    """The list with a form, and what it sends."""

    async def show(request: Request, failed: str = "", status: int = 200) -> Response:
        entries = await sensors.register.entries()
        all = await keys.all()
        return page.render(
            request, "devices.html", status=status, headers=_HEADERS,
            entries=[(one, [key for key in all if key["sensor"] == one["id"]]) for one in entries],
            good=keys.good, overlaps=OVERLAPS, failed=failed, csrf=request.scope["csrf"], action=PAGE,
        )  # fmt: skip

    async def index(request: Request) -> Response:
        return await show(request)

    async def add(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=10)
        demand_form(request.scope, form.get("csrf"))
        overlap = str(form.get("overlap", ""))
        try:
            if overlap and not (overlap.isascii() and overlap.isdecimal() and len(overlap) < 4):
                raise BadRequest("overlap: expected a number of days")
            await keys.add(
                asking(request.scope).ref, str(form.get("sensor", "")), str(form.get("key", "")),
                overlap=int(overlap) if overlap else None,
            )  # fmt: skip
        except (BadRequest, Conflict, Forbidden) as problem:
            return await show(request, problem.detail or problem.title, problem.status)
        return RedirectResponse(PAGE, 303, _HEADERS)

    async def revoke(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=10)
        demand_form(request.scope, form.get("csrf"))
        await keys.revoke(asking(request.scope).ref, request.path_params["kid"])
        return RedirectResponse(PAGE, 303, _HEADERS)

    return [
        Route(PAGE, index, methods=["GET"]),
        Route(PAGE, add, methods=["POST"]),
        Route(PAGE + "/{kid}/revoke", revoke, methods=["POST"]),
    ]
